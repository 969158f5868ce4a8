"""What responses about searching look like, for the documentation."""

_NONE = {"language": None, "region": None, "tag": None, "article": None}
SUGGESTIONS = {
    "data": [
        {
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
            "kind": "tag",
            "score": 0.9,
            "origin": "names",
            "evidence": "NATO",
            "roles": [],
            "taken": False,
            **_NONE,
            "tag": {"slug": "nato", "name": "NATO", "kind": "organisation"},
        },
    ]
}
