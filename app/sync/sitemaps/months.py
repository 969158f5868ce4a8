"""The months of an archive, each with its articles and when they changed: measured once, and again only where the log
says that an article of the month has changed.

A million articles take seconds the first time; what is kept is a number or two for each month.
"""

import asyncio
from dataclasses import dataclass, field

import orjson

from app.db.database import Database
from app.db.log_position import LogHead
from app.sync.feeds.pages import find_end, find_start, format_month
from app.sync.feeds.params import UNDATED
from app.sync.sitemaps import queries
from app.sync.sitemaps.queries import SitemapPart

MOST_ROWS = 20_000
"""Rows of the log after which all is measured anew: reading their facts takes 0.2 s."""
AT_ONCE = 500


@dataclass(slots=True)
class SitemapMonths:
    """Of one archive. `UNDATED` stands for the articles without a date."""

    db: Database
    _epoch: int = 0
    _seq: int = -1
    _parts: dict[str, SitemapPart] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, head: LogHead) -> dict[str, SitemapPart]:
        """By month, the latest first, and what has no date at the end; without months that have no articles."""
        async with self._lock:
            if head.epoch != self._epoch or head.public_seq > self._seq:
                await self._follow(head)
            dated = sorted((month for month in self._parts if month != UNDATED), reverse=True)
            return {month: self._parts[month] for month in [*dated, UNDATED] if self._parts[month].articles}

    async def _follow(self, head: LogHead) -> None:
        moved = await self._find_moved(head)
        if moved is None:
            self._parts = {month: await self._measure(month) for month in await self._list_months()}
        else:
            for month in sorted(moved):
                self._parts[month] = await self._measure(month)
        self._epoch, self._seq = head.epoch, head.public_seq

    async def _find_moved(self, head: LogHead) -> set[str] | None:
        """The months of which an article has changed since; None where all have to be measured."""
        # Of what was pruned, the rows do not tell which months an article has left.
        if head.epoch != self._epoch or self._seq < head.pruned_seq:
            return None
        rows = await queries.load_moved(self.db, self._seq, head.public_seq, MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            return None
        months: set[str] = set()
        for i, row in enumerate(rows):
            if i % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            months |= {_find_month(facts) for facts in row if facts is not None}
        return months

    async def _list_months(self) -> list[str]:
        months, at = [UNDATED], await queries.find_next(self.db, None)
        while at is not None:
            months.append(format_month(at))
            at = await queries.find_next(self.db, find_end(months[-1]))
        return months

    async def _measure(self, month: str) -> SitemapPart:
        span = None if month == UNDATED else (find_start(month), find_end(month))
        return await queries.measure(self.db, span)


def _find_month(facts: str) -> str:
    at = orjson.loads(facts).get("published_at")
    return UNDATED if at is None else format_month(at)
