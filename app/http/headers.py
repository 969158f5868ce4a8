"""Headers as ASGI has them, pairs of bytes: how those of a request are found, and those of a response as lines."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property, lru_cache

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]

_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_CONNECTION = (b"connection", b"transfer-encoding")
_CONTROLS = bytes({*range(32), 127} - {*b"\t\r\n"})


def find_header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name, which is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            first_value: bytes = value
            return first_value
    return None


def list_headers(scope: Scope, name: bytes) -> list[bytes]:
    """All headers of that name, which is in lower case."""
    return [value for key, value in scope["headers"] if key == name]


class FixedHeaders(tuple[tuple[bytes, bytes], ...]):
    """Headers that remember their lines, for those that are sent more than once. Whoever changes headers makes a plain
    list of them, which has no lines that could be out of date."""

    @cached_property
    def lines(self) -> bytes | None:
        """See `encode_headers`."""
        return encode_headers(self)

    def join(self, more: FixedHeaders) -> FixedHeaders:
        """Both, without encoding again what either remembers."""
        joined = FixedHeaders((*self, *more))
        if self.lines is not None and more.lines is not None:
            joined.lines = self.lines + more.lines
        return joined


def encode_headers(headers: Collection[tuple[bytes, bytes]]) -> bytes | None:
    """The lines of headers, each with its end. None where a header is none, would break out of its line, or is about
    the connection."""
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    joined = b"".join(lines)
    # RFC 9112, section 2.2: a line end within a header would begin another header, or the body.
    ends = joined.count(b"\r") + joined.count(b"\n")
    if ends != 2 * len(lines) or len(joined.translate(None, _CONTROLS)) != len(joined):
        return None
    return joined if all(map(_is_plain_name, [name for name, _ in headers])) else None


@lru_cache(maxsize=256)
def _is_plain_name(name: bytes) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _OF_CONNECTION
