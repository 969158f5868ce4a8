"""One pure parser for each format, all of them yielding the same documents; and what tells formats apart."""
