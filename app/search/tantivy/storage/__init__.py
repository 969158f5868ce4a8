"""The index on disk: its forms and folders, hashes of its files, and how far a new one is."""
