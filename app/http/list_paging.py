"""One page of a list that is in memory as a whole: by cursor or by number, as lists from the database are paged.

A cursor holds a row's key and id, never a position, so that rows which come or go meanwhile move nothing.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from app.errors import CursorInvalid
from app.http import paging
from app.http.params.typed import Paging

T = TypeVar("T")
Key = tuple[str | int, int]


def slice_page(
    rows: Iterable[T], key: Callable[[T], Key], params: Paging, *, name: str, descending: bool = False
) -> tuple[list[T], paging.PageInfo]:
    """The rows to show, in order, and the `page` about them. `key`: what the list is sorted by, and the id; all of
    one type. `name` keeps cursors of one list from being used in another."""
    ordered = sorted(rows, key=key, reverse=descending)
    signature = f"{name} {params.signature}"
    start, end = _find_bounds(ordered, key, params, signature, descending=descending)
    page_rows = ordered[start:end]
    count = params.count != "none"

    def encode_cursor(kind: paging.Kind, at: Key) -> str:
        return paging.encode(paging.Cursor(kind, *at), signature)

    page = paging.PageInfo(
        params.limit,
        number=params.page,
        next=_next_cursor(ordered, end, key, encode_cursor, descending=descending) if end < len(ordered) else None,
        previous=_previous_cursor(ordered, start, key, encode_cursor, descending=descending) if start else None,
        total=len(ordered) if count else None,
        total_is="exact" if count else "none",
    )
    return page_rows, page


def _next_cursor(
    ordered: list[T],
    end: int,
    key: Callable[[T], Key],
    cursor: Callable[[paging.Kind, Key], str],
    *,
    descending: bool,
) -> str:
    """Before the first row too: from an empty page on to the rows behind it."""
    if end > 0:
        return cursor("after", key(ordered[end - 1]))
    value, id = key(ordered[0])
    return cursor("after", (value, id + 1 if descending else id - 1))


def _previous_cursor(
    ordered: list[T],
    start: int,
    key: Callable[[T], Key],
    cursor: Callable[[paging.Kind, Key], str],
    *,
    descending: bool,
) -> str:
    """Behind the last row too: from an empty page back to the rows before it."""
    if start < len(ordered):
        return cursor("before", key(ordered[start]))
    # Just behind the last row: a cursor names a place, and no row need stand there.
    value, id = key(ordered[-1])
    return cursor("before", (value, id - 1 if descending else id + 1))


def _find_bounds(
    ordered: list[T], key: Callable[[T], Key], params: Paging, signature: str, *, descending: bool
) -> tuple[int, int]:
    """From and to, as positions of this moment."""
    limit, text = params.limit, params.cursor
    if text is None:
        start = min(len(ordered), ((params.page or 1) - 1) * limit)
        return start, min(len(ordered), start + limit)
    cursor = paging.decode(text, signature)
    at = (cursor.key, cursor.id)
    if cursor.key is None or (ordered and type(cursor.key) is not type(key(ordered[0])[0])):
        raise CursorInvalid("This is no cursor of this list.")
    if cursor.kind == "after":
        start = sum(1 for row in ordered if not _is_beyond(key(row), at, descending=descending))
        return start, min(len(ordered), start + limit)
    end = sum(1 for row in ordered if _is_beyond(at, key(row), descending=descending))
    return max(0, end - limit), end


def _is_beyond(one: tuple[object, int], other: tuple[object, int], *, descending: bool) -> bool:
    """Whether `one` stands behind `other` in the direction of reading."""
    behind: bool = one < other if descending else one > other
    return behind
