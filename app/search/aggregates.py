"""Counts over the articles that a search means: by value for facets, by time for timelines. Returns no articles."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.columns import EARLIEST, LATEST
from app.search import fields, filtering, listed, matching
from app.search.engine import FacetName, GroupName, Question
from app.search.reader import View, read_terms, terms_asked, terms_counts
from app.search.timeline import Edges

_OWN_FILTER: dict[FacetName, str] = {
    "tag": "tags", "author": "authors", "section": "sections", "region": "regions", "language": "languages",
    "source": "sources", "year": "years",
}  # fmt: skip
MOST_KEYS, MANY_EDGES, FEW_GROUPS = 100_000, 300, 10
"""Up to so many articles they are counted one by one, from so many parts of a timeline or so many groups on."""
_EVERYTHING = matching.key(Question())


Counts = Mapping[int | str, int]


def facets(view: View, question: Question, names: tuple[FacetName, ...]) -> dict[FacetName, Counts]:
    """Articles by value, each facet without its own any-of filter; those of one filter are counted together."""
    asked: dict[Question, list[FacetName]] = {}
    for name in names:
        asked.setdefault(replace(question, filter=_without(question.filter, name)), []).append(name)
    if len(asked) > 1 and listed.is_costly(question.tree) and (found := _at_once(view, question, asked)) is not None:
        return found
    return {name: counts for same, group in asked.items() for name, counts in _values(view, same, group).items()}


def values(view: View, question: Question, name: FacetName) -> Counts:
    """Articles by value, with every filter."""
    return _values(view, question, [name])[name]


def _without(wanted: ArticleFilter, name: FacetName) -> ArticleFilter:
    empty: dict[str, tuple[int, ...]] = {_OWN_FILTER[name]: ()}
    return replace(wanted, **empty)  # type: ignore[arg-type] # each of them is a tuple


def _at_once(
    view: View, question: Question, asked: Mapping[Question, list[FacetName]]
) -> dict[FacetName, Counts] | None:
    """The facets of all filters in one run of a costly query; None where the filters cannot be told to it."""
    base = question.filter
    for name in _OWN_FILTER:
        base = _without(base, name)
    spec: dict[str, object] = {}
    for number, (same, names) in enumerate(asked.items()):
        chosen = filtering.chosen_text(same.filter)
        if chosen is None:
            return None
        fields_ = {_field(same.filter, name) for name in names}
        spec[str(number)] = {"filter": chosen, "aggs": terms_asked(fields_)}
    found = view.searcher.aggregate(matching.query(view, replace(question, filter=base, order="-published_at")), spec)
    return {
        name: counts
        for number, (same, names) in enumerate(asked.items())
        for name, counts in _read_values(
            same, names, read_terms(found[str(number)], {_field(same.filter, name) for name in names})
        ).items()
    }


def _values(view: View, question: Question, names: list[FacetName]) -> dict[FacetName, Counts]:
    return _read_values(question, names, _counted(view, question, sorted({_field(question.filter, n) for n in names})))


def _read_values(question: Question, names: list[FacetName], counted: Mapping[str, Counts]) -> dict[FacetName, Counts]:
    by_name = {name: _field(question.filter, name) for name in names}
    found = {name: counted[field] for name, field in by_name.items()}
    if by_name.get("region") == "within_own":
        mask = question.filter.roles & 7
        found["region"] = {int(key) >> 3: n for key, n in found["region"].items() if int(key) & 7 == mask}
    return found


def _field(wanted: ArticleFilter, name: FacetName) -> str:
    if name == "region":
        return "within_own" if wanted.exact else f"within_{wanted.roles & 7}"
    return name if name in ("language", "source", "year") else "tags"


def _counted(view: View, question: Question, names: list[str]) -> dict[str, Counts]:
    """Those of everything published are counted once a commit."""
    if matching.key(question) != _EVERYTHING:
        return terms_counts(view.searcher, matching.counted(view, question), names)
    known = {name: cast(Counts, counts) for name in names if (counts := view.memo.get(("counts", name))) is not None}
    new = [name for name in names if name not in known]
    for name, counts in terms_counts(view.searcher, matching.counted(view, question), new).items():
        view.remember(("counts", name), counts)
        known[name] = counts
    return known


def histogram(view: View, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None) -> list[int]:
    """Articles from each edge to the next: instants between those of the zone, dates between those of the calendar."""
    query = matching.counted(view, question)
    if group is not None:
        query = Query.boolean_query([(Occur.Must, query), (Occur.Must, _of_group(question.filter, *group))])
    if edges.exact == edges.calendar:
        return _between(view, query, edges.exact)
    vague = filtering.any_of("flags", fields.COARSE)
    exact = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, vague)])
    coarse = Query.boolean_query([(Occur.Must, query), (Occur.Must, vague)])
    parts = _between(view, exact, edges.exact), _between(view, coarse, edges.calendar)
    return [sum(counts) for counts in zip(*parts, strict=True)]


def _between(view: View, query: Query, edges: Sequence[int]) -> list[int]:
    """Ranges of tantivy are floating: the edges' keys are exact in them. Of empty ones, as a day that a zone skipped,
    it is not asked: they begin where the next one does, which is how the counts are found again."""
    ranges = [{"from": start, "to": end} for start, end in pairwise([_key(edge) for edge in edges])]
    full = [bounds for bounds in ranges if bounds["from"] < bounds["to"]]
    if not full:
        return [0] * len(ranges)
    found = view.searcher.aggregate(query, {"by": {"range": {"field": "newest", "ranges": full}}})["by"]["buckets"]
    counts = {bucket["from"]: bucket["doc_count"] for bucket in found if "from" in bucket and "to" in bucket}
    return [counts.get(bounds["from"], 0) if bounds["from"] < bounds["to"] else 0 for bounds in ranges]


def histograms(
    view: View, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
) -> list[list[int]]:
    """The same for each of the groups. Where that takes less, which it does not in large archives, the articles are
    counted by their keys: 50 groups of 900 days take a tenth of what 50 aggregations take, each of which runs the query
    anew, in a time zone twice."""
    most = view.searcher.num_docs
    worth = len(edges.exact) > MANY_EDGES or len(groups) > FEW_GROUPS or listed.is_costly(question.tree)
    if most > MOST_KEYS or not groups or not worth:
        return [histogram(view, question, edges, group) for group in groups]
    query, vague = matching.counted(view, question), filtering.any_of("flags", fields.COARSE)
    bucket_of: dict[int, int] = {}
    for occur, bounds in ((Occur.MustNot, edges.exact), (Occur.Must, edges.calendar)):
        part = Query.boolean_query([(Occur.Must, query), (occur, vague)])
        bucket_of |= _by_bucket(listed.newest_keys(view, part, most), bounds)
    found: list[list[int]] = []
    for group in groups:
        own = Counter(map(bucket_of.get, listed.newest_keys(view, _of_group(question.filter, *group), most)))
        found.append([own[bucket] for bucket in range(len(edges.exact) - 1)])
    return found


def _by_bucket(keys: Sequence[int], edges: Sequence[int]) -> dict[int, int]:
    """Which of the edges lies before each of the keys; without those outside of all."""
    bounds = [_clamped(edge) << fields.ID_BITS for edge in edges]
    found = ((key, bisect_right(bounds, key) - 1) for key in keys)
    return {key: bucket for key, bucket in found if 0 <= bucket < len(bounds) - 1}


def _clamped(seconds: int) -> int:
    return max(EARLIEST, min(LATEST + 1, seconds))


def _key(seconds: int) -> float:
    return float(_clamped(seconds) << fields.ID_BITS)


def _of_group(wanted: ArticleFilter, name: GroupName, value: int | str) -> Query:
    if name in ("language", "source"):
        return filtering.term(name, value)
    if name == "region" and wanted.exact:
        return filtering.term("within_own", fields.own_key(int(value), wanted.roles & 7))
    return filtering.term(f"within_{wanted.roles & 7}" if name == "region" else "tags", int(value))
