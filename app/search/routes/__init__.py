"""Search over HTTP. Reads only."""
