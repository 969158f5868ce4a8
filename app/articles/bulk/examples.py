"""Responses about records and bulk edits, for the documentation."""

UNDO = {
    "job": 15,
    "state": "done",
    "done": 950,
    "total": 950,
    "withdrawn": 880,
    "trashed": 12,
    "restored": 8,
    "kept": 50,
    "gone": 0,
    "tags_removed": 3,
    "error": None,
    "undone_at": "2025-05-14T10:03:11Z",
}
RECORD = {
    "id": 1,
    "kind": "import",
    "via": "job",
    "source": "request",
    "origins": ["wire"],
    "options": {"format": "markdown", "origin": "wire"},
    "state": "done",
    "progress": {"read": 2, "created": 1, "updated": 0, "unchanged": 0, "failed": 1},
    "missing": [],
    "error": None,
    "dry_run": False,
    "created_by": "newsroom",
    "created_at": "2025-05-14T09:12:44Z",
    "updated_at": "2025-05-14T09:12:45Z",
    "ended_at": "2025-05-14T09:12:45Z",
    "undo": None,
}
_PAGE = {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"}
RECORDS = {"data": [RECORD], "page": _PAGE, "warnings": []}
ARTICLES = {
    "data": [
        {
            "id": 21,
            "slug": "how-asean-decides-without-ever-voting",
            "action": "created",
            "version_before": None,
            "version": 1,
            "undone": "withdrawn",
            "note": None,
        }
    ],
    "page": {**_PAGE, "total": None, "total_is": "none"},
    "warnings": [],
}
UNDONE = {**RECORD, "undo": UNDO}
BEGUN = {
    **RECORD,
    "id": 2,
    "kind": "bulk_edit",
    "source": "bulk edit",
    "origins": [],
    "options": {"filter": {"tag": "nato", "year": 2024}, "add_tags": ["deterrence"]},
    "state": "waiting",
    "progress": dict.fromkeys(("read", "created", "updated", "unchanged", "failed"), 0),
    "ended_at": None,
}
PREVIEW = {
    "dry_run": True,
    "matched": 1,
    "missing": [],
    "samples": [
        {
            "id": 14,
            "slug": "the-arctic-council-works-only-where-it-agrees",
            "title": "The Arctic Council Works Only Where It Agrees",
            "status": "published",
            "version": 1,
        }
    ],
    "warnings": [],
}
