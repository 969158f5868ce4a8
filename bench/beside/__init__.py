"""Dateline beside OpenSearch and Datasette: the same articles, the same columns, the same load. See `__main__`."""
