"""Where hits match: the words that a query finds in a text, and fragments of it with marks. Pure."""
