"""`hub demo`: three federated nodes on one machine with made-up data, and the check that the main job works."""
