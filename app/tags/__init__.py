"""The archive's vocabulary: topics, sections, persons, organisations, contributors."""
