"""Keys that may see a part of the archive: what is kept of that with the key, and the archive as they see it."""
