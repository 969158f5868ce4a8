"""What responses about regions look like, for the documentation."""

REGION = {
    "slug": "belgium",
    "name": "Belgium",
    "level": "country",
    "id": 46,
    "iso2": "BE",
    "iso3": "BEL",
    "m49": "056",
    "parent": "western-europe",
    "capital": "brussels",
    "since": None,
    "until": None,
    "successors": [],
    "groupings": ["benelux", "eu", "nato"],
    "members": [],
}
NAMED = {
    "slug": "weimar-triangle",
    "name": "Weimar Triangle",
    "level": "grouping",
    "id": 809,
    "iso2": None,
    "iso3": None,
    "m49": None,
    "parent": None,
    "capital": None,
    "since": None,
    "until": None,
    "successors": [],
    "groupings": [],
    "members": ["france", "germany", "poland"],
    "names": {"fr": "Triangle de Weimar"},
    "aliases": [],
}
LIST = {
    "data": [REGION],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"},
    "warnings": [],
}
TREE = {
    "slug": "world",
    "name": "World",
    "level": "world",
    "id": 1,
    "iso2": None,
    "m49": "001",
    "children": [
        {"slug": "africa", "name": "Africa", "level": "region", "id": 2, "iso2": None, "m49": "002", "children": []}
    ],
}
