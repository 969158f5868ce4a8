"""A job while it is being read: its items, chunk by chunk, and which of them were already processed (for resume).

Only reads; what becomes of the items is not known here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from app.changes import jobs
from app.db.database import Database
from app.importers.document import Bookmark, Failure, Remark
from app.importers.jobs.isolated_reader import IsolatedReader
from app.importers.prepare import PreparedItem
from app.models import ImportResult, table
from app.text import keys

RESULT = table(ImportResult)
SECONDS = 1.0
"""Longer than this a chunk is not prepared for, so that progress shows whatever the format costs."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The stored result of an item that was already processed."""

    number: int
    failed: bool


@dataclass(frozen=True, slots=True)
class JobChunk:
    """One chunk: `number` chunks and `start` items came before. `again` names the items, by their place in `items`,
    that a parser before this one gave too."""

    number: int
    start: int
    items: list[PreparedItem | Failure] = field(default_factory=list)
    again: dict[int, StoredResult] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    bookmarks: list[Bookmark] = field(default_factory=list)
    ended: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.items) - len(self.again)


class JobReader:
    """One job as it is being read: the open source, and what it gave last."""

    def __init__(
        self,
        source: IsolatedReader,
        number: int,
        start: int,
        stored: dict[str, list[StoredResult]],
        clock: Callable[[], float],
    ) -> None:
        """`stored` by where items stood. What is read anew from the web may come in another order, with other items in
        between: only by that, and not by counting, the known ones are told from the rest."""
        self._clock = clock
        self._source, self._items, self._told = source, iter(source), stored
        self.last: JobChunk | None = None
        self._next = JobChunk(number, start)

    def read_chunk(self, number: int) -> JobChunk | None:
        """The chunk that so many came before; None where this has gone elsewhere."""
        if self.last and self.last.number == number:
            return self.last  # its transaction was lost
        if self._next.number != number or (self.last and self.last.ended):
            return None
        self._source.start()
        self._source.renew_names()
        self.last = self._fill_chunk(self._next, self._clock() + SECONDS)
        self._next = JobChunk(number + 1, self.last.end)
        return self.last

    def close(self) -> None:
        """Nothing more is read."""
        self._source.close()

    def _fill_chunk(self, read: JobChunk, until: float) -> JobChunk:
        for item in self._items:
            if isinstance(item, Remark):
                read.remarks.append(item)
            elif isinstance(item, Bookmark):
                read.bookmarks.append(item)
            else:
                # By its place, the first of those that share one: items of a page come in the same order again.
                if rows := self._told.get(keys.clean(item.where)):
                    read.again[len(read.items)] = rows.pop(0)
                read.items.append(item)
            if len(read.items) >= jobs.CHUNK or self._clock() > until:
                return read
        return replace(read, ended=True)


def load_stored_results(db: Database, job: int) -> dict[str, list[StoredResult]]:
    """What a job has said of its items, by where they stood, in the order in which it met them."""
    by_item: dict[str, list[StoredResult]] = {}
    statement = select(RESULT.c.item, RESULT.c.number, RESULT.c.outcome).where(RESULT.c.job_id == job)
    with db.snapshot() as snapshot:
        for where, number, outcome in snapshot.connection.execute(statement.order_by(RESULT.c.number)):
            by_item.setdefault(where, []).append(StoredResult(number, outcome == "failed"))
    return by_item
