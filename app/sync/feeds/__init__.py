"""Feeds for readers and machines, in RSS, Atom and JSON Feed, of any list of articles; and what tells a hub of them."""
