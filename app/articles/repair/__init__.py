"""Finds and mends what earlier versions of the program have saved."""
