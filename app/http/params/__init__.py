"""Query parameters: declared once for each endpoint, read strictly, documented by OpenAPI."""
