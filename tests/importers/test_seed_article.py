"""The article that the project began with comes through whole, and finds its related posts when they arrive."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Served

from app.importers import pipeline
from app.importers.pipeline import ImportOptions
from app.importers.sources import SourceInput

pytestmark = pytest.mark.anyio


def _import(api: Served, name: str, content: bytes, origin: str = "outlet") -> pipeline.ImportReport:
    import io

    source = SourceInput(name, name, lambda: io.BytesIO(content))
    return pipeline.run_import(api.db, [source], ImportOptions(origin=origin), lambda: int(time.time()))


async def test_seed_article_imported_shows_every_part(api: Served, data: Callable[[str], Path]) -> None:
    content = data("seed/article.txt").read_bytes()
    report = _import(api, "article.txt", content)
    assert (report.created, report.failures) == (1, [])
    blocks = [block.strip() for block in content.decode().split("\n\n") if block.strip()]
    title, standfirst, first, *rest = blocks
    heading = rest.index("Related posts")
    *paragraphs, signature = rest[:heading]
    [listed] = (await api.public.get("/v1/articles")).json()["data"]
    article = (await api.public.get(f"/v1/articles/{listed['id']}", params={"include": "body_text"})).json()
    assert article["title"] == title
    assert article["standfirst"] == standfirst
    assert article["signature"] == signature
    assert article["dateline"] == {
        "text": "Brussels, December 2025.",
        "place": "Brussels",
        "region": "belgium",
        "date": "2025-12",
        "precision": "month",
    }
    assert article["published_at"] == "2025-12-01T00:00:00Z"
    assert article["published_precision"] == "month"
    text = article["body_text"].split("\n\n")
    assert text == [first.removeprefix("Brussels, December 2025. "), *paragraphs]
    assert [(row["status"], row["title"]) for row in article["related"]] == [
        ("unresolved", title) for title in rest[heading + 1 :]
    ]


async def test_related_title_arriving_later_links_in_the_same_transaction(api: Served) -> None:
    expected = "How the Danube Commission keeps a river open"
    made = await api.post(title="What the Montreux Convention allows", related=[{"title": expected}])
    before = (await api.public.get(f"/v1/articles/{made['id']}")).json()
    assert [row["status"] for row in before["related"]] == ["unresolved"]
    arrived = await api.post(title=expected, body={"text": "It sits in Budapest."})
    after = (await api.public.get(f"/v1/articles/{made['id']}")).json()
    assert [(row["status"], row["article"]["id"]) for row in after["related"]] == [("linked", arrived["id"])]
    assert (after["version"], after["updated_at"]) == (before["version"], before["updated_at"])
    with api.db.snapshot() as snapshot:
        statement = "SELECT seq, event, entity_id, changed_fields FROM change ORDER BY seq"
        rows = snapshot.connection.exec_driver_sql(statement)
        articles = [tuple(row) for row in rows if row[1] in ("published", "linked")]
    events = [(event, id, json.loads(fields)) for _, event, id, fields in articles]
    assert events[-2:] == [("published", arrived["id"], []), ("linked", made["id"], ["related"])]


async def test_text_imported_again_is_unchanged_and_edited_is_updated(api: Served) -> None:
    text = b"Why the Baltic freezes\n\nBrackish water freezes sooner.\n\nRiga, March 2024. The sea is shallow.\n"
    assert _import(api, "a/baltic.txt", text).created == 1
    assert _import(api, "a/baltic.txt", text).unchanged == 1
    report = _import(api, "a/baltic.txt", text.replace(b"shallow", b"cold"))
    assert (report.created, report.updated) == (0, 1)
    [card] = (await api.public.get("/v1/articles")).json()["data"]
    assert card["version"] == 2


async def test_two_archives_that_count_from_one_do_not_overwrite_each_other(api: Served) -> None:
    first = b'{"id": 1, "title": "The first archive speaks", "source": "One"}\n'
    other = b'{"id": 1, "title": "The other archive speaks", "source": "Two"}\n'
    assert _import(api, "one.ndjson", first, origin="").created == 1
    assert _import(api, "two.ndjson", other, origin="").created == 1
    payload = (await api.public.get("/v1/articles", params={"external_id": "1", "fields": "title"})).json()
    assert len(payload["data"]) == 2


async def test_broken_items_are_reported_and_the_rest_is_imported(api: Served) -> None:
    lines = b'{"id": 1, "title": "A whole line"}\n{"id": 2, "title": "A line cut in\n{"id": 3}\n'
    lines += b'{"id": 4, "body": "Only a body."}\n'
    report = _import(api, "lines.ndjson", lines)
    assert report.created == 2
    assert [where for where, _ in report.failures] == ["lines.ndjson:2", "lines.ndjson:3"]
    derived = (await api.public.get("/v1/articles", params={"external_id": "4"})).json()["data"]
    assert derived[0]["title"] == "Only a body."


async def test_unknown_region_names_are_kept_and_reported(api: Served) -> None:
    line = b'{"id": 1, "title": "From nowhere in particular", "regions": ["Atlantis", "Belgium"]}\n'
    report = _import(api, "lines.ndjson", line)
    assert dict(report.unknown_regions) == {"Atlantis": 1}
    [card] = (await api.public.get("/v1/articles", params={"region": "belgium"})).json()["data"]
    assert [region["slug"] for region in card["regions"]] == ["belgium"]


async def test_article_whose_slug_moves_away_and_back_keeps_all_its_addresses(api: Served) -> None:
    def line(slug: str) -> bytes:
        return b'{"id": 1, "title": "It moves house twice", "slug": "%b"}\n' % slug.encode()

    for slug in ("first-house", "second-house", "first-house"):
        _import(api, "lines.ndjson", line(slug))
        [card] = (await api.public.get("/v1/articles")).json()["data"]
        assert card["slug"] == slug
    moved = await api.public.get("/v1/articles/second-house", params={"fields": "title"})
    assert moved.status_code == 308
    assert moved.headers["location"] == "/v1/articles/first-house?fields=title"


async def test_another_story_in_a_file_of_the_same_name_is_refused_and_nothing_lost(api: Served) -> None:
    first = b"Why harbours silt up\n\nTidal currents carry sediment into sheltered basins, where it settles.\n"
    other = b"How beekeepers count mites\n\nSugar dusted over workers loosens parasites without killing colonies.\n"
    assert _import(api, "index.txt", first).created == 1
    report = _import(api, "index.txt", other)
    assert report.created + report.updated == 0
    [(where, reason)] = report.failures
    kept = (await api.public.get("/v1/articles")).json()["data"]
    assert (where, "--origin" in reason, f"article {kept[0]['id']}," in reason) == ("index.txt", True, True)
    assert [card["title"] for card in kept] == ["Why harbours silt up"]
    assert _import(api, "index.txt", other, origin="bees").created == 1


async def test_one_id_twice_in_a_file_is_told_and_counted_once(api: Served) -> None:
    lines = b'{"id": 1, "title": "The earlier of the two"}\n{"id": 1, "title": "The later of the two"}\n'
    report = _import(api, "lines.ndjson", lines)
    assert (report.created, report.updated) == (1, 1)
    assert report.notes["the same article as lines.ndjson:1: the later one counts"] == ["lines.ndjson:2"]
    [card] = (await api.public.get("/v1/articles")).json()["data"]
    assert card["title"] == "The later of the two"
