"""The change log under any sequence of transactions: no holes, the right head, and nothing of what was rolled back."""

from dataclasses import dataclass, replace

import pytest
from conftest import ENGINES
from hypothesis import HealthCheck, example, given, settings, strategies as st
from sqlalchemy import insert, select
from sqlmodel import Session

from app.changes import log
from app.changes.log import LogEntry
from app.db.database import Database
from app.db.log_position import LogHead
from app.errors import NotFound
from app.models import Change, ChangeHead, Source, table

ON = ENGINES

CHANGE, HEAD, SOURCE = table(Change), table(ChangeHead), table(Source)


@dataclass(frozen=True)
class LogBatch:
    """One transaction: (entity, public) of each entry, and whether it ends in an error."""

    entries: tuple[tuple[str, bool], ...]
    fails: bool


entry = st.tuples(st.sampled_from(["article", "article", "tag", "region"]), st.booleans())
batch = st.builds(LogBatch, st.lists(entry, max_size=5).map(tuple), st.booleans())


def _run(session: Session, batch: LogBatch, first: int) -> None:
    for i, (entity, public) in enumerate(batch.entries):
        log.record(session, LogEntry(entity, first + i, "updated", public=public, version=i, after={"id": first + i}))
    if batch.fails:
        raise NotFound


def _write(db: Database, batch: LogBatch, first: int) -> LogHead | None:
    try:
        return db.write_now(_run, batch, first).head
    except NotFound:
        return None


Row = tuple[int, int, str, int, bool]


def _rows(db: Database, after: int) -> list[Row]:
    """(seq, mark, entity, entity_id, public) behind a row, in the order of seq."""
    columns = (CHANGE.c.seq, CHANGE.c.mark, CHANGE.c.entity, CHANGE.c.entity_id, CHANGE.c.public)
    with db.snapshot() as snapshot:
        statement = snapshot.connection.execute(select(*columns).where(CHANGE.c.seq > after).order_by(CHANGE.c.seq))
        return [(row[0], row[1], row[2], row[3], row[4]) for row in statement]


def _head(db: Database) -> LogHead:
    with db.snapshot() as snapshot:
        return log.head(snapshot)


def _advance(head: LogHead, rows: list[Row]) -> LogHead:
    """Where the head stands after these rows."""
    for seq, mark, entity, _, public in rows:
        head = replace(head, seq=seq, mark=mark)
        if public:
            head = replace(head, public_seq=seq, public_mark=mark)
        if entity != "article":
            head = replace(head, names_seq=seq)
    return head


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(batch, max_size=6))
@example([LogBatch((), False), LogBatch((("tag", False), ("article", True), ("article", False)), False)])
@example([LogBatch((("article", True),), True), LogBatch((("article", False),), False)])
def test_any_transactions_leave_a_log_without_holes(db: Database, batches: list[LogBatch]) -> None:
    before = _head(db)
    heads = [_write(db, one, 1_000 * i) for i, one in enumerate(batches)]
    rows = _rows(db, before.seq)
    assert [row[0] for row in rows] == list(range(before.seq + 1, before.seq + 1 + len(rows)))
    kept = [(i, one) for i, one in enumerate(batches) if not one.fails]
    expected = [(kind, 1_000 * i + j, public) for i, one in kept for j, (kind, public) in enumerate(one.entries)]
    assert [row[2:] for row in rows] == [(kind, id, public) for kind, id, public in expected]
    assert _head(db) == _advance(before, rows)
    ends = [head for head in heads if head is not None]
    assert [head.seq for head in ends] == [
        before.seq + sum(len(one.entries) for _, one in kept[: n + 1]) for n in range(len(kept))
    ]


def test_each_row_has_a_mark_of_its_own(db: Database) -> None:
    before = _head(db)
    _write(db, LogBatch((("article", True),) * 50, False), 1)
    marks = [row[1] for row in _rows(db, before.seq)]
    assert len(set(marks)) == 50
    assert all(0 <= mark < 2**63 for mark in marks)


def test_error_after_recording_leaves_neither_rows_nor_changes(db: Database) -> None:
    before = _head(db)

    def add(session: Session) -> None:
        session.connection().execute(insert(SOURCE), {"slug": "gone", "name": "Gone"})
        log.record(session, LogEntry("article", 1, "published", public=True))
        raise NotFound

    with pytest.raises(NotFound):
        db.write_now(add)
    assert _head(db) == before
    assert _rows(db, before.seq) == []
    with db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(SOURCE.c.id).where(SOURCE.c.slug == "gone")).first() is None


def test_reading_in_pieces_gives_every_row_once(db: Database) -> None:
    before = _head(db)
    _write(db, LogBatch((("article", True),) * 7, False), 1)
    seen: list[int] = []
    with db.snapshot() as snapshot:
        while rows := log.read(snapshot, seen[-1] if seen else before.seq, 3):
            assert len(rows) <= 3
            seen += [row.seq for row in rows]
    assert seen == list(range(before.seq + 1, before.seq + 8))


@pytest.mark.parametrize(("after", "seqs"), [(0, [2]), (3, [4, 6]), (3, [5, 4]), (3, [4, 4]), (3, [3])])
def test_numbers_that_do_not_go_on_one_by_one_are_a_broken_log(after: int, seqs: list[int]) -> None:
    with pytest.raises(log.LogBroken):
        log.check_order(after, seqs)


def test_numbers_that_go_on_one_by_one_are_in_order() -> None:
    log.check_order(3, [4, 5, 6])
    log.check_order(3, [])
