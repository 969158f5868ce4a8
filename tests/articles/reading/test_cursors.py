"""Paging by cursor while rows come and go: each row that stays is met exactly once, in order, forth and back."""

import random
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any

import pytest
from conftest import ENGINES, Served, serve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert
from sqlmodel import Session

from app.articles.reading.queries import SORTS
from app.models import Article, table
from app.settings import Settings
from app.text.keys import sort_key

ON = ENGINES

pytestmark = pytest.mark.anyio
A = table(Article)
RUNS = count()
BASE = 1_700_000_000

Row = tuple[int | None, str]
rows = st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from(["Alpha", "beta", "Älpha", "gamma", "β"]))
# Between two pages: rows that come, and how many of those there go.
changes = st.tuples(st.lists(rows, max_size=3), st.integers(0, 2))


def _insert(session: Session, origin: str, made: Sequence[Row]) -> list[int]:
    if not made:
        return []
    values = [
        {
            "version": 1,
            "status": "published" if at is not None else "draft",
            "slug": f"{origin}-{next(RUNS)}",
            "language": "en",
            "title": title,
            "title_derived": False,
            "title_key": "",
            "sort_title": sort_key(title),
            "body": "",
            "word_count": 0,
            "origin": origin,
            "published_at": None if at is None else BASE + at,
            "updated_at": BASE + (at or 0),
            "created_at": BASE + (at or 0),
            "public_once": False,
        }
        for at, title in made
    ]
    statement = insert(A).returning(A.c.id, sort_by_parameter_order=True)
    return list(session.connection().execute(statement, values).scalars())


def _delete(session: Session, ids: Sequence[int]) -> None:
    session.connection().execute(delete(A).where(A.c.id.in_(ids)))


class Walk:
    """One list of one origin, walked page by page while it changes."""

    def __init__(self, api: Served, sort: str, limit: int, *, drafts: bool) -> None:
        self.served, self.origin, self.limit = api, f"run-{next(RUNS)}", limit
        self.asked: dict[str, str | int] = {"origin": self.origin, "sort": sort, "limit": limit, "count": "none"}
        if drafts:
            self.asked["status"] = "published,draft"
        self.came: set[int] = set()
        self.went: set[int] = set()

    async def add(self, made: Sequence[Row]) -> list[int]:
        ids: list[int] = (await self.served.db.write(_insert, self.origin, made)).value
        return ids

    async def change(self, made: Sequence[Row], gone: int, chance: random.Random) -> None:
        there = sorted(self.came - self.went)
        picked = chance.sample(there, min(gone, len(there)))
        self.went |= set(picked)
        await self.served.db.write(_delete, picked)
        added = await self.add(made)
        self.came |= set(added)
        self.late |= set(added)

    async def page(self, cursor: str | None) -> dict[str, Any]:
        asked = self.asked | ({"cursor": cursor} if cursor else {})
        response = await self.served.editor.get("/v1/articles", params=asked)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def collect_all(self) -> list[int]:
        response = await self.served.editor.get("/v1/articles", params=self.asked | {"limit": 100})
        return [row["id"] for row in response.json()["data"]]

    async def walk(self, way: str, begin: str | None, turns: Sequence[tuple[Sequence[Row], int]]) -> list[int]:
        """All ids met from `begin` on; the list changes before each further page."""
        self.late: set[int] = set()
        met: list[int] = []
        steps = iter(turns)
        shown = await self.page(begin)
        self.first, self.last = shown["page"], shown["page"]
        for _ in range(60):
            ids = [row["id"] for row in shown["data"]]
            met = met + ids if way == "next" else ids + met
            self.last = shown["page"]
            if not shown["page"][way]:
                return met
            made, gone = next(steps, ((), 0))
            await self.change(made, gone, random.Random(len(met)))
            shown = await self.page(shown["page"][way])
        raise AssertionError("the list has no end")


@pytest.fixture(scope="module")
async def archive(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("cursors")
    (folder / "dateline.db").write_bytes(sqlite_template.read_bytes())
    async with serve(Settings(data_dir=folder, index_heap_mb=15)) as api:
        yield api


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    start=st.lists(rows, min_size=1, max_size=9),
    turns=st.lists(changes, max_size=6),
    back=st.lists(changes, max_size=6),
    limit=st.integers(1, 4),
    drafts=st.booleans(),
)
async def test_rows_that_stay_are_met_exactly_once_forth_and_back(
    archive: Served,
    sort: str,
    start: list[Row],
    turns: list[tuple[list[Row], int]],
    back: list[tuple[list[Row], int]],
    limit: int,
    drafts: bool,
) -> None:
    walk = Walk(archive, sort, limit, drafts=drafts)
    walk.came |= set(await walk.add(start))
    before = await walk.collect_all()
    met = await walk.walk("next", None, turns)
    stayed = [id for id in before if id not in walk.went]
    assert len(met) == len(set(met))
    assert [id for id in met if id in stayed] == stayed
    assert set(met) <= walk.came
    before = await walk.collect_all()
    begin = walk.last["previous"]
    if begin is None:
        assert len(met) <= limit
        return
    at_the_end = [row["id"] for row in (await walk.page(None))["data"]]
    assert at_the_end == before[:limit]
    met = await walk.walk("previous", begin, back)
    assert len(met) == len(set(met))
    there = [id for id in before if id not in walk.went]
    # The last page itself lies behind the cursor; everything before it is met.
    assert [id for id in met if id in there] == [id for id in there if id in met]
    assert len(set(there) - set(met)) <= limit


@pytest.mark.parametrize("sort", SORTS)
async def test_every_sort_has_one_order_on_both_engines(shared_api: Served, sort: str) -> None:
    made: list[Row] = [(2, "beta"), (None, "Älpha"), (1, "alpha"), (2, "Beta"), (None, "gamma")]
    ids = (await shared_api.db.write(_insert, f"order{sort}", made)).value
    walk = Walk(shared_api, sort, 2, drafts=True)
    walk.asked["origin"] = f"order{sort}"
    expected = sorted(range(5), key=lambda i: _key(sort, made[i], ids[i]), reverse=sort.startswith("-"))
    if sort.endswith("published_at"):
        expected = sorted(expected, key=lambda i: made[i][0] is None)
    assert await walk.walk("next", None, []) == [ids[i] for i in expected]
    back = await walk.walk("previous", walk.last["previous"], [])
    assert back == [ids[i] for i in expected[:4]]


def _key(sort: str, row: Row, id: int) -> tuple[int | str, int]:
    return (sort_key(row[1]) if sort.endswith("title") else row[0] or 0), id


async def test_page_that_has_emptied_still_leads_back(archive: Served) -> None:
    for sort in SORTS:
        walk = Walk(archive, sort, 2, drafts=False)
        ids = await walk.add([(0, "alpha"), (1, "beta"), (2, "gamma")])
        order = await walk.collect_all()
        cursor = (await walk.page(None))["page"]["next"]
        await archive.db.write(_delete, [order[-1]])
        empty = await walk.page(cursor)
        assert (empty["data"], empty["page"]["next"]) == ([], None)
        again = await walk.page(empty["page"]["previous"])
        assert [row["id"] for row in again["data"]] == order[:2]
        assert set(order) == set(ids)
