"""The search index as the rest of the server uses it: never a step behind what the public may not see any more.

While the index follows the log, what the log has withdrawn since is left out of every result. Counts of the whole
archive are kept per generation. Engine calls take microseconds to milliseconds and release the GIL.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from app.articles.filters import ArticleFilter
from app.articles.reading import queries
from app.articles.reading.entitlement.visible_rows import Entitlement
from app.articles.reading.queries import CursorPosition, TimeSort
from app.changes.single_flight import SingleFlight
from app.context import RequestContext
from app.context.protocols import NamedArticles, SharedTags, SimilarArticle
from app.db.database import Database
from app.db.log_position import LogHead, LogPosition
from app.errors import IndexBehind
from app.search.engine import (
    Axis,
    FacetName,
    GroupName,
    Matrix,
    Overview,
    Question,
    ResultPage,
    SearchEngine,
    SearchHit,
    SimilaritySample,
    describe_building,
    make_building_error,
)
from app.search.highlighting.marked_spans import MOST_HTML
from app.search.indexing.lag import MOST_CHANGED, IndexLag
from app.search.narrowed_engine import NarrowedEngine
from app.search.similar import candidates
from app.search.similar.compared_articles import ComparedArticle, ComparedArticles, list_telling_regions
from app.search.timeline import Edges, Interval
from app.search.vocabulary import completion
from app.search.vocabulary.current import CurrentVocabulary

KEPT = 512
T = TypeVar("T")
Key = tuple[object, ...]
Counted = int | dict[int, int]
Counts = Mapping[int | str, int]
Facets = Mapping[FacetName, Counts]


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """How many articles, in all and by value."""

    total: int
    counts: Counts


def _limit_precision(question: Question, interval: Interval) -> Question:
    return question if interval == "year" else replace(question, dated="month" if interval == "month" else "day")


class EngineIndex:
    """Implements `context.SearchIndex` on an engine and the log."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        self._db, self.engine = db, engine
        self.narrowed_from: EngineIndex | None = None
        self._delayed_seq: int | None = None
        self._stored: OrderedDict[Key, Counted] = OrderedDict()
        self._similar: OrderedDict[Key, list[SimilarArticle]] = OrderedDict()
        self._compared = ComparedArticles(db)
        self.vocabulary = CurrentVocabulary(db)
        self._once = SingleFlight()
        self._lag = IndexLag(db)

    def narrow(self, db: Database, entitlement: Entitlement) -> EngineIndex:
        """The index as a key has it: of the articles that it may see alone, in whose other parts nothing is searched.
        `db` shows the same, so that what the key does not see since the index's place is left out."""
        narrowed = EngineIndex(db, NarrowedEngine(self.engine, entitlement.filter, entitlement.left_out))
        narrowed.vocabulary = self.vocabulary
        narrowed.narrowed_from, narrowed._delayed_seq = self, entitlement.delayed_seq
        return narrowed

    def position(self) -> LogPosition | None:
        return self.engine.position()

    def seq(self) -> int | None:
        position = self.engine.position()
        return None if position is None else position.seq

    def find_problem(self) -> str | None:
        """Why an engine elsewhere cannot be asked now, if so."""
        return self.engine.find_problem()

    def describe_building(self) -> str | None:
        return describe_building(self.engine.progress()) if self.engine.position() is None else None

    def check_built(self) -> None:
        if self.engine.position() is None:
            raise make_building_error(self.engine.progress(), self.engine.find_problem())

    async def find_excluded(self, head: LogHead) -> tuple[int, ...]:
        """Articles that the log has changed since the index's place and that are public no more.

        IndexBehind where the index follows another log: after a restore it names articles that this archive may never
        have shown. Also where the log was pruned beyond its place, and does not name all of them any more.
        """
        return await self._find_excluded(self.engine.position(), head)

    async def _find_excluded(self, position: LogPosition | None, head: LogHead) -> tuple[int, ...]:
        if position is not None and not head.has_all_behind(position):
            raise make_building_error(self.engine.progress(), self.engine.find_problem())
        return () if position is None else await self._lag.find_withdrawn(position, head, self._delayed_seq)

    async def search(self, question: Question) -> ResultPage:
        """Off the event loop unless it is quick: a search may take milliseconds."""
        results = self.engine.search_if_quick(question)
        return results if results is not None else await asyncio.to_thread(self.engine.search, question)

    async def count_facets(self, question: Question, facet_names: tuple[FacetName, ...]) -> Facets:
        return await asyncio.to_thread(self.engine.count_facets, question, facet_names)

    async def count_values(self, question: Question, name: FacetName, edges: Edges, interval: Interval) -> Counts:
        """Counts by value of what a timeline with these edges shows."""
        exact, calendar = (edges.exact[0], edges.exact[-1]), (edges.calendar[0], edges.calendar[-1])
        inside = replace(question.filter, published=exact, coarse=None if calendar == exact else calendar)
        return await asyncio.to_thread(
            self.engine.count_values, _limit_precision(replace(question, filter=inside), interval), name
        )

    async def count_by_date(self, question: Question, edges: Edges, interval: Interval) -> list[int]:
        """Articles from each edge to the next, without those whose date is vaguer than the interval."""
        return await asyncio.to_thread(self.engine.count_by_date, _limit_precision(question, interval), edges)

    async def count_groups_by_date(
        self,
        question: Question,
        edges: Edges,
        interval: Interval,
        groups: Sequence[tuple[GroupName, int | str]],
    ) -> list[list[int]]:
        """The same for each of the groups."""
        return await asyncio.to_thread(
            self.engine.count_groups_by_date, _limit_precision(question, interval), edges, groups
        )

    async def count_undated(self, question: Question) -> int:
        """Articles without a date."""
        return await asyncio.to_thread(self.engine.count_undated, question)

    async def count_coarse(self, question: Question, interval: Interval) -> int:
        """Articles whose date is vaguer than the interval."""
        if interval == "year":
            return 0
        return await asyncio.to_thread(self.engine.count_coarse, question, "year" if interval == "month" else "month")

    async def count_published(self, question: Question, name: FacetName, span: tuple[int, int]) -> PublishedCounts:
        """Articles published in a span, in all and by value."""
        inside = replace(question, filter=replace(question.filter, published=span, coarse=None))
        counts = await asyncio.to_thread(self.engine.count_values, inside, name)
        key = (self.seq(), question.excluded, "total", inside.filter)
        return PublishedCounts(await self._count_articles(key, inside.filter, question.excluded), counts)

    async def count_overview(self, edges: Sequence[int], head: LogHead) -> Overview:
        """All that is published in numbers, as of one commit; those who ask at once share one count."""
        excluded = await self.find_excluded(head)
        key = (self.seq(), excluded, "overview", tuple(edges))
        return await self._once.run(key, lambda: asyncio.to_thread(self.engine.count_overview, edges, excluded))

    async def count_matrix(self, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
        """A cross-tabulation, as of one commit."""
        return await asyncio.to_thread(self.engine.count_matrix, question, rows, columns, most)

    async def find_titles(self, text: str, excluded: tuple[int, ...], limit: int) -> tuple[SearchHit, ...]:
        return await asyncio.to_thread(completion.find_articles, self.engine, text, excluded, limit)

    async def similar(
        self, id: int, version: int, view: RequestContext, limit: int, without: Sequence[int] = ()
    ) -> list[SimilarArticle]:
        """Articles like one, the likest first. Kept until the index or the names have moved on."""
        try:
            excluded = await self.find_excluded(view.head)
            key = (self.seq(), excluded, "similar", id, version, view.atlas.names_seq, limit, tuple(without))
            cached = self._similar.get(key)
            if cached is None:
                cached = await self._find_similar(id, version, view, limit, (*excluded, *without))
                _keep(self._similar, key, cached)
            return cached
        except IndexBehind:
            return []

    async def _find_similar(
        self, id: int, version: int, view: RequestContext, limit: int, excluded: tuple[int, ...]
    ) -> list[SimilarArticle]:
        ranked_sample = await asyncio.to_thread(
            candidates.rank_similar, self.engine, id, version, view.atlas, limit, excluded
        )
        if ranked_sample is None:  # it is not public, or not indexed yet
            articles = await self._compared.load([id], view.atlas, MOST_HTML)
            if not articles:  # purged meanwhile
                return []
            ranked_sample = await asyncio.to_thread(
                lambda: candidates.rank_others(self.engine, articles[0].build_profile(), view.atlas, limit, excluded)
            )
        sample, ranked = ranked_sample
        words = await self.vocabulary.get(view.head)
        regions = list_telling_regions(sample.regions, view.atlas)
        return [
            SimilarArticle(
                one.profile.id,
                one.profile.version,
                None if self.narrowed_from is not None else one.score,
                candidates.explain_similarity(sample, regions, one.profile, words, view.atlas),
                one.below_threshold,
            )
            for one in ranked
        ]

    async def find_alike(
        self, id: int, view: RequestContext, limit: int
    ) -> tuple[ComparedArticle, list[tuple[float, ComparedArticle]]]:
        """An article, of whatever state, and the published ones that share its words and tags, with their scores in
        the engine's order; none without an index."""
        [sample] = await self._compared.load([id], view.atlas)
        engine_sample = SimilaritySample(id, sample.language, sample.title, sample.text, sample.tags)
        try:
            excluded = await self.find_excluded(view.head)
            hits = await asyncio.to_thread(self.engine.find_similar, engine_sample, ArticleFilter(), excluded, limit)
        except IndexBehind:
            return sample, []
        by_id = {one.id: one for one in await self._compared.load([hit.id for hit in hits], view.atlas)}
        return sample, [(hit.score or 0.0, by_id[hit.id]) for hit in hits if hit.id in by_id]

    async def total(self, article_filter: ArticleFilter, head: LogHead) -> int | None:
        try:
            position = self.engine.position()
            excluded = await self._find_excluded(position, head)
            if (
                position is not None
                and 0 < len(changed := await self._lag.list_changed(position, head)) <= MOST_CHANGED
            ):
                return await self._count_beyond(article_filter, excluded, changed)
            key = (position and position.seq, excluded, "total", article_filter)
            counted = self._stored.get(key)
            if counted is None:
                counted = await self._count_articles(key, article_filter, excluded)
                _keep(self._stored, key, counted)
            assert isinstance(counted, int)
            return counted
        except IndexBehind:
            return None

    async def _count_beyond(
        self, article_filter: ArticleFilter, excluded: tuple[int, ...], changed: tuple[int, ...]
    ) -> int:
        """What the index has of all others, and the database of what has changed since: the total of a list that comes
        from the database, and so is ahead of the index."""
        ids = changed if article_filter.ids is None else tuple(set(changed) & set(article_filter.ids))
        known, _ = await queries.count(self._db, replace(article_filter, ids=ids)) if ids else (0, True)
        others = tuple({*excluded, *changed})
        return known + await asyncio.to_thread(self.engine.count, article_filter, others)

    async def _count_articles(self, key: Key, article_filter: ArticleFilter, excluded: tuple[int, ...]) -> int:
        """At once where that takes microseconds; those who wait for a request share it."""
        if not self.engine.is_remote:
            return self.engine.count(article_filter, excluded)
        counting = self.engine.count
        return await self._once.run(key, lambda: asyncio.to_thread(counting, article_filter, excluded))

    async def name_articles(
        self, article_filter: ArticleFilter, sort: TimeSort, limit: int, place: CursorPosition, head: LogHead
    ) -> NamedArticles | None:
        position = self.engine.position()
        if position is None or not head.has_all_behind(position):
            return None
        changed = await self._lag.list_changed(position, head)
        if len(changed) > MOST_CHANGED:
            return None
        question = Question(filter=article_filter, excluded=changed, limit=limit)
        try:
            page = await asyncio.to_thread(self.engine.find_rows, question, sort, place)
        except IndexBehind:
            return None
        return NamedArticles((*(row.id for row in page.rows), *changed), len(page.rows) < limit)

    async def count_tags(self, head: LogHead) -> dict[int, int]:
        return await self._load_counts("tags", head)

    async def count_shared_tags(self, tag: int, head: LogHead) -> SharedTags:
        excluded = await self.find_excluded(head)
        having = ArticleFilter(tags=(tag,))
        together = await asyncio.to_thread(self.engine.count_tags, having, excluded)
        return SharedTags(together, await self.count_tags(head), await self.total(ArticleFilter(), head) or 0)

    async def count_regions(self, head: LogHead) -> dict[int, int]:
        return await self._load_counts("regions", head)

    async def _load_counts(self, which: str, head: LogHead) -> dict[int, int]:
        try:
            excluded = await self.find_excluded(head)
            key = (self.seq(), excluded, which)
            counted = self._stored.get(key)
            if counted is None:
                counted = await self._once.run(key, lambda: self._count(which, key, excluded))
        except IndexBehind:
            return {}
        assert isinstance(counted, dict)
        return counted

    async def _count(self, which: str, key: tuple[object, ...], excluded: tuple[int, ...]) -> dict[int, int]:
        count = self.engine.count_tags if which == "tags" else self.engine.count_regions
        counted = dict(await asyncio.to_thread(count, ArticleFilter(), excluded))
        _keep(self._stored, key, counted)
        return counted


def _keep(stored: OrderedDict[Key, T], key: Key, value: T) -> None:
    """Of the state of index and log that `key` begins with, KEPT values at most."""
    # Those of an index that has moved on are asked for no more, and a large archive's counts weigh megabytes.
    for old in [one for one in stored if one[:2] != key[:2]]:
        del stored[old]
    stored[key] = value
    while len(stored) > KEPT:
        stored.popitem(last=False)
