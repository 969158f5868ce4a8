"""Copies of an archive: on another database, as a backup, beside another one to be compared."""
