"""Compressed streams: rows arrive as they are made, and what has come can be read."""

import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zstandard
from conftest import Served
from hypothesis import given
from hypothesis import strategies as st
from support.stories import story, write

from app.http.middleware.compression import Coding, StreamCompressor, wrap_send
from app.sync.exports import export

pytestmark = pytest.mark.anyio


def make_reader(coding: str) -> Any:
    return zstandard.ZstdDecompressor().decompressobj() if coding == "zstd" else zlib.decompressobj(zlib.MAX_WBITS | 16)


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
@given(pieces=st.lists(st.binary(max_size=100).map(lambda piece: piece * 500), max_size=6))
async def test_each_piece_of_a_stream_can_be_read_when_it_has_come(coding: Coding, pieces: list[bytes]) -> None:
    compressor, reader = StreamCompressor(coding), make_reader(coding)
    for piece in pieces:
        assert reader.decompress(await compressor.add(piece, last=False)) == piece
    assert reader.decompress(await compressor.add(b"end", last=True)) == b"end"
    assert reader.eof


async def send_stream(coding: Coding, media_type: bytes) -> list[Any]:
    sent: list[Any] = []

    async def collect(message: Any) -> None:
        sent.append(message)

    send = wrap_send(collect, coding)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media_type)]})
    await send({"type": "http.response.body", "body": b"a row\n", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return sent


async def test_events_are_sent_as_they_are() -> None:
    start, first, _ = await send_stream("gzip", b"text/event-stream; charset=utf-8")
    assert (start["headers"], first["body"]) == ([(b"content-type", b"text/event-stream; charset=utf-8")], b"a row\n")
    start, first, last = await send_stream("gzip", b"text/csv; charset=utf-8")
    assert start["headers"][-1] == (b"content-encoding", b"gzip")
    assert make_reader("gzip").decompress(first["body"] + last["body"]) == b"a row\n"


async def read_raw(api: Served, coding: str, **query: str) -> AsyncIterator[bytes]:
    async with api.public.stream("GET", "/v1/export", params=query, headers={"Accept-Encoding": coding}) as response:
        assert response.headers.get("content-encoding", "identity") == coding
        assert "Accept-Encoding" in response.headers["vary"]
        async for piece in response.aiter_raw():
            yield piece


@pytest.mark.parametrize("format", ["ndjson", "csv"])
async def test_export_is_compressed_as_the_client_accepts_it(api: Served, format: str) -> None:
    await write(api.db, *(story(api.db, number) for number in range(export.PAGE + 1)))
    plain = b"".join([piece async for piece in read_raw(api, "identity", format=format)])
    for coding in ("zstd", "gzip"):
        reader, pieces = make_reader(coding), [piece async for piece in read_raw(api, coding, format=format)]
        assert b"".join(map(reader.decompress, pieces)) == plain
        assert reader.eof
        assert sum(map(len, pieces)) * 5 < len(plain)
