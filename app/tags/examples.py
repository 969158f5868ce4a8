"""What responses about tags look like, for the documentation."""

TAG = {
    "slug": "nato",
    "name": "NATO",
    "kind": "topic",
    "id": 45,
    "names": {"fr": "OTAN"},
    "aliases": ["the Alliance"],
    "article_count": 1,
}
RELATED = {"data": [{**TAG, "together": 41, "expected": 6.24, "score": 118.302}]}
LIST = {
    "data": [TAG],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"},
    "warnings": [],
}
