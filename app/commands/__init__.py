"""The command line: each command calls the same services as the routes."""
