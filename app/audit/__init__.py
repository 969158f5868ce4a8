"""Who did what, for people: the list over HTTP and on the command line, and what a key may see of itself."""
