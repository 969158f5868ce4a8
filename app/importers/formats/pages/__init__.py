"""Web pages: what their data, their tags and their text say of the article."""
