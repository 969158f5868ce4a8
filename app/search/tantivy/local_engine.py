"""The search engine on a local tantivy index. Reads only; what the index holds is the indexer's."""

import functools
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, TimeSort
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.engine import (
    Axis,
    BuildProgress,
    FacetName,
    GroupName,
    Holding,
    Matrix,
    Overview,
    QueryInterpretation,
    Question,
    ResultPage,
    RowPage,
    ScoreComponent,
    SearchHit,
    SimilaritySample,
    make_building_error,
)
from app.search.similar.profile import Profile
from app.search.tantivy import aggregates, date_order, explanation, index_schema, matches, more_like_this, relevance
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.interpretation import find_known, interpret
from app.search.tantivy.reader import LiveIndex, View, find_languages, is_panic
from app.search.tantivy.storage import index_folders, passed_position
from app.search.tantivy.storage.build_progress import read_progress
from app.search.timeline import Edges

_UNFILTERED = ArticleFilter()
_QUICK_POSTINGS = 50_000
"""Articles with each of the words, summed up: they are put in order in a millisecond at most."""

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def _translate_panics(method: Callable[P, T]) -> Callable[P, T]:
    """Files that break while they are read make tantivy panic, which is no Exception and would end the server."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except BaseException as error:
            if is_panic(error):
                log.error("tantivy: %s", error)
                raise IndexBehind("The search index cannot be read.") from error
            raise

    return call


class TantivyEngine:
    """A SearchEngine on the folder `root`, which need not exist yet. Where that is the index of what is hidden, a
    ListEngine alone: nothing else may ask it."""

    def __init__(self, root: Path, holding: Holding = "published") -> None:
        self._root, self._holding = root, holding
        self._live = LiveIndex(root)

    @property
    def is_remote(self) -> bool:
        return False

    def find_problem(self) -> str | None:
        return None

    def view(self) -> View:
        """The newest commit; IndexBehind where there is none."""
        view = self._live.view()
        if view is None:
            raise make_building_error(self.progress())
        return view

    def position(self) -> LogPosition | None:
        view = self._live.view()
        if view is None or self._holding == "published":
            return None if view is None else view.place
        folder = index_folders.find_current(self._root)
        return view.place if folder is None else passed_position.read_passed(folder, view.place)

    def progress(self) -> BuildProgress | None:
        return read_progress(self._root)

    @_translate_panics
    def languages(self) -> tuple[str, ...]:
        return find_languages(self.view())

    @_translate_panics
    def search(self, question: Question) -> ResultPage:
        view, question = self.view(), self._turn(question)
        return _search(view, question, interpret(view, question))

    @_translate_panics
    def find_rows(self, question: Question, sort: TimeSort, place: CursorPosition) -> RowPage:
        view, question = self.view(), self._turn(question)
        query = matches.build_count_query(view, question)
        rows, total = date_order.find_rows(view, query, question, sort, place)
        return RowPage(tuple(rows), total, view.place)

    def _turn(self, question: Question) -> Question:
        return replace(question, hidden=True) if self._holding == "hidden" else question

    @_translate_panics
    def search_if_quick(self, question: Question) -> ResultPage | None:
        """Where it is known how the words are read, few articles have them, and nothing else is asked for."""
        if question.order != "relevance" or question.offset or question.fallback is not None:
            return None
        if question.excluded or question.filter != _UNFILTERED:
            return None
        view = self.view()
        reading = find_known(view, question)
        postings = None if reading is None else matches.count_postings(view, question, reading)
        if reading is None or postings is None or postings > _QUICK_POSTINGS:
            return None
        return _search(view, question, reading)

    @_translate_panics
    def count(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> int:
        return date_order.count_matches(self.view(), filters.build_query(article_filter, excluded))

    @_translate_panics
    def count_tags(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return _select_ids(
            aggregates.count_values(self.view(), Question(filter=article_filter, excluded=excluded), "tag")
        )

    @_translate_panics
    def count_regions(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return _select_ids(
            aggregates.count_values(self.view(), Question(filter=article_filter, excluded=excluded), "region")
        )

    @_translate_panics
    def count_facets(
        self, question: Question, names: tuple[FacetName, ...]
    ) -> Mapping[FacetName, Mapping[int | str, int]]:
        return aggregates.count_facets(self.view(), question, names)

    @_translate_panics
    def count_values(self, question: Question, name: FacetName) -> Mapping[int | str, int]:
        return aggregates.count_values(self.view(), question, name)

    @_translate_panics
    def count_by_date(
        self, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None = None
    ) -> list[int]:
        return aggregates.count_by_date(self.view(), question, edges, group)

    @_translate_panics
    def count_groups_by_date(
        self, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
    ) -> list[list[int]]:
        return aggregates.count_groups_by_date(self.view(), question, edges, groups)

    @_translate_panics
    def count_undated(self, question: Question) -> int:
        view = self.view()
        undated = filters.match_term("flags", index_schema.UNDATED)
        clauses = [(Occur.Must, matches.build_count_query(view, question)), (Occur.Must, undated)]
        return date_order.count_matches(view, Query.boolean_query(clauses)) if date_order.has_undated(view) else 0

    @_translate_panics
    def count_coarse(self, question: Question, precision: Literal["month", "year"]) -> int:
        view = self.view()
        flags = (index_schema.YEAR_ONLY,) if precision == "year" else (index_schema.MONTH_ONLY, index_schema.YEAR_ONLY)
        clauses = [
            (Occur.Must, matches.build_count_query(view, question)),
            (Occur.Must, filters.match_any("flags", flags)),
        ]
        return date_order.count_matches(view, Query.boolean_query(clauses))

    @_translate_panics
    def count_overview(
        self, edges: Sequence[int], excluded: tuple[int, ...] = (), article_filter: ArticleFilter = _UNFILTERED
    ) -> Overview:
        return aggregates.count_overview(self.view(), edges, excluded, article_filter)

    @_translate_panics
    def count_matrix(self, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
        return aggregates.count_matrix(self.view(), question, rows, columns, most)

    @_translate_panics
    def explain(self, question: Question, ids: tuple[int, ...]) -> Mapping[int, tuple[ScoreComponent, ...]]:
        view = self.view()
        return explanation.explain_scores(view, question, matches.build_query(view, question), ids)

    @_translate_panics
    def find_similar(
        self, sample: SimilaritySample, article_filter: ArticleFilter, excluded: tuple[int, ...], limit: int
    ) -> tuple[SearchHit, ...]:
        view = self.view()
        alike = more_like_this.build_query(view, sample)
        if alike is None:
            return ()
        clauses = [*filters.build_clauses(article_filter, (*excluded, sample.id)), (Occur.Must, alike)]
        question = Question(order="relevance", limit=limit)
        return relevance.find_scored(view, Query.boolean_query(clauses), question)[0]

    @_translate_panics
    def load_profile(self, id: int, version: int) -> Profile | None:
        return more_like_this.load_profile(self.view(), id, version)

    @_translate_panics
    def find_profiles(
        self, sample: Profile, excluded: tuple[int, ...], limit: int, article_filter: ArticleFilter = _UNFILTERED
    ) -> list[Profile]:
        return more_like_this.find_profiles(self.view(), sample, excluded, limit, article_filter)

    @_translate_panics
    def measure_rarity(self, terms: Collection[str]) -> Mapping[str, float]:
        return more_like_this.measure_rarity(self.view(), terms)


def _search(view: View, question: Question, reading: QueryInterpretation) -> ResultPage:
    if question.order == "relevance":
        hits, total = relevance.find_by_relevance(view, question)
    else:
        hits, total = date_order.find_in_order(view, matches.build_count_query(view, question), question)
    return ResultPage(hits, total, view.place, reading)


def _select_ids(counts: Mapping[int | str, int]) -> dict[int, int]:
    return {int(value): count for value, count in counts.items()}
