"""Which articles have left a filter lately, out of the change log: what feeds tell of deletions.

The rows that may say so are read once, and kept for all filters; for each filter it is kept which of them do. Only rows
that the public may see are looked at, and none that are pruned. What is told depends on the log and the filter alone,
so that every process of a server tells the same.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Set
from dataclasses import dataclass, field
from functools import lru_cache

import orjson
from sqlalchemy import ColumnElement, bindparam, literal_column, select

from app.articles import filters
from app.articles.filters import ArticleFacts, ArticleFilter
from app.articles.store.log_facts import from_log
from app.changes import log
from app.db.database import Database, Row
from app.db.log_position import LogHead
from app.db.sql import Prepared, prepare, read_integer
from app.http.params.times import format_time
from app.sync.feeds.model import NO_DEPARTURES, Departure, Departures, name_article
from app.text.addresses import Addresses

CHANGE = log.CHANGE
MOST_ROWS = 1_000
"""Rows of the log that may tell of a departure, the latest ones: what drafts leave there does not count. They are read
once for each process, by an index of their own, and compared once for each filter."""
MOST_TOLD = 500
"""Departures that a feed tells, the latest: 60 kB of Atom."""
MOST_FILTERS = 256
AT_ONCE = 100
"""Rows that are read or compared before others have their turn."""


@dataclass(frozen=True, slots=True)
class _LogRow:
    """`before` and `after` are None where there was or is nothing, and of what was purged. `departure`: what feeds tell
    where the article has left them by it."""

    seq: int
    id: int
    departure: Departure
    purged: bool
    before: ArticleFacts | None
    after: ArticleFacts | None


@dataclass(slots=True)
class _FollowedFilter:
    """What is known of one filter up to a row of the log. `latest`: what feeds tell, None where that has changed."""

    seq: int = 0
    pruned_seq: int = 0
    departed: dict[int, _LogRow] = field(default_factory=dict)
    latest: Departures | None = NO_DEPARTURES

    def reflects(self, head: LogHead) -> bool:
        return head.public_seq <= self.seq and head.pruned_seq == self.pruned_seq

    def tell(self, present: Set[int]) -> Departures:
        if not present.isdisjoint(self.departed):
            return self._list(present)
        if self.latest is None:
            self.latest = self._list()
        return self.latest

    def _list(self, present: Set[int] = frozenset()) -> Departures:
        latest = sorted(self.departed.values(), key=lambda one: -one.seq)[:MOST_TOLD]
        return Departures.of([one.departure for one in latest if one.id not in present])


class DepartureLog:
    """Of one archive."""

    def __init__(self, db: Database, addresses: Addresses) -> None:
        self._db, self._addresses = db, addresses
        self._rows: deque[_LogRow] = deque(maxlen=MOST_ROWS)
        self._epoch, self._seq, self._pruned_seq = 0, 0, 0
        self._filters: OrderedDict[ArticleFilter, _FollowedFilter] = OrderedDict()
        self._lock = asyncio.Lock()

    async def find(self, article_filter: ArticleFilter, head: LogHead, present: Set[int]) -> Departures:
        """Of the articles that have left the filter the latest MOST_TOLD, without those that are `present`: a document
        of a search may be a moment behind."""
        followed = self._filters.get(article_filter)
        if followed is None or self._is_behind(head) or not followed.reflects(head):
            followed = await self._update(article_filter, head)
        return followed.tell(present)

    def _is_behind(self, head: LogHead) -> bool:
        return (head.epoch, head.pruned_seq) != (self._epoch, self._pruned_seq) or head.public_seq > self._seq

    async def _update(self, article_filter: ArticleFilter, head: LogHead) -> _FollowedFilter:
        async with self._lock:
            if self._is_behind(head):
                await self._read(head)
            followed = self._filters.pop(article_filter, None) or _FollowedFilter()
            self._filters[article_filter] = followed
            if len(self._filters) > MOST_FILTERS:
                self._filters.popitem(last=False)
            await self._follow(followed, article_filter)
        return followed

    async def _read(self, head: LogHead) -> None:
        """Adds the rows up to the head. Of what was purged, nothing that was read before is kept."""
        if head.epoch != self._epoch:
            self._rows.clear()
            self._filters.clear()
            self._seq = 0
        # Rows that are pruned go at once for every process, whenever they are deleted.
        while self._rows and self._rows[0].seq <= head.pruned_seq:
            self._rows.popleft()
        after = max(self._seq, head.pruned_seq)
        values = {"after": after, "until": head.public_seq, "most": MOST_ROWS}
        rows = await self._db.reader.rows(_statement(self._db.dialect), values, bounded=False)
        for i, row in enumerate(reversed(rows)):
            if i % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            self._add(_read_row(row, self._addresses))
        self._epoch, self._seq, self._pruned_seq = head.epoch, head.public_seq, head.pruned_seq

    def _add(self, row: _LogRow) -> None:
        if row.purged:
            self._rows = deque((one for one in self._rows if one.id != row.id), MOST_ROWS)
        self._rows.append(row)

    async def _follow(self, followed: _FollowedFilter, article_filter: ArticleFilter) -> None:
        """Looks at the rows that are new to the filter, and lets go of what lies before all rows."""
        new = [row for row in self._rows if row.seq > followed.seq]
        for i, row in enumerate(new):
            if i % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            _note(followed, row, article_filter)
        followed.seq, followed.pruned_seq = self._seq, self._pruned_seq
        first = self._rows[0].seq if self._rows else self._seq + 1
        for id in [one.id for one in followed.departed.values() if one.seq < first]:
            del followed.departed[id]
            followed.latest = None


def _note(followed: _FollowedFilter, row: _LogRow, article_filter: ArticleFilter) -> None:
    if row.after is not None and filters.matches(article_filter, row.after):
        if followed.departed.pop(row.id, None) is not None:
            followed.latest = None
    elif _is_told(row, article_filter):
        followed.departed[row.id] = row
        followed.latest = None


def _is_told(row: _LogRow, article_filter: ArticleFilter) -> bool:
    """Whatever the filter: what was purged is to go from every copy, also from old ones. But nothing is left of it that
    would tell a key that does not see everything whether it has seen this."""
    if row.purged:
        return article_filter.within is None
    return row.before is not None and filters.matches(article_filter, row.before)


def _read_row(row: Row, addresses: Addresses) -> _LogRow:
    seq, at, id, event, before, after = row
    number, is_purged = read_integer(id), event == "purged"
    facts = [
        None if kept is None or is_purged else from_log(number, orjson.loads(str(kept))) for kept in (before, after)
    ]
    departure = Departure(name_article(addresses, number), format_time(read_integer(at)))
    return _LogRow(read_integer(seq), number, departure, is_purged, *facts)


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    """The latest rows of articles that had something before, or were purged, the latest first. Its conditions are those
    of the partial index `ix_change_departures`."""
    seq = CHANGE.c.seq
    after, until = (bindparam(name, type_=seq.type) for name in ("after", "until"))
    columns = [CHANGE.c[name] for name in ("seq", "at", "entity_id", "event", "before", "after")]
    was_there = CHANGE.c.before.is_not(None) | (CHANGE.c.event == literal_column("'purged'"))
    # Not as a column: that would be `public = 1` on SQLite, which the index does not serve.
    public: ColumnElement[bool] = literal_column("public")
    of_articles = CHANGE.c.entity == literal_column("'article'"), public, was_there
    statement = select(*columns).where(seq > after, seq <= until, *of_articles).order_by(seq.desc())
    return prepare(statement.limit(bindparam("most")), dialect)
