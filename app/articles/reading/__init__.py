"""Reads articles: from parameters to a filter, from a filter to ids, cards and items. Writes nothing."""
