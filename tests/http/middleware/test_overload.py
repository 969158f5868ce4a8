"""A server and clients that misbehave: who is refused and how, who is broken off, and that others are served."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
import uvicorn
from conftest import serve
from starlette.types import Message, Receive, Scope, Send
from support.abuse import GET, RawClient, get
from support.listening import Listening, listen

from app.http.middleware.access_log import EDGES, AccessLog, RequestTally
from app.http.middleware.cors import Cors
from app.http.middleware.errors_and_timing import ErrorsAndTiming
from app.http.middleware.load_shedding import CurrentLoad, LoadCaps, LoadShedding
from app.http.server.connections import ConnectionLimiter, Timeouts
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HASTY = Timeouts(head=0.2, body=0.3, response=0.4, beat=0.05)
OTHER = "127.0.0.9"


@pytest.fixture
async def server(sqlite_settings: Settings) -> AsyncIterator[Listening]:
    few = {"max_connections": 12, "max_connections_per_address": 6, "max_streams": 3, "max_streams_per_address": 2}
    async with listen(sqlite_settings.model_copy(update=few), HASTY) as running:
        yield running


Connect = Callable[..., Awaitable[RawClient]]


@pytest.fixture
async def connect(server: Listening) -> AsyncIterator[Connect]:
    """New connections to the server, which end with the test."""
    made: list[RawClient] = []

    async def connect(address: str = "127.0.0.1", *, receive_buffer: int = 0) -> RawClient:
        made.append(await RawClient.connect(port(server), address, receive_buffer=receive_buffer))
        return made[-1]

    yield connect
    for client in made:
        await client.close()


def port(server: Listening) -> int:
    return int(server.address.rpartition(":")[2])


def guard(server: Listening) -> ConnectionLimiter:
    result = server.app.state.limiter
    assert isinstance(result, ConnectionLimiter)
    return result


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 -- what is waited for is in the server, which tells nobody
            await asyncio.sleep(0.01)


async def test_half_sent_requests_end_without_noise_and_others_are_served(
    server: Listening, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    silent, half, body, gone = [await connect() for _ in range(4)]
    await half.send(b"GET /v1/articles HTTP/1.1\r\nHost: te")
    key = server.editor.headers["authorization"].encode()
    begun = b"POST /v1/articles HTTP/1.1\r\nHost: test\r\nAuthorization: %b\r\nContent-Length: 100\r\n\r\n{" % key
    await body.send(begun)
    await gone.send(begun)
    await gone.close()
    assert (await get(port(server), "/v1/articles", OTHER)).status == 200
    for late in (half, body):
        response = await asyncio.wait_for(late.read_response(), 5)
        assert (response.status, json.loads(response.body)["code"]) == (408, "request_timeout")
        assert await late.wait_closed()
    assert await asyncio.wait_for(silent.wait_closed(), 5)
    await wait_until(lambda: not guard(server).open)
    assert guard(server).cut == {"head": 2, "body": 1}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def drip(client: RawClient, byte: bytes) -> None:
    """A byte at a time, until the server has had enough."""
    with suppress(ConnectionError):
        while not client.reader.at_eof():
            await client.send(byte)
            await asyncio.sleep(0.05)


async def test_drip_of_bytes_does_not_keep_a_connection(server: Listening, connect: Connect) -> None:
    head, body = [await connect() for _ in range(2)]
    await body.send(b"POST /v1/imports HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
    drips = asyncio.gather(drip(head, b"G"), drip(body, b" "))
    await asyncio.wait_for(drips, 5)
    await wait_until(lambda: not guard(server).open)


async def _long(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(9_000_000)})


async def test_who_reads_nothing_is_broken_off_and_what_waits_is_bounded() -> None:
    own = ConnectionLimiter(20, 20, timeouts=replace(HASTY, held_bytes=20_000_000))
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        config = uvicorn.Config(_long, http=own.protocol, lifespan="off", log_config=None, log_level="error")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[door]))
        await wait_until(lambda: server.started)
        slow = [await RawClient.connect(door.getsockname()[1], receive_buffer=4096) for _ in range(6)]
        for client in slow:
            await client.send(GET % b"/")
        await wait_until(lambda: own.cut["answer"] > 0)
        assert 0 < own.held <= 20_000_000
        await wait_until(lambda: not own.open)
        assert (own.held, own.cut) == (0, {"answer": 6})
        server.should_exit = True
        await running
        for client in slow:
            await client.close()


async def test_strained_server_refuses_work_but_lives(server: Listening, connect: Connect) -> None:
    guard(server).held = 20_000_000
    refused = await server.public.get("/v1/articles?limit=3")
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "overloaded", "1")
    assert (await server.public.get("/health/live")).status_code == 200
    guard(server).held = 0
    assert (await server.public.get("/v1/articles?limit=3")).status_code == 200


async def test_idle_connections_make_room_for_new_ones(server: Listening, connect: Connect) -> None:
    kept = await connect(OTHER)
    assert (await kept.get("/health/live")).status == 200
    for number in range(30):
        await connect(f"127.0.0.{10 + number // 6}")
    assert (await get(port(server), "/v1/articles")).status == 200
    assert (await kept.get("/v1/articles")).status == 200
    assert guard(server).cut["idle"] >= 18
    assert len(guard(server).open) <= 12


async def test_connections_beyond_those_at_work_are_told_when_to_come_back(server: Listening, connect: Connect) -> None:
    server.app.state.load.streams.clear()
    waiting = [await connect() for _ in range(6)]
    for client in waiting:
        await client.send(b"POST /v1/articles HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n")
        await client.send(b"Authorization: " + server.editor.headers["authorization"].encode() + b"\r\n\r\n")
    await wait_until(lambda: all(one.cycle for one in guard(server).open if one.address == "127.0.0.1"))
    refused = await get(port(server), "/v1/articles")
    assert (refused.status, json.loads(refused.body)["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "5"
    guard(server).max_connections = 6
    refused = await get(port(server), "/v1/articles", OTHER)
    assert (refused.status, json.loads(refused.body)["code"]) == (503, "overloaded")


async def test_streams_have_caps_of_their_own_and_leave_room_for_requests(server: Listening, connect: Connect) -> None:
    streams = []
    for address, expected in ((1, 200), (1, 200), (1, 429), (2, 200), (2, 503)):
        client = await connect(f"127.0.0.{address}")
        await client.send(GET % b"/v1/changes/stream")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert int(head.split()[1]) == expected
        assert (b"retry-after: 10" in head.lower()) == (expected != 200)
        streams.append(client)
    for name in ("wait", "w%61it"):
        assert (await server.public.get(f"/v1/changes?{name}=1&since=now")).status_code == 503
    assert (await server.public.get("/v1/articles")).status_code == 200
    for client in streams:
        await client.close()
    await wait_until(lambda: not server.app.state.load.streams)


@pytest.mark.parametrize(
    ("sent", "line", "code"),
    [
        (b"\x16\x03\x01\x02\x00 not HTTP\r\n\r\n", b"HTTP/1.1 400 Bad Request", b"malformed_request"),
        (b"GET /" + b"x" * 65_600, b"HTTP/1.1 431 Request Header Fields Too Large", b"head_too_large"),
    ],
    ids=["tls", "endless-head"],
)
async def test_what_is_no_request_gets_a_problem_and_is_closed(
    connect: Connect, sent: bytes, line: bytes, code: bytes
) -> None:
    client = await connect()
    await client.send(sent)
    response = b""
    async with asyncio.timeout(5):
        while piece := await client.reader.read(65_536):
            response += piece
    assert response.count(b'"code":"%b"' % code) == 1
    assert response.startswith(line)


async def test_thousands_of_requests_in_one_go_are_not_kept_until_their_turn(
    server: Listening, connect: Connect
) -> None:
    client = await connect()
    await client.send(GET % b"/health/live" * 5000)
    assert await asyncio.wait_for(client.wait_closed(), 5)
    assert guard(server).refused == {"malformed": 1}
    assert server.app.state.tally.responses["GET", "other", 2] < 1000


async def test_requests_that_come_faster_tha_responses_are_not_kept_either(server: Listening, connect: Connect) -> None:
    client = await connect()
    request = GET % b"/v1/articles?limit=100&include=body"
    for _ in range(200):  # each far below what is looked at in slices
        with suppress(OSError):
            await client.send(request * 20)
        await asyncio.sleep(0)
    assert await asyncio.wait_for(client.wait_closed(), 5)
    assert guard(server).refused == {"malformed": 1}


async def send_request(
    app: object, path: str = "/v1/articles/7", *, method: str = "GET", **headers: str
) -> list[Message]:
    sent: list[Message] = []
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": "http", "method": method, "path": path, "query_string": b"q=secret", "headers": named,
        "client": ("192.0.2.7", 5), "state": {"request_id": "r1"},
    }  # fmt: skip

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    await app(scope, receive, send)  # type: ignore[operator] # an ASGI application
    return sent


async def _teapot(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": [(b"x-request-id", b"r1")]})
    await send({"type": "http.response.body", "body": b""})


async def test_requests_beyond_those_at_work_are_refused_and_counted() -> None:
    guard, load = ConnectionLimiter(10, 10), CurrentLoad()
    app = LoadShedding(_teapot, LoadCaps(2, 1, 1), guard, load)
    assert (await send_request(app))[0]["status"] == 418
    load.requests = 2
    assert (await send_request(app))[0]["status"] == 503
    assert (await send_request(app, "/health/live"))[0]["status"] == 418
    assert (load.requests, guard.refused) == (2, {"requests": 1})


async def test_traffic_is_counted_by_method_route_and_kind_of_status() -> None:
    tally = RequestTally()
    app = ErrorsAndTiming(_teapot, tally, Cors(["*"]))
    for path, method in (("/v1/articles", "GET"), ("/v1/articles/7/x", "PUT"), ("/wp-login.php", "BREW")):
        await send_request(app, path, method=method)
    assert tally.responses == {("GET", "articles", 4): 1, ("PUT", "articles/one", 4): 1, ("other", "other", 4): 1}
    assert [sum(buckets) for buckets in tally.seconds.values()] == [1, 1, 1]
    tally.add("GET", "/v1/search", 200, 2.0)
    assert tally.seconds["search"][EDGES.index(3.0)] == 1


async def test_request_log_is_one_line_without_query_or_key() -> None:
    out = io.StringIO()
    await send_request(AccessLog(_teapot, out=out), "/v1/x\n\x1b[31m", authorization="Bearer dl_secret")
    line = json.loads(out.getvalue())
    assert out.getvalue().count("\n") == 1
    assert "secret" not in out.getvalue()
    assert (line["status"], line["path"], line["client"], line["request_id"]) == (
        418,
        "/v1/x\n\x1b[31m",
        "192.0.2.7",
        "r1",
    )


async def test_metrics_are_for_this_machine_and_for_keys_that_read_drafts(settings: Settings) -> None:
    async with serve(settings) as served:
        transport = httpx.ASGITransport(served.app, client=("192.0.2.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as stranger:
            assert (await stranger.get("/metrics")).status_code == 401
            await served.post(title="Something to index")
            assert (await stranger.get("/metrics", headers=await served.key("write"))).status_code == 403
            shown = await stranger.get("/metrics", headers=await served.key("read_drafts"))
            assert 'dateline_requests_total{method="GET",route="other",status="4xx"} 2.0' in shown.text
        proxied = await served.public.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
        assert proxied.status_code == 401
        shown = await served.public.get("/metrics")
        assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
        assert "dateline_index_lag_changes 0.0" in shown.text
