"""Counts over the articles that a search means: by value for facets, by time for timelines. Returns no articles."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import FacetName, GroupName, Question
from app.search.tantivy import filters, index_schema, match_cache, matches
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
        by_question.setdefault(replace(question, filter=_drop_facet_filter(question.filter, name)), []).append(name)
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


def _drop_facet_filter(article_filter: ArticleFilter, name: FacetName) -> ArticleFilter:
    empty: dict[str, tuple[int, ...]] = {_OWN_FILTER[name]: ()}
    return replace(article_filter, **empty)  # type: ignore[arg-type] # each of them is a tuple


def _count_in_one_run(
    view: View, question: Question, by_question: Mapping[Question, list[FacetName]]
) -> dict[FacetName, Counts] | None:
    """The facets of all filters in one run of a costly query; None where the filters cannot be told to it."""
    base = question.filter
    for name in _OWN_FILTER:
        base = _drop_facet_filter(base, name)
    spec: dict[str, object] = {}
    for number, (same, names) in enumerate(by_question.items()):
        chosen = filters.render_chosen(same.filter)
        if chosen is None:
            return None
        fields_ = {_find_field(same.filter, name) for name in names}
        spec[str(number)] = {"filter": chosen, "aggs": build_aggregations(fields_)}
    aggregated = view.searcher.aggregate(
        matches.build_query(view, replace(question, filter=base, order="-published_at")), spec
    )
    return {
        name: counts
        for number, (same, names) in enumerate(by_question.items())
        for name, counts in _read_values(
            same, names, read_terms(aggregated[str(number)], {_find_field(same.filter, name) for name in names})
        ).items()
    }


def _count_values(view: View, question: Question, names: list[FacetName]) -> dict[FacetName, Counts]:
    return _read_values(
        question, names, _count_terms(view, question, sorted({_find_field(question.filter, n) for n in names}))
    )


def _read_values(question: Question, names: list[FacetName], counted: Mapping[str, Counts]) -> dict[FacetName, Counts]:
    by_name = {name: _find_field(question.filter, name) for name in names}
    by_facet = {name: counted[field] for name, field in by_name.items()}
    if by_name.get("region") == "within_own":
        mask = question.filter.roles & 7
        by_facet["region"] = {int(key) >> 3: n for key, n in by_facet["region"].items() if int(key) & 7 == mask}
    return by_facet


def _find_field(article_filter: ArticleFilter, name: FacetName) -> str:
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
    if group is not None:
        query = Query.boolean_query([(Occur.Must, query), (Occur.Must, _group_query(question.filter, *group))])
    if edges.exact == edges.calendar:
        return _count_between(view, query, edges.exact)
    # In a zone a day begins elsewhere than in UTC, and a date that is a day itself is of that day in every zone.
    vague = filters.match_any("flags", index_schema.COARSE)
    exact = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, vague)])
    coarse = Query.boolean_query([(Occur.Must, query), (Occur.Must, vague)])
    parts = _count_between(view, exact, edges.exact), _count_between(view, coarse, edges.calendar)
    return [sum(counts) for counts in zip(*parts, strict=True)]


def _count_between(view: View, query: Query, edges: Sequence[int]) -> list[int]:
    """Ranges of tantivy are floating: the edges' keys are exact in them. Of empty ones, as a day that a zone skipped,
    it is not asked: they begin where the next one does, which is how the counts are found again."""
    ranges = [
        {"from": start, "to": end}
        for start, end in pairwise([float(filters.clamp(edge) << index_schema.ID_BITS) for edge in edges])
    ]
    full = [bounds for bounds in ranges if bounds["from"] < bounds["to"]]
    if not full:
        return [0] * len(ranges)
    bucket_rows = view.searcher.aggregate(query, {"by": {"range": {"field": "newest", "ranges": full}}})["by"][
        "buckets"
    ]
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
            map(bucket_of.get, match_cache.find_newest_keys(view, _group_query(question.filter, *group), most))
        )
        counted.append([own[bucket] for bucket in range(len(edges.exact) - 1)])
    return counted


def _assign_buckets(keys: Sequence[int], edges: Sequence[int]) -> dict[int, int]:
    """Which of the edges lies before each of the keys; without those outside of all."""
    bounds = [filters.clamp(edge) << index_schema.ID_BITS for edge in edges]
    positions = ((key, bisect_right(bounds, key) - 1) for key in keys)
    return {key: bucket for key, bucket in positions if 0 <= bucket < len(bounds) - 1}


def _group_query(article_filter: ArticleFilter, name: GroupName, value: int | str) -> Query:
    if name in ("language", "source"):
        return filters.match_term(name, value)
    if name == "region" and article_filter.exact:
        return filters.match_term("within_own", index_schema.make_own_key(int(value), article_filter.roles & 7))
    return filters.match_term(f"within_{article_filter.roles & 7}" if name == "region" else "tags", int(value))
