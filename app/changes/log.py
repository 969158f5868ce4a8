"""The change log: recorded during a transaction, appended as its last statements, read in commit order.

Why the order of numbers is the order of commits: the counter row is taken last, and its row lock is held until the
commit, so the transaction with the next number cannot even read the counter before this one is visible. A database
sequence gives numbers out without that lock; a follower then steps over rows that commit late.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session

from app.changes import audit_trail
from app.changes.entries import Facts as Facts
from app.changes.entries import LogEntry as LogEntry
from app.db import audit_rows
from app.db.database import Readable, Snapshot
from app.db.log_position import LogHead, LogPosition
from app.db.sql import AnyOf, Prepared, make_insert, prepare, present_clock, read_integer
from app.models import Change, ChangeHead, table

CHANGE, HEAD = table(Change), table(ChangeHead)
_PENDING = "dateline.changes"

PLACED = "placed"
"""The event of an article whose own regions lie in others than before: nothing that is shown of it is another, but
filters may match it that did not."""
REGION_FILLED = "region_filled"
"""The event of a region behind the rows of such articles: they lie in it now, or no more."""
REGIONS_LOCATED = "regions_located"
"""The event of any one region where some have other coordinates: who keeps an atlas reads it again."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the log as followers read it."""

    seq: int
    mark: int
    entity: str
    entity_id: int
    event: str
    version: int | None
    public: bool


class LogBroken(Exception):
    """The log has a hole, or a counter that does not fit its rows: nothing may follow it until a person has looked."""


def record(session: Session, entry: LogEntry) -> None:
    """Notes a change of this transaction; `append` writes it just before the commit."""
    session.info.setdefault(_PENDING, []).append(entry)


@contextmanager
def attempt(session: Session) -> Iterator[None]:
    """A part of a transaction that may fail alone: then what it did and recorded is undone, and nothing else."""
    lists = (session.info.setdefault(_PENDING, []), audit_rows.list_pending(session))
    before = [len(pending) for pending in lists]
    try:
        with session.begin_nested():
            yield
    except BaseException:
        # The savepoint takes back rows; what was noted for the log is in memory, and has to be taken back here.
        for pending, length in zip(lists, before, strict=True):
            del pending[length:]
        raise


def append(session: Session) -> LogHead:
    """Takes the counter and writes the recorded rows, and those of the audit, one for each of them. Nothing may run
    between this and the commit."""
    entries: list[LogEntry] = session.info.pop(_PENDING, [])
    # What the session still holds is written first: behind the counter no statement may come but those of the log.
    session.flush()
    if not entries:
        audit_rows.write_records(session, audit_rows.list_pending(session))
        return LogHead(*session.connection().execute(_HEAD).one())
    # 63 bits, since both databases have integers with a sign.
    marks = [secrets.randbits(63) for _ in entries]
    shown = [i for i, entry in enumerate(entries) if entry.public]
    renamed = [i for i, entry in enumerate(entries) if entry.entity != "article" or entry.relabels]
    count = len(entries)
    moved = {"more": count, "last_mark": marks[-1]}
    if shown:
        moved |= {"more_public": shown[-1] + 1, "last_public_mark": marks[shown[-1]]}
    if renamed:
        moved["more_named"] = renamed[-1] + 1
    # On the connection, not the session: the session would look for objects to refresh.
    connection = session.connection()
    *columns, now = connection.execute(_advance(public=bool(shown), named=bool(renamed)), moved).one()
    head = LogHead(*columns)
    first = head.seq - count + 1
    rows = [
        {
            "seq": first + i,
            "mark": marks[i],
            "at": now,
            "entity": entry.entity,
            "entity_id": entry.entity_id,
            "event": entry.event,
            "version": entry.version,
            "changed_fields": orjson.dumps(entry.changed_fields).decode(),
            "public": entry.public,
            "before": None if entry.before is None else orjson.dumps(entry.before).decode(),
            "after": None if entry.after is None else orjson.dumps(entry.after).decode(),
        }
        for i, entry in enumerate(entries)
    ]
    connection.exec_driver_sql(*make_insert(connection.dialect, CHANGE, rows))
    # Here and nowhere else: whatever writes to the log, by whatever way, is in the audit with the same commit.
    audit_rows.write_records(session, [*audit_rows.list_pending(session), *audit_trail.derive_deeds(entries, first)])
    return head


_HEAD_COLUMNS = [HEAD.c[name] for name in LogHead.__slots__]
_HEAD = select(*_HEAD_COLUMNS)


@lru_cache(maxsize=4)
def _advance(*, public: bool, named: bool) -> ReturningUpdate[*tuple[Any, ...]]:
    """Moves the counter, with those of what the public sees and of names where rows of theirs are among the new."""
    values: dict[str, object] = {"seq": HEAD.c.seq + bindparam("more"), "mark": bindparam("last_mark")}
    if public:
        values |= {
            "public_seq": HEAD.c.seq + bindparam("more_public"),
            "public_mark": bindparam("last_public_mark"),
        }
    if named:
        values["names_seq"] = HEAD.c.seq + bindparam("more_named")
    # By the database's clock, as embargoes are: one for all servers, read when the lock is held, so that rows come in
    # the order of their times.
    return update(HEAD).values(values).returning(*_HEAD_COLUMNS, present_clock())


@lru_cache(maxsize=4)
def head_statement(dialect: str) -> Prepared:
    """One row, the columns of Head in its order."""
    return prepare(select(*_HEAD_COLUMNS), dialect)


@lru_cache(maxsize=4)
def mark_statement(dialect: str) -> Prepared:
    """The mark of the row `seq`."""
    return prepare(select(CHANGE.c.mark).where(CHANGE.c.seq == bindparam("seq", type_=CHANGE.c.seq.type)), dialect)


NEAR = 2_000


@lru_cache(maxsize=4)
def renamed_statement(dialect: str) -> Prepared:
    """A row where one of `entities` has changed behind `after` up to `until`: who keeps names asks, because merges move
    `names_seq` for every chunk of articles without any name being another. For spans of at most NEAR rows."""
    after, until = (bindparam(name, type_=CHANGE.c.seq.type) for name in ("after", "until"))
    statement = select(CHANGE.c.seq).where(
        CHANGE.c.seq > after, CHANGE.c.seq <= until, AnyOf(CHANGE.c.entity, "entities")
    )
    return prepare(statement.limit(1), dialect, ["entities"])


def head(snapshot: Snapshot) -> LogHead:
    """Where the log stands at the snapshot's point in time."""
    return LogHead(*snapshot.connection.execute(_HEAD).one())


def has_position(snapshot: Snapshot, place: LogPosition) -> bool:
    """Whether the log has that row with that mark: the data that bears this place follows this very log."""
    now = head(snapshot)
    if place.epoch != now.epoch or not 0 <= place.seq <= now.seq:
        return False
    mark = now.find_mark(place.seq)
    if mark is None:
        mark = snapshot.connection.execute(select(CHANGE.c.mark).where(CHANGE.c.seq == place.seq)).scalar()
    return mark == place.mark


async def knows_place(db: Readable, head: LogHead, seq: int, mark: int) -> bool:
    """Whether a place of this epoch is one of the log that stands at `head`, as `has_position`."""
    return await find_mark(db, head, seq) == mark


async def find_mark(db: Readable, head: LogHead, seq: int) -> int | None:
    """The mark of the place behind row `seq`; None where the log has no such row."""
    if (known := head.find_mark(seq)) is not None:
        return known
    rows = await db.reader.rows(mark_statement(db.dialect), {"seq": seq})
    return read_integer(rows[0][0]) if rows else None


_LOGGED_COLUMNS = [CHANGE.c[name] for name in ("seq", "mark", "entity", "entity_id", "event", "version", "public")]


def read(snapshot: Snapshot, after: int, limit: int) -> list[Logged]:
    """The next rows behind `after`, without holes; LogBroken where one is missing."""
    statement = select(*_LOGGED_COLUMNS).where(CHANGE.c.seq > after).order_by(CHANGE.c.seq).limit(limit)
    rows = [Logged(*row) for row in snapshot.connection.execute(statement)]
    check_order(after, (row.seq for row in rows))
    return rows


def check_order(after: int, seqs: Iterable[int], pruned_seq: int = 0) -> None:
    """LogBroken unless the numbers go on from `after` one by one; up to `pruned_seq` some may be missing."""
    expected = after
    for seq in seqs:
        expected = max(expected, min(seq - 1, pruned_seq)) + 1
        if seq != expected:
            raise LogBroken(f"The change log has no row {expected}; the next one is {seq}.")
