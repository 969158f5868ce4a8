"""The search engine on an OpenSearch cluster: the same articles, totals and counts as on this machine."""
