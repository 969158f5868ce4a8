"""What responses about articles look like, for the documentation. The articles are made up."""

DANUBE = {"slug": "danube-commission", "name": "Danube Commission", "kind": "organisation"}
PAGE = {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"}

CARD: dict[str, object] = {
    "id": 42,
    "slug": "how-the-danube-commission-keeps-a-river-open",
    "status": "published",
    "language": "en",
    "version": 1,
    "title": "How the Danube Commission keeps a river open",
    "standfirst": "Eleven states share one set of rules between Kelheim and Sulina.",
    "dateline": {
        "text": "Budapest, May 2025.",
        "place": "Budapest",
        "region": "hungary",
        "date": "2025-05",
        "precision": "month",
    },
    "authors": [{"slug": "ines-marlow", "name": "Ines Marlow"}],
    "tags": [{"slug": "shipping", "name": "shipping", "kind": "topic"}, DANUBE],
    "regions": [{"slug": "hungary", "name": "Hungary", "level": "country", "roles": ["about", "dateline"]}],
    "images": [
        {
            "url": "https://example.org/danube.jpg",
            "alt": "A barge below a bridge",
            "caption": None,
            "credit": None,
            "width": 1200,
            "height": 800,
        }
    ],
    "corrections": [],
    "source": {"slug": "example-herald", "name": "Example Herald", "url": "https://example.org/danube"},
    "signature": None,
    "external_id": "2025-117",
    "translation_of": None,
    "gone": False,
    "replaced_by": None,
    "seo": {"title": None, "description": None, "canonical_url": None},
    "word_count": 912,
    "reading_minutes": 4,
    "published_at": "2025-05-14T06:00:00Z",
    "published_precision": "instant",
    "first_published_at": "2025-05-14T06:00:00Z",
    "updated_at": "2025-05-14T06:00:00Z",
    "created_at": "2025-05-14T06:00:03Z",
    "url": "https://news.example.org/articles/how-the-danube-commission-keeps-a-river-open",
}
POST: dict[str, object] = {
    "position": 1,
    "kind": "editorial",
    "status": "unresolved",
    "title": "What the Montreux Convention says about the Bosporus",
    "url": None,
    "article": None,
    "score": None,
    "reason": None,
    "below_threshold": False,
    "unlinked": False,
}
ARTICLE = CARD | {"body": "<p>The commission sits in Budapest.</p>", "related": [POST]}
LIST = {"data": [CARD], "page": PAGE, "warnings": []}
RELATED = {"data": [POST]}
TRANSLATIONS = {"data": [CARD]}
NEIGHBOURS: dict[str, object] = {"newer": None, "older": CARD, "warnings": []}
CANDIDATES = {
    "data": [
        {"id": 42, "slug": "how-the-danube-commission", "path": "/v1/articles/how-the-danube-commission"},
        {"id": 57, "slug": "the-danube-commission", "path": "/v1/articles/the-danube-commission"},
    ]
}
REVISIONS = {
    "data": [
        {
            "version": 2,
            "saved_at": "2025-05-14T09:12:00Z",
            "saved_by": "ines",
            "status": "published",
            "title": "How the Danube Commission keeps a river open",
            "changed_fields": ["body", "corrections"],
        },
        {
            "version": 1,
            "saved_at": "2025-05-14T06:00:03Z",
            "saved_by": "import",
            "status": "published",
            "title": "How the Danube Commission keeps a river open",
            "changed_fields": [],
        },
    ],
    "page": PAGE | {"total": 2},
    "warnings": [],
}
DIFF = {
    "from": 1,
    "to": 2,
    "changed_fields": ["body", "standfirst"],
    "fields": [{"field": "standfirst", "before": "Twelve states.", "after": "Eleven states."}],
    "body": [
        {"change": "same", "type": "paragraph", "text": "It sits in Budapest.", "html": "<p>It sits in Budapest.</p>"},
        {"change": "removed", "type": "paragraph", "text": "Twelve are in.", "html": "<p>Twelve are in.</p>"},
        {"change": "added", "type": "paragraph", "text": "Eleven are in.", "html": "<p>Eleven are in.</p>"},
    ],
}
