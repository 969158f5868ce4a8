"""Search: reads a query, asks the index, keeps the index in step with the log. Never writes to the database."""
