"""One state centre's node."""
