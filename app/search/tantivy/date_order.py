"""Hits in the order of their dates, those without a date last; and hits and counts of any query. Composes no words."""

from dataclasses import replace

from tantivy import DocAddress, Occur, Query, SearchResult
from tantivy import Order as Direction

from app.search.engine import Question, SearchHit
from app.search.tantivy import filters, index_schema
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
    if down != (question.undated == "last") and has_undated(view):
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
