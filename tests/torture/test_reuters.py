"""A real wire archive of 15,390 stories: imported whole, counted like its file, paged without loss while it changes."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlmodel import Session

from app.articles import service
from app.articles.manuscript import Manuscript
from app.articles.reading.queries import SORTS
from app.changes import log
from app.changes.follower import catch_up
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.search.indexing.indexer import Indexer
from app.settings import Settings

ON = ENGINES

pytestmark = [pytest.mark.anyio, pytest.mark.torture]

Story = dict[str, object]


@pytest.fixture
def stories(data: Callable[[str], Path]) -> list[Story]:
    with data("corpora/reuters.ndjson").open("rb") as file:
        read = [orjson.loads(line) for line in file]
    return [story for story in read if story.get("title") or story.get("body")]


@pytest.fixture
def imported_archive(settings: Settings, db: Database, data: Callable[[str], Path]) -> Settings:
    import io

    # Enrichment would link places that the file does not name; what is counted here is the file's.
    result = sources.find_sources([str(data("corpora/reuters.ndjson"))], io.BytesIO())
    report = pipeline.run_import(db, result, ImportOptions(enrich=False), lambda: int(time.time()))
    assert (report.created, len(report.failures)) == (15_389, 1)
    indexer = Indexer(settings.index_path)
    assert indexer.acquire()
    catch_up(db, indexer)
    indexer.close()
    return settings


async def _total(client: httpx.AsyncClient, **filters: str) -> int:
    response = await client.get("/v1/articles", params={"limit": 1, **filters})
    assert response.status_code == 200, response.text
    total = response.json()["page"]["total"]
    assert isinstance(total, int)
    return total


async def test_counts_of_every_topic_and_place_equal_the_file(imported_archive: Settings, stories: list[Story]) -> None:
    topics = Counter(topic for story in stories for topic in set(_list(story, "tags")))
    places = Counter(place for story in stories for place in set(_list(story, "places")))
    async with serve(imported_archive) as api:
        assert await _total(api.public) == len(stories)
        for topic, count in topics.items():
            assert await _total(api.public, tag=topic) == count, topic
        for place, count in places.items():
            slug = await _region(api, place)
            assert await _total(api.public, region=slug, region_role="about") == count, place


def _list(story: Story, name: str) -> list[str]:
    result = story.get(name) or []
    assert isinstance(result, list)
    return result


async def _region(api: Served, place: str) -> str:
    """The slug, from the place itself or from what the error says was meant."""
    response = await api.public.get("/v1/articles", params={"region": place, "limit": 1})
    if response.status_code == 200:
        return place
    [wrong] = response.json()["errors"]
    assert wrong["code"] == "unknown_region"
    return str(wrong["did_you_mean"])


async def test_every_story_is_met_once_by_cursor_in_every_order_while_others_come_and_go(
    imported_archive: Settings, stories: list[Story]
) -> None:
    stop = multiprocessing.get_context("spawn").Event()
    writer = multiprocessing.get_context("spawn").Process(
        target=_come_and_go, args=(imported_archive.model_dump(), stop)
    )
    async with serve(imported_archive) as api:
        writer.start()
        try:
            for sort in SORTS:
                met = await _walk(api, sort)
                assert len(met) == len(stories), sort
                assert set(met) == {story["id"] for story in stories}, sort
        finally:
            stop.set()
            writer.join(30)


async def _walk(api: Served, sort: str) -> list[str]:
    """External ids in the order met, from the first page to the last."""
    met: list[str] = []
    params = {"sort": sort, "limit": "100", "fields": "external_id", "count": "none"}
    while True:
        page = (await api.public.get("/v1/articles", params=params)).json()
        met += (article["external_id"] for article in page["data"] if article["external_id"])
        if page["page"]["next"] is None:
            return met
        params["cursor"] = page["page"]["next"]


def _come_and_go(dumped: dict[str, object], stop: object) -> None:
    """Publishes articles without an external id, all over the calendar and the alphabet, and withdraws them again."""
    db = Database(Settings(**dumped), log.append)  # type: ignore[arg-type] # as dumped
    number = 0
    while not stop.is_set():  # type: ignore[attr-defined] # an Event
        number += 1
        made = db.write_now(_publish, number).value
        if number % 3:
            db.write_now(service.withdraw, [made], now=int(time.time()))
    db.close_now()


def _publish(session: Session, number: int) -> int:
    at = 541_000_000 + (number * 7_919_717) % 20_000_000
    manuscript = Manuscript(
        origin="noise",
        identity=None,
        external_id=None,
        title=f"{chr(97 + number % 26)} passing story {number}",
        body="<p>It comes and goes.</p>",
        word_count=4,
        language="en",
        status="published",
        published_at=at,
        updated_at=at,
    )
    return service.create(session, manuscript, now=at, site_url="").id
