"""The search index as the rest of the server uses it: never a step behind what the public may not see any more.

While the index follows the log, what the log has withdrawn since is left out of every answer. Counts of the whole
archive are kept per generation. Engine calls take microseconds to milliseconds and release the GIL.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import bindparam, func, select, true

from app.articles.filters import ArticleFilter
from app.db import Database
from app.errors import IndexBehind
from app.head import Head
from app.models import Article, Change, Tag, table
from app.search import names, suggest
from app.search.engine import FacetName, Found, GroupName, Hit, Question, SearchEngine
from app.search.names import Vocabulary
from app.search.timeline import Interval
from app.sql import Prepared, prepare

A, CHANGE = table(Article), table(Change)
KEPT = 512

VOCABULARY_SECONDS = 1.0

Counted = int | dict[int, int]
Counts = Mapping[int | str, int]
Facets = Mapping[FacetName, Counts]


@dataclass(frozen=True, slots=True)
class Published:
    """How many articles, in all and by value."""

    total: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Kept:
    names_seq: int
    newest_tag: int | None
    read_at: float
    words: Vocabulary


def _dated(question: Question, interval: Interval) -> Question:
    return question if interval == "year" else replace(question, dated="month" if interval == "month" else "day")


class EngineIndex:
    """Implements `articles.archive.Index` on an engine and the log."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        self._db, self.engine = db, engine
        self._kept: OrderedDict[tuple[object, ...], Counted] = OrderedDict()
        self._vocabulary: _Kept | None = None

    def seq(self) -> int | None:
        place = self.engine.place()
        return None if place is None else place.seq

    async def excluded(self, head: Head) -> tuple[int, ...]:
        """Articles that the log has changed since the index's place and that are public no more."""
        seq = self.seq()
        if seq is None or seq >= head.public_seq:
            return ()
        rows = await self._db.reader.rows(_withdrawn(self._db.dialect), {"seq": seq}, bounded=False)
        return tuple(sorted(int(str(row[0])) for row in rows))

    async def search(self, question: Question) -> Found:
        """Off the event loop: a search may take milliseconds."""
        return await asyncio.to_thread(self.engine.search, question)

    async def vocabulary(self, head: Head) -> Vocabulary:
        """All names of tags and regions. Read again when one was renamed, or when there are new tags: these at most
        every VOCABULARY_SECONDS, because an import makes them by the hundred."""
        kept = self._vocabulary
        if kept is not None and kept.names_seq == head.names_seq:
            if time.monotonic() - kept.read_at < VOCABULARY_SECONDS:
                return kept.words
            if await self._newest_tag() == kept.newest_tag:
                self._vocabulary = replace(kept, read_at=time.monotonic())
                return kept.words
        newest = await self._newest_tag()
        words = await asyncio.to_thread(self._load)
        self._vocabulary = _Kept(head.names_seq, newest, time.monotonic(), words)
        return words

    async def _newest_tag(self) -> int | None:
        [(newest,)] = await self._db.reader.rows(_newest_tag(self._db.dialect), {})
        return newest if isinstance(newest, int) else None

    def _load(self) -> Vocabulary:
        with self._db.snapshot() as snapshot:
            return names.load(snapshot)

    async def facets(self, question: Question, wanted: tuple[FacetName, ...]) -> Facets:
        return await asyncio.to_thread(self.engine.facets, question, wanted)

    async def values(self, question: Question, name: FacetName, start: int, end: int, interval: Interval) -> Counts:
        """Counts by value of what a timeline from `start` to `end` shows."""
        inside = replace(question.filter, published=(start, end))
        return await asyncio.to_thread(self.engine.values, _dated(replace(question, filter=inside), interval), name)

    async def histogram(
        self,
        question: Question,
        edges: Sequence[int],
        interval: Interval,
        group: tuple[GroupName, int | str] | None = None,
    ) -> list[int]:
        """Articles from each edge to the next, without those whose date is vaguer than the interval."""
        return await asyncio.to_thread(self.engine.histogram, _dated(question, interval), edges, group)

    async def coarse(self, question: Question, interval: Interval) -> int:
        """Articles whose date is vaguer than the interval."""
        if interval == "year":
            return 0
        return await asyncio.to_thread(self.engine.coarse, question, "year" if interval == "month" else "month")

    async def published(self, question: Question, name: FacetName, span: tuple[int, int]) -> Published:
        """Articles published in a span, in all and by value."""
        inside = replace(question, filter=replace(question.filter, published=span))
        counts = await asyncio.to_thread(self.engine.values, inside, name)
        return Published(self.engine.count(inside.filter, question.excluded), counts)

    async def titles(self, text: str, excluded: tuple[int, ...], limit: int) -> tuple[Hit, ...]:
        return await asyncio.to_thread(suggest.articles, self.engine, text, excluded, limit)

    async def total(self, wanted: ArticleFilter, head: Head) -> int | None:
        try:
            excluded = await self.excluded(head)
            key = (self.seq(), excluded, "total", wanted)
            if key not in self._kept:
                self._keep(key, self.engine.count(wanted, excluded))
            counted = self._kept[key]
            assert isinstance(counted, int)
            return counted
        except IndexBehind:
            return None

    async def tag_counts(self, head: Head) -> dict[int, int]:
        return await self._counts("tags", head)

    async def region_counts(self, head: Head) -> dict[int, int]:
        return await self._counts("regions", head)

    async def _counts(self, which: str, head: Head) -> dict[int, int]:
        excluded = await self.excluded(head)
        key = (self.seq(), excluded, which)
        if key not in self._kept:
            count = self.engine.tag_counts if which == "tags" else self.engine.region_counts
            try:
                self._keep(key, dict(await asyncio.to_thread(count, ArticleFilter(), excluded)))
            except IndexBehind:
                return {}
        counted = self._kept[key]
        assert isinstance(counted, dict)
        return counted

    def _keep(self, key: tuple[object, ...], value: Counted) -> None:
        self._kept[key] = value
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


@lru_cache(maxsize=4)
def _newest_tag(dialect: str) -> Prepared:
    return prepare(select(func.max(table(Tag).c.id)), dialect)


@lru_cache(maxsize=4)
def _withdrawn(dialect: str) -> Prepared:
    public_now = select(A.c.id).where(A.c.status == "published")
    found = (
        select(CHANGE.c.entity_id)
        .distinct()
        .where(
            CHANGE.c.seq > bindparam("seq", type_=CHANGE.c.seq.type),
            CHANGE.c.entity == "article",
            CHANGE.c.public.is_(true()),
            CHANGE.c.entity_id.not_in(public_now),
        )
    )
    return prepare(found, dialect)
