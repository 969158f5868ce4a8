"""The search engine on an OpenSearch cluster: reads only. What the cluster holds is the cluster indexer's; the words by
which a query is read are those of an index on this machine, which follows the log by itself.
"""

import functools
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, TimeSort
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.engine import (
    CANNOT_BE_ASKED,
    PUBLISHED_ARTICLES,
    Axis,
    BuildProgress,
    FacetName,
    GroupName,
    Holding,
    Matrix,
    Overview,
    Question,
    ResultPage,
    RowPage,
    ScoreComponent,
    SearchHit,
    SimilaritySample,
    make_building_error,
)
from app.search.opensearch import counts, hits, similar
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.mapping import IndexNames
from app.search.opensearch.places import PlaceWatch, ServingIndex
from app.search.opensearch.problems import ClusterBusy, ClusterProblem, IndexMissing, RequestRefused
from app.search.opensearch.view import ClusterView
from app.search.similar.profile import Profile
from app.search.tantivy import explanation, index_schema, more_like_this
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.reader import LiveIndex, View, find_languages, is_panic
from app.search.tantivy.storage import index_folders, passed_position
from app.search.tantivy.storage.build_progress import read_progress
from app.search.timeline import Edges

log = logging.getLogger(__name__)

_IS_BEHIND = "Another index serves from now on, which is a moment behind."
_FAILING_SECONDS = 10.0
"""How long a search that has failed is told of, as a state of the cluster."""

P = ParamSpec("P")
T = TypeVar("T")


def _translate_problems(
    method: Callable[Concatenate["ClusterEngine", P], T],
) -> Callable[Concatenate["ClusterEngine", P], T]:
    """A cluster that does not respond as it should is an index that cannot be asked now; reads from SQL go on."""

    @functools.wraps(method)
    def call(engine: "ClusterEngine", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            try:
                return method(engine, *args, **kwargs)
            except IndexMissing:
                # Another one has taken its place meanwhile, and it is gone.
                if not engine.look_again():
                    raise IndexBehind(_IS_BEHIND) from None
                return method(engine, *args, **kwargs)
        except ClusterProblem as error:
            engine.note_failure(error)
            raise IndexBehind(CANNOT_BE_ASKED, error.retry_after) from error
        except BaseException as error:
            if is_panic(error):
                log.error("tantivy: %s", error)
                raise IndexBehind("The index of words cannot be read.") from error
            raise

    return call


class ClusterEngine:
    """A SearchEngine on the cluster, with the words in the folder `words`, which need not exist yet. Where that is the
    index of what is hidden, a ListEngine alone: nothing else may ask it."""

    def __init__(self, cluster: SearchCluster, words: Path, prefix: str, holding: Holding = "published") -> None:
        self.cluster, self.places = cluster, PlaceWatch(cluster)
        self._root, self._prefix, self._holding = words, prefix, holding
        self._words = LiveIndex(words)
        self._failure: tuple[str, float] | None = None
        self._latest: tuple[View, ServingIndex, ClusterView] | None = None

    @property
    def is_remote(self) -> bool:
        return True

    def view(self) -> ClusterView:
        """IndexBehind where the words or the index are not there yet."""
        words = self._words.view()
        serving = None if words is None else self._find_serving(words)
        if words is None or serving is None:
            raise make_building_error(self.progress(), self.places.problem)
        latest = self._latest
        if latest is None or latest[0] is not words or latest[1] != serving:
            # What was worked out of the words holds as long as both stand still.
            view = ClusterView(words.searcher, serving.place, cluster=self.cluster, index=serving.name)
            latest = self._latest = (words, serving, view)
        return latest[2]

    def look_again(self) -> bool:
        """Which index serves in the place of one that is gone. False where it has not come as far: callers leave out of
        results what was withdrawn since the place of the one before, and no more."""
        before = self.position()
        if (words := self._words.view()) is not None:
            self.places.look(self._name(words), is_gone=True)
        now = self.position()
        return before is None or now is None or (now.epoch == before.epoch and now.seq >= before.seq)

    def _name(self, words: View) -> IndexNames:
        return IndexNames(self._prefix, words.place.epoch, self._holding)

    def _find_serving(self, words: View) -> ServingIndex | None:
        """With the place of whichever is further behind, the index or the words: both have to know of an article."""
        serving = self.places.read(self._name(words))
        if serving is None or serving.place.epoch != words.place.epoch:
            return None
        known = words.place
        if self._holding == "hidden" and (folder := index_folders.find_current(self._root)) is not None:
            known = passed_position.read_passed(folder, known)
        return replace(serving, place=min(serving.place, known, key=lambda position: position.seq))

    def position(self) -> LogPosition | None:
        words = self._words.view()
        serving = None if words is None else self._find_serving(words)
        return None if serving is None else serving.place

    def progress(self) -> BuildProgress | None:
        return read_progress(self._root)

    def find_problem(self) -> str | None:
        """Why the cluster cannot be asked, or could not a moment ago."""
        if self.places.problem is not None or self._failure is None:
            return self.places.problem
        problem, at = self._failure
        return problem if time.monotonic() - at < _FAILING_SECONDS else None

    def note_failure(self, error: ClusterProblem) -> None:
        """What became of a search. What was asked too much, or of which there was too much, is no state of the
        cluster."""
        if isinstance(error, RequestRefused):
            log.error("%s", error)
        elif not isinstance(error, ClusterBusy):
            if self.find_problem() != str(error):
                log.warning("%s", error)
            self._failure = (str(error), time.monotonic())

    @_translate_problems
    def languages(self) -> tuple[str, ...]:
        return find_languages(self.view())

    @_translate_problems
    def search(self, question: Question) -> ResultPage:
        view, question = self.view(), self._turn(question)
        interpretation = interpret(view, question)
        if question.order == "relevance":
            page, total = hits.find_by_relevance(view, question, interpretation)
        else:
            page, total = hits.find_in_order(view, hits.compose_match(view, question), question)
        return ResultPage(page, total, view.place, interpretation)

    @_translate_problems
    def find_rows(self, question: Question, sort: TimeSort, place: CursorPosition) -> RowPage:
        view, question = self.view(), self._turn(question)
        rows, total = hits.find_rows(view, hits.compose_match(view, question), question, sort, place)
        return RowPage(tuple(rows), total, view.place)

    def _turn(self, question: Question) -> Question:
        return replace(question, hidden=True) if self._holding == "hidden" else question

    def search_if_quick(self, question: Question) -> ResultPage | None:
        return None  # a request to the cluster takes milliseconds

    @_translate_problems
    def count(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> int:
        view = self.view()
        return view.count(view.filters.build_query(article_filter, excluded))

    @_translate_problems
    def count_tags(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return self._count_ids(article_filter, excluded, "tag")

    @_translate_problems
    def count_regions(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return self._count_ids(article_filter, excluded, "region")

    def _count_ids(self, article_filter: ArticleFilter, excluded: tuple[int, ...], name: FacetName) -> dict[int, int]:
        counted = counts.count_values(self.view(), Question(filter=article_filter, excluded=excluded), name)
        return {int(value): count for value, count in counted.items()}

    @_translate_problems
    def count_facets(
        self, question: Question, names: tuple[FacetName, ...]
    ) -> Mapping[FacetName, Mapping[int | str, int]]:
        return counts.count_facets(self.view(), question, names)

    @_translate_problems
    def count_values(self, question: Question, name: FacetName) -> Mapping[int | str, int]:
        return counts.count_values(self.view(), question, name)

    @_translate_problems
    def count_by_date(
        self, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None = None
    ) -> list[int]:
        return counts.count_by_date(self.view(), question, edges, group)

    @_translate_problems
    def count_groups_by_date(
        self, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
    ) -> list[list[int]]:
        return counts.count_groups_by_date(self.view(), question, edges, groups)

    @_translate_problems
    def count_undated(self, question: Question) -> int:
        return self._count_flagged(question, (index_schema.UNDATED,))

    @_translate_problems
    def count_coarse(self, question: Question, precision: Literal["month", "year"]) -> int:
        by_year = (index_schema.YEAR_ONLY,)
        return self._count_flagged(question, by_year if precision == "year" else (index_schema.MONTH_ONLY, *by_year))

    def _count_flagged(self, question: Question, flags: tuple[int, ...]) -> int:
        view = self.view()
        clauses: list[tuple[Occur, Query]] = [
            (Occur.Must, hits.compose_match(view, question)),
            (Occur.Must, view.filters.match_any("flags", flags)),
        ]
        return view.count(view.filters.query.boolean_query(clauses))

    @_translate_problems
    def count_overview(
        self, edges: Sequence[int], excluded: tuple[int, ...] = (), article_filter: ArticleFilter = PUBLISHED_ARTICLES
    ) -> Overview:
        return counts.count_overview(self.view(), edges, excluded, article_filter)

    @_translate_problems
    def count_matrix(self, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
        return counts.count_matrix(self.view(), question, rows, columns, most)

    @_translate_problems
    def explain(self, question: Question, ids: tuple[int, ...]) -> Mapping[int, tuple[ScoreComponent, ...]]:
        view = self.view()
        query = hits.compose_scored(view, question, interpret(view, question))
        return explanation.explain_scores(view, question, query, ids)

    @_translate_problems
    def find_similar(
        self, sample: SimilaritySample, article_filter: ArticleFilter, excluded: tuple[int, ...], limit: int
    ) -> tuple[SearchHit, ...]:
        return similar.find_similar(self.view(), sample, article_filter, excluded, limit)

    @_translate_problems
    def load_profile(self, id: int, version: int) -> Profile | None:
        return similar.load_profile(self.view(), id, version)

    @_translate_problems
    def find_profiles(
        self,
        sample: Profile,
        excluded: tuple[int, ...],
        limit: int,
        article_filter: ArticleFilter = PUBLISHED_ARTICLES,
    ) -> list[Profile]:
        return similar.find_profiles(self.view(), sample, excluded, limit, article_filter)

    @_translate_problems
    def measure_rarity(self, terms: Collection[str]) -> Mapping[str, float]:
        return more_like_this.measure_rarity(self.view(), terms)
