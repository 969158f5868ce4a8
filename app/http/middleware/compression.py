"""Content codings (RFC 9110): chooses one by Accept-Encoding and compresses responses. Never buffers a stream: what was
sent of one can be read before more comes.

The entity tag of a compressed response is weak: the same representation in other bytes.
"""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Iterable
from functools import lru_cache
from typing import Literal

import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.headers import Headers, list_headers

Coding = Literal["zstd", "gzip", "identity"]

_PREFERENCE: dict[str, int] = {"zstd": 3, "gzip": 2, "identity": 1}
_LONGEST_HEADER = 200
_SMALLEST = 400
"""Bytes. Below, what is saved fits into the packet that is sent anyway."""
_LARGE = 32_768
_TEXTS = (
    b"text/", b"application/json", b"application/problem+json", b"application/schema+json", b"application/ld+json",
    b"application/ninjs+json", b"application/rss+xml", b"application/atom+xml", b"application/feed+json",
    b"application/xml", b"application/geo+json",
)  # fmt: skip
_STREAMS = (b"application/x-ndjson", b"text/csv")
"""Rows that come piece by piece. Not events: a proxy or a browser that buffers compressed ones would tell them late."""
_WINDOW_LOG = 19
"""How far back a compressed stream refers: 512 kB, some hundred articles. A stream then takes 1.9 MB of memory; with
the window that the level has by itself, 2.5 MB and more."""


def choose_coding(accept_encoding: bytes) -> Coding:
    """The coding that a client prefers; among equals the one that compresses best. `identity` without the header, where
    it names no coding that exists here, and where it is longer than any client's."""
    return _choose_coding(accept_encoding) if len(accept_encoding) <= _LONGEST_HEADER else "identity"


@lru_cache(maxsize=256)
def _choose_coding(header: bytes) -> Coding:
    weights = dict(_parse_weights(header.decode("latin-1").lower()))
    rest = weights.pop("*", 0.0)
    candidates: list[tuple[float, int, Coding]] = [
        (weights.get("identity", 0.0001), _PREFERENCE["identity"], "identity")
    ]
    for name in ("zstd", "gzip"):
        # RFC 9110, section 8.4.1.3: `x-gzip` is the same. A coding that is not named has the weight of `*`.
        weight = weights.get(name, weights.get("x-gzip", rest) if name == "gzip" else rest)
        if weight:
            candidates.append((weight, _PREFERENCE[name], name))
    return max(candidates)[2]


def _parse_weights(header: str) -> Iterable[tuple[str, float]]:
    """Names with their weight; a weight that cannot be read counts as none."""
    for part in header.split(","):
        name, _, parameter = part.partition(";")
        key, _, text = parameter.strip().partition("=")
        if not name.strip():
            continue
        if not parameter.strip():
            yield name.strip(), 1.0
        elif key.strip() == "q":
            yield name.strip(), _parse_weight(text.strip())


def _parse_weight(text: str) -> float:
    whole, _, rest = text.partition(".")
    # RFC 9110, section 12.4.2: from 0 to 1, with at most three digits behind the point.
    if whole not in ("0", "1") or len(rest) > 3 or (rest and not (rest.isascii() and rest.isdigit())):
        return 0.0
    return min(float(f"{whole}.{rest or 0}"), 1.0)


def is_compressible(headers: Headers, body: bytes) -> bool:
    """Whether compression makes a response smaller: text of some length that is not compressed yet."""
    if len(body) < _SMALLEST:
        return False
    names = {name.lower(): value for name, value in headers}
    return b"content-encoding" not in names and names.get(b"content-type", b"").startswith(_TEXTS)


async def compress(body: bytes, coding: Coding) -> bytes:
    """Large bodies in a thread, so that other requests go on meanwhile."""
    return await asyncio.to_thread(_compress, body, coding) if len(body) > _LARGE else _compress(body, coding)


def _compress(body: bytes, coding: Coding) -> bytes:
    # A compressor holds megabytes, and is no two threads': one for each body costs little beside compressing. Level 6
    # of gzip takes twice the time of 5 for 4 % less.
    # Without a time in its head (`mtime`) gzip makes the same bytes of the same body.
    return zstandard.ZstdCompressor(level=3).compress(body) if coding == "zstd" else gzip.compress(body, 5, mtime=0)


class StreamCompressor:
    """Compresses a stream, a piece at a time. Each piece can be read as soon as it has arrived."""

    def __init__(self, coding: Coding) -> None:
        self._zstd = self._gzip = None
        if coding == "zstd":
            parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=_WINDOW_LOG)
            self._zstd = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        else:
            self._gzip = zlib.compressobj(5, wbits=zlib.MAX_WBITS | 16)  # with the head and the checksum of gzip

    async def add(self, piece: bytes, *, last: bool) -> bytes:
        """What is to be sent for a piece; large ones are compressed in a thread. Called for one piece at a time."""
        return await asyncio.to_thread(self._add, piece, last) if len(piece) > _LARGE else self._add(piece, last)

    def _add(self, piece: bytes, last: bool) -> bytes:
        if self._zstd is not None:
            end = zstandard.COMPRESSOBJ_FLUSH_FINISH if last else zstandard.COMPRESSOBJ_FLUSH_BLOCK
            return self._zstd.compress(piece) + self._zstd.flush(end)
        assert self._gzip is not None
        return self._gzip.compress(piece) + self._gzip.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def rewrite_headers(headers: Headers, coding: Coding, length: int) -> Headers:
    """Headers of the compressed response, with a weak ETag; names in lower case."""
    other_headers = [(name.lower(), value) for name, value in headers if name.lower() != b"content-length"]
    new_headers = [(name, _weaken_etag(value) if name == b"etag" else value) for name, value in other_headers]
    # RFC 9110, section 8.8.1: a strong tag stands for bytes, and these are others.
    return [*new_headers, (b"content-encoding", coding.encode()), (b"content-length", str(length).encode())]


def _weaken_etag(etag: bytes) -> bytes:
    return etag if etag.startswith(b"W/") else b"W/" + etag


class Compression:
    """Compresses responses that are sent in one piece, and streams of rows, as Accept-Encoding says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        accepted = list_headers(scope, b"accept-encoding") if scope["type"] == "http" else []
        if accepted:
            send = wrap_send(send, choose_coding(b",".join(accepted)))
        return self.app(scope, receive, send)


def wrap_send(send: Send, coding: Coding) -> Send:
    """A `send` that compresses a response where that makes it smaller."""
    held_start: Message | None = None
    stream: StreamCompressor | None = None

    async def send_compressed(message: Message) -> None:
        nonlocal held_start, stream
        if message["type"] == "http.response.start":
            names = {name.lower(): value for name, value in message["headers"]}
            # Only what says its length comes in one piece; a stream's start must not wait for its first event.
            if b"content-length" in names:
                held_start = message
                return
            if _is_compressible_stream(names):
                stream = StreamCompressor(coding)
                message = {**message, "headers": [*message["headers"], (b"content-encoding", coding.encode())]}
        elif held_start is not None:
            start, held_start = held_start, None
            body = message.get("body", b"")
            if not message.get("more_body") and is_compressible(start["headers"], body):
                body = await compress(body, coding)
                start = {**start, "headers": rewrite_headers(start["headers"], coding, len(body))}
                message = {"type": "http.response.body", "body": body}
            await send(start)
        elif stream is not None and message["type"] == "http.response.body":
            more = bool(message.get("more_body"))
            message = {**message, "body": await stream.add(message.get("body", b""), last=not more)}
        await send(message)

    return send if coding == "identity" else send_compressed


def _is_compressible_stream(headers: dict[bytes, bytes]) -> bool:
    return b"content-encoding" not in headers and headers.get(b"content-type", b"").startswith(_STREAMS)
