"""Hits of the cluster: by relevance, in the order of their dates, and as rows of a list. As a rule one request each."""

from collections.abc import Sequence
from dataclasses import replace

import xxhash
from tantivy import Occur, Query

from app.articles.reading.queries import CursorPosition, ListRow, TimeSort
from app.search.engine import DEEPEST, QueryInterpretation, Question, SearchHit
from app.search.opensearch.queries import Clause, read_clause
from app.search.opensearch.view import RETURN_HITS, ClusterView, Found, FoundHit
from app.search.tantivy import index_schema, matches
from app.search.tantivy.date_order import has_undated
from app.search.tantivy.interpretation import interpret


def compose_scored(view: ClusterView, question: Question, interpretation: QueryInterpretation) -> Query:
    """Who matches, scored as on this machine: by the words, by their nearness, and by age."""
    clauses = _compose(view, question, interpretation)
    near = matches.score_nearness(view, question, interpretation)
    bands = matches.score_recency(view, question, interpretation, matches.BANDS)
    bonuses = [(Occur.Should, bonus) for bonus in (*near, *bands)]
    return view.filters.query.boolean_query([*clauses, *bonuses])


def compose_match(view: ClusterView, question: Question) -> Query:
    """Who matches, for counts."""
    return view.filters.query.boolean_query(_compose(view, question, interpret(view, question)))


def _compose(view: ClusterView, question: Question, interpretation: QueryInterpretation) -> list[tuple[Occur, Query]]:
    words = matches.build_words(view, question, interpretation)
    return matches.build_clauses(view.filters, question, interpretation, words)


def find_by_relevance(
    view: ClusterView, question: Question, interpretation: QueryInterpretation
) -> tuple[tuple[SearchHit, ...], int]:
    """The page's hits, of equals the newer first, and how many articles match in all."""
    return find_scored(view, compose_scored(view, question, interpretation), question)


def find_scored(view: ClusterView, query: Query, question: Question) -> tuple[tuple[SearchHit, ...], int]:
    """The page of what matches, in the order of its scores. Pages of one question are asked of the same copies: what
    was deleted weighs otherwise on others, and an article could be met twice."""
    start = min(question.offset, DEEPEST)
    body: Clause = {
        "query": read_clause(query),
        "from": start,
        "size": min(question.limit, DEEPEST - start),
        "sort": [{"_score": "desc"}, {"newest": "desc"}],
        **RETURN_HITS,
    }
    results = view.ask(body, preference=_name_copies(question))
    return tuple(SearchHit(hit.id, hit.version, hit.score, hit.newest) for hit in results.hits), results.total


def _name_copies(question: Question) -> str:
    asked = (question.filter, question.tree, question.text, question.match, question.recency)
    return xxhash.xxh3_64_hexdigest(repr(asked).encode("utf-8", "surrogatepass"))


def find_in_order(view: ClusterView, query: Query, question: Question) -> tuple[tuple[SearchHit, ...], int]:
    """The page in the order of dates, and how many articles match in all."""
    down = question.order == "-published_at"
    is_behind_undated = question.after is not None and question.after < index_schema.FIRST_DATED
    if down != (question.undated == "last") and (is_behind_undated or has_undated(view)):
        return _find_in_parts(view, query, question, down=down), view.count(query)
    order = "desc" if down else "asc"
    after = () if question.after is None else (question.after,)
    results = _read_pages(view, query, {"newest": order}, question.limit, after, question.offset)
    return _list_hits(results.hits), results.total


def _list_hits(hits: Sequence[FoundHit]) -> tuple[SearchHit, ...]:
    return tuple(SearchHit(hit.id, hit.version, None, hit.newest) for hit in hits)


def _find_in_parts(view: ClusterView, query: Query, question: Question, *, down: bool) -> tuple[SearchHit, ...]:
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
        part = _narrow(view, query, "newest", low, high)
        results = _read_pages(view, part, {"newest": "desc" if down else "asc"}, question.limit - len(hits), (), skip)
        hits += _list_hits(results.hits)
        skip = max(0, skip - results.total)
        if len(hits) >= question.limit:
            break
    return tuple(hits)


def _narrow(view: ClusterView, query: Query, field: str, lowest: int, highest: int) -> Query:
    between = view.filters.match_between(field, lowest, highest)
    return view.filters.query.boolean_query([(Occur.Must, query), (Occur.Must, between)])


def _read_pages(
    view: ClusterView, query: Query, sort: dict[str, str], limit: int, after: tuple[int, ...], offset: int = 0
) -> Found:
    """Up to `limit` documents behind the one with the values `after`, or behind the first `offset` ones; more than the
    cluster returns at once by several requests. Documents without the fields have no place in it."""
    hits: list[FoundHit] = []
    total: int | None = None
    offset = min(offset, DEEPEST)
    while total is None or len(hits) < limit:
        size = min(limit - len(hits), DEEPEST - offset)
        body: Clause = {
            "query": read_clause(query),
            "size": size,
            "sort": [{name: order} for name, order in sort.items()],
            **RETURN_HITS,
        }
        if after:
            body["search_after"] = list(after)
        elif offset:
            body["from"] = offset
        results = view.ask(body)
        total = results.total if total is None else total
        hits += results.hits
        if len(results.hits) < size or size == 0:
            break
        after, offset = results.hits[-1].sort, 0
    return Found(tuple(hits), total or 0, {})


def find_rows(
    view: ClusterView, query: Query, question: Question, sort: TimeSort, place: CursorPosition
) -> tuple[list[ListRow], int]:
    """A page of a list, and how many articles there are in all: `question.limit` rows behind the place, or the ones
    before it; from the first one on by an offset."""
    down = sort.startswith("-") != (place.kind == "before")
    limit = place.offset + question.limit
    if sort.endswith("published_at"):
        rows, total = _find_by_date(view, query, replace(question, limit=limit), place, down=down)
    else:
        field, order = ("created" if sort.endswith("created_at") else "updated"), ("desc" if down else "asc")
        after = () if place.id is None or not isinstance(place.key, int) else (place.key, place.id)
        results = _read_pages(view, query, {field: order, "id": order}, limit, after)
        rows, total = [ListRow(hit.id, hit.version, hit.sort[0]) for hit in results.hits], results.total
    rows = rows[place.offset :]
    return rows[::-1] if place.kind == "before" else rows, total


def _find_by_date(
    view: ClusterView, query: Query, question: Question, place: CursorPosition, *, down: bool
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
