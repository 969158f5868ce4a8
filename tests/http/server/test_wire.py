"""Responses over the wire: in one write where they are whole, and never anything that uvicorn would not send."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support.abuse import RawClient
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.headers import FixedHeaders, encode_headers
from app.http.server.connections import ConnectionLimiter, LimitedProtocol, Timeouts
from app.http.server.single_write import DefaultHeaders, SingleWriteSend

pytestmark = pytest.mark.anyio

TEXT = b"text/plain"


@asynccontextmanager
async def run_listener(app: ASGIApp, guard: ConnectionLimiter | None) -> AsyncIterator[int]:
    """The port of a server; without a guard it is uvicorn as it comes."""
    with socket.socket(proto=socket.IPPROTO_TCP) as door:
        door.bind(("127.0.0.1", 0))
        protocol = guard.protocol if guard else "httptools"
        config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None, log_level="critical")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started:  # noqa: ASYNC110 -- the server tells nobody
            await asyncio.sleep(0.01)
        yield door.getsockname()[1]
        server.should_exit = True
        await running


async def respond_by_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Each path is another way to respond."""
    start, rest = {"type": "http.response.start", "status": 200}, {"type": "http.response.body"}
    sized = [(b"content-type", TEXT), (b"content-length", b"5")]
    match scope["path"]:
        case "/whole":
            await send({**start, "headers": sized})
            await send({**rest, "body": b"hello" if scope["method"] == "GET" else b""})
        case "/made-before":
            await send({**start, "headers": FixedHeaders(sized).join(FixedHeaders())})
            await send({**rest, "body": b"hello"})
        case "/unchanged":
            await send({**start, "status": 304, "headers": [(b"etag", b'"1"')]})
            await send(rest)
        case "/pieces":
            await send({**start, "headers": [(b"content-type", TEXT)]})
            await send({**rest, "body": b"hello ", "more_body": True})
            await send({**rest, "body": b"there"})
        case "/closing":
            await send({**start, "headers": [*sized, (b"connection", b"close")]})
            await send({**rest, "body": b"hello"})
        case "/split":
            await send({**start, "headers": [*sized, (b"location", b"/a\r\nset-cookie: b=c")]})
            await send({**rest, "body": b"hello"})
        case "/longer":
            await send({**start, "headers": sized})
            await send({**rest, "body": b"hello, and more than was said"})
        case "/fails":
            await send({**start, "headers": sized})
            raise ValueError("after the start")


async def read_response(port: int, request: bytes) -> tuple[bytes, frozenset[bytes], bytes]:
    """Status line, headers in any order but for the date, and whatever comes until the server closes."""
    client = await RawClient.connect(port)
    await client.send(request)
    with_end = await asyncio.wait_for(client.reader.read(-1), 5)
    await client.close()
    shown, _, rest = with_end.partition(b"\r\n\r\n")
    status, *headers = shown.split(b"\r\n")
    return status, frozenset(line for line in headers if not line.startswith((b"date", b"server"))), rest


ONE = b"%b %b HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
OLD = b"GET %b HTTP/1.0\r\n\r\n"


async def test_responses_are_those_of_the_server_alone() -> None:
    paths = [b"/whole", b"/unchanged", b"/pieces", b"/closing"]
    requests = [ONE % (method, path) for path in paths for method in (b"GET", b"HEAD")]
    requests += [OLD % path for path in paths if path != b"/pieces"]
    async with (
        run_listener(respond_by_path, ConnectionLimiter(20, 20)) as own,
        run_listener(respond_by_path, None) as other,
    ):
        for request in requests:
            assert await read_response(own, request) == await read_response(other, request), request
        assert await read_response(own, ONE % (b"GET", b"/made-before")) == await read_response(
            other, ONE % (b"GET", b"/whole")
        )


async def test_clients_that_know_no_chunks_read_until_the_connection_ends() -> None:
    async with run_listener(respond_by_path, ConnectionLimiter(20, 20)) as port:
        for request in (OLD % b"/pieces", b"GET /pieces\r\n\r\n"):
            status, headers, body = await read_response(port, request)
            assert (status, body) == (b"HTTP/1.1 200 OK", b"hello there")
            assert headers == {b"content-type: text/plain", b"connection: close"}
        _, headers, body = await read_response(port, b"HEAD /pieces HTTP/1.0\r\n\r\n")
        assert (set(headers), body) == ({b"content-type: text/plain", b"connection: close"}, b"")
        _, headers, body = await read_response(port, ONE % (b"GET", b"/pieces"))
        assert (b"transfer-encoding: chunked" in headers, body[:3]) == (True, b"6\r\n")
        _, headers, body = await read_response(port, OLD % b"/whole")
        assert (b"content-length: 5" in headers, body) == (True, b"hello")


async def test_responses_that_break_out_are_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1)
    async with run_listener(respond_by_path, ConnectionLimiter(20, 20)) as port:
        for path in (b"/split", b"/longer", b"/fails"):
            status, headers, body = await read_response(port, ONE % (b"GET", path))
            assert (b"cookie" in status + b"".join(headers) + body, body[:5] == b"hello") == (False, False), path


async def test_requests_sent_together_are_served_in_turn() -> None:
    both = b"GET /whole HTTP/1.1\r\nHost: test\r\n\r\nGET /pieces HTTP/1.1\r\nHost: test\r\n\r\n"
    async with run_listener(respond_by_path, ConnectionLimiter(20, 20)) as port:
        _, _, rest = await read_response(port, both + ONE % (b"GET", b"/whole"))
        assert [rest.count(word) for word in (b"HTTP/1.1 200 OK", b"hello")] == [2, 3]
        assert rest.index(b"hello there"[:6]) < rest.index(b"there")


def find_cached(scope: Scope) -> tuple[Message, Message] | None:
    """One response is at hand, another ought to be."""
    if scope["path"] == "/unknown":
        raise ValueError("nobody knows")
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}
    return (start, {"type": "http.response.body", "body": b"kept"}) if scope["path"] == "/pieces" else None


async def test_what_is_at_hand_is_sent_past_the_application_in_turn_with_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = ConnectionLimiter(20, 20)
    guard.find_cached = find_cached
    three = b"".join(b"GET %b HTTP/1.1\r\nHost: test\r\n\r\n" % path for path in (b"/whole", b"/pieces", b"/pieces"))
    async with run_listener(respond_by_path, guard) as port:
        _, _, rest = await read_response(port, three + ONE % (b"GET", b"/whole"))
        bodies = [part.partition(b"\r\n\r\n")[2] for part in rest.split(b"HTTP/1.1 200 OK")]
        assert [rest[:5], *bodies[1:]] == [b"hello", b"kept", b"kept", b"hello"]
        status, _, _ = await read_response(port, ONE % (b"GET", b"/unknown"))
        assert (status, "could not be told" in caplog.text) == (b"HTTP/1.1 500 Internal Server Error", True)


@pytest.mark.slow
@pytest.mark.parametrize("path", [b"/pieces", b"/whole"])
async def test_connections_that_have_ended_leave_nothing_for_the_collector(path: bytes) -> None:
    guard = ConnectionLimiter(20, 20)
    guard.find_cached = find_cached
    async with run_listener(respond_by_path, guard) as port:
        await read_response(port, ONE % (b"GET", path))
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await read_response(port, ONE % (b"GET", path))
            await asyncio.sleep(0.1)
            left = [one for one in gc.get_objects() if isinstance(one, LimitedProtocol | RequestResponseCycle)]
            assert len(left) <= 2, left
        finally:
            gc.enable()


class Writes(asyncio.Transport):
    """A connection that only remembers what was written to it, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


def cycle_of(path: str, transport: Writes) -> RequestResponseCycle:
    quiet = logging.getLogger("test")
    arguments: Any = (
        {"type": "http", "http_version": "1.1", "method": "GET", "path": path}, transport, FlowControl(transport),
        quiet, quiet, False, [(b"date", b"now")], asyncio.Event(), False, True, lambda: None,
    )  # fmt: skip
    cycle = RequestResponseCycle(*arguments)
    cycle.send = SingleWriteSend(cycle, DefaultHeaders())  # type: ignore[method-assign,assignment]
    return cycle


async def test_whole_response_leaves_in_one_write_and_pieces_as_they_come() -> None:
    counts = {}
    for path in ("/whole", "/made-before", "/unchanged", "/pieces"):
        transport = Writes()
        cycle = cycle_of(path, transport)
        await cycle.run_asgi(respond_by_path)  # type: ignore[arg-type]
        assert cycle.response_complete
        counts[path] = len(transport.calls)
    assert counts == {"/whole": 1, "/made-before": 1, "/unchanged": 1, "/pieces": 3}


async def test_nothing_is_written_to_who_has_gone_and_nothing_is_left_of_a_response() -> None:
    for path, gone in (("/whole", True), ("/pieces", True), ("/whole", False), ("/pieces", False)):
        transport = Writes()
        transport.closing = gone
        cycle = cycle_of(path, transport)
        await cycle.run_asgi(respond_by_path)  # type: ignore[arg-type]
        assert (bool(transport.calls), cycle.disconnected) == (not gone, gone)
        assert "send" not in vars(cycle), "it would keep itself and its request in memory"


def test_head_is_made_of_sane_headers_only() -> None:
    assert encode_headers([(b"etag", b"1")]) == b"etag: 1\r\n"
    for name, value in [(b"a", b"1\r\nb: 2"), (b"a", b"\0"), (b"a b", b"1"), (b"a:", b"1"), (b"Connection", b"close")]:
        assert encode_headers([(b"etag", b"1"), (name, value)]) is None, (name, value)
        assert FixedHeaders([(b"etag", b"1")]).join(FixedHeaders([(name, value)])).lines is None, (name, value)


@pytest.mark.slow
async def test_connection_that_rests_too_long_is_closed_and_one_that_asks_again_is_not() -> None:
    guard = ConnectionLimiter(20, 20, timeouts=Timeouts(rest=0.4, beat=0.05))
    async with run_listener(respond_by_path, guard) as port:
        busy, idle = await RawClient.connect(port), await RawClient.connect(port)
        await idle.get("/whole")
        for _ in range(8):
            assert (await busy.get("/whole")).status == 200
            await asyncio.sleep(0.1)
        assert await asyncio.wait_for(idle.wait_closed(), 2)
        assert (await busy.get("/whole")).status == 200
        assert guard.cut == {}
        await busy.close()
        await idle.close()
