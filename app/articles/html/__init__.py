"""Bodies of articles: sanitised HTML, how it is measured and taken apart, and its other forms. Pure."""
