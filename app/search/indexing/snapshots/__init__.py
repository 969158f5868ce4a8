"""Copies of a live index for other nodes: taken while it is written, verified, put in place. Builds no index."""
