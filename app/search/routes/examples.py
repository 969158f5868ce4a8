"""What responses about searching look like, for the documentation."""

from app.articles import examples

_NONE = {"language": None, "region": None, "tag": None, "article": None}
SUGGESTIONS = {
    "data": [
        {
            "id": "region-143",
            "state": "accepted",
            "kind": "region",
            "score": 2.446,
            "origin": "gazetteer",
            "evidence": "Russia, Russian, Moscow",
            "roles": ["about"],
            "taken": True,
            **_NONE,
            "region": {"slug": "russia", "name": "Russia", "level": "country"},
        },
        {
            "id": "tag-12",
            "state": "open",
            "kind": "tag",
            "score": 0.9,
            "origin": "names",
            "evidence": "NATO",
            "roles": [],
            "taken": False,
            **_NONE,
            "tag": {"slug": "nato", "name": "NATO", "kind": "topic"},
        },
    ]
}
HIT: dict[str, object] = {
    "article": examples.CARD,
    "score": 33.305,
    "highlights": {"title": ["How <mark>ASEAN</mark> Decides Without Ever <mark>Voting</mark>"]},
    "explanation": [{"part": "asean", "field": "title", "score": 0.713}],
}
RESULTS = {
    "data": [HIT],
    "page": examples.PAGE,
    "warnings": [],
    "query": {
        "q": "asean voting",
        "read_as": "asean voting",
        "languages": ["en"],
        "sort": "relevance",
        "match": "all",
        "relaxed": False,
        "corrections": [],
        "did_you_mean": None,
        "notes": [
            {
                "code": "region_named",
                "detail": "ASEAN is a region: region=asean finds what is placed there, and nothing else.",
                "filter": "region=asean",
            }
        ],
    },
    "facets": {"tag": [{"value": "diplomacy", "name": "diplomacy", "count": 1, "selected": False}]},
}
COMPLETIONS = {
    "groups": [
        {"type": "tag", "items": [{"type": "tag", "text": "ASEAN", "ref": "asean", "count": 1}]},
        {
            "type": "article",
            "items": [{"type": "article", "text": examples.CARD["title"], "ref": examples.SLUG, "count": None}],
        },
    ]
}
_YEAR = {"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z", "count": 22, "share": 1.0}
TIMELINE = {
    "interval": "year",
    "tz": "UTC",
    "buckets": [_YEAR],
    "series": [
        {"value": "treaties", "name": "treaties", "total": 5, "buckets": [_YEAR | {"count": 5, "share": 0.227}]}
    ],
    "too_coarse": 0,
    "undated": 0,
    "warnings": [],
}
TRENDING = {
    "window": {"from": "2025-11-03T02:30:00Z", "to": "2025-11-10T02:30:00Z"},
    "data": [{"value": "asean", "name": "ASEAN", "count": 3, "expected": 0.4, "score": 7.9}],
    "warnings": [],
}
