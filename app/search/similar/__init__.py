"""Articles like a given one: what is compared of each, and their order."""
