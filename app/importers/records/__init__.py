"""Fields of a source's record, whatever its format, read into a document."""
