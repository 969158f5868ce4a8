"""Files of a set-up over several machines, and `local/`: the same set-up on one machine without containers."""
