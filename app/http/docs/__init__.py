"""Pages for people: `/docs`, the endpoints to try, and `/guides`, the documentation. No page loads from elsewhere."""
