"""Many writers and one follower at the same PostgreSQL archive, and the same with a plain sequence as a control.

Writers only append to the log: one `record` an entry, each with an id of its own, so that the follower can tell what
it was shown twice and what never.
"""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import psycopg
from sqlmodel import Session

from app.changes import log
from app.changes.follower import step
from app.changes.log import LogEntry, Logged
from app.db.database import Database, Snapshot
from app.db.log_position import LogPosition
from app.settings import Settings

PATIENCE = 300


@dataclass(frozen=True)
class WriteLoad:
    """`writers` at once, each with so many `transactions` of `batch` entries."""

    url: str
    transactions: int
    batch: int = 1
    writers: int = 8

    @property
    def entries(self) -> int:
        return self.writers * self.transactions * self.batch


@dataclass(frozen=True)
class Followed:
    """What the follower was shown: how many entries never, how many more than once, and how long it all took."""

    entries: int
    skipped: int
    double: int
    seconds: float


def _ids(load: WriteLoad, writer: int, transaction: int) -> range:
    first = (writer * load.transactions + transaction) * load.batch
    return range(first, first + load.batch)


def _record(session: Session, ids: range) -> None:
    for id in ids:
        log.record(session, LogEntry("article", id, "updated", public=True))


def write(load: WriteLoad, writer: int) -> None:
    """One writer's whole work, through the one commit."""
    db = Database(Settings(database_url=load.url, write_connections=1), log.append)
    for transaction in range(load.transactions):
        db.write_now(_record, _ids(load, writer, transaction))
    db.close_now()


class FollowerPosition:
    """A follower that keeps every id that it is shown."""

    def __init__(self, start: LogPosition) -> None:
        self._place, self.ids = start, Counter[int]()

    def position(self) -> LogPosition:
        return self._place

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        self.ids.update(row.entity_id for row in rows)
        self._place = place

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        raise AssertionError("it follows this very log")

    def close(self) -> None:
        """Holds nothing."""


def follow(load: WriteLoad, start: LogPosition) -> Counter[int]:
    """Reads on without a pause until the log has all entries; LogBroken where one was stepped over."""
    db = Database(Settings(database_url=load.url, write_connections=1), log.append)
    seen, end = FollowerPosition(start), time.monotonic() + PATIENCE
    while seen.position().seq < start.seq + load.entries and time.monotonic() < end:
        step(db, seen)
    db.close_now()
    return seen.ids


def write_naively(load: WriteLoad, writer: int) -> None:
    """The same work with numbers from a sequence, as most do it."""
    with psycopg.connect(load.url) as connection:
        for transaction in range(load.transactions):
            for id in _ids(load, writer, transaction):
                connection.execute("INSERT INTO naive (who) VALUES (%s)", (id,))
            connection.commit()


def follow_naively(load: WriteLoad, start: LogPosition) -> Counter[int]:
    """Reads what is behind the last number seen, until all entries are committed and nothing new comes."""
    seen, last, end = Counter[int](), 0, time.monotonic() + PATIENCE
    with psycopg.connect(load.url, autocommit=True) as connection:
        while time.monotonic() < end:
            complete = connection.execute("SELECT count(*) FROM naive").fetchone() == (load.entries,)
            rows = connection.execute("SELECT seq, who FROM naive WHERE seq > %s ORDER BY seq", (last,)).fetchall()
            seen.update(row[1] for row in rows)
            last = rows[-1][0] if rows else last
            if complete and not rows:
                break
    return seen


def run(pool: Executor, load: WriteLoad, *, naive: bool = False) -> Followed:
    """All writers and the follower at once in the pool, which has room for every one of them."""
    start = LogPosition(0, 0, 0)
    if naive:
        with psycopg.connect(load.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE naive (seq bigserial PRIMARY KEY, who bigint)")
    else:
        start = _head(load.url)
    began = time.monotonic()
    following = pool.submit(follow_naively if naive else follow, load, start)
    writing = [pool.submit(write_naively if naive else write, load, writer) for writer in range(load.writers)]
    for one in writing:
        one.result(PATIENCE)
    seconds = time.monotonic() - began
    seen = following.result(PATIENCE)
    skipped = load.entries - len(seen)
    return Followed(load.entries, skipped, sum(count > 1 for count in seen.values()), seconds)


def _head(url: str) -> LogPosition:
    db = Database(Settings(database_url=url), log.append)
    with db.snapshot() as snapshot:
        place = log.head(snapshot).position
    db.close_now()
    return place
