"""What SQLite alone needs: one writer at a time, and a write-ahead log that is emptied."""
