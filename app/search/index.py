"""The search index as the rest of the server uses it: never a step behind what the public may not see any more.

While the index follows the log, what the log has withdrawn since is left out of every answer. Counts of the whole
archive are kept per generation. Engine calls take microseconds to milliseconds and release the GIL.
"""

import asyncio
from collections import OrderedDict
from functools import lru_cache

from sqlalchemy import bindparam, select, true

from app.articles.filters import ArticleFilter
from app.db import Database
from app.errors import IndexBehind
from app.head import Head
from app.models import Article, Change, table
from app.search.engine import Found, Question, SearchEngine
from app.sql import Prepared, prepare

A, CHANGE = table(Article), table(Change)
KEPT = 512

Counted = int | dict[int, int]


class EngineIndex:
    """Implements `articles.archive.Index` on an engine and the log."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        self._db, self.engine = db, engine
        self._kept: OrderedDict[tuple[object, ...], Counted] = OrderedDict()

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
