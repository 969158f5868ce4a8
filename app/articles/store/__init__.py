"""Writes the rows of articles and all that belongs to them, within a transaction. Never commits."""
