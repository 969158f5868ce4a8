"""Responses from memory: what is kept, for whom, and that nothing older than the archive is ever sent."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import httpx
import pytest
import zstandard
from conftest import ENGINES, Served, new_archive, serve
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send
from support import linearizable
from support.leaks.doors import ComparedResponse, ask
from support.listening import listen

from app.http.middleware.cache_store import CacheStore
from app.http.middleware.compression import choose_coding
from app.http.middleware.response_cache import ResponseCache, sort_parameters
from app.settings import Settings

ON = ENGINES

pytestmark = pytest.mark.anyio
LONG = "<p>" + "Nothing much happened in the harbour today. " * 40 + "</p>"


@pytest.fixture(scope="module", params=ENGINES)
async def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One archive for all tests of this module, on both engines: each tells in its own way what changed."""
    folder = tmp_path_factory.mktemp("cache")
    with new_archive(request, request.param, folder) as url:
        async with serve(Settings(data_dir=folder, database_url=url, index_interval=0.02, index_heap_mb=15)) as running:
            await running.post(title="Harbour quiet", slug="harbour", body=LONG, tags=["shipping"])
            yield running


def cache_store_of(api: Served) -> CacheStore:
    return cast("CacheStore", api.app.state.cache)


async def hit(
    api: Served, address: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> ComparedResponse:
    """A response that must come from memory."""
    hits = cache_store_of(api).hits
    response = await ask(api.app, address, headers, method=method)
    assert cache_store_of(api).hits == hits + 1, address
    return response


async def test_second_response_comes_from_memory_and_is_the_same(api: Served) -> None:
    for address in ("/v1/articles/harbour", "/v1/articles?tag=shipping", "/v1/search?q=harbour", "/problems"):
        first = await ask(api.app, address)
        assert first.status == 200
        assert await hit(api, address) == first


async def test_server_gets_a_cached_response_without_a_task(api: Served) -> None:
    """What `ConnectionLimiter` asks before it calls the application. PostgreSQL has to be asked first, which waits."""
    await ask(api.app, "/v1/articles/harbour")
    scope = {"type": "http", "method": "GET", "path": "/v1/articles/harbour", "query_string": b"", "headers": []}
    messages = api.app.state.limiter.find_cached(scope)
    if api.db.dialect == "postgresql":
        assert messages is None
    else:
        assert messages[0]["status"] == 200
        assert b"Harbour quiet" in messages[1]["body"]


async def test_who_has_the_response_is_told_so_and_head_has_its_headers(api: Served) -> None:
    full = await ask(api.app, "/v1/articles/harbour")
    etag = str(full.header("etag"))
    known = await hit(api, "/v1/articles/harbour", {"If-None-Match": etag})
    assert (known.status, known.body, known.header("etag")) == (304, b"", etag)
    assert known.header("content-length") is None
    assert known.header("cache-control") == full.header("cache-control")
    assert (await hit(api, "/v1/articles/harbour", {"If-None-Match": '"1-other"'})).status == 200
    head = await hit(api, "/v1/articles/harbour", method="HEAD")
    assert (head.status, head.headers, head.body) == (200, full.headers, b"")


@pytest.mark.parametrize(("coding", "read"), [("zstd", zstandard.decompress), ("gzip", gzip.decompress)])
@pytest.mark.parametrize("keyed", [False, True])
async def test_responses_are_packed_as_the_client_takes_them(
    api: Served, coding: str, read: object, keyed: bool
) -> None:
    key = {"Authorization": api.editor.headers["Authorization"]} if keyed else {}
    plain = await ask(api.app, "/v1/articles/harbour", key)
    packed = await ask(api.app, "/v1/articles/harbour", {**key, "Accept-Encoding": coding})
    assert packed.header("content-encoding") == coding
    assert read(packed.body) == plain.body  # type: ignore[operator] # both are functions of bytes
    assert packed.header("content-length") == str(len(packed.body))
    assert len(packed.body) < len(plain.body) / 3
    assert packed.header("etag") == f"W/{plain.header('etag')}"
    assert "Accept-Encoding" in str(packed.header("vary"))
    again = {**key, "Accept-Encoding": coding, "If-None-Match": str(plain.header("etag"))}
    assert (await ask(api.app, "/v1/articles/harbour", again)).status == 304


async def test_parameters_in_another_order_are_the_same_question(api: Served) -> None:
    first = await ask(api.app, "/v1/articles?tag=shipping&limit=3")
    assert await hit(api, "/v1/articles?limit=3&tag=shipping") == first
    missing = [(await ask(api.app, f"/v1/articles?{ids}")).body for ids in ("id=9&id=8", "id=8&id=9")]
    assert missing[0] != missing[1]


async def test_what_is_refused_by_accept_is_not_sent_from_memory(api: Served) -> None:
    assert (await ask(api.app, "/v1/articles/harbour")).status == 200
    assert (await ask(api.app, "/v1/articles/harbour", {"Accept": "text/html"})).status == 406
    assert (await ask(api.app, "/v1/articles/harbour", {"Accept": "text/html, */*;q=0.1"})).status == 200
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://test") as client:
        twice = [("Accept", "text/html"), ("Accept", "application/json;q=0")]
        for path in ("/v1/articles/harbour", "/v1/articles/harbour?fields=title"):
            assert (await client.get(path, headers=twice)).status_code == 406


async def test_keys_health_and_failures_never_touch_the_cache(api: Served) -> None:
    before = cache_store_of(api).hits, len(cache_store_of(api).entries)
    key = {"Authorization": api.editor.headers["Authorization"]}
    for address, headers in (
        ("/v1/articles/harbour?fields=title", key),
        ("/v1/articles/harbour?fields=title", {"Authorization": "Bearer nonsense"}),
        ("/v1/articles?nonsense=1", {}),
        ("/health/live", {}),
        ("/v1/changes?since=0", {}),
    ):
        for _ in range(2):
            response = await ask(api.app, address, headers)
            assert not str(response.header("cache-control")).startswith("public"), address
    assert (cache_store_of(api).hits, len(cache_store_of(api).entries)) == before


async def test_drafts_empty_nothing_and_what_the_public_sees_does(api: Served) -> None:
    await ask(api.app, "/v1/articles?limit=7")
    turns = cache_store_of(api).turns
    draft = (await api.editor.post("/v1/articles", json={"title": "Not yet", "slug": "not-yet"})).json()
    assert (await ask(api.app, "/v1/articles/not-yet")).status == 404
    assert (await hit(api, "/v1/articles?limit=7")).status == 200
    assert cache_store_of(api).turns == turns
    published = await api.editor.patch(
        "/v1/articles/not-yet", json={"status": "published"}, headers={"If-Match": f'"{draft["version"]}"'}
    )
    shown = await ask(api.app, "/v1/articles/not-yet")
    assert (shown.status, shown.header("x-seq")) == (200, published.headers["x-seq"])
    gone = await api.editor.delete("/v1/articles/not-yet", headers={"If-Match": "*"})
    assert gone.is_success
    assert (await ask(api.app, "/v1/articles/not-yet")).status == 410
    assert b"not-yet" not in (await ask(api.app, "/v1/articles?limit=7")).body


async def test_search_finds_what_the_index_takes_in_after_a_cached_response(api: Served) -> None:
    address = "/v1/search?q=lighthouse&count=none"
    assert b'"data":[]' in (await ask(api.app, address)).body
    made = await api.editor.post("/v1/articles", json={"title": "Lighthouse", "status": "published"})
    await ask(api.app, address)  # the index may be behind now, and this response be kept
    await ask(api.app, f"/v1/search?limit=1&min_seq={made.headers['x-seq']}")
    assert b'"Lighthouse"' in (await ask(api.app, address)).body


async def test_many_at_once_are_served_by_one_request(api: Served) -> None:
    misses = cache_store_of(api).misses
    responses = await asyncio.gather(*(ask(api.app, "/v1/search?q=quiet+harbour") for _ in range(50)))
    assert len({response.body for response in responses}) == 1
    assert cache_store_of(api).misses == misses + 1


async def test_memory_stays_bounded_under_many_addresses(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"cache_mb": 1})) as small:
        for i in range(600):
            await ask(small.app, f"/v1/articles/{i + 1000}", {"Accept-Encoding": "gzip"})
        result = cache_store_of(small)
        assert 0 < result.bytes <= 1_000_000
        assert result.evicted > 0
        assert result.bytes == sum(entry.size for entry in result.entries.values())


async def test_cached_responses_count_for_the_limit_of_a_client(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"rate_limit": 5})) as limited:
        values = [await ask(limited.app, "/v1/regions/belgium") for _ in range(7)]
        assert [response.status for response in values] == [200] * 5 + [429] * 2
        assert values[-1].header("retry-after")


async def test_without_a_cache_responses_are_packed_all_the_same(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"cache_mb": 0})) as api:
        response = await ask(api.app, "/v1/regions", {"Accept-Encoding": "gzip"})
        assert response.header("content-encoding") == "gzip"
        assert cache_store_of(api).misses == 0


@dataclass
class ManualVersions:
    """A standing that changes when the test says so."""

    now: object

    def get_known(self) -> object:
        return self.now

    async def ask(self) -> object:
        return self.now


class Slow:
    """An application that responds when told to, with what was true when it was asked."""

    def __init__(self, cache_control: bytes = b"public, max-age=30, stale-while-revalidate=60") -> None:
        self.cache_control, self.state, self.asked = cache_control, b"old", 0
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, self.asked = self.state, self.asked + 1
        self.begun.set()
        await self.go.wait()
        headers = [(b"cache-control", self.cache_control), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _get(cache: ResponseCache) -> bytes:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cache), base_url="http://test") as client:
        return (await client.get("/x")).content


async def test_response_begun_before_a_change_is_never_given_after_it() -> None:
    slow, reported = Slow(), ManualVersions(object())
    cache = ResponseCache(slow, CacheStore(1_000_000), reported)
    first = asyncio.create_task(_get(cache))
    await slow.begun.wait()
    slow.state, reported.now = b"new", object()
    second = asyncio.create_task(_get(cache))
    await asyncio.sleep(0.01)
    slow.go.set()
    assert (await first, await second, await _get(cache)) == (b"old", b"new", b"new")
    assert slow.asked == 2


async def test_those_who_wait_for_what_cannot_be_shared_ask_for_themselves() -> None:
    slow = Slow(b"private, no-cache")
    cache = ResponseCache(slow, CacheStore(1_000_000), ManualVersions(object()))
    waiting = [asyncio.create_task(_get(cache)) for _ in range(3)]
    await slow.begun.wait()
    slow.go.set()
    assert await asyncio.gather(*waiting) == [b"old"] * 3
    assert (slow.asked, len(cache.store.entries), cache.store.flights) == (3, 0, {})


async def test_failure_is_the_first_ones_own_and_the_rest_go_on() -> None:
    calls = 0

    async def fail_once(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(0.01)
            raise ValueError("once")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    cache = ResponseCache(fail_once, CacheStore(1_000_000), ManualVersions(object()))
    result = await asyncio.gather(_get(cache), _get(cache), return_exceptions=True)
    assert isinstance(result[0], ValueError)
    assert result[1] == b"fine"


async def test_stream_goes_through_piece_by_piece() -> None:
    seen: list[Message] = []

    async def send_stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})
        assert seen, "the start is held back"
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": b"x" * 1_000, "more_body": more})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        seen.append(message)

    headers = [(b"accept-encoding", b"zstd")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    await ResponseCache(send_stream, CacheStore(1_000_000), ManualVersions(object()))(scope, receive, send)
    assert [message.get("body") for message in seen] == [None] + [b"x" * 1_000] * 3


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", "identity"), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("GZIP;q=1, zstd;q=0", "gzip"),
        ("x-gzip", "gzip"), ("*", "zstd"), ("zstd;q=0, *;q=0.5", "gzip"), ("br", "identity"), ("gzip;q=x", "identity"),
        ("gzip;q=0.5, identity", "identity"), ("identity;q=0", "identity"), ("identity;q=0, gzip;q=0.001", "gzip"),
        ("zstd;q=0.5,gzip;q=0.8", "gzip"), ("gzip" + " " * 300, "identity"),
    ],
)  # fmt: skip
def test_coding_is_the_one_that_the_client_likes_best(header: str, coding: str) -> None:
    assert choose_coding(header.encode()) == coding


@given(st.lists(st.tuples(st.sampled_from(["gzip", "zstd", "br", "identity", "*"]), st.integers(0, 1_000)), max_size=5))
def test_coding_chosen_is_never_one_that_the_client_refuses(weights: list[tuple[str, int]]) -> None:
    header = ", ".join(f"{name};q={weight / 1_000}" for name, weight in weights)
    result, reported = choose_coding(header.encode()), dict(weights)
    assert result == "identity" or reported.get(result, reported.get("*", 0)) > 0
    best = max((reported.get(name, reported.get("*", 0)) for name in ("gzip", "zstd")), default=0)
    assert result == "identity" or reported.get(result, reported.get("*", 0)) == best


@given(st.binary(max_size=100))
def test_any_accept_encoding_is_read(header: bytes) -> None:
    assert choose_coding(header) in ("zstd", "gzip", "identity")


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        (b"", b""), (b"b=1&a=2", b"a=2&b=1"), (b"id=3&limit=1&id=1", b"id=3&id=1&limit=1"),
        (b"%69d=1&a=2", b"%69d=1&a=2"),
        (b"a=b=c&a=1", b"a=b=c&a=1"), (b"b&a", b"a&b"), (b"b+=1&a=1", b"b+=1&a=1"),
    ],
)  # fmt: skip
def test_parameters_of_one_name_keep_their_order(query: bytes, ordered: bytes) -> None:
    assert sort_parameters(query) == ordered


@pytest.mark.slow
async def test_no_reader_sees_an_older_version_after_a_newer_one(settings: Settings) -> None:
    async with listen(settings) as server:
        await server.post(title="Moving", slug="moving", tags=["moving"])
        history = await linearizable.run(server.editor, [server.address], 0.6, 6)
        assert not history.stale, history.stale[:5]
        assert history.counts["200"] > 0 < history.counts["write"], history.counts
        assert cache_store_of(server).hits > 0
