"""Parts of a text that all formats share: datelines, bylines, related posts, clean characters."""
