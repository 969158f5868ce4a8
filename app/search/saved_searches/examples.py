"""What responses about saved searches look like, for the documentation."""

from app.search.routes import examples

SEARCH = {
    "slug": "grain-exports",
    "name": "Grain exports",
    "q": "grain -rice",
    "filters": {"tag": ["shipping"]},
    "public": False,
    "own": True,
    "read_as": "grain -rice",
    "notes": [],
    "created_at": "2025-05-14T09:12:44Z",
    "updated_at": "2025-05-14T09:12:44Z",
    "warnings": [],
}
_PAGE = {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"}
LIST = {"data": [SEARCH], "page": _PAGE, "warnings": []}
_HIT = {**examples.HIT, "score": None, "highlights": {}}
_HIT.pop("explanation")
RESULTS = {"data": [_HIT], "page": _PAGE, "warnings": [], "search": SEARCH}
