"""Regions on a map: where they lie, as JSON and as GeoJSON, in new archives and in those from before."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest
from build_coordinates import build_box, find_inner_point, split_span
from conftest import Served, serve, with_own_epoch
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from app.changes import log
from app.commands import open_archive
from app.db import migrate
from app.db.database import Database
from app.db.sql import read_integer
from app.models import Region, table
from app.regions import editing
from app.regions.service import load as load_regions
from app.regions.service import read
from app.regions.standard_regions import load
from app.settings import Settings

REGION = table(Region)
FACTS = {fact.slug: fact for fact in load()}


def lies_within(latitude: float, longitude: float, box: tuple[float, ...]) -> bool:
    west, south, east, north = box
    across = west <= longitude <= east if west <= east else longitude >= west or longitude <= east
    return across and south <= latitude <= north


def test_points_lie_in_their_boxes_and_cities_in_their_countries() -> None:
    odd = []
    for fact in FACTS.values():
        box = fact.bbox or (fact.level == "city" and fact.parent and FACTS[fact.parent].bbox)
        if fact.latitude is not None and fact.longitude is not None and box:
            grown = (box[0] - 0.3, box[1] - 0.3, box[2] + 0.3, box[3] + 0.3)
            if not lies_within(fact.latitude, fact.longitude, grown):
                odd.append(fact.slug)
    assert odd == []


def test_only_the_smallest_places_what_is_gone_and_groupings_have_no_point() -> None:
    placed = {slug for slug, fact in FACTS.items() if fact.latitude is not None}
    assert not any(FACTS[slug].until or FACTS[slug].level in ("grouping", "world") for slug in placed)
    countries = {slug for slug, fact in FACTS.items() if fact.level == "country" and fact.until is None}
    assert countries - placed == {"us-outlying-islands"}
    assert all(FACTS[slug].bbox for slug in countries - {"us-outlying-islands", "bouvet-island", "gibraltar", "tuvalu"})


@pytest.mark.parametrize("slug", ["russia", "fiji", "kiribati", "new-zealand", "united-states", "oceania", "europe"])
def test_box_over_the_antimeridian_has_west_greater_than_east(slug: str) -> None:
    box = FACTS[slug].bbox
    assert box is not None
    assert box[0] > box[2]
    assert sum(east - west for west, east in split_span((box[0], box[1], box[2], box[3]))) < 270


def test_the_file_says_where_it_is_from() -> None:
    file = resources.files("app.regions").joinpath("coordinates.json").read_text(encoding="utf-8")
    assert "Natural Earth 4 (public domain)" in json.loads(file)["about"]
    assert json.loads(file)["regions"].keys() <= FACTS.keys()
    assert len(file) < 50_000


spans = st.tuples(st.integers(-180, 179), st.integers(1, 120)).map(lambda one: (one[0], min(one[0] + one[1], 180)))


@given(st.lists(spans, min_size=1))
def test_box_holds_every_span_and_no_more_than_the_globe(parts: list[tuple[int, int]]) -> None:
    box = build_box(parts, -10, 10)
    assert sum(east - west for west, east in split_span(box)) <= 360
    for west, east in parts:
        assert lies_within(0, west, box)
        assert lies_within(0, east, box)


def test_point_of_a_bay_lies_on_land() -> None:
    x, _ = find_inner_point([(0, 0), (10, 0), (10, 10), (9, 10), (9, 1), (1, 1), (1, 10), (0, 10), (0, 0)])
    assert 0 < x < 1 or 9 < x < 10


@pytest.fixture(scope="module")
async def api(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("maps")
    shutil.copy(sqlite_template, folder / "dateline.db")
    async with serve(with_own_epoch(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15))) as server:
        yield server


@pytest.mark.anyio
async def test_map_of_coverage_has_points_boxes_and_counts(api: Served) -> None:
    await api.post(title="Ships at Suez", regions=["egypt"])
    query = {"format": "geojson", "include": "counts", "level": "country", "min_articles": "1"}
    response = await api.public.get("/v1/regions", params=query)
    assert response.headers["content-type"] == "application/geo+json"
    collection = response.json()
    assert collection["type"] == "FeatureCollection"
    [feature] = collection["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [FACTS["egypt"].longitude, FACTS["egypt"].latitude]}
    assert feature["bbox"] == feature["properties"]["bbox"] == list(FACTS["egypt"].bbox or ())
    assert (feature["properties"]["slug"], feature["properties"]["article_count"]) == ("egypt", 1)
    tag = {"If-None-Match": response.headers["etag"]}
    assert (await api.public.get("/v1/regions", params=query, headers=tag)).status_code == 304


@pytest.mark.anyio
async def test_collection_is_whole_and_what_has_no_place_has_no_geometry(api: Served) -> None:
    whole = await api.public.get("/v1/regions", params={"format": "geojson"}, headers={"Accept-Encoding": "gzip"})
    assert whole.headers["content-encoding"] == "gzip"
    features = whole.json()["features"]
    by_slug = {feature["properties"]["slug"]: feature for feature in features}
    assert by_slug.keys() >= FACTS.keys()
    for slug in ("nato", "soviet-union", "world"):
        assert by_slug[slug]["geometry"] is None
        assert "bbox" not in by_slug[slug]
    assert [feature["properties"]["name"] for feature in features[:2]] == ["Aarhus", "Abidjan"]
    parts = {"include": "ancestors,children,names"}
    response = await api.public.get("/v1/regions", params={"format": "geojson", **parts})
    by_slug = {feature["properties"]["slug"]: feature["properties"] for feature in response.json()["features"]}
    for slug in ("nato", "world", "belgium", "brussels"):
        assert by_slug[slug] == (await api.public.get(f"/v1/regions/{slug}", params=parts)).json()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["limit", "page", "cursor"])
async def test_collection_has_no_pages(name: str, api: Served) -> None:
    cursor = (await api.public.get("/v1/regions?limit=1")).json()["page"]["next"]
    query = {"format": "geojson", name: cursor if name == "cursor" else "1"}
    response = await api.public.get("/v1/regions", params=query)
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, name)


@pytest.mark.anyio
async def test_other_formats_are_refused_and_json_has_the_place_too(api: Served) -> None:
    assert (await api.public.get("/v1/regions?format=kml")).json()["code"] == "not_acceptable"
    belgium = (await api.public.get("/v1/regions/belgium")).json()
    assert [belgium[name] for name in ("latitude", "longitude", "bbox")] == [
        FACTS["belgium"].latitude, FACTS["belgium"].longitude, list(FACTS["belgium"].bbox or ()),
    ]  # fmt: skip
    listed = (await api.public.get("/v1/regions?q=nato&limit=1")).json()["data"][0]
    assert (listed["latitude"], listed["bbox"]) == (None, None)


@pytest.mark.slow
def test_archive_from_before_gets_coordinates_once_of_edited_cities_too(sqlite_settings: Settings) -> None:
    with closing_now(open_archive.open_archive(sqlite_settings)) as db:
        brussels = db.write_now(rename_brussels).value
        migrate.downgrade(db, "0012")
        rows = count_rows(db)
    assert "brought up to date" in open_archive.migrate(sqlite_settings)
    with closing_now(open_archive.open_archive(sqlite_settings)) as db:
        with db.snapshot() as snapshot:
            place = read(snapshot.connection).by_id[brussels]
        assert (place.name, place.latitude) == ("Brussels-Capital", FACTS["brussels"].latitude)
        assert count_rows(db) == rows + 1  # which nobody is told of: no card has coordinates
        assert db.write_now(load_regions).value == 0
        assert migrate.find_differences(db) == []


@contextmanager
def closing_now(db: Database) -> Iterator[Database]:
    try:
        yield db
    finally:
        db.close_now()


def count_rows(db: Database) -> int:
    """Of the log, in whatever version the schema is."""
    with db.snapshot() as snapshot:
        return read_integer(snapshot.connection.execute(select(log.HEAD.c.seq)).scalar_one())


def rename_brussels(session: Session) -> int:
    id: int = session.connection().execute(select(REGION.c.id).where(REGION.c.slug == "brussels")).scalar_one()
    return editing.revise(session, id, editing.RegionEdit(name="Brussels-Capital")).id
