"""Dateline: a news archive API."""

__version__ = "0.2.0"
