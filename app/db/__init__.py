"""The database: connections, the one commit, the read side, positions in the log. Knows no articles."""
