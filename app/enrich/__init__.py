"""From texts to suggestions: language, regions, tags, near-duplicates. Pure; knows no database and stores nothing."""
