"""What an article points to by its related entries, and how these find each other."""
