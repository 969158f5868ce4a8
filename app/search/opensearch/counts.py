"""Counts of what the cluster finds: by value for facets, by time for timelines. Exact: a count that may be wrong is
asked for again, page by page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import Axis, FacetName, GroupName, Line, Matrix, Overview, Question
from app.search.opensearch import hits
from app.search.opensearch.mapping import PUBLISHED
from app.search.opensearch.problems import BucketOverflow, ClusterProblem, Json
from app.search.opensearch.queries import Clause, read_clause
from app.search.opensearch.view import ClusterView
from app.search.tantivy import index_schema
from app.search.tantivy.aggregates import Counts, drop_facet_filter, find_field, group_query, read_values
from app.search.tantivy.filters import clamp
from app.search.tantivy.reader import MOST_VALUES
from app.search.timeline import Edges

_PAGE = 10_000
_MOST_BUCKETS = 50_000
"""Of one request: the cluster returns 65,535."""
_NOWHERE = "within_0"


def count_facets(view: ClusterView, question: Question, names: tuple[FacetName, ...]) -> dict[FacetName, Counts]:
    """Articles by value, each facet without its own any-of filter; all in one request."""
    by_question: dict[Question, list[FacetName]] = {}
    for name in names:
        own = replace(question, filter=drop_facet_filter(question.filter, name))
        by_question.setdefault(own, []).append(name)
    asked = [
        (hits.compose_match(view, own), sorted({find_field(own.filter, name) for name in group}))
        for own, group in by_question.items()
    ]
    counted = _count_terms(view, asked)
    return {
        name: counts
        for (own, group), fields in zip(by_question.items(), counted, strict=True)
        for name, counts in read_values(own, group, fields).items()
    }


def count_values(view: ClusterView, question: Question, name: FacetName) -> Counts:
    """Articles by value, with every filter."""
    return _count_values(view, hits.compose_match(view, question), question, name)


def _count_values(view: ClusterView, query: Query, question: Question, name: FacetName) -> Counts:
    [counted] = _count_terms(view, [(query, [find_field(question.filter, name)])])
    return read_values(question, [name], counted)[name]


def _count_terms(view: ClusterView, asked: Sequence[tuple[Query, Sequence[str]]]) -> list[dict[str, Counts]]:
    """Of each query the articles by value of some fields."""
    bodies: list[Clause] = [
        {
            "query": read_clause(query),
            "size": 0,
            "aggs": {
                name: {"terms": {"field": name, "size": MOST_VALUES, "shard_size": MOST_VALUES}}
                for name in names
                if name != _NOWHERE
            },
        }
        for query, names in asked
    ]
    try:
        results = view.ask_all(bodies)
    except BucketOverflow:
        return [{name: _count_by_pages(view, query, name) for name in names} for query, names in asked]
    return [
        {name: _read_terms(view, query, name, one.aggregations) for name in names}
        for (query, names), one in zip(asked, results, strict=True)
    ]


def _read_terms(view: ClusterView, query: Query, name: str, aggregations: Json) -> Counts:
    if name == _NOWHERE:
        return {}
    terms = aggregations[name]
    if terms["doc_count_error_upper_bound"] or terms["sum_other_doc_count"]:
        return _count_by_pages(view, query, name)
    return {bucket["key"]: bucket["doc_count"] for bucket in terms["buckets"]}


def _count_by_pages(view: ClusterView, query: Query, name: str) -> Counts:
    """However many values there are."""
    if name == _NOWHERE:
        return {}
    counts: dict[int | str, int] = {}
    after: Json = {}
    while True:
        composite: Json = {"size": _PAGE, "sources": [{"value": {"terms": {"field": name}}}], **after}
        by = view.ask({"query": read_clause(query), "size": 0, "aggs": {"by": {"composite": composite}}}).aggregations
        counts |= {bucket["key"]["value"]: bucket["doc_count"] for bucket in by["by"]["buckets"]}
        if "after_key" not in by["by"]:
            return counts
        after = {"after": by["by"]["after_key"]}


def count_by_date(
    view: ClusterView, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None
) -> list[int]:
    """Articles from each edge to the next: instants between those of the zone, dates between those of the calendar."""
    if group is not None:
        return count_groups_by_date(view, question, edges, [group])[0]
    return _count_periods(view, hits.compose_match(view, question), edges)


def count_groups_by_date(
    view: ClusterView, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
) -> list[list[int]]:
    """The same for each of the groups."""
    own = [group_query(view.filters, question.filter, *group) for group in groups]
    return _count_lines(view, hits.compose_match(view, question), own, edges)


def _count_lines(view: ClusterView, query: Query, lines: Sequence[Query], edges: Edges) -> list[list[int]]:
    """Of the articles of each line those from each edge to the next."""
    at_once = max(1, _MOST_BUCKETS // max(1, 2 * len(edges.exact)))
    counted: list[list[int]] = []
    for start in range(0, len(lines), at_once):
        some = lines[start : start + at_once]
        aggs: Json = {
            str(number): {"filter": read_clause(line), "aggs": _build_periods(view, edges)}
            for number, line in enumerate(some)
        }
        by = view.ask({"query": read_clause(query), "size": 0, "aggs": aggs}).aggregations
        counted += [_read_periods(by[str(number)], edges) for number in range(len(some))]
    return counted


def _count_periods(view: ClusterView, query: Query, edges: Edges) -> list[int]:
    aggs = _build_periods(view, edges)
    return _read_periods(view.ask({"query": read_clause(query), "size": 0, "aggs": aggs}).aggregations, edges)


def _build_periods(view: ClusterView, edges: Edges) -> Json:
    if edges.exact == edges.calendar:
        return _build_ranges("exact", PUBLISHED, edges.exact)
    # In a zone a day begins elsewhere than in UTC, and a date that is a day itself is of that day in every zone.
    vague = view.filters.match_any("flags", index_schema.COARSE)
    exact = view.filters.query.boolean_query([(Occur.Must, view.filters.match_all()), (Occur.MustNot, vague)])
    return {
        "exactly": {"filter": read_clause(exact), "aggs": _build_ranges("exact", PUBLISHED, edges.exact)},
        "vaguely": {"filter": read_clause(vague), "aggs": _build_ranges("calendar", PUBLISHED, edges.calendar)},
    }


def _read_periods(by: Json, edges: Edges) -> list[int]:
    if edges.exact == edges.calendar:
        return _read_ranges(by, "exact", edges.exact)
    exact = _read_ranges(by["exactly"], "exact", edges.exact)
    calendar = _read_ranges(by["vaguely"], "calendar", edges.calendar)
    return [sum(counts) for counts in zip(exact, calendar, strict=True)]


def _build_ranges(name: str, field: str, edges: Sequence[int]) -> Json:
    """Empty ranges, as a day that a zone skipped, are not asked for. Seconds are exact as floating numbers."""
    bounds = [(clamp(start), clamp(end)) for start, end in pairwise(edges)]
    ranges = [
        {"key": str(number), "from": start, "to": end} for number, (start, end) in enumerate(bounds) if start < end
    ]
    return {name: {"range": {"field": field, "keyed": True, "ranges": ranges}}} if ranges else {}


def _read_ranges(by: Json, name: str, edges: Sequence[int]) -> list[int]:
    buckets = by[name]["buckets"] if name in by else {}
    return [buckets[str(n)]["doc_count"] if str(n) in buckets else 0 for n in range(max(0, len(edges) - 1))]


def count_overview(
    view: ClusterView, edges: Sequence[int], excluded: tuple[int, ...], article_filter: ArticleFilter
) -> Overview:
    """All in one request but tags, which may be many."""
    question = Question(filter=article_filter, excluded=excluded)
    query = hits.compose_match(view, question)
    aggs: Json = {
        "flags": {"terms": {"field": "flags", "size": MOST_VALUES, "shard_size": MOST_VALUES}},
        **_build_ranges("created", "created", edges),
        **_build_ranges("updated", "updated", edges),
    }
    results = view.ask({"query": read_clause(query), "size": 0, "aggs": aggs})
    flags = _read_terms(view, query, "flags", results.aggregations)
    created, updated = (_read_ranges(results.aggregations, name, edges) for name in ("created", "updated"))
    tags = {int(tag): count for tag, count in _count_values(view, query, question, "tag").items()}
    having: dict[str, int] = {word: flags.get(flag, 0) for word, flag in index_schema.HAS_FLAGS.items()}
    return Overview(results.total, having, created, updated, tags)


def count_matrix(view: ClusterView, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
    """Axes first, and then the cells, in one request where they are few."""
    query, edges = hits.compose_match(view, question), Edges()
    make_edges = rows.make_edges or columns.make_edges
    too_coarse = undated = 0
    if make_edges is not None:
        every = hits.compose_match(view, replace(question, dated="any"))
        no_date = _intersect(view, every, view.filters.match_term("flags", index_schema.UNDATED))
        numbers = [
            one.total for one in view.ask_all([{"query": read_clause(q), "size": 0} for q in (every, query, no_date)])
        ]
        too_coarse, undated = numbers[0] - numbers[1], numbers[2]
        edges = _find_edges(view, question, query, make_edges)
        query = _intersect(view, query, _match_period(view, edges, 0, len(edges.exact) - 1))
    lines = [_list_lines(view, question, query, axis, edges) for axis in (rows, columns)]
    cells: list[list[int]] = []
    if 0 < len(lines[0]) * len(lines[1]) <= most:
        cells = _count_cells(view, question, query, (rows, columns), lines, edges)
    return Matrix(view.count(query), lines[0], lines[1], cells, edges, too_coarse, undated)


def _intersect(view: ClusterView, query: Query, other: Query) -> Query:
    return view.filters.query.boolean_query([(Occur.Must, query), (Occur.Must, other)])


def _find_edges(
    view: ClusterView, question: Question, query: Query, make_edges: Callable[[int | None], Edges]
) -> Edges:
    """From the first article that has a date on, without empty periods at the ends that nobody has asked for."""
    in_order = replace(question, order="published_at", limit=1, offset=0, after=None)
    first = hits.find_in_order(view, query, in_order)[0]
    dated = bool(first) and first[0].newest >= index_schema.FIRST_DATED
    edges = make_edges(first[0].newest >> index_schema.ID_BITS if dated else None)
    return edges.trim(_count_periods(view, query, edges))[0]


def _match_period(view: ClusterView, edges: Edges, first: int, last: int) -> Query:
    if not edges.exact:
        return view.filters.query.empty_query()
    exact, calendar = (view.filters.match_published((at[first], at[last])) for at in (edges.exact, edges.calendar))
    return exact if edges.exact == edges.calendar else view.filters.match_by_precision(exact, calendar)


def _list_lines(view: ClusterView, question: Question, query: Query, axis: Axis, edges: Edges) -> list[Line]:
    if axis.group is None:
        return list(enumerate(_count_periods(view, query, edges)))
    counts = _count_values(view, query, question, axis.group)
    chosen = [one for one in counts.items() if axis.ids is None or one[0] in axis.ids]
    return sorted(chosen, key=lambda one: (-one[1], str(one[0])))[: axis.most]


def _count_cells(
    view: ClusterView,
    question: Question,
    query: Query,
    axes: tuple[Axis, Axis],
    lines: Sequence[Sequence[Line]],
    edges: Edges,
) -> list[list[int]]:
    """A filter for each line of one axis, within which the other is counted; periods are always the inner one."""
    if axes[0].group is None:
        outer = 1
    elif axes[1].group is None:
        outer = 0
    else:
        outer = 0 if len(lines[0]) <= len(lines[1]) else 1
    group = axes[outer].group
    assert group is not None, "one axis at most is of periods"
    own = [group_query(view.filters, question.filter, group, value) for value, _ in lines[outer]]
    inner = axes[1 - outer].group
    if inner is None:
        counted = _count_lines(view, query, own, edges)
    else:
        values = [value for value, _ in lines[1 - outer]]
        counted = _count_crossed(view, question, query, own, (inner, values))
    return counted if outer == 0 else [list(row) for row in zip(*counted, strict=True)]


def _count_crossed(
    view: ClusterView,
    question: Question,
    query: Query,
    lines: Sequence[Query],
    across: tuple[GroupName, Sequence[int | str]],
) -> list[list[int]]:
    name, values = across
    aggs: Mapping[str, Clause] = {
        str(number): {"filter": read_clause(group_query(view.filters, question.filter, name, value))}
        for number, value in enumerate(values)
    }
    at_once = max(1, _MOST_BUCKETS // max(1, len(values)))
    counted: list[list[int]] = []
    for start in range(0, len(lines), at_once):
        some = lines[start : start + at_once]
        nested = {str(n): {"filter": read_clause(line), "aggs": aggs} for n, line in enumerate(some)}
        by = view.ask({"query": read_clause(query), "size": 0, "aggs": nested}).aggregations
        counted += [[by[str(n)][str(m)]["doc_count"] for m in range(len(values))] for n in range(len(some))]
    return counted


def count_each(view: ClusterView, field: str, terms: Sequence[str]) -> dict[str, int]:
    """In how many articles each term stands in a field."""
    counts: dict[str, int] = {}
    for start in range(0, len(terms), _PAGE):
        some = terms[start : start + _PAGE]
        filters = {str(number): {"term": {field: term}} for number, term in enumerate(some)}
        by = view.ask({"size": 0, "aggs": {"by": {"filters": {"filters": filters}}}}).aggregations["by"]["buckets"]
        counts |= {term: by[str(number)]["doc_count"] for number, term in enumerate(some)}
    if len(counts) < len(set(terms)):
        raise ClusterProblem("The search cluster has counted fewer terms than were asked for.")
    return counts
