"""The names of tags, authors and regions in memory, to search and to suggest by."""
