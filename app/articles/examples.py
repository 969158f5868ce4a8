"""What responses about articles look like, for the documentation. They name articles of the sample archive."""

PAGE = {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"}
SLUG = "how-asean-decides-without-ever-voting"
DESK = {"id": 3, "slug": "dateline-asia-desk", "name": "Dateline Asia Desk"}

CARD: dict[str, object] = {
    "id": 21,
    "slug": SLUG,
    "status": "published",
    "language": "en",
    "version": 1,
    "title": "How ASEAN Decides Without Ever Voting",
    "standfirst": "Consultation first, consensus second, and no comment on a neighbour’s house.",
    "dateline": {
        "text": "Jakarta, November 2025.",
        "place": "Jakarta",
        "region": "indonesia",
        "date": "2025-11",
        "precision": "month",
    },
    "authors": [DESK],
    "tags": [
        {"id": 1, "slug": "world", "name": "World", "kind": "section"},
        {"id": 57, "slug": "asean", "name": "ASEAN", "kind": "topic"},
    ],
    "regions": [
        {"id": 290, "slug": "asean", "name": "ASEAN", "level": "grouping", "roles": ["about"]},
        {"id": 310, "slug": "jakarta", "name": "Jakarta", "level": "city", "roles": ["dateline"]},
    ],
    "images": [
        {
            "url": "https://example.org/jakarta.jpg",
            "alt": "The flags of the members",
            "caption": None,
            "credit": None,
            "width": 1200,
            "height": 800,
        }
    ],
    "corrections": [],
    "source": {"slug": "example-herald", "name": "Example Herald", "url": "https://example.org/asean"},
    "signature": None,
    "external_id": "2025-117",
    "translation_of": None,
    "gone": False,
    "replaced_by": None,
    "seo": {"title": None, "description": None, "canonical_url": None},
    "word_count": 438,
    "reading_minutes": 2,
    "published_at": "2025-11-10T02:30:00Z",
    "published_precision": "instant",
    "first_published_at": "2025-11-10T02:30:00Z",
    "updated_at": "2025-11-10T02:30:00Z",
    "created_at": "2025-11-10T02:31:03Z",
    "url": f"https://news.example.org/articles/{SLUG}",
}
POST: dict[str, object] = {
    "position": 1,
    "kind": "editorial",
    "status": "unresolved",
    "title": "What a Blue Helmet May Do",
    "url": None,
    "article": None,
    "score": None,
    "reason": None,
    "below_threshold": False,
    "unlinked": False,
}
ARTICLE = CARD | {"body": "<p>The secretariat is in Jakarta.</p>", "related": [POST]}
LIST = {"data": [CARD], "page": PAGE, "warnings": []}
RELATED = {"data": [POST]}
TRANSLATIONS = {"data": [CARD]}
NEIGHBOURS: dict[str, object] = {"newer": None, "older": CARD, "warnings": []}
CANDIDATES = {
    "data": [
        {"id": 21, "slug": SLUG, "path": f"/v1/articles/{SLUG}"},
        {
            "id": 26,
            "slug": "what-brics-is-and-what-it-is-not",
            "path": "/v1/articles/what-brics-is-and-what-it-is-not",
        },
    ]
}
REVISIONS = {
    "data": [
        {
            "version": 2,
            "saved_at": "2025-05-14T09:12:00Z",
            "saved_by": "newsroom",
            "status": "published",
            "title": "How ASEAN Decides Without Ever Voting",
            "changed_fields": ["body", "corrections"],
        },
        {
            "version": 1,
            "saved_at": "2025-05-14T06:00:03Z",
            "saved_by": "import",
            "status": "published",
            "title": "How ASEAN Decides Without Ever Voting",
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
    "fields": [{"field": "standfirst", "before": "Ten states.", "after": "Eleven states."}],
    "body": [
        {
            "change": "same",
            "type": "paragraph",
            "text": "The secretariat is in Jakarta.",
            "html": "<p>The secretariat is in Jakarta.</p>",
        },
        {"change": "removed", "type": "paragraph", "text": "Ten are in.", "html": "<p>Ten are in.</p>"},
        {"change": "added", "type": "paragraph", "text": "Eleven are in.", "html": "<p>Eleven are in.</p>"},
    ],
}

PREVIEW = {
    "body": "<p>Eleven states sit in <strong>Budapest</strong>.</p>",
    "word_count": 5,
    "reading_minutes": 1,
    "warnings": [
        {
            "code": "markup_removed",
            "pointer": "/body",
            "detail": "Removed because it is not safe or not text: script.",
            "removed": ["script"],
        }
    ],
    "diff": None,
}
