"""What the tests of pages share: a browser, and articles that attack it."""
