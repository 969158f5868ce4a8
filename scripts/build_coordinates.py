"""Writes app/regions/coordinates.json: where regions lie, one a line, the same bytes for the same sources.

Run from the project's root with a folder of Natural Earth's tables as GeoJSON (public domain), version 4:
    PYTHONPATH=. python scripts/build_coordinates.py FOLDER [OUTPUT]
Never reads the network. Prints which regions have no coordinates.
"""

import itertools
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.regions.standard_regions import RegionFact, fold, load

OUTPUT = Path("app/regions/coordinates.json")
UNITS, PARTS_OF_UNITS = "ne_50m_admin_0_map_units", "ne_50m_admin_0_map_subunits"
PLACES, LABELS = "ne_10m_populated_places_simple", "ne_10m_admin_0_label_points"
ABOUT = (
    "Derived by scripts/build_coordinates.py from Natural Earth 4 (public domain): by slug latitude and longitude of a "
    "point within, in degrees (WGS 84), and [west, south, east, north] or null. West is greater than east where the "
    "antimeridian is crossed, as in RFC 7946, section 5.2."
)
# Parts that Natural Earth draws apart and gives no code of their own: their code here, and the country's.
PARTS = {"BEL": "BEL", "BIH": "BIH", "GEO": "GEO", "KOS": "XKX", "NOR": "NOR", "PSX": "PSE", "PNG": "PNG", "PRT": "PRT"}
PARTS |= {"SRB": "SRB", "GBR": "GBR", "ATG": "ATG", "TZA": "TZA", "ATC": "AUS", "NJM": "SJM"}
# Where ISO 3166 files what Natural Earth draws as countries, or, of the subunits, in another one.
PARTS |= {"SOL": "SOM", "CYN": "CYP"}
SUBUNITS = {"RUC": "UKR"}
# Cities that Natural Earth calls otherwise.
CALLED = {
    "andorra-la-vella": "Andorra", "djibouti-city": "Djibouti", "guatemala-city": "Guatemala",
    "luxembourg-city": "Luxembourg", "san-jose-california": "San Jose", "san-marino-city": "San Marino",
    "tel-aviv": "Tel Aviv-Yafo", "zaporizhzhia": "Zaporizhzhya",
}  # fmt: skip

Json = dict[str, Any]
Point = tuple[float, float]
"""Longitude, latitude: the order of GeoJSON."""
Ring = list[Point]
Box = tuple[float, float, float, float]


def main(folder: Path, output: Path) -> None:
    """Regions of today only: what is gone had other borders."""
    facts = {fact.slug: fact for fact in load() if fact.until is None}
    rows: dict[str, tuple[float, float, Box | None]] = {}
    for slug, rings in read_countries(folder, facts).items():
        x, y = find_inner_point(max(rings, key=measure_area))
        rows[slug] = (round(y, 2), round(x, 2), find_box(rings))
    for slug, (x, y) in read_labels(folder, facts).items():
        rows.setdefault(slug, (round(y, 2), round(x, 2), None))
    rows |= find_areas(facts, rows)
    rows |= dict(find_cities(folder, facts, rows))
    lines = ",\n".join(f"{json.dumps(slug)}: {json.dumps(rows[slug])}" for slug in sorted(rows))
    output.write_text(f'{{"about": {json.dumps(ABOUT)},\n"regions": {{\n{lines}\n}}}}\n', encoding="utf-8")
    without = sorted(slug for slug, fact in facts.items() if slug not in rows and fact.level != "grouping")
    print(f"{output}: {len(rows)} regions, {output.stat().st_size} bytes; without: {' '.join(without)}")


def read_features(folder: Path, name: str) -> list[Json]:
    features: list[Json] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["features"]
    return features


def read_countries(folder: Path, facts: dict[str, RegionFact]) -> dict[str, list[Ring]]:
    """The outer rings of each country's land."""
    slugs = {fact.iso3: slug for slug, fact in facts.items() if fact.iso3}
    rings: dict[str, list[Ring]] = defaultdict(list)
    for feature in read_features(folder, UNITS):
        named = feature["properties"]
        part = PARTS.get(named["GU_A3"]) or PARTS.get(named["ADM0_A3"])
        code = named["ISO_A3"] if named["ISO_A3"] != "-99" else part
        if code in slugs:
            rings[slugs[code]] += read_rings(feature)
    for feature in read_features(folder, PARTS_OF_UNITS):
        code = SUBUNITS.get(feature["properties"]["SU_A3"])
        if code is not None:
            rings[slugs[code]] += read_rings(feature)
    return rings


def read_rings(feature: Json) -> list[Ring]:
    shape = feature["geometry"]
    polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    return [[(x, y) for x, y, *_ in polygon[0]] for polygon in polygons]


def read_labels(folder: Path, facts: dict[str, RegionFact]) -> dict[str, Point]:
    """Where a label of the smallest is set, of which the coarser shapes have nothing; the first of several."""
    slugs = {fact.iso3: slug for slug, fact in facts.items() if fact.iso3}
    points: dict[str, Point] = {}
    for feature in read_features(folder, LABELS):
        slug = slugs.get(feature["properties"]["sr_gu_a3"])
        if slug is not None:
            x, y, *_ = feature["geometry"]["coordinates"]
            points.setdefault(slug, (x, y))
    return points


def measure_area(ring: Ring) -> float:
    """Relative: degrees of longitude count by the cosine of the latitude."""
    scale = math.cos(math.radians(sum(y for _, y in ring) / len(ring)))
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))) * scale


def find_inner_point(ring: Ring) -> Point:
    """The centroid where it is inside, else the middle of the widest part at its latitude."""
    pairs = list(itertools.pairwise(ring))
    crosses = [a[0] * b[1] - b[0] * a[1] for a, b in pairs]
    total = sum(crosses) * 3
    x = sum((a[0] + b[0]) * cross for (a, b), cross in zip(pairs, crosses, strict=True)) / total
    y = sum((a[1] + b[1]) * cross for (a, b), cross in zip(pairs, crosses, strict=True)) / total
    cuts = sorted(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) for a, b in pairs if (a[1] > y) != (b[1] > y))
    inside = list(zip(cuts[::2], cuts[1::2], strict=True))
    if any(west <= x <= east for west, east in inside):
        return x, y
    west, east = max(inside, key=lambda part: part[1] - part[0])
    return (west + east) / 2, y


def find_box(rings: Iterable[Ring]) -> Box:
    """Rounded outwards to hundredths; a part at the antimeridian ends there and goes on at the other side."""
    rings = list(rings)
    spans = [(min(x for x, _ in ring), max(x for x, _ in ring)) for ring in rings]
    south, north = (pick(y for ring in rings for _, y in ring) for pick in (min, max))
    return build_box(spans, south, north)


def build_box(spans: Iterable[tuple[float, float]], south: float, north: float) -> Box:
    """All around the globe but for the widest gap between the spans of longitudes, each with west below east."""
    merged: list[list[float]] = []
    for west, east in sorted(spans):
        if merged and west <= merged[-1][1]:
            merged[-1][1] = max(east, merged[-1][1])
        else:
            merged.append([west, east])
    gaps = [(after[0] - before[1], after[0], before[1]) for before, after in itertools.pairwise(merged)]
    gaps.append((merged[0][0] + 360 - merged[-1][1], merged[0][0], merged[-1][1]))
    gap, west, east = max(gaps)
    if gap <= 0:
        west, east = -180.0, 180.0
    return floor(west), max(floor(south), -90.0), ceil(east), min(ceil(north), 90.0)


def floor(degrees: float) -> float:
    return math.floor(round(degrees * 100, 6)) / 100


def ceil(degrees: float) -> float:
    return math.ceil(round(degrees * 100, 6)) / 100


Rows = dict[str, tuple[float, float, Box | None]]


def find_areas(facts: dict[str, RegionFact], rows: Rows) -> Rows:
    """Areas of UN M49: the box of the boxes of what lies in them, the middle of the points of their countries."""
    areas: Rows = {}
    for slug, fact in facts.items():
        if fact.level in ("region", "subregion"):
            below = [rows[one] for one in rows if slug in list_ancestors(facts, one)]
            boxes = [box for *_, box in below if box is not None]
            spans = [span for box in boxes for span in split_span(box)]
            south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
            areas[slug] = (*find_middle([(lat, lon) for lat, lon, _ in below]), build_box(spans, south, north))
    return areas


def list_ancestors(facts: dict[str, RegionFact], slug: str) -> list[str]:
    above = facts[slug].parent
    return [above, *list_ancestors(facts, above)] if above else []


def split_span(box: Box) -> list[tuple[float, float]]:
    west, _, east, _ = box
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def find_middle(points: list[Point]) -> tuple[float, float]:
    """The mean of the directions from the middle of the globe; takes and returns latitudes first."""
    x, y, z = 0.0, 0.0, 0.0
    for lat, lon in points:
        x += math.cos(math.radians(lat)) * math.cos(math.radians(lon))
        y += math.cos(math.radians(lat)) * math.sin(math.radians(lon))
        z += math.sin(math.radians(lat))
    return round(math.degrees(math.atan2(z, math.hypot(x, y))), 2), round(math.degrees(math.atan2(y, x)), 2)


def find_cities(folder: Path, facts: dict[str, RegionFact], rows: Rows) -> Iterator[tuple[str, Any]]:
    """By name within the country; of several the largest."""
    named: dict[str, list[Json]] = defaultdict(list)
    for feature in read_features(folder, PLACES):
        place = feature["properties"]
        others = str(place["namealt"] or "").split("|")
        for key in {fold(str(name)) for name in (place["name"], place["nameascii"], place["namepar"], *others) if name}:
            named[key].append(place)
    for slug, fact in facts.items():
        if fact.level == "city":
            aliases = (name for names in fact.aliases.values() for name in names)
            names = {fold(name) for name in (*fact.names.values(), *aliases, CALLED.get(slug, slug))}
            matches = [place for name in names for place in named.get(name, ()) if lies_in(place, fact, facts, rows)]
            if matches:
                place = max(matches, key=lambda one: (one["pop_max"], one["name"]))
                yield slug, (round(place["latitude"], 4), round(place["longitude"], 4), None)


def lies_in(place: Json, city: RegionFact, facts: dict[str, RegionFact], rows: Rows) -> bool:
    """By the country's code, or, where the sources differ on it, by its box."""
    parent = facts.get(city.parent or "")
    if parent is None:
        return False
    if place["iso_a2"] == parent.iso2:
        return True
    box = rows.get(parent.slug, (0, 0, None))[2]
    if box is None or (parent.iso2 and len(str(place["iso_a2"])) == 2 and measure_span(box) > 8):
        return False
    return box[1] <= place["latitude"] <= box[3] and any(w <= place["longitude"] <= e for w, e in split_span(box))


def measure_span(box: Box) -> float:
    return sum(east - west for west, east in split_span(box))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT)
