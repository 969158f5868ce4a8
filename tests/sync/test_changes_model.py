"""Whatever is written, and however often a consumer is cut off: in the end its copy is what the list has."""

import random
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from conftest import Served
from hypothesis import HealthCheck, given, settings, strategies as st
from support.search_archive import random_story
from support.stories import DAY, NOW, story, write

from app.articles import service
from app.articles.store.log_facts import for_log, from_log

LATER = 4_000_000_000
"""So far off that the server's own clock sends nothing live meanwhile."""
FIELDS = "title,version,status,tags.slug"
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"tag": "a"},
    {"tag": "a,b", "tag_not": "c"},
    {"tag_all": "a,c"},
    {"region": "europe"},
    {"region_not": "belgium"},
    {"language": "fr", "published_to": "2025-10-08"},
    {"has": "unresolved"},
    {"status": "draft,published,withdrawn"},
)


@dataclass
class ArchiveCopy:
    """A consumer with a filter: what it has, by id, and where it stands."""

    client: httpx.AsyncClient
    filter: dict[str, str]
    kept: dict[int, Any] = field(default_factory=dict)
    place: str = ""
    met: list[str] = field(default_factory=list)

    async def start(self) -> None:
        response = await self.client.get("/v1/export", params={**self.filter, "fields": FIELDS})
        *lines, last = response.text.splitlines()
        self.place, self.met = response.headers["x-seq"], []
        rows = [orjson.loads(line) for line in lines]
        assert orjson.loads(last) == {"end": True, "count": len(rows)}
        self.kept = {row["id"]: row for row in rows}

    async def poll(self, limit: int, *, lost: bool = False) -> bool:
        """One page; with `lost` it is taken in, but the place is forgotten before it is written down."""
        query = {**self.filter, "since": self.place, "limit": str(limit), "include": "article", "fields": FIELDS}
        response = (await self.client.get("/v1/changes", params=query)).json()
        for change in response["data"]:
            id = change["article"]["id"]
            if change["event"] in ("left_filter", "withdrawn") and not self.filter.get("status"):
                # Linking moves no version: by `has=unresolved` an article leaves and comes back with the same one.
                later = change["article"]["version"] + ("has" not in self.filter)
                assert change["card"] is None or change["card"]["version"] >= later
            if change["card"] is None:
                self.kept.pop(id, None)
            else:
                self.kept[id] = change["card"]
        if not lost:
            self.met += [change["seq"] for change in response["data"]]
            self.place = response["next"]
        return bool(response["has_more"])

    async def list_articles(self) -> dict[int, Any]:
        response = await self.client.get("/v1/articles", params={**self.filter, "fields": FIELDS, "limit": "100"})
        rows = response.json()["data"]
        return {row["id"]: row for row in rows}


writes = st.fixed_dictionaries(
    {
        "number": st.integers(1, 5),
        "tags": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
        "places": st.lists(st.sampled_from(["belgium", "kenya"]), unique=True, max_size=1),
        "status": st.sampled_from([None, "published", "draft", "withdrawn"]),
        "language": st.sampled_from(["en", "fr"]),
        "published_at": st.sampled_from([NOW - 9 * DAY, LATER, None]),
        "related": st.sampled_from([(), ("Story number 1",), ("A title nobody has",)]),
    }
)
polls = st.tuples(st.integers(0, len(FILTERS) - 1), st.integers(1, 4), st.booleans())
steps = st.one_of(
    st.lists(writes, min_size=1, max_size=3), st.integers(1, 5), st.just("go live"), polls, st.just("again")
)


def test_facts_come_back_from_the_log_as_they_were() -> None:
    chance = random.Random(5)
    for number in range(200):
        facts = random_story(number, chance).facts
        assert from_log(number, orjson.loads(orjson.dumps(for_log(facts)))) == facts


async def _happen(api: Served, copies: list[ArchiveCopy], ids: dict[int, int], what: object) -> None:
    match what:
        case list() as stories:
            manuscripts = [story(api.db, **one) for one in stories]
            saved = await write(api.db, *manuscripts)
            ids.update({one["number"]: two.id for one, two in zip(stories, saved, strict=True)})
        case int(number):
            await api.db.write(service.withdraw, [ids[number]] if number in ids else [], now=NOW)
        case "go live":
            await api.db.write(service.go_live, now=LATER)
        case (int(which), int(limit), bool(lost)):
            await copies[which].poll(limit, lost=lost)
        case "again":
            await copies[0].start()


@pytest.mark.anyio
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=st.lists(steps, min_size=3, max_size=14))
async def test_copy_of_a_consumer_that_is_cut_off_at_random_is_what_the_list_has(
    api: Served, happenings: list[object]
) -> None:
    copies = [ArchiveCopy(api.editor if "status" in expected else api.public, expected) for expected in FILTERS]
    for copy in copies:
        await copy.start()
    ids: dict[int, int] = {}
    for what in happenings:
        await _happen(api, copies, ids, what)
    for copy in copies:
        while await copy.poll(3):
            pass
        assert copy.kept == await copy.list_articles(), copy.filter
        assert len(copy.met) == len(set(copy.met))
