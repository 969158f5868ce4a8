"""Conditional requests (RFC 9110): entity tags for what is sent, 304 for who has it already, If-Match for writers.

Tags are of bytes and versions, never of times. Pure but for `respond`, which makes the response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from xxhash import xxh3_64_hexdigest

from app.errors import InvalidValue
from app.http.headers import FixedHeaders, find_header

PUBLIC = "public, max-age=30, stale-while-revalidate=60"
VARY = "Accept, Accept-Encoding, Authorization"
ANY: Final = "*"
Versions = frozenset[int] | Literal["*"]

# RFC 9110, section 8.8.3: what stands between the quotes is opaque, and may hold commas, so that no split will do.
_TAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_VERSION = re.compile(r"([0-9]{1,18})(?:-.*)?")
_UNQUOTED = re.compile(r"(W/)?([0-9]{1,18}(?:-[0-9a-f]{1,16})?)")


def item_etag(version: int, body: bytes) -> str:
    """`"{version}-{hash}"`, quotes included; the hash is of this representation, 64 bits."""
    return f'"{version}-{_hash_body(body)}"'


def list_etag(body: bytes) -> str:
    """A hash of the whole response, in quotes."""
    return f'"{_hash_body(body)}"'


def is_match(if_none_match: str | None, etag: str) -> bool:
    """The weak comparison that If-None-Match asks for. A header that cannot be read matches nothing."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == ANY:
        return True
    # RFC 9110, section 13.1.2: the comparison is weak, so that a tag of the compressed response fits as well.
    return etag.removeprefix("W/").strip('"') in (_parse_tags(if_none_match) or ())


def parse_versions(if_match: str) -> Versions:
    """The versions that a writer has in hand: `"3"`, `"3-abc"`, `W/"3-abc"`, several, or `*` for any. Tags that
    name no version are none; an empty set matches nothing. InvalidValue for what is no list of tags: as a version that
    is not the current one it would be tried again for ever."""
    if if_match.strip() == ANY:
        return ANY
    tags = _parse_tags(if_match)
    if not tags:
        raise InvalidValue(_explain_unread(if_match.strip()), "If-Match")
    matched_tags = (_VERSION.fullmatch(tag) for tag in tags)
    return frozenset(int(version[1]) for version in matched_tags if version)


def _explain_unread(if_match: str) -> str:
    unquoted = _UNQUOTED.fullmatch(if_match)
    if unquoted is None:
        return 'Expected an ETag as it was sent, or the version in quotes, such as "3"; * is for whatever there is.'
    return f'The quotes of the ETag are missing: send {unquoted[1] or ""}"{unquoted[2]}".'


def read_if_match(request: Request) -> Versions | None:
    """The versions that a request says it is based on; None where it says nothing. As `parse_versions`."""
    headers = request.headers.getlist("if-match")
    return parse_versions(", ".join(headers)) if headers else None


def respond(
    request: Request,
    body: bytes,
    *,
    etag: str,
    cache_control: str,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """The body, or 304 with the same caching headers and no body if the client has it."""
    response_headers = {"etag": etag, "cache-control": cache_control, **(headers or {})}
    return revalidate(request, RenderedResponse(body, response_headers, media_type))


def revalidate(request: Request, rendered: RenderedResponse) -> Response:
    """The response itself, or 304 if the client has it."""
    if_none_match = find_header(request.scope, b"if-none-match")
    if if_none_match is None or not is_match(if_none_match.decode("latin-1"), rendered.etag):
        return rendered
    # RFC 9110, section 15.4.5: with the headers that a 200 would have, so that caches renew what they hold.
    not_modified = Response(status_code=304)
    not_modified.raw_headers = list(rendered.raw_headers[:-2])  # without those of its body
    return not_modified


class RenderedResponse(Response):
    """A response with status 200 whose headers are complete; Starlette would search them for its own. It is not
    changed, and can be sent again; the last two headers are those of its body."""

    body: bytes
    raw_headers: FixedHeaders  # type: ignore[assignment] # a list where headers may be added

    def __init__(self, body: bytes, headers: Mapping[str, str], media_type: str) -> None:
        self.status_code = 200
        self.body = body
        self.background = None
        self.etag = headers["etag"]
        pairs = [(_encode_name(name), text.encode("latin-1")) for name, text in headers.items()]
        pairs += ((b"content-length", b"%d" % len(body)), (b"content-type", media_type.encode("latin-1")))
        self.raw_headers = FixedHeaders(pairs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


@lru_cache(maxsize=256)
def _encode_name(name: str) -> bytes:
    """As it is sent; those that the code knows, which are few."""
    return name.lower().encode("latin-1")


def _hash_body(body: bytes) -> str:
    # Nobody gains anything by two responses with the same tag: it need not be proof against forging, but is part of
    # every response.
    return xxh3_64_hexdigest(body)


def _parse_tags(header: str) -> list[str] | None:
    """The opaque parts, without quotes and W/; None if the header is not a list of entity tags."""
    tags, at = [], 0
    while at < len(header):
        matched = _TAG.match(header, at)
        if matched is None:
            return None
        tags.append(matched[1])
        at = matched.end()
    return tags
