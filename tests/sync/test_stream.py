"""The event stream over a real socket: events as they happen, resuming, the beat, and its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from support.listening import Listening, listen
from support.stories import story, write

from app.settings import Settings
from app.sync import routes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def listening_server(settings: Settings) -> AsyncIterator[Listening]:
    async with listen(settings) as server:
        yield server


@pytest.fixture
async def local(sqlite_settings: Settings) -> AsyncIterator[Listening]:
    """For what neither database does in its own way."""
    async with listen(sqlite_settings) as server:
        yield server


class Events:
    """A stream's events as a browser would dispatch them: (id, data); an id alone gives none, but is remembered."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""

    async def block(self) -> dict[str, str]:
        result: dict[str, str] = {}
        while line := await asyncio.wait_for(anext(self._lines), 5):
            name, _, value = line.partition(": ")
            result[name] = value
        self.last_id = result.get("id", self.last_id)
        return result

    async def read_next(self) -> dict[str, Any]:
        while "data" not in (result := await self.block()):
            pass
        data: dict[str, Any] = orjson.loads(result["data"])
        return data


@asynccontextmanager
async def stream(client: httpx.AsyncClient, **query: str) -> AsyncIterator[Events]:
    headers = {"Last-Event-ID": query.pop("last")} if "last" in query else {}
    async with client.stream("GET", "/v1/changes/stream", params=query, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        yield Events(response)


async def test_events_come_as_they_happen_and_resume_where_they_were_cut_off(listening_server: Listening) -> None:
    db = listening_server.db
    async with stream(listening_server.public, tag="a", include="article") as events:
        assert set(await events.block()) == {"retry", "id"}
        began = time.monotonic()
        [one] = await write(db, story(db, 1, tags=["a"]))
        first = await events.read_next()
        assert time.monotonic() - began < 2
        assert (first["event"], first["article"]["id"]) == ("published", one.id)
        assert first["card"]["title"] == "Story number 1"
    await write(db, story(db, 2, tags=["b"]), story(db, 1, tags=["b"]), story(db, 3, tags=["b"]))
    head = (await listening_server.public.get("/v1/changes?since=now")).json()["next"]
    async with stream(listening_server.public, tag="a", since="0", last=events.last_id) as resumed:
        assert (await resumed.read_next())["event"] == "left_filter"
        assert resumed.last_id == head
    polled = await listening_server.public.get("/v1/changes", params={"since": resumed.last_id})
    assert polled.json()["data"] == []


async def test_many_events_come_in_order_and_once(local: Listening) -> None:
    start = (await local.public.get("/v1/changes?since=now")).json()["next"]
    count = routes.PER_EVENTS * 2 + 5
    await write(local.db, *(story(local.db, number) for number in range(1, count + 1)))
    async with stream(local.public, since=start) as events:
        seqs = [(await events.read_next())["seq"] for _ in range(count)]
    told = (await local.public.get("/v1/changes", params={"since": start, "limit": 1000})).json()
    assert seqs == [change["seq"] for change in told["data"]]
    assert events.last_id == told["next"]


@pytest.mark.slow
async def test_quiet_stream_sends_its_place_alone(local: Listening) -> None:
    local.app.state.watch.beat = 0.3
    async with stream(local.public, tag="a") as events:
        first = await events.block()
        assert await events.block() == {"id": first["id"]}
        await write(local.db, story(local.db, 1, tags=["b"]))
        while (beat := await events.block()) == {"id": first["id"]}:
            pass
        assert set(beat) == {"id"}
        assert beat["id"] == (await local.public.get("/v1/changes?since=now")).json()["next"]


async def test_stream_is_refused_before_it_begins(local: Listening) -> None:
    for query, status in (({"since": "x"}, 422), ({"status": "draft"}, 401), ({"limit": "5"}, 422)):
        response = await local.public.get("/v1/changes/stream", params=query)
        assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    gone = await local.public.get("/v1/changes/stream", headers={"Last-Event-ID": "x" * 32})
    assert gone.status_code == 410
    assert gone.json()["export"] == "/v1/export"


async def test_head_of_a_stream_is_its_headers(local: Listening) -> None:
    response = await asyncio.wait_for(local.public.head("/v1/changes/stream"), 3)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_ending_server_ends_its_streams_and_waits_at_once(sqlite_settings: Settings) -> None:
    async with listen(sqlite_settings) as listening_server:
        waiting = asyncio.create_task(listening_server.public.get("/v1/changes?since=now&wait=30"))
        async with stream(listening_server.public) as events:
            await events.block()
            began = time.monotonic()
            listening_server.server.should_exit = True
            with pytest.raises(StopAsyncIteration):
                await events.block()
            assert (await waiting).status_code == 200
    assert time.monotonic() - began < 3


@pytest.mark.slow
async def test_stream_of_a_client_that_has_gone_is_over(local: Listening) -> None:
    before = len(asyncio.all_tasks())
    async with stream(local.public) as events:
        await events.block()
        assert len(asyncio.all_tasks()) > before
    deadline = time.monotonic() + 3
    while len(local.server.server_state.tasks) and time.monotonic() < deadline:  # noqa: ASYNC110 -- nobody tells
        await asyncio.sleep(0.05)
    assert len(local.server.server_state.tasks) == 0
