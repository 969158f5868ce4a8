"""Writes the index: follows the log, builds anew, verifies files. Reads SQL, writes none."""
