"""Content codings (RFC 9110): which one a client takes, and answers packed in it. Streams are never held back.

The entity tag of a packed answer is weak: one and the same representation, in other bytes.
"""

import asyncio
import gzip
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.headers import Headers, headers

Coding = Literal["zstd", "gzip", "identity"]

_PREFERENCE: dict[str, int] = {"zstd": 3, "gzip": 2, "identity": 1}
_LONGEST_HEADER = 200
_SMALLEST = 400
"""Bytes. Below, what is saved fits into the packet that is sent anyway."""
_LARGE = 32_768
_TEXTS = (b"application/json", b"application/problem+json", b"application/schema+json", b"text/")


def chosen(accept_encoding: bytes) -> Coding:
    """The coding that a client likes best, of those that it likes alike the smallest; as it is for who says nothing,
    for who takes nothing that there is, and where the header is longer than any client's."""
    return _chosen(accept_encoding) if len(accept_encoding) <= _LONGEST_HEADER else "identity"


@lru_cache(maxsize=256)
def _chosen(header: bytes) -> Coding:
    weights = dict(_weighed(header.decode("latin-1").lower()))
    rest = weights.pop("*", 0.0)
    found: list[tuple[float, int, Coding]] = [(weights.get("identity", 0.0001), _PREFERENCE["identity"], "identity")]
    for name in ("zstd", "gzip"):
        weight = weights.get(name, weights.get("x-gzip", rest) if name == "gzip" else rest)
        if weight:
            found.append((weight, _PREFERENCE[name], name))
    return max(found)[2]


def _weighed(header: str) -> Iterable[tuple[str, float]]:
    """Names with their weight; a weight that cannot be read counts as none."""
    for part in header.split(","):
        name, _, parameter = part.partition(";")
        key, _, text = parameter.strip().partition("=")
        if not name.strip():
            continue
        if not parameter.strip():
            yield name.strip(), 1.0
        elif key.strip() == "q":
            yield name.strip(), _weight(text.strip())


def _weight(text: str) -> float:
    whole, _, rest = text.partition(".")
    if whole not in ("0", "1") or len(rest) > 3 or (rest and not (rest.isascii() and rest.isdigit())):
        return 0.0
    return min(float(f"{whole}.{rest or 0}"), 1.0)


def is_worth(headers: Headers, body: bytes) -> bool:
    """Whether an answer gets smaller: text of some length that is not packed yet."""
    if len(body) < _SMALLEST:
        return False
    names = {name.lower(): value for name, value in headers}
    return b"content-encoding" not in names and names.get(b"content-type", b"").startswith(_TEXTS)


async def pack(body: bytes, coding: Coding) -> bytes:
    """Large bodies in a thread, so that others are answered meanwhile."""
    return await asyncio.to_thread(_pack, body, coding) if len(body) > _LARGE else _pack(body, coding)


def _pack(body: bytes, coding: Coding) -> bytes:
    # A compressor holds megabytes, and is no two threads': one for each body costs little beside the packing. Level 6
    # of gzip takes twice the time of 5 for 4 % less.
    return zstandard.ZstdCompressor(level=3).compress(body) if coding == "zstd" else gzip.compress(body, 5, mtime=0)


def packed_headers(headers: Headers, coding: Coding, length: int) -> Headers:
    """Those of the same answer packed, with a weak ETag; names in lower case."""
    kept = [(name.lower(), value) for name, value in headers if name.lower() != b"content-length"]
    shown = [(name, _weak(value) if name == b"etag" else value) for name, value in kept]
    return [*shown, (b"content-encoding", coding.encode()), (b"content-length", str(length).encode())]


def _weak(etag: bytes) -> bytes:
    return etag if etag.startswith(b"W/") else b"W/" + etag


class Compression:
    """Packs what is answered in one piece, as Accept-Encoding says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = packing(send, chosen(b",".join(headers(scope, b"accept-encoding"))))
        await self.app(scope, receive, send)


def packing(send: Send, coding: Coding) -> Send:
    """Sends an answer on, packed where that is worth it."""
    begun: Message | None = None

    async def packed(message: Message) -> None:
        nonlocal begun
        # Only what says its length comes in one piece; a stream's start must not wait for its first event.
        if message["type"] == "http.response.start" and _has_length(message):
            begun = message
            return
        if begun is not None:
            start, begun = begun, None
            body = message.get("body", b"")
            if not message.get("more_body") and is_worth(start["headers"], body):
                body = await pack(body, coding)
                start = {**start, "headers": packed_headers(start["headers"], coding, len(body))}
                message = {"type": "http.response.body", "body": body}
            await send(start)
        await send(message)

    return send if coding == "identity" else packed


def _has_length(message: Message) -> bool:
    return any(name.lower() == b"content-length" for name, _ in message["headers"])
