"""Places: the tree of the world's regions, its groupings, and what lists and changes them. Knows no articles."""
