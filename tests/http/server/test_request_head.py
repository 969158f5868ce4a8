"""What a client may send beside bodies: bounded for each request and for all connections, whatever the packets are."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send
from support.abuse import GET, RawClient
from test_wire import run_listener

from app.http.server.connections import ConnectionLimiter, LimitedProtocol, Timeouts
from app.http.server.request_head import LARGEST_HEAD, MOST_FIELDS, is_host

pytestmark = pytest.mark.anyio

POST = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
TINY = b"a:b\r\n"


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how many headers the request had. Reads no body of a GET."""
    size, more = 0, scope["method"] == "POST"
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    said = b"%d headers, %d bytes" % (len(scope["headers"]), size)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 -- what is waited for is in the server, which tells nobody
            await asyncio.sleep(0.01)


def make_padded_head(size: int, target: bytes = b"/") -> bytes:
    """A whole head of so many bytes."""
    head = b"GET %b HTTP/1.1\r\nHost: test\r\nPad: \r\n\r\n" % target
    return head.replace(b"Pad: ", b"Pad: " + b"x" * (size - len(head)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("GET /v1/suggest?q=Zürich HTTP/1.1", "percent-encoded: letters beyond ASCII as UTF-8, such as %C3%BC"),
        ("GET /v1/articles/zürich HTTP/1.1", "percent-encoded"),
        ("GET /v1/suggest?q=new york HTTP/1.1", "A space in the address has to be sent as %20."),
        ("GE@T / HTTP/1.1", "Invalid HTTP request received."),
        ("GET / HTTP/1.1\r\nNo header", "Invalid HTTP request received."),
        ("GET / HTTP/1.1\r\nContent-Length: many", "Invalid HTTP request received."),
    ],
)
@pytest.mark.parametrize("step", [1, 1_000])
async def test_what_is_no_http_is_told_as_a_problem_document(line: str, said: str, step: int) -> None:
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        client = await RawClient.connect(port)
        head = f"{line}\r\nHost: test\r\n\r\n".encode()
        with suppress(ConnectionError):
            for start in range(0, len(head), step):
                await client.send(head[start : start + step])
                await asyncio.sleep(0)
        response = await client.read_response()
        assert (response.status, response.headers["content-type"]) == (400, "application/problem+json")
        problem = json.loads(response.body)
        assert (problem["code"], said in problem["detail"]) == ("malformed_request", True), problem
        await client.close()


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 7, 1000, 16_384, 65_536])
async def test_head_of_any_packets_is_read_up_to_its_bound_and_no_further(step: int) -> None:
    most = 600 if step == 1 else LARGEST_HEAD
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        for size in (most, LARGEST_HEAD + 1):
            client = await RawClient.connect(port)
            head = make_padded_head(size)
            with suppress(ConnectionError):
                for start in range(0, len(head), step):
                    await client.send(head[start : start + step])
                    await asyncio.sleep(0 if step > 7 or start % 97 else 0.001)
            assert (await client.read_response()).status == (200 if size == most else 431)
            await client.close()
            if step == 1:
                break


async def test_each_request_of_a_connection_has_a_budget_of_its_own() -> None:
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        client = await RawClient.connect(port)
        for _ in range(4):
            await client.send(make_padded_head(LARGEST_HEAD))
            assert (await client.read_response()).status == 200
        fields = b"GET / HTTP/1.1\r\nHost: test\r\n" + TINY * (MOST_FIELDS - 1) + b"\r\n"
        for _ in range(4):
            await client.send(fields)
            assert (await client.read_response()).body == b"128 headers, 0 bytes"
        await client.close()


async def test_requests_that_are_sent_together_do_not_share_a_budget() -> None:
    """Each packet ends in the midst of a head, so that there is always one that has come in part."""
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        client = await RawClient.connect(port)
        stream = make_padded_head(10_000) * 20
        received = b""
        for start in range(0, len(stream), 9_000):
            await client.send(stream[start : start + 9_000])
            await asyncio.sleep(0.005)
        while received.count(b"200 OK") < 20:
            received += await asyncio.wait_for(client.reader.read(65_536), 5)
        await client.close()


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_trailers_without_end_take_no_memory_and_end_the_connection(method: bytes) -> None:
    guard = ConnectionLimiter(20, 20)
    async with run_listener(hello, guard) as port:
        client = await RawClient.connect(port)
        await client.send(POST.replace(b"POST", method, 1) + b"2\r\n{}\r\n0\r\n")
        await wait_until(lambda: bool(guard.open))
        tracemalloc.start()
        sent = 0
        with suppress(ConnectionError):
            while sent < 50_000_000 and not client.reader.at_eof():
                await client.send(TINY * 3000)
                sent += 15_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert await asyncio.wait_for(client.wait_closed(), 5)
        await wait_until(lambda: not guard.open)
        assert (sent < 20_000_000, peak < 5_000_000) == (True, True), (sent, peak)
        assert guard.refused == {"malformed": 1}
        await client.close()


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nHost: test\r\n", POST + b"0\r\n"], ids=["headers", "trailers"])
async def test_fields_beyond_the_budget_are_not_even_parsed(begun: bytes) -> None:
    guard = ConnectionLimiter(20, 20)
    async with run_listener(hello, guard) as port:
        client = await RawClient.connect(port)
        await wait_until(lambda: bool(guard.open))
        [connection] = guard.open
        await client.send(begun + TINY * 3_000)
        assert (await client.read_response()).status in (400, 431)
        assert len(list(connection.headers)) <= MOST_FIELDS
        await client.close()


async def test_trailers_within_the_budget_are_dropped_and_the_next_request_is_read() -> None:
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        client = await RawClient.connect(port)
        for _ in range(3):
            await client.send(POST + b"2;a=b\r\n{}\r\n0\r\n" + b"Pad: %b\r\n" % (b"x" * 60_000) + TINY * 100 + b"\r\n")
            assert (await client.read_response()).body == b"2 headers, 2 bytes"
        assert (await client.get("/")).body == b"1 headers, 0 bytes"
        await client.close()


async def test_chunks_of_a_long_body_are_not_charged_and_those_of_a_byte_or_with_extensions_are() -> None:
    whole = [b"%x\r\n%b\r\n" % (size, b"x" * size) for size in (20, 100, 5_000, 70_000)] * 40
    async with run_listener(hello, ConnectionLimiter(20, 20)) as port:
        for pieces, status in (
            ([*whole, b"0\r\n\r\n"], 200),
            ([b"1\r\nx\r\n" * 4_000] * 20, 400),
            ([b"1;a=b\r\nx\r\n" * 4_000] * 20, 400),
            ([b"1" * 15 + b";" + b"a" * 1_000] * 100, 400),
        ):
            client = await RawClient.connect(port)
            await client.send(POST)
            with suppress(ConnectionError):
                for piece in pieces:
                    await client.send(piece)
            assert (await asyncio.wait_for(client.read_response(), 5)).status == status, pieces[0][:20]
            await client.close()


async def test_budget_that_is_nearly_spent_does_not_slow_a_body_down() -> None:
    guard = ConnectionLimiter(20, 20)
    head = POST.replace(b"\r\n\r\n", b"\r\nPad: \r\n\r\n")
    head = head.replace(b"Pad: ", b"Pad: " + b"x" * (LARGEST_HEAD - len(head)))
    async with run_listener(hello, guard) as port:
        client = await RawClient.connect(port)
        await client.send(head + b"1e8480\r\n")
        steps = 0
        [connection] = guard.open
        parse = connection._parse

        def count_slice(data: bytes | memoryview) -> None:
            nonlocal steps
            steps += 1
            parse(data)

        connection._parse = count_slice  # type: ignore[method-assign]
        await client.send(b"x" * 2_000_000 + b"\r\n0\r\n\r\n")
        assert (await client.read_response()).body.endswith(b"2000000 bytes")
        assert steps < 3_000
        await client.close()


async def test_heads_that_have_come_in_part_are_bounded_over_all_connections() -> None:
    guard = ConnectionLimiter(200, 200, timeouts=Timeouts(heads=1_000_000))
    async with run_listener(hello, guard) as port:
        half = [await RawClient.connect(port) for _ in range(60)]
        for client in half:
            await client.send(make_padded_head(50_000)[:-4])
        await wait_until(lambda: guard.cut["heads"] > 0 and len(guard.open) <= 20)
        assert 500_000 < guard.heads <= 1_000_000
        first = await asyncio.wait_for(half[0].read_response(), 5)
        assert (first.status, json.loads(first.body)["code"]) == (503, "overloaded")
        await half[-1].send(b"\r\n\r\n")
        assert (await half[-1].read_response()).status == 200
        assert guard.heads < 1_000_000
        for client in half:
            await client.close()
        await wait_until(lambda: not guard.open)
        assert guard.heads == 0


async def test_error_never_stands_in_the_midst_of_another_response() -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            await send({"type": "http.response.body", "body": b"piece", "more_body": True})

    guard = ConnectionLimiter(20, 20)
    async with run_listener(endless, guard) as port:
        for behind in (b"nonsense\r\n\r\n", GET % b"/next" + b"nonsense\r\n\r\n"):
            client = await RawClient.connect(port)
            await client.send(GET % b"/")
            received = await client.reader.readuntil(b"piece")
            await client.send(behind)
            received += await asyncio.wait_for(client.reader.read(-1), 5)
            assert (received.count(b"HTTP/1.1"), b"malformed" in received) == (1, False)
            await client.close()
    assert guard.refused == {"malformed": 2}


async def test_client_that_goes_on_sending_is_told_why_it_is_refused() -> None:
    guard = ConnectionLimiter(20, 20)
    async with run_listener(hello, guard) as port:
        for _ in range(20):
            client = await RawClient.connect(port)
            client.writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n" + TINY * 60_000)
            response = await asyncio.wait_for(client.read_response(), 5)
            assert json.loads(response.body)["code"] == "head_too_large"
            await client.close()
        await wait_until(lambda: not guard._leaving)
        assert guard.refused == {"head": 20}
        assert not [one for one in guard.open if isinstance(one, LimitedProtocol)]


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (b"a", True), (b"A.example:80", True), (b"a_b", True), (b"a:", True), (b"", True), (b":80", True),
        (b"127.0.0.1:8000", True), (b"[::1]", True), (b"[fe80::1]:80", True), (b"a%2fb", True), (b"a \t", True),
        (b"a b", False), (b"a,b", True), (b"a/b", False), (b"a@b", False), (b"a?b", False), (b"a#b", False),
        (b"a:b", False), (b"a:80:80", False), (b"::1", False), (b"[::1", False), (b"[::1]a", False), (b"a%2", False),
        (b"\xc3\xa9", False), (b"a\\b", False), (b'"a"', False), (b"http://a", False), (b"a\n", False),
    ],
)  # fmt: skip
def test_hosts_are_those_of_the_standard(value: bytes, valid: bool) -> None:
    assert is_host(value) == valid
