"""Queries whose reading is fixed: from the words of a query to a condition that holds for good, and articles that are
compared with many such conditions at once."""
