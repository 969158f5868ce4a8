"""Counts over the articles that a search means: by value for facets, by time for timelines. Returns no articles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.models import EARLIEST, LATEST
from app.search import fields, filtering, matching
from app.search.engine import FacetName, GroupName, Question
from app.search.reader import View, terms_counts

_OWN_FILTER: dict[FacetName, str] = {
    "tag": "tags", "author": "authors", "section": "sections", "region": "regions", "language": "languages",
    "source": "sources", "year": "years",
}  # fmt: skip


def facet(view: View, question: Question, name: FacetName) -> Mapping[int | str, int]:
    """Articles by value, without the facet's own any-of filter."""
    return values(view, replace(question, filter=_without(question.filter, name)), name)


def values(view: View, asked: Question, name: FacetName) -> Mapping[int | str, int]:
    """Articles by value, with every filter."""
    mask = asked.filter.roles & 7
    if name != "region":
        return _counted(view, asked, name if name in ("language", "source", "year") else "tags")
    if not asked.filter.exact:
        return _counted(view, asked, f"within_{mask}") if mask else {}
    own = _counted(view, asked, "within_own")
    return {int(key) >> 3: count for key, count in own.items() if int(key) & 7 == mask}


def _without(wanted: ArticleFilter, name: FacetName) -> ArticleFilter:
    empty: dict[str, tuple[int, ...]] = {_OWN_FILTER[name]: ()}
    return replace(wanted, **empty)  # type: ignore[arg-type] # each of them is a tuple


def _counted(view: View, asked: Question, field: str) -> Mapping[int | str, int]:
    """Remembered: the facets of one search differ in the field only, and the next page asks them again."""
    key = (field, matching.key(asked))
    known = view.memo.get(key)
    if not isinstance(known, dict):
        known = terms_counts(view.searcher, matching.query(view, asked), field)
        view.remember(key, known)
    return known


def histogram(
    view: View, question: Question, edges: Sequence[int], group: tuple[GroupName, int | str] | None
) -> list[int]:
    """Articles from each edge to the next. Ranges of tantivy are floating: the edges' keys are exact in them."""
    if len(edges) < 2:
        return []
    query = matching.query(view, question)
    if group is not None:
        query = Query.boolean_query([(Occur.Must, query), (Occur.Must, _of_group(question.filter, *group))])
    ranges = [{"from": _key(start), "to": _key(end)} for start, end in pairwise(edges)]
    found = view.searcher.aggregate(query, {"by": {"range": {"field": "newest", "ranges": ranges}}})["by"]["buckets"]
    counts = {bucket["from"]: bucket["doc_count"] for bucket in found if "from" in bucket and "to" in bucket}
    return [counts.get(bounds["from"], 0) for bounds in ranges]


def _key(seconds: int) -> float:
    return float(max(EARLIEST, min(LATEST + 1, seconds)) << fields.ID_BITS)


def _of_group(wanted: ArticleFilter, name: GroupName, value: int | str) -> Query:
    if name in ("language", "source"):
        return filtering.term(name, value)
    if name == "region" and wanted.exact:
        return filtering.term("within_own", fields.own_key(int(value), wanted.roles & 7))
    return filtering.term(f"within_{wanted.roles & 7}" if name == "region" else "tags", int(value))
