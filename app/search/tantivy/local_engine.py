"""The search engine on a local tantivy index. Reads only; what the index holds is the indexer's."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.engine import FacetName, Found, GroupName, Hit, Part, Question, Sample
from app.search.tantivy import aggregates, date_order, explanation, filters, index_schema, matches, more_like_this
from app.search.tantivy.date_order import count, load_hits
from app.search.tantivy.interpretation import read
from app.search.tantivy.reader import LiveIndex, View, commonest_languages, is_panic
from app.search.timeline import Edges

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def _answering(method: Callable[P, T]) -> Callable[P, T]:
    """Files that break while they are read make tantivy panic, which is no Exception and would end the server."""

    @functools.wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except BaseException as error:
            if is_panic(error):
                log.error("tantivy: %s", error)
                raise IndexBehind("The search index cannot be read.") from error
            raise

    return guarded


class TantivyEngine:
    """A SearchEngine on the folder `root`, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._live = LiveIndex(root)

    def view(self) -> View:
        """The newest commit; IndexBehind where there is none."""
        view = self._live.view()
        if view is None:
            raise IndexBehind("The search index is being built; articles can be read and listed meanwhile.")
        return view

    def place(self) -> LogPosition | None:
        view = self._live.view()
        return None if view is None else view.place

    @_answering
    def languages(self) -> tuple[str, ...]:
        return commonest_languages(self.view())

    @_answering
    def search(self, question: Question) -> Found:
        view = self.view()
        reading = read(view, question)
        if question.order == "relevance":
            hits, total = _by_relevance(view, matches.query(view, question), question)
        else:
            hits, total = date_order.find(view, matches.counted(view, question), question)
        return Found(hits, total, view.place, reading)

    @_answering
    def count(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> int:
        return count(self.view(), filters.query(wanted, excluded))

    @_answering
    def tag_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return _by_id(aggregates.values(self.view(), Question(filter=wanted, excluded=excluded), "tag"))

    @_answering
    def region_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return _by_id(aggregates.values(self.view(), Question(filter=wanted, excluded=excluded), "region"))

    @_answering
    def facets(self, question: Question, names: tuple[FacetName, ...]) -> Mapping[FacetName, Mapping[int | str, int]]:
        return aggregates.facets(self.view(), question, names)

    @_answering
    def values(self, question: Question, name: FacetName) -> Mapping[int | str, int]:
        return aggregates.values(self.view(), question, name)

    @_answering
    def histogram(
        self, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None = None
    ) -> list[int]:
        return aggregates.histogram(self.view(), question, edges, group)

    @_answering
    def histograms(
        self, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
    ) -> list[list[int]]:
        return aggregates.histograms(self.view(), question, edges, groups)

    @_answering
    def count_undated(self, question: Question) -> int:
        view = self.view()
        undated = filters.term("flags", index_schema.UNDATED)
        clauses = [(Occur.Must, matches.counted(view, question)), (Occur.Must, undated)]
        return count(view, Query.boolean_query(clauses)) if date_order.has_undated(view) else 0

    @_answering
    def coarse(self, question: Question, precision: Literal["month", "year"]) -> int:
        view = self.view()
        flags = (index_schema.YEAR_ONLY,) if precision == "year" else (index_schema.MONTH_ONLY, index_schema.YEAR_ONLY)
        clauses = [(Occur.Must, matches.counted(view, question)), (Occur.Must, filters.any_of("flags", flags))]
        return count(view, Query.boolean_query(clauses))

    @_answering
    def explain(self, question: Question, ids: tuple[int, ...]) -> Mapping[int, tuple[Part, ...]]:
        return explanation.explain(self.view(), question, ids)

    @_answering
    def similar(self, sample: Sample, wanted: ArticleFilter, excluded: tuple[int, ...], limit: int) -> tuple[Hit, ...]:
        view = self.view()
        alike = more_like_this.query(view, sample)
        if alike is None:
            return ()
        clauses = [*filters.clauses(wanted, (*excluded, sample.id)), (Occur.Must, alike)]
        question = Question(order="relevance", limit=limit)
        return _by_relevance(view, Query.boolean_query(clauses), question)[0]


def _by_id(counts: Mapping[int | str, int]) -> dict[int, int]:
    return {int(value): count for value, count in counts.items()}


def _by_relevance(view: View, query: Query, question: Question) -> tuple[tuple[Hit, ...], int]:
    # At least 1: a limit of 0 is a panic.
    found = view.searcher.search(query, max(question.limit, 1), offset=question.offset)
    addresses = [address for _, address in found.hits]
    newest = view.searcher.fast_field_values("newest", addresses)
    hits = load_hits(view, addresses, [score for score, _ in found.hits], [int(n or 0) for n in newest])
    return hits[: question.limit], found.count  # type: ignore[attr-defined]
