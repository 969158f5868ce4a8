"""Streams of bytes that are hardly requests: the server does what uvicorn alone does, but for a few, listed."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress

import pytest
from raw_streams import STREAMS
from starlette.types import Receive, Scope, Send
from support.abuse import RawClient
from test_wire import run_listener

from app.http.server.connections import ConnectionLimiter

pytestmark = pytest.mark.anyio

QUIET_SECONDS = 0.4
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_SAID = re.compile(rb"<(.*?)>")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """What the application gets to see of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    names = b",".join(name for name, _ in scope["headers"])
    line = f"{scope['method']} {scope['path']} {scope['http_version']}".encode()
    said = b"<%b ? %b: %b; %b>" % (line, scope["query_string"], names, body)
    head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


async def outcome(port: int, stream: bytes) -> tuple[list[int], list[bytes], bool]:
    """The status of each response, what the application saw, and whether the server closed the connection."""
    client = await RawClient.connect(port)
    received, is_closed = b"", False
    with suppress(TimeoutError, ConnectionError):
        await client.send(stream)
        while piece := await asyncio.wait_for(client.reader.read(65_536), QUIET_SECONDS):
            received += piece
        is_closed = True
    await client.close()
    return [int(status) for status in _STATUS.findall(received)], _SAID.findall(received), is_closed


# Besides these, what is sent, what the application sees, and whether the connection stays open are the same.
REFUSED = {
    # RFC 9112, section 3.2: one valid Host, and in HTTP/1.1 not none. uvicorn serves them all.
    "no Host": 400,
    "two Hosts that agree": 400,
    "two Hosts that differ": 400,
    "HTTP/1.0 with two Hosts": 400,
    "list of Hosts": 400,
    "Host with a path": 400,
    "Host with a user": 400,
    "Host with a space": 400,
    "Host with a word for a port": 400,
    "Host beyond ASCII": 400,
    # One budget of 64 KiB and 128 fields for each request. uvicorn refuses only the path, with 400.
    "129 fields": 431,
    "head of 64 KiB and a byte": 431,
    "long path": 431,
    "128 fields and a trailer": 400,
    "extension of 70,000 bytes": 400,
    "trailer of 70,000 bytes": 400,
    "size of 70,000 zeros": 400,
}
WITHOUT_TRAILERS = {"trailers", "trailers, then another"}
"""uvicorn puts trailers behind the headers of their request."""


async def test_odd_streams_end_as_with_uvicorn_alone_but_for_those_listed() -> None:
    async with run_listener(echo, ConnectionLimiter(500, 500)) as own, run_listener(echo, None) as other:
        result = await asyncio.gather(*(outcome(port, stream) for stream in STREAMS.values() for port in (own, other)))
    ours, stock = (dict(zip(STREAMS, result[first::2], strict=True)) for first in (0, 1))
    assert {name: one for name, one in ours.items() if name in REFUSED} == {
        name: ([status], [], True) for name, status in REFUSED.items()
    }
    different = {name for name in STREAMS if ours[name] != stock[name]}
    assert different == REFUSED.keys() | WITHOUT_TRAILERS
    for name in WITHOUT_TRAILERS:
        assert (ours[name][0], ours[name][2]) == (stock[name][0], stock[name][2]), name
        assert not [seen for seen in ours[name][1] if b",a" in seen], name


async def test_what_is_refused_is_a_problem_document_that_names_the_way_out() -> None:
    async with run_listener(echo, ConnectionLimiter(500, 500)) as port:
        for name, status in REFUSED.items():
            client = await RawClient.connect(port)
            await client.send(STREAMS[name])
            response = await client.read_response()
            assert response.headers["content-type"] == "application/problem+json", name
            shown = json.loads(response.body)
            code = "head_too_large" if status == 431 else "malformed_request"
            assert (response.status, shown["status"], shown["code"]) == (status, status, code), name
            assert ("Host" if "Host" in name else "65536 bytes and 128 fields") in shown["detail"], name
            assert await asyncio.wait_for(client.wait_closed(), 5)
            await client.close()
