"""Query text, its tree and its terms. Pure; knows no index."""
