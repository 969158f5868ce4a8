"""What responses about changes look like, for the documentation. Places are made up."""

TOKEN = "ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl"  # noqa: S105 -- a place in a log
CHANGE: dict[str, object] = {
    "seq": TOKEN,
    "event": "updated",
    "article": {
        "id": 21,
        "slug": "how-asean-decides-without-ever-voting",
        "previous_slug": None,
        "version": 2,
    },
    "tag": None,
    "region": None,
    "replaced_by": None,
    "at": "2025-05-14T09:12:44Z",
    "changed_fields": ["standfirst", "tags"],
}
CHANGES: dict[str, object] = {"data": [CHANGE], "next": TOKEN, "has_more": False, "warnings": []}
STREAM = f'id: {TOKEN}\ndata: {{"seq": "{TOKEN}", "event": "updated", "article": {{"id": 21, …}}, …}}\n\n'
EXPORT = '{"id": 21, "slug": "how-asean-decides-without-ever-voting", …}\n{"end": true, "count": 1}\n'
