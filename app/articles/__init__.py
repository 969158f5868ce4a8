"""Articles: what they are, how they are written, listed and filtered."""
