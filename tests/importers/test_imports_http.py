"""Imports over HTTP: a result for each line as it goes, whatever the other lines are, and what a broken body leaves."""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import httpx
import orjson
import pytest
from conftest import Served, serve
from hypothesis import given, strategies as st
from support.listening import listen

from app.importers.line_splitter import LineSplitter
from app.settings import Settings

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
NDJSON = {"Content-Type": "application/x-ndjson"}


def line(number: int, **fields: object) -> bytes:
    return orjson.dumps({"id": f"s{number}", "title": f"Story {number}", "body": "The council met.", **fields}) + b"\n"


@pytest.fixture
async def local(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """For what neither database does in its own way."""
    async with serve(sqlite_settings) as running:
        yield running


async def send_import(client: httpx.AsyncClient, body: Any, **query: object) -> list[Json]:
    response = await client.post("/v1/imports", params=query, content=body, headers=NDJSON)  # type: ignore[arg-type]
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in response.content.splitlines()]


async def titles(client: httpx.AsyncClient, **query: str) -> list[str]:
    return [one["title"] for one in (await client.get("/v1/articles", params=query)).json()["data"]]


def outcomes(results: Sequence[Json]) -> list[tuple[int, str]]:
    return [(one["line"], one["outcome"]) for one in results[:-1]]


async def test_each_line_has_its_result_whatever_the_others_are(api: Served) -> None:
    body = (
        b"\xef\xbb\xbf" + line(1) + b"{ no json\n\n" + line(2).replace(b"\n", b"\r\n") + b'[1]\n{"id": "empty"}\n"x"\n'
    )
    body += line(3, status="draft") + line(1, title="Edited at once") + b'{"end": true, "count": 8}'
    results = await send_import(api.editor, body)
    assert outcomes(results) == [
        (1, "created"), (2, "failed"), (4, "created"), (5, "failed"), (6, "failed"), (7, "failed"), (8, "created"),
        (9, "created"),
    ]  # fmt: skip
    summary = results[-1]
    assert summary["summary"] == {"created": 4, "updated": 0, "unchanged": 0, "failed": 4}
    assert "not valid JSON" in results[1]["reason"]
    assert results[3]["reason"] == results[5]["reason"] == "not a JSON object"
    assert results[2] == {
        "notes": [],
        "line": 4, "outcome": "created", "id": results[2]["id"], "slug": "story-2", "reason": None, "copy_of": None,
    }  # fmt: skip
    response = await api.public.get("/v1/search", params={"q": "council", "min_seq": summary["seq"]})
    assert {hit["article"]["title"] for hit in response.json()["data"]} == {"Edited at once", "Story 2"}


async def test_import_done_twice_changes_nothing(api: Served) -> None:
    body = line(1) + line(2)
    first = await send_import(api.editor, body, origin="wire")
    again = await send_import(api.editor, body, origin="wire")
    assert again[-1]["summary"] == {"created": 0, "updated": 0, "unchanged": 2, "failed": 0}
    assert [one["slug"] for one in again[:-1]] == [one["slug"] for one in first[:-1]] == ["story-1", "story-2"]
    other = await send_import(api.editor, body + line(2, body="Another."), origin="other-wire")
    assert other[-1]["summary"]["created"] == 3
    assert len(await titles(api.public, origin="wire")) == 2


async def test_dry_run_says_what_would_be_and_changes_nothing(api: Served) -> None:
    await send_import(api.editor, line(1))
    results = await send_import(api.editor, line(1) + line(1, title="Edited") + line(2) + b"{", dry_run="true")
    assert outcomes(results) == [(1, "unchanged"), (2, "updated"), (3, "created"), (4, "failed")]
    assert await titles(api.public) == ["Story 1"]


async def test_wrong_count_at_the_end_is_a_failure_of_that_line(local: Served) -> None:
    results = await send_import(local.editor, line(1) + b'{"end": true, "count": 3}\n')
    assert outcomes(results) == [(1, "created"), (2, "failed")]
    assert "a count of 3, but 1 lines" in results[1]["reason"]
    assert outcomes(await send_import(local.editor, b"")) == []


async def test_who_may_not_or_sends_something_else_is_refused(local: Served) -> None:
    responses = [
        await local.public.post("/v1/imports", content=line(1), headers=NDJSON),
        await local.public.post("/v1/imports", content=line(1), headers=NDJSON | await local.key("write")),
        await local.editor.post("/v1/imports", content=line(1), headers={"Content-Type": "image/png"}),
        await local.editor.post("/v1/imports", content=line(1)),
        await local.editor.post("/v1/imports?dry=true", content=line(1), headers=NDJSON),
        await local.editor.put("/v1/imports"),
    ]
    assert [response.status_code for response in responses] == [401, 403, 415, 415, 422, 405]
    assert responses[2].json()["allowed"][0] == "application/x-ndjson"
    assert await titles(local.public) == []


async def test_results_come_while_the_body_is_still_on_its_way(sqlite_settings: Settings) -> None:
    async with listen(sqlite_settings) as listening:
        more = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield line(1) + line(2)[:10]
            await asyncio.wait_for(more.wait(), 5)
            yield line(2)[10:]

        address = httpx.URL(listening.address)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        head = (
            f"POST /v1/imports HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: application/x-ndjson\r\n"
            f"Authorization: {listening.editor.headers['authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        writer.write(head.encode())
        results = []
        async for piece in body():
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            while not (result := await asyncio.wait_for(reader.readline(), 5)).startswith(b'{"line"'):
                assert result
            results.append(orjson.loads(result))
            more.set()
        writer.close()
        assert outcomes([*results, {}]) == [(1, "created"), (2, "created")]


async def test_body_that_breaks_off_leaves_what_was_acknowledged_and_nothing_else(sqlite_settings: Settings) -> None:
    async with listen(sqlite_settings) as listening:
        address = httpx.URL(listening.address)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        head = (
            f"POST /v1/imports HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: application/x-ndjson\r\n"
            f"Authorization: {listening.editor.headers['authorization']}\r\nContent-Length: 100000\r\n\r\n"
        )
        writer.write(head.encode() + line(1))
        while not (result := await asyncio.wait_for(reader.readline(), 5)).startswith(b'{"line"'):
            assert result
        writer.write(line(2) + line(3)[:-5])
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.5)
        assert await titles(listening.public) == ["Story 1"]
        assert (await send_import(listening.editor, line(4)))[-1]["summary"]["created"] == 1


async def test_line_of_40_mb_fails_alone_and_is_never_held(local: Served) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield line(1) + b'{"id": "huge", "title": "'
        for _ in range(40):
            yield b"x" * 1_000_000
        yield b'"}\n' + line(2)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = await send_import(local.editor, body())
    assert outcomes(results) == [(1, "created"), (2, "failed"), (3, "created")]
    assert "longer than 32 MB" in results[1]["reason"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


@given(
    body=st.lists(st.sampled_from([b"", b"a", b"bb", b"cccccc", b"ddddddddd", b"\r"]), max_size=8).map(b"\n".join),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_lines_are_the_same_however_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    lines = LineSplitter(longest=5)
    matches = [one for start, end in pairwise(ends) for one in lines.feed(body[start:end])]
    assert [*matches, lines.take_line()] == [one[:6].removesuffix(b"\r") for one in body.split(b"\n")]
