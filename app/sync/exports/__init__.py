"""All articles in one response: as lines, as CSV, or whole with versions and what hangs on them."""
