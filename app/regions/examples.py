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
    "latitude": 50.31,
    "longitude": 4.99,
    "bbox": [2.52, 49.51, 6.37, 51.5],
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
    "latitude": None,
    "longitude": None,
    "bbox": None,
    "names": {"fr": "Triangle de Weimar"},
    "aliases": [],
}
LIST = {
    "data": [REGION],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"},
    "warnings": [],
}
FEATURES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": 46,
            "bbox": [2.52, 49.51, 6.37, 51.5],
            "geometry": {"type": "Point", "coordinates": [4.99, 50.31]},
            "properties": {**REGION, "article_count": 12},
        }
    ],
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
