"""Imports that run as jobs: stored as they arrive, read in a process of their own, taken up again."""
