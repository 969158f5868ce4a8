"""Articles in formats that others have defined: JSON-LD, ninjs, Markdown and plain text; pure but for `pages`."""
