"""Work on many articles at once: records of imports and bulk edits, the edits themselves, and undoing either."""
