"""Short writes that share a commit: each has its own outcome, its own rows of the log, and nothing of a refused one."""

import asyncio
import errno
import threading

import pytest
from conftest import ENGINES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.changes import log
from app.changes.log import LogEntry
from app.db.database import Committed, Database
from app.errors import NotFound, ReadOnly
from app.models import Change, Source, table

ON = ENGINES

CHANGE, SOURCE = table(Change), table(Source)
KINDS = st.lists(st.sampled_from(["article", "article", "article", "tag", "refused", "failing"]), max_size=40)

pytestmark = pytest.mark.anyio


def _add(session: Session, number: int, kind: str) -> int:
    """A source and a row of the log, unless it is refused or fails once it has written both."""
    connection = session.connection()
    connection.execute(insert(SOURCE), {"slug": f"s{number}", "name": kind})
    entity = "tag" if kind == "tag" else "article"
    log.record(session, LogEntry(entity, number, "updated", public=True, version=1, after={"id": number}))
    if kind == "refused":
        raise NotFound
    if kind == "failing":
        connection.execute(insert(SOURCE), {"slug": f"s{number}", "name": kind})
    return number


async def _write_together(db: Database, kinds: list[str], first: int) -> list[Committed[int] | BaseException]:
    """The outcomes of writes that all wait before the first of them begins."""
    hold, held = threading.Event(), threading.Event()

    def wait(_: Session) -> None:
        held.set()
        assert hold.wait(30)

    waiting = asyncio.ensure_future(db.write(wait))
    await asyncio.to_thread(held.wait, 30)
    writes = [asyncio.ensure_future(db.write_short(_add, first + i, kind)) for i, kind in enumerate(kinds)]
    await asyncio.sleep(0)
    hold.set()
    await waiting
    return await asyncio.gather(*writes, return_exceptions=True)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=KINDS)
def test_writes_that_share_commits_have_each_their_own_outcome(db: Database, kinds: list[str]) -> None:
    with db.snapshot() as snapshot:
        before = log.head(snapshot)
        first = max(snapshot.connection.execute(select(SOURCE.c.id)).scalars(), default=0) + before.seq * 100
    outcomes = asyncio.run(_write_together(db, kinds, first))
    done = [one for one in outcomes if isinstance(one, Committed)]
    errors = {"refused": NotFound, "failing": IntegrityError}
    for i, (kind, outcome) in enumerate(zip(kinds, outcomes, strict=True)):
        assert isinstance(outcome, errors.get(kind, Committed)), (i, kind, outcome)
    with db.snapshot() as snapshot:
        rows = select(CHANGE.c.seq, CHANGE.c.mark, CHANGE.c.entity_id).where(CHANGE.c.seq > before.seq)
        logged = {row[0]: (row[1], row[2]) for row in snapshot.connection.execute(rows)}
        slugs = snapshot.connection.execute(select(SOURCE.c.slug)).scalars().all()
        after = log.head(snapshot)
    assert sorted(logged) == [*range(before.seq + 1, before.seq + 1 + len(done))]
    assert {one.head.seq: (one.head.mark, one.value) for one in done} == logged
    assert after.seq == before.seq + len(done)
    added = {f"s{first + i}" for i, kind in enumerate(kinds) if kind in ("article", "tag")}
    assert {slug for slug in slugs if slug in {f"s{first + i}" for i in range(len(kinds))}} == added


async def test_writes_that_wait_together_share_a_commit_on_sqlite(db: Database) -> None:
    await _write_together(db, ["article"], 1_000)  # from here on it is known when names were changed last
    commits: list[object] = []
    event.listen(db.engine, "commit", commits.append)
    outcomes = await _write_together(db, ["article"] * 8, 3_000)
    assert all(isinstance(one, Committed) for one in outcomes)
    # One of them is what the others have waited for. Few where the machine is busy: others join for 20 ms only.
    assert len(commits) < 9 if db.dialect == "sqlite" else len(commits) == 9


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_write_that_nobody_waits_for_any_more_does_not_begin(db: Database) -> None:
    hold, held = threading.Event(), threading.Event()

    def wait(_: Session) -> None:
        held.set()
        assert hold.wait(30)

    waiting = asyncio.ensure_future(db.write(wait))
    await asyncio.to_thread(held.wait, 30)
    writes = [asyncio.ensure_future(db.write_short(_add, 5_000 + i, "article")) for i in range(3)]
    await asyncio.sleep(0)
    writes[1].cancel()
    await asyncio.sleep(0)
    hold.set()
    await waiting
    await asyncio.wait(writes)
    with db.snapshot() as snapshot:
        slugs = {*snapshot.connection.execute(select(SOURCE.c.slug)).scalars()}
    assert slugs & {"s5000", "s5001", "s5002"} == {"s5000", "s5002"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_writes_that_wait_are_all_told_where_no_transaction_can_begin(db: Database) -> None:
    hold, held = threading.Event(), threading.Event()

    def become_read_only(_: Session) -> None:
        held.set()
        assert hold.wait(30)
        db.condition.note_refusal(PermissionError(errno.EROFS, "Read-only file system"))

    waiting = asyncio.ensure_future(db.write(become_read_only))
    await asyncio.to_thread(held.wait, 30)
    writes = [asyncio.ensure_future(db.write_short(_add, i, "article")) for i in range(5)]
    await asyncio.sleep(0)
    hold.set()
    await waiting
    outcomes = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 20)
    assert [type(outcome) for outcome in outcomes] == [ReadOnly] * 5
