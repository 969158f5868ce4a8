"""From hits and counts to the JSON that clients get."""
