"""`hub doctor`: what stands well on this machine, what does not, and how to put it right. It changes nothing."""
