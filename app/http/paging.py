"""Where a list goes on: opaque cursors, the `page` object of a response and its Link header (RFC 8288).

A cursor says a place, never a filter: it is bound to a signature of those. Knows no tables and no requests.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal
from urllib.parse import quote

import orjson

from app.errors import CursorInvalid, CursorMismatch

Key = str | int | None
Kind = Literal["after", "before"]
TotalIs = Literal["exact", "at_least", "none"]

_VERSION = b"\x01"
_CHECK = 8
_KINDS: tuple[Kind, Kind] = ("after", "before")
_LEFT_OUT = re.compile(rb"(?:cursor|page|gclid|fbclid)(?:=|$)|utm_").match
_MAX_INT = 2**63  # what a BIGINT holds
_URI = "%&=+,:;/?@!$'()*~-._|[]"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: `after` or `before` the one with this sort key (None: nulls) and id. Lists by
    relevance go by `offset`. `extra` holds what the first page pinned, such as its `now` and the index's seq."""

    kind: Kind
    key: Key = None
    id: int = 0
    offset: int | None = None
    extra: tuple[str | int | None, ...] = ()


def find_last_page(offset: int, limit: int, total: int | None, total_is: TotalIs) -> int | None:
    """From an empty page, `offset` rows in: where the page before it with rows begins, as far as the total says; None
    where there is no row at all, or none before."""
    if offset == 0 or total == 0:
        return None
    if total is not None and total_is == "exact" and total <= offset:
        return (total - 1) // limit * limit
    return max(0, offset - limit)


def step_aside(key: int, *, kind: Kind, descending: bool) -> int:
    """From an empty page behind or before a row with this key, for the cursor that leads back: the key beside it, so
    that the row itself is met. No row need have it."""
    return key + (1 if (kind == "after") != descending else -1)


def encode(cursor: Cursor, signature: str) -> str:
    """Letters, digits, `-` and `_` only; the same place gives the same text. Not secret, and not proof against
    forging: whoever forges one gets a place in a list that they may read anyway."""
    place = [_KINDS.index(cursor.kind), cursor.key, cursor.id, cursor.offset, *cursor.extra]
    content = _VERSION + _compute_digest(signature.encode(), 4) + orjson.dumps(place)
    return urlsafe_b64encode(_compute_digest(content, _CHECK) + content).rstrip(b"=").decode()


def decode(text: str, signature: str) -> Cursor:
    """Raises CursorInvalid for what `encode` did not make, CursorMismatch for a cursor of another signature."""
    content = _verify_digest(text)
    if content[1:5] != _compute_digest(signature.encode(), 4):
        raise CursorMismatch("The filters, q and sort must be those of the page that gave this cursor.")
    return _parse_cursor(content[5:])


def _parse_cursor(place: bytes) -> Cursor:
    """Checks the shape too: the checksum keeps accidents out, not inventors."""
    try:
        match orjson.loads(place):
            case [0 | 1 as kind, key, row, None | int() as offset, *extra] if (offset or 0) >= 0:
                return Cursor(
                    _KINDS[kind],
                    _check_key(key),
                    _check_row(row),
                    offset,
                    tuple(_check_key(pinned) for pinned in extra),
                )
    except ValueError:
        pass
    raise CursorInvalid("This is no cursor.")


def _check_row(value: object) -> int:
    if isinstance(value, int) and -_MAX_INT <= value < _MAX_INT:
        return value
    raise ValueError


def _check_key(value: object) -> Key:
    return value if value is None or isinstance(value, str) else _check_row(value)


def _verify_digest(text: str) -> bytes:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, Base64Error):
        raise CursorInvalid("This is no cursor.") from None
    check, content = raw[:_CHECK], raw[_CHECK:]
    # Base64 decoders skip foreign characters and stray bits: only what is written back the same is the same.
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != text or check != _compute_digest(content, _CHECK):
        raise CursorInvalid("This cursor is damaged.")
    if content[:1] != _VERSION:
        raise CursorInvalid("This cursor is of another version of the server.")
    return content


def _compute_digest(content: bytes, size: int) -> bytes:
    return blake2b(content, digest_size=size, person=b"cursor").digest()


@dataclass(frozen=True, slots=True)
class PageInfo:
    """The `page` of a list. `number` only in numbered mode; `next` and `previous` are cursors. `missing`: ids
    asked for that are not there or not visible, for lists by id only."""

    limit: int
    number: int | None = None
    next: str | None = None
    previous: str | None = None
    total: int | None = None
    total_is: TotalIs = "none"
    missing: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, object]:
        """Every property, in the documented order; `missing` only where it was asked for."""
        fields: dict[str, object] = {
            "limit": self.limit,
            "number": self.number,
            "next": self.next,
            "previous": self.previous,
            "total": self.total,
            "total_is": self.total_is,
        }
        return fields if self.missing is None else {**fields, "missing": list(self.missing)}


def render_links(path: str, query_string: bytes, page: PageInfo, max_depth: int = 10_000) -> str:
    """Links with `first`, and `next`, `prev` and, among numbered pages, `last` where they exist; everything else
    in the query stays. `path` without scheme and host, so that the response is the same behind any proxy."""
    other_pairs = (pair for pair in query_string.split(b"&") if pair and not _LEFT_OUT(pair))
    query = quote(b"&".join(other_pairs), safe=_URI)
    turns = _number_links(page, max_depth) if page.number is not None else _cursor_links(page)
    return ", ".join(f'<{path}{_join_query(query, turn)}>; rel="{rel}"' for rel, turn in turns)


def _join_query(query: str, turn: str) -> str:
    both = "&".join(part for part in (query, turn) if part)
    return f"?{both}" if both else ""


def _cursor_links(page: PageInfo) -> list[tuple[str, str]]:
    turns = [("next", page.next), ("prev", page.previous)]
    return [(rel, f"cursor={cursor}") for rel, cursor in turns if cursor] + [("first", "")]


def _number_links(page: PageInfo, max_depth: int) -> list[tuple[str, str]]:
    number, deepest = page.number or 1, max_depth // page.limit
    last = max(1, -(-page.total // page.limit)) if page.total_is == "exact" and page.total is not None else None
    turns: list[tuple[str, int]] = []
    if number < min(deepest, deepest if last is None else last) and (last is not None or page.next):
        turns.append(("next", number + 1))
    if number > 1:
        turns.append(("prev", number - 1))
    turns.append(("first", 1))
    if last is not None and last <= deepest:
        turns.append(("last", last))
    return [(rel, f"page={turn}") for rel, turn in turns]
