"""Hits in the order of their dates, those without a date last, and in that of the seconds in which they were created or
changed; and hits and counts of any query. Composes no words."""

from dataclasses import replace
from typing import Literal

from tantivy import DocAddress, Occur, Query, SearchResult
from tantivy import Order as Direction

from app.articles.reading.queries import CursorPosition, ListRow, TimeSort
from app.search.engine import Question, SearchHit
from app.search.tantivy import index_schema
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.reader import View


def count_matches(view: View, query: Query) -> int:
    # For one hit: of none tantivy panics.
    return get_count(view.searcher.search(query, 1))


def get_count(results: SearchResult) -> int:
    count: int = results.count  # type: ignore[attr-defined] # missing in its stubs
    return count


def find_in_order(view: View, query: Query, question: Question) -> tuple[tuple[SearchHit, ...], int]:
    """The page, and how many articles there are in all; behind `after` they take a count of its own."""
    down = question.order == "-published_at"
    # Keys without a date are the lowest: last downwards, first upwards.
    # The row to go on behind may be of another index, where this one has none without a date.
    is_behind_undated = question.after is not None and question.after < index_schema.FIRST_DATED
    if down != (question.undated == "last") and (is_behind_undated or has_undated(view)):
        return _find_in_parts(view, query, question, down=down), count_matches(view, query)
    total = None if question.after is None else count_matches(view, query)
    if question.after is not None:
        further = (None, question.after - 1) if down else (question.after + 1, None)
        # By the key itself and not by an offset: articles that come or go meanwhile move nothing.
        query = Query.boolean_query([(Occur.Must, query), (Occur.Must, filters.match_between("newest", *further))])
    hits, counted = _find_in_key_order(view, query, question, down=down, counted=total is None)
    return hits, counted if total is None else total


def _find_in_key_order(
    view: View, query: Query, question: Question, *, down: bool, counted: bool = True
) -> tuple[tuple[SearchHit, ...], int]:
    results = view.searcher.search(
        query,
        max(question.limit, 1),
        count=counted,
        order_by_field="newest",
        order=Direction.Desc if down else Direction.Asc,
        offset=question.offset,
    )
    addresses = [address for _, address in results.hits]
    hits = load_hits(view, addresses, [None] * len(addresses), [key for key, _ in results.hits])
    return hits[: question.limit], get_count(results) if counted else 0


def _find_in_parts(view: View, query: Query, question: Question, *, down: bool) -> tuple[SearchHit, ...]:
    """Upwards those without a date behind the newest, downwards before it."""
    dated, undated = (
        (index_schema.FIRST_DATED, index_schema.HIGHEST),
        (index_schema.LOWEST, index_schema.FIRST_DATED - 1),
    )
    after, skip = question.after, question.offset
    hits: list[SearchHit] = []
    for low, high in (undated, dated) if down else (dated, undated):
        if after is not None and low <= after <= high:
            low, high = (low, after - 1) if down else (after + 1, high)
        elif after is not None and (after < index_schema.FIRST_DATED) != down:
            continue  # the row to go on behind stands in the other part, which comes later
        part = Query.boolean_query([(Occur.Must, query), (Occur.Must, filters.match_between("newest", low, high))])
        part_question = replace(question, offset=skip, limit=question.limit - len(hits))
        part_hits, there = _find_in_key_order(view, part, part_question, down=down)
        hits += part_hits
        skip = max(0, skip - there)
        if len(hits) >= question.limit:
            break
    return tuple(hits)


def find_rows(
    view: View, query: Query, question: Question, sort: TimeSort, place: CursorPosition
) -> tuple[list[ListRow], int]:
    """A page of a list, and how many articles there are in all: `question.limit` rows behind the place, or the ones
    before it; from the first one on by an offset."""
    down = sort.startswith("-") != (place.kind == "before")
    limit = place.offset + question.limit
    if sort.endswith("published_at"):
        rows, total = _find_by_date(view, query, replace(question, limit=limit), place, down=down)
    else:
        after = None if place.id is None or not isinstance(place.key, int) else (place.key, place.id)
        field: Stamp = "created" if sort.endswith("created_at") else "updated"
        hits = find_by_stamp(view, query, field, down=down, limit=limit, after=after)
        rows, total = [ListRow(id, version, second) for second, id, version in hits], count_matches(view, query)
    rows = rows[place.offset :]
    return rows[::-1] if place.kind == "before" else rows, total


def _find_by_date(
    view: View, query: Query, question: Question, place: CursorPosition, *, down: bool
) -> tuple[list[ListRow], int]:
    after = None
    if place.id is not None:
        after = index_schema.make_newest_key(place.key if isinstance(place.key, int) else None, place.id)
    turned = replace(
        question,
        order="-published_at" if down else "published_at",
        after=after,
        offset=0,
        undated="first" if place.kind == "before" else "last",
    )
    hits, total = find_in_order(view, query, turned)
    return [ListRow(hit.id, hit.version, index_schema.read_date(hit.newest)) for hit in hits], total


Stamp = Literal["created", "updated"]
StampedHit = tuple[int, int, int]
"""An article: its second, id and version."""


def find_by_stamp(
    view: View, query: Query, field: Stamp, *, down: bool, limit: int, after: tuple[int, int] | None = None
) -> list[StampedHit]:
    """Articles in the order of a field and then of their ids; those behind the one with the second and id `after`.

    An import creates thousands in one second, and among equals the engine has an order of its own. So those of the
    second in which a page ends are asked for by their ids.
    """
    hits: list[StampedHit] = []
    if after is not None:
        hits += _find_within_second(view, query, field, after[0], down=down, limit=limit, id=after[1])
        query = _narrow(query, field, *_bound_beyond(after[0], down=down))
    if len(hits) < limit:
        others = _find_by_field(view, query, field, field, down=down, limit=limit - len(hits))
        if len(others) == limit - len(hits):
            last = others[-1][0]
            others = [hit for hit in others if hit[0] != last]
            missing = limit - len(hits) - len(others)
            others += _find_within_second(view, query, field, last, down=down, limit=missing)
        hits += sorted(others, reverse=down)
    return hits


def _find_within_second(
    view: View, query: Query, field: Stamp, second: int, *, down: bool, limit: int, id: int | None = None
) -> list[StampedHit]:
    """Those of one second in the order of their ids, behind the id."""
    narrowed = _narrow(query, field, second, second)
    if id is not None:
        narrowed = _narrow(narrowed, "id", *_bound_beyond(id, down=down))
    return _find_by_field(view, narrowed, field, "id", down=down, limit=limit)


def _find_by_field(view: View, query: Query, field: Stamp, order: str, *, down: bool, limit: int) -> list[StampedHit]:
    direction = Direction.Desc if down else Direction.Asc
    results = view.searcher.search(query, limit, count=False, order_by_field=order, order=direction)
    addresses = [address for _, address in results.hits]
    columns = [
        [int(value or 0) for value in view.searcher.fast_field_values(name, addresses)]
        for name in (field, "id", "version")
    ]
    return list(zip(*columns, strict=True))


def _narrow(query: Query, field: str, lowest: int | None, highest: int | None) -> Query:
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, filters.match_between(field, lowest, highest))])


def _bound_beyond(value: int, *, down: bool) -> tuple[int | None, int | None]:
    return (None, value - 1) if down else (value + 1, None)


def has_undated(view: View) -> bool:
    """Whether there is any article without a date; counted once a view."""
    cached = view.memo.get("undated")
    if not isinstance(cached, bool):
        cached = count_matches(view, filters.match_term("flags", index_schema.UNDATED)) > 0
        view.remember("undated", cached)
    return cached


def load_hits(
    view: View, addresses: list[DocAddress], scores: list[float | None], newest: list[int]
) -> tuple[SearchHit, ...]:
    """The articles at these addresses, in their order."""
    ids = view.searcher.fast_field_values("id", addresses)
    versions = view.searcher.fast_field_values("version", addresses)
    return tuple(map(SearchHit._make, zip(ids, versions, scores, newest, strict=True)))
