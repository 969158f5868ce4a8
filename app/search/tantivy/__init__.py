"""The search engine on a local tantivy index. Reads only."""
