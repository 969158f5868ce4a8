"""Saved searches: a question under a name, what matches it, and how that has changed."""
