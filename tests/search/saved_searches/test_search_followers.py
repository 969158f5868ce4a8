"""Followers of saved searches are told of everything once, whichever process matches and whenever: polls, streams, and
two servers of one archive."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select
from support.listening import listen

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.models import SearchMatch, table
from app.search.saved_searches import matches
from app.search.saved_searches.definition import get_index
from app.search.saved_searches.percolation import Percolator
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
Told = list[tuple[str, int]]


async def post(client: httpx.AsyncClient, title: str, **fields: object) -> int:
    response = await client.post("/v1/articles", json={"title": title, "status": "published", **fields})
    assert response.status_code == 201, response.text
    return int(response.json()["id"])


async def edit(client: httpx.AsyncClient, id: int, **fields: object) -> None:
    response = await client.patch(f"/v1/articles/{id}", json=fields, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text


async def save(client: httpx.AsyncClient, slug: str, q: str) -> str:
    """The place from which its changes go on."""
    deadline = time.monotonic() + 20
    while (response := await client.post("/v1/searches", json={"slug": slug, "q": q})).status_code == 503:
        assert time.monotonic() < deadline, response.text  # the index is not there yet
        await asyncio.sleep(0.05)
    assert response.status_code == 201, response.text
    return str(response.headers["x-seq"])


async def read(client: httpx.AsyncClient, slug: str, since: str, wait: int = 0) -> tuple[Told, str]:
    response = await client.get("/v1/changes", params={"search": slug, "since": since, "wait": wait}, timeout=wait + 10)
    assert response.status_code == 200, response.text
    body = response.json()
    return [(one["event"], one["article"]["id"]) for one in body["data"]], body["next"]


async def follow(client: httpx.AsyncClient, slug: str, since: str, last: tuple[str, int]) -> Told:
    """What is told up to a change."""
    told: Told = []
    deadline = time.monotonic() + 30
    while last not in told:
        assert time.monotonic() < deadline, told
        news, since = await read(client, slug, since, wait=2)
        told += news
    return told


async def test_follower_waits_through_commits_until_another_process_has_matched_them(api: Served) -> None:
    """The head is seen long before; the place that is matched moves by a process that this one does not hear of."""
    await post(api.editor, "Wool")
    since = await save(api.editor, "wool", "wool")
    await asyncio.to_thread(api.app.state.percolation.stop)
    waiting = asyncio.create_task(read(api.editor, "wool", since, wait=20))
    await asyncio.sleep(0.1)
    [first, _] = [await post(api.editor, title) for title in ("More wool", "Cotton")]
    await api.editor.post("/v1/articles", json={"title": "Wool in a draft"})
    await asyncio.sleep(0.4)
    assert not waiting.done()
    assert (await read(api.editor, "wool", since))[0] == []
    db = Database(api.settings, log.append, alone=False)
    try:
        percolator = Percolator(db, get_index(api.app.state.archive).engine)
        await asyncio.to_thread(catch_up, percolator)
        began = time.monotonic()
        told, since = await waiting
        assert (told, time.monotonic() - began < 3) == ([("published", first)], True)
        # What is committed while nobody waits, and matched before somebody does, is told as well.
        second = await post(api.editor, "Wool once more")
        await asyncio.to_thread(catch_up, percolator)
        assert (await read(api.editor, "wool", since, wait=20))[0] == [("published", second)]
    finally:
        db.close_now()


def catch_up(percolator: Percolator) -> None:
    while percolator.step():
        pass


@pytest.fixture
async def two_servers(settings: Settings, tmp_path: Any) -> AsyncIterator[tuple[Served, Served]]:
    """Of one archive, each with an index of its own."""
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    async with serve(settings) as one, serve(other) as two:
        yield one, two


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_servers_match_nothing_twice_and_miss_nothing(two_servers: tuple[Served, Served]) -> None:
    one, two = two_servers
    await post(one.editor, "Tungsten")
    starts = [await save(served.editor, slug, slug) for served, slug in ((one, "tin"), (two, "zinc"))]
    expected: dict[str, set[tuple[str, int]]] = {"tin": set(), "zinc": set()}

    async def write(served: Served, number: int) -> None:
        tin, both, _ = [await post(served.editor, f"{title} {number}") for title in ("Tin", "Tin and zinc", "Lead")]
        await edit(served.editor, both, title=f"Zinc {number}")
        # Of each article the latest change alone is told; who was told of an earlier one is told of this one too.
        expected["tin"] |= {("published", tin), ("left_filter", both)}
        expected["zinc"] |= {("updated", both)}

    followers = [
        asyncio.create_task(collect(served, slug, since))
        for slug, since in zip(("tin", "zinc"), starts, strict=True)
        for served in two_servers
    ]
    await asyncio.gather(*(write(served, number) for number in range(3) for served in two_servers))
    ends = {slug: ("published", await post(one.editor, f"{slug} ends")) for slug in ("tin", "zinc")}
    for task, slug in zip(followers, ("tin", "tin", "zinc", "zinc"), strict=True):
        told = await asyncio.wait_for(task, 40)
        assert len(told) == len(set(told)), told
        last = {id: event for event, id in told}
        assert {(event, id) for id, event in last.items()} == {*expected[slug], ends[slug]}
    with one.db.snapshot() as snapshot:
        rows = snapshot.connection.execute(select(func.count()).select_from(table(SearchMatch))).scalar_one()
    assert rows == sum(len(one) + 1 for one in expected.values())
    # Neither is behind, and neither has failed.
    assert [served.app.state.percolation.problem for served in two_servers] == [None, None]
    for served in two_servers:
        assert await served_lag(served) == 0


async def collect(served: Served, slug: str, since: str) -> Told:
    """Everything up to the article that says that it is the last one."""
    told: Told = []
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        response = await served.editor.get(
            "/v1/changes", params={"search": slug, "since": since, "wait": 2, "include": "article"}, timeout=20
        )
        assert response.status_code == 200, response.text
        body = response.json()
        told += [(one["event"], one["article"]["id"]) for one in body["data"]]
        since = body["next"]
        if any(one["card"] and one["card"]["title"] == f"{slug} ends" for one in body["data"]):
            return told
    raise AssertionError(told)


async def served_lag(served: Served) -> int:
    with served.db.snapshot() as snapshot:
        return log.head(snapshot).public_seq - matches.read_position(snapshot.connection).public_seq


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_stream_tells_what_comes_changes_and_leaves(settings: Settings) -> None:
    async with listen(settings) as server:
        early = await post(server.editor, "Harbour")
        await save(server.editor, "harbour", "harbour")
        stream = server.editor.stream("GET", "/v1/changes/stream", params={"search": "harbour", "include": "article"})
        async with stream as response:
            assert response.status_code == 200
            lines = response.aiter_lines()
            assert (await read_block(lines)).keys() == {"retry", "id"}
            late = await post(server.editor, "Another harbour")
            [published, id] = await read_event(lines)
            assert (published["event"], published["article"]["id"]) == ("published", late)
            assert published["card"]["title"] == "Another harbour"
            await post(server.editor, "A mountain")
            await edit(server.editor, early, title="A quay")
            [left, _] = await read_event(lines)
            assert (left["event"], left["article"]["id"], left["card"]) == ("left_filter", early, None)
        headers = {"Last-Event-ID": id}
        query = {"search": "harbour"}
        async with server.editor.stream("GET", "/v1/changes/stream", params=query, headers=headers) as response:
            [again, _] = await read_event(response.aiter_lines())
            assert (again["event"], again["article"]["id"]) == ("left_filter", early)


async def read_block(lines: AsyncIterator[str]) -> dict[str, str]:
    block: dict[str, str] = {}
    while line := await asyncio.wait_for(anext(lines), 10):
        name, _, value = line.partition(": ")
        block[name] = value
    return block


async def read_event(lines: AsyncIterator[str]) -> tuple[dict[str, Any], str]:
    """The next one, and its id."""
    while "data" not in (block := await read_block(lines)):
        pass
    data: dict[str, Any] = orjson.loads(block["data"])
    return data, block["id"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_limit_of_a_key_is_that_of_its_name_and_frees_again(settings: Settings) -> None:
    limited = settings.model_copy(update={"max_searches_per_key": 2, "max_searches": 3})
    async with serve(limited) as api:
        await post(api.editor, "Bread")
        for slug in ("one", "two"):
            await save(api.editor, slug, slug)
        same = await api.key("write")
        asking: tuple[dict[str, str], ...] = (same, {})
        for headers in asking:
            body = {"slug": "three", "q": "three"}
            refused = await api.editor.post("/v1/searches", json=body, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (409, "too_many_searches")
            assert "2" in refused.json()["detail"]
        tokens = [(await api.db.write(auth.create_key, name, ("write",))).value for name in ("other", "third")]
        other, third = ({"Authorization": f"Bearer {token}"} for token in tokens)
        allowed = await api.public.post("/v1/searches", json={"slug": "one", "q": "three"}, headers=other)
        assert allowed.status_code == 201
        full = await api.public.post("/v1/searches", json={"slug": "one", "q": "four"}, headers=third)
        assert (full.status_code, full.json()["code"]) == (409, "too_many_searches")
        # Changing one counts nothing, and removing one makes room.
        assert (await api.editor.patch("/v1/searches/one", json={"q": "five"})).status_code == 200
        assert (await api.editor.delete("/v1/searches/one")).status_code == 204
        assert len(await save(api.editor, "three", "three")) > 0
