"""Articles over HTTP: lists, items, what is related, versions, and every write."""
