"""Counts over the articles that a search means: by value for facets, by time for timelines. Returns no articles."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import Axis, FacetName, GroupName, Line, Matrix, Overview, Question
from app.search.tantivy import date_order, index_schema, match_cache, matches
from app.search.tantivy.filters import FilterQueries, clamp, render_chosen
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.reader import View, build_aggregations, count_terms, read_terms
from app.search.timeline import Edges

_OWN_FILTER: dict[FacetName, str] = {
    "tag": "tags", "author": "authors", "section": "sections", "region": "regions", "language": "languages",
    "source": "sources", "year": "years",
}  # fmt: skip
MOST_KEYS, MANY_EDGES, FEW_GROUPS = 100_000, 300, 10
"""Up to so many articles they are counted one by one, from so many parts of a timeline or so many groups on."""
_EVERYTHING = matches.normalize_question(Question())


Counts = Mapping[int | str, int]


def count_facets(view: View, question: Question, names: tuple[FacetName, ...]) -> dict[FacetName, Counts]:
    """Articles by value, each facet without its own any-of filter; those of one filter are counted together."""
    by_question: dict[Question, list[FacetName]] = {}
    for name in names:
        by_question.setdefault(replace(question, filter=drop_facet_filter(question.filter, name)), []).append(name)
    if (
        len(by_question) > 1
        and match_cache.is_costly(question.tree)
        and (all_counts := _count_in_one_run(view, question, by_question)) is not None
    ):
        return all_counts
    return {
        name: counts for same, group in by_question.items() for name, counts in _count_values(view, same, group).items()
    }


def count_values(view: View, question: Question, name: FacetName) -> Counts:
    """Articles by value, with every filter."""
    return _count_values(view, question, [name])[name]


def drop_facet_filter(article_filter: ArticleFilter, name: FacetName) -> ArticleFilter:
    empty: dict[str, tuple[int, ...]] = {_OWN_FILTER[name]: ()}
    return replace(article_filter, **empty)  # type: ignore[arg-type] # each of them is a tuple


def _count_in_one_run(
    view: View, question: Question, by_question: Mapping[Question, list[FacetName]]
) -> dict[FacetName, Counts] | None:
    """The facets of all filters in one run of a costly query; None where the filters cannot be told to it."""
    base = question.filter
    for name in _OWN_FILTER:
        base = drop_facet_filter(base, name)
    spec: dict[str, object] = {}
    for number, (same, names) in enumerate(by_question.items()):
        chosen = render_chosen(same.filter)
        if chosen is None:
            return None
        fields_ = {find_field(same.filter, name) for name in names}
        spec[str(number)] = {"filter": chosen, "aggs": build_aggregations(fields_)}
    aggregated = view.searcher.aggregate(
        matches.build_query(view, replace(question, filter=base, order="-published_at")), spec
    )
    return {
        name: counts
        for number, (same, names) in enumerate(by_question.items())
        for name, counts in read_values(
            same, names, read_terms(aggregated[str(number)], {find_field(same.filter, name) for name in names})
        ).items()
    }


def _count_values(view: View, question: Question, names: list[FacetName]) -> dict[FacetName, Counts]:
    return read_values(
        question, names, _count_terms(view, question, sorted({find_field(question.filter, n) for n in names}))
    )


def read_values(question: Question, names: list[FacetName], counted: Mapping[str, Counts]) -> dict[FacetName, Counts]:
    by_name = {name: find_field(question.filter, name) for name in names}
    by_facet = {name: counted[field] for name, field in by_name.items()}
    if by_name.get("region") == "within_own":
        mask = question.filter.roles & 7
        by_facet["region"] = {int(key) >> 3: n for key, n in by_facet["region"].items() if int(key) & 7 == mask}
    return by_facet


def find_field(article_filter: ArticleFilter, name: FacetName) -> str:
    if name == "region":
        return "within_own" if article_filter.exact else f"within_{article_filter.roles & 7}"
    return name if name in ("language", "source", "year") else "tags"


def _count_terms(view: View, question: Question, names: list[str]) -> dict[str, Counts]:
    """Those of everything published are counted once a commit."""
    if matches.normalize_question(question) != _EVERYTHING:
        return count_terms(view.searcher, matches.build_count_query(view, question), names)
    cached: dict[str, Counts] = {
        name: counts for name in names if isinstance(counts := view.memo.get(("counts", name)), Mapping)
    }
    new = [name for name in names if name not in cached]
    for name, counts in count_terms(view.searcher, matches.build_count_query(view, question), new).items():
        view.remember(("counts", name), counts)
        cached[name] = counts
    return cached


def count_by_date(view: View, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None) -> list[int]:
    """Articles from each edge to the next: instants between those of the zone, dates between those of the calendar."""
    query = matches.build_count_query(view, question)
    return _count_periods(
        view, query if group is None else _intersect(query, group_query(filters, question.filter, *group)), edges
    )


def _intersect(query: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, other)])


def _count_periods(view: View, query: Query, edges: Edges) -> list[int]:
    if edges.exact == edges.calendar:
        return _count_between(view, query, edges.exact)
    # In a zone a day begins elsewhere than in UTC, and a date that is a day itself is of that day in every zone.
    vague = filters.match_any("flags", index_schema.COARSE)
    exact = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, vague)])
    coarse = _intersect(query, vague)
    parts = _count_between(view, exact, edges.exact), _count_between(view, coarse, edges.calendar)
    return [sum(counts) for counts in zip(*parts, strict=True)]


def _count_between(view: View, query: Query, edges: Sequence[int]) -> list[int]:
    return _count_ranges(view, query, "newest", [clamp(edge) << index_schema.ID_BITS for edge in edges])


def _count_ranges(view: View, query: Query, field: str, keys: Sequence[int]) -> list[int]:
    """Ranges of tantivy are floating: the edges' keys are exact in them. Of empty ones, as a day that a zone skipped,
    it is not asked: they begin where the next one does, which is how the counts are found again."""
    ranges = [{"from": start, "to": end} for start, end in pairwise(map(float, keys))]
    full = [bounds for bounds in ranges if bounds["from"] < bounds["to"]]
    if not full:
        return [0] * len(ranges)
    aggregated = view.searcher.aggregate(query, {"by": {"range": {"field": field, "ranges": full}}})
    bucket_rows = aggregated["by"]["buckets"]
    counts = {bucket["from"]: bucket["doc_count"] for bucket in bucket_rows if "from" in bucket and "to" in bucket}
    return [counts.get(bounds["from"], 0) if bounds["from"] < bounds["to"] else 0 for bounds in ranges]


def count_groups_by_date(
    view: View, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
) -> list[list[int]]:
    """The same for each of the groups. Where that takes less, which it does not in large archives, the articles are
    counted by their keys: 50 groups of 900 days take a tenth of what 50 aggregations take, each of which runs the query
    anew, in a time zone twice."""
    most = view.searcher.num_docs
    worth = len(edges.exact) > MANY_EDGES or len(groups) > FEW_GROUPS or match_cache.is_costly(question.tree)
    if most > MOST_KEYS or not groups or not worth:
        return [count_by_date(view, question, edges, group) for group in groups]
    query, vague = matches.build_count_query(view, question), filters.match_any("flags", index_schema.COARSE)
    bucket_of: dict[int, int] = {}
    for occur, bounds in ((Occur.MustNot, edges.exact), (Occur.Must, edges.calendar)):
        part = Query.boolean_query([(Occur.Must, query), (occur, vague)])
        bucket_of |= _assign_buckets(match_cache.find_newest_keys(view, part, most), bounds)
    counted: list[list[int]] = []
    for group in groups:
        own = Counter(
            map(bucket_of.get, match_cache.find_newest_keys(view, group_query(filters, question.filter, *group), most))
        )
        counted.append([own[bucket] for bucket in range(len(edges.exact) - 1)])
    return counted


def _assign_buckets(keys: Sequence[int], edges: Sequence[int]) -> dict[int, int]:
    """Which of the edges lies before each of the keys; without those outside of all."""
    bounds = [clamp(edge) << index_schema.ID_BITS for edge in edges]
    positions = ((key, bisect_right(bounds, key) - 1) for key in keys)
    return {key: bucket for key, bucket in positions if 0 <= bucket < len(bounds) - 1}


def group_query(queries: FilterQueries, article_filter: ArticleFilter, name: GroupName, value: int | str) -> Query:
    if name in ("language", "source"):
        return queries.match_term(name, value)
    if name == "region" and article_filter.exact:
        return queries.match_term("within_own", index_schema.make_own_key(int(value), article_filter.roles & 7))
    return queries.match_term(f"within_{article_filter.roles & 7}" if name == "region" else "tags", int(value))


def count_overview(
    view: View, edges: Sequence[int], excluded: tuple[int, ...], article_filter: ArticleFilter
) -> Overview:
    """One run over all for what they have, one for each of the times."""
    question = Question(filter=article_filter, excluded=excluded)
    query = matches.build_count_query(view, question)
    flags = count_terms(view.searcher, query, ["flags"])["flags"]
    created, updated = (_count_ranges(view, query, field, edges) for field in ("created", "updated"))
    tags = {int(tag): count for tag, count in count_values(view, question, "tag").items()}
    having: dict[str, int] = {word: flags.get(flag, 0) for word, flag in index_schema.HAS_FLAGS.items()}
    return Overview(flags.get(index_schema.LIVE, 0), having, created, updated, tags)


def count_matrix(view: View, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
    """Each line of the shorter axis is one more run, over the articles of that line alone."""
    query, edges = matches.build_count_query(view, question), Edges()
    make_edges = rows.make_edges or columns.make_edges
    too_coarse = undated = 0
    if make_edges is not None:
        # Without a date no article is known too vaguely, so that what `dated` leaves out are the vague ones.
        every = matches.build_count_query(view, replace(question, dated="any"))
        too_coarse = date_order.count_matches(view, every) - date_order.count_matches(view, query)
        undated = date_order.count_matches(view, _intersect(every, filters.match_term("flags", index_schema.UNDATED)))
        edges = _find_edges(view, question, query, make_edges)
        query = _intersect(query, _match_period(edges, 0, len(edges.exact) - 1))
    lines = [_list_lines(view, question, query, axis, edges) for axis in (rows, columns)]
    cells: list[list[int]] = []
    if 0 < len(lines[0]) * len(lines[1]) <= most:
        cells = _count_cells(view, question, query, (rows, columns), lines, edges)
    return Matrix(date_order.count_matches(view, query), lines[0], lines[1], cells, edges, too_coarse, undated)


def _find_edges(view: View, question: Question, query: Query, make_edges: Callable[[int | None], Edges]) -> Edges:
    """From the first article that has a date on, without empty periods at the ends that nobody has asked for."""
    in_order = replace(question, order="published_at", limit=1, offset=0, after=None)
    hits = date_order.find_in_order(view, query, in_order)[0]
    dated = bool(hits) and hits[0].newest >= index_schema.FIRST_DATED
    edges = make_edges(hits[0].newest >> index_schema.ID_BITS if dated else None)
    return edges.trim(_count_periods(view, query, edges))[0]


def _match_period(edges: Edges, first: int, last: int) -> Query:
    """Articles published from one edge to another."""
    if not edges.exact:
        return Query.empty_query()
    exact, calendar = (filters.match_published((at[first], at[last])) for at in (edges.exact, edges.calendar))
    return exact if edges.exact == edges.calendar else filters.match_by_precision(exact, calendar)


def _list_lines(view: View, question: Question, query: Query, axis: Axis, edges: Edges) -> list[Line]:
    counts = _count_axis(view, question, query, axis, edges)
    if axis.group is None:
        return list(counts.items())
    chosen = [one for one in counts.items() if axis.ids is None or one[0] in axis.ids]
    return sorted(chosen, key=lambda one: (-one[1], str(one[0])))[: axis.most]


def _count_axis(view: View, question: Question, query: Query, axis: Axis, edges: Edges) -> Counts:
    if axis.group is None:
        return dict(enumerate(_count_periods(view, query, edges)))
    counted = count_terms(view.searcher, query, [find_field(question.filter, axis.group)])
    return read_values(question, [axis.group], counted)[axis.group]


def _count_cells(
    view: View, question: Question, query: Query, axes: tuple[Axis, Axis], lines: Sequence[Sequence[Line]], edges: Edges
) -> list[list[int]]:
    shorter = 0 if len(lines[0]) <= len(lines[1]) else 1
    axis, other = axes[shorter], axes[1 - shorter]
    # A query of words, or hundreds of periods, would cost as much for each line as for all of them.
    is_costly = question.tree is not None or bool(edges.exact)
    matched = _MatchedKeys.list_keys(view, query, edges) if is_costly else None
    counted: list[list[int]] = []
    for value, _ in lines[shorter]:
        if matched is not None:
            counts = matched.count_line(view, question, axis, value, other)
        else:
            own = _match_line(question, axis, value, edges)
            counts = _count_axis(view, question, _intersect(query, own), other, edges)
        counted.append([counts.get(across, 0) for across, _ in lines[1 - shorter]])
    return counted if shorter == 0 else [list(row) for row in zip(*counted, strict=True)]


def _match_line(question: Question, axis: Axis, value: int | str, edges: Edges) -> Query:
    if axis.group is None:
        return _match_period(edges, int(value), int(value) + 1)
    return group_query(filters, question.filter, axis.group, value)


@dataclass(frozen=True, slots=True)
class _MatchedKeys:
    """The keys of what matches, with the number of the period of each, where there are periods, and by that."""

    period_of: Mapping[int, int]
    by_period: Mapping[int, Sequence[int]]

    @classmethod
    def list_keys(cls, view: View, query: Query, edges: Edges) -> "_MatchedKeys | None":
        """None in archives where they would be more than are gone through quickly."""
        most = view.searcher.num_docs
        if most > MOST_KEYS:
            return None
        if not edges.exact:
            return cls(dict.fromkeys(match_cache.find_newest_keys(view, query, most), 0), {})
        vague = filters.match_any("flags", index_schema.COARSE)
        period_of: dict[int, int] = {}
        for occur, bounds in ((Occur.MustNot, edges.exact), (Occur.Must, edges.calendar)):
            part = Query.boolean_query([(Occur.Must, query), (occur, vague)])
            period_of |= _assign_buckets(match_cache.find_newest_keys(view, part, most), bounds)
        by_period: defaultdict[int, list[int]] = defaultdict(list)
        for key, period in period_of.items():
            by_period[period].append(key)
        return cls(period_of, by_period)

    def count_line(self, view: View, question: Question, axis: Axis, value: int | str, other: Axis) -> Counts:
        """The articles of one line by the values or periods of the other axis."""
        if axis.group is None:
            keys = self.by_period.get(int(value), ())
        else:
            own = group_query(filters, question.filter, axis.group, value)
            every = match_cache.find_newest_keys(view, own, view.searcher.num_docs)
            keys = [key for key in every if key in self.period_of]
        if other.group is None:
            return Counter(self.period_of[key] for key in keys)
        listed = match_cache.match_keys(keys)
        return _count_axis(view, question, listed, other, Edges())
