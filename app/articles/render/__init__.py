"""From articles to the JSON and CSV that clients get. Writes nothing."""
