"""The parameters of the article list, where a page of it begins, and what leads on from it and back. Reads nothing."""

from collections.abc import Collection

from app.articles.reading import queries
from app.articles.reading.filter_params import FilterParams, StatusParams
from app.articles.reading.queries import CursorPosition, ListRow
from app.articles.render.structured.pages import ListFormat
from app.errors import CursorInvalid
from app.http import paging
from app.http.params import parser
from app.http.params.parser import MAX_DEPTH
from app.http.params.typed import AsOf, Paging, Params

RELEVANCE = "relevance"
_OF_NUMBERED = ("numbered",)
"""In a cursor of an empty page that has a number and no row to go back from. A list of ids counts rows in its own."""


def list_sorts(parameters: Collection[str]) -> tuple[str, ...]:
    """The orders that a list has, by the parameters that are given: words have a rank, and none by title."""
    return (*queries.TIME_SORTS, RELEVANCE) if "q" in parameters else queries.SORTS


class ListWordParams(Params):
    """What is looked for."""

    q = parser.text(
        "q",
        "Only articles that have all of these words, written as for `/v1/search`, which is where the public searches. "
        "Needs the scope `read_drafts`.",
        excess="query_too_complex",
        example="nato deterrence",
        may_be_empty=True,
        scope="read_drafts",
    )


class SortParams(Params):
    """In which order a list of articles comes."""

    sort = parser.choice(
        "sort",
        "Minus: descending. Ties by id; nulls last. `relevance` needs `q`, and is what it gives unless `status` names "
        "`published` beside other states; with `q` there is no order by title.",
        (*queries.SORTS, RELEVANCE),
        "-published_at",
        available=list_sorts,
    )


class ArticleListParams(FilterParams, StatusParams, ListWordParams, SortParams, Paging, AsOf, ListFormat):
    """Of the list."""


def cut_page(
    params: ArticleListParams,
    place: CursorPosition,
    rows: list[ListRow],
    total: tuple[int | None, paging.TotalIs],
    missing: tuple[int, ...] | None,
) -> tuple[list[ListRow], paging.PageInfo]:
    """The rows of the page, of which one more was read, and what leads on from it and back."""
    limit, backwards = params.limit, place.kind == "before"
    more = len(rows) > limit
    entries = (rows[1:] if backwards else rows[:limit]) if more else rows
    first, last = (entries[0], entries[-1]) if entries else _find_ends(place, descending=params.sort.startswith("-"))
    start = None if entries or place.id is not None else paging.find_last_page(place.offset, limit, *total)
    before = None if first is None else paging.Cursor("before", first.key, first.id)
    if start is not None:
        before = paging.Cursor("before", offset=start, extra=_OF_NUMBERED)
    behind, ahead = (more, True) if backwards else (place.id is not None or place.offset > 0, more)
    return entries, paging.PageInfo(
        limit,
        number=params.page,
        next=make_cursor(params, paging.Cursor("after", last.key, last.id)) if last and ahead else None,
        previous=make_cursor(params, before) if before and behind else None,
        total=total[0],
        total_is=total[1],
        missing=missing,
    )


def _find_ends(place: CursorPosition, *, descending: bool) -> tuple[ListRow | None, ListRow | None]:
    """From an empty page, back to the row that its cursor was made from: beside that row, so that it is met."""
    if place.id is None:
        return None, None
    entry = ListRow(paging.step_aside(place.id, kind=place.kind, descending=descending), 0, place.key)
    return (entry, None) if place.kind == "after" else (None, entry)


def read_place(params: ArticleListParams) -> CursorPosition:
    if params.cursor is None:
        return CursorPosition(offset=(params.page - 1) * params.limit if params.page else 0)
    cursor = paging.decode(params.cursor, make_signature(params))
    if cursor.extra == _OF_NUMBERED and cursor.offset is not None:
        return CursorPosition(offset=min(cursor.offset, MAX_DEPTH))
    expected = str if params.sort.endswith("title") else int
    null = cursor.key is None and params.sort.endswith("published_at")  # no other key can be null
    if cursor.offset is not None or not (null or isinstance(cursor.key, expected)):
        raise CursorInvalid("This is no cursor of this list.")
    return CursorPosition(cursor.kind, cursor.key, cursor.id)


def make_cursor(params: Params, cursor: paging.Cursor) -> str:
    return paging.encode(cursor, make_signature(params))


def make_signature(params: Params) -> str:
    return f"articles {params.signature}"
