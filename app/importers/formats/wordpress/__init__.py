"""WordPress: export files, posts of the REST API, and the text of both editors."""
