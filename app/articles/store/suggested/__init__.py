"""What enrichment has found for articles, and what editors made of it."""
