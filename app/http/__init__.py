"""What every route shares: reading requests, errors, cursors, caching headers. Knows no articles."""
