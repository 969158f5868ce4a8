"""Transactions: all or nothing, run again when they lost a race, and honest when nobody knows."""

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event

import pytest
from conftest import ENGINES
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.changes import log
from app.changes.log import LogEntry
from app.db.database import RETRIES, Database, DatabaseProblem, read_url
from app.db.sql import prepare
from app.errors import DatabaseUnavailable, NotFound
from app.models import Source, table
from app.settings import Settings

ON = ENGINES

SOURCE = table(Source)


on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _add(session: Session, slug: str, then: Callable[[Session], object] = lambda session: None) -> int:
    """Adds a source with its log row, then does what a test wants to happen inside the transaction."""
    statement = insert(SOURCE).returning(SOURCE.c.id)
    id: int = session.connection().execute(statement, {"slug": slug, "name": slug}).scalar_one()
    log.record(session, LogEntry("article", id, "published", public=True))
    then(session)
    return id


def _slugs(db: Database) -> list[str]:
    with db.snapshot() as snapshot:
        return list(snapshot.connection.execute(select(SOURCE.c.slug).order_by(SOURCE.c.slug)).scalars())


def _seq(db: Database) -> int:
    with db.snapshot() as snapshot:
        return log.head(snapshot).seq


class Once:
    """Does something in a transaction's first run only, and counts the runs."""

    def __init__(self, act: Callable[[Session], object]) -> None:
        self.act, self.runs = act, 0

    def __call__(self, session: Session) -> None:
        self.runs += 1
        if self.runs == 1:
            self.act(session)


def _raise_state(state: str) -> Callable[[Session], object]:
    statement = text(f"DO $$ BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = '{state}'; END $$")
    return lambda session: session.connection().execute(statement)


def _end_own_backend(session: Session) -> None:
    session.connection().execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_domain_error_passes_through_and_leaves_nothing(db: Database) -> None:
    before = _seq(db)

    def refuse(session: Session) -> None:
        raise NotFound("no such thing")

    with pytest.raises(NotFound, match="no such thing"):
        db.write_now(_add, "a", refuse)
    assert (_slugs(db), _seq(db)) == ([], before)
    assert db.write_now(_add, "a").head.seq == before + 1


@pytest.mark.anyio
async def test_awaited_write_is_readable_when_it_returns(db: Database) -> None:
    by_id = prepare(select(SOURCE.c.slug).where(SOURCE.c.id == bindparam("id", type_=SOURCE.c.id.type)), db.dialect)
    for slug in ("a", "b", "c"):
        written = await db.write(_add, slug)
        assert await db.reader.rows(by_id, {"id": written.value}) == [(slug,)]
        assert await db.reader.rows(by_id, {"id": written.value}, bounded=False) == [(slug,)]
    assert _seq(db) == written.head.seq
    await db.reader.close()


def test_snapshot_does_not_see_later_writes(db: Database) -> None:
    with db.snapshot() as snapshot:
        before = log.head(snapshot)
        db.write_now(_add, "later")
        assert log.head(snapshot) == before
        assert snapshot.connection.execute(select(func.count()).select_from(SOURCE)).scalar_one() == 0
    assert _slugs(db) == ["later"]


def test_write_without_a_change_leaves_the_head_alone(db: Database) -> None:
    first = db.write_now(_add, "a").head
    assert db.write_now(lambda session: None).head == first


def test_read_only_side_cannot_write(db: Database) -> None:
    with pytest.raises(DBAPIError), db.snapshot() as snapshot:
        snapshot.connection.execute(update(SOURCE).values(name="x"))


@on_postgres
@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_lost_race_runs_the_whole_transaction_again(db: Database, state: str) -> None:
    lose = Once(_raise_state(state))
    before = _seq(db)
    db.write_now(_add, "a", lose)
    assert (lose.runs, _slugs(db), _seq(db)) == (2, ["a"], before + 1)


@on_postgres
def test_race_that_is_lost_every_time_is_unavailable(db: Database) -> None:
    lose = Once(_raise_state("40001"))
    always = Once(lambda session: None)

    def write_again(session: Session) -> None:
        always(session)
        lose.act(session)

    with pytest.raises(DatabaseUnavailable):
        db.write_now(_add, "a", write_again)
    assert (always.runs, _slugs(db)) == (RETRIES, [])


@on_postgres
def test_statement_that_is_a_mistake_is_not_run_again(db: Database) -> None:
    wrong = Once(_raise_state("42703"))
    with pytest.raises(DBAPIError):
        db.write_now(_add, "a", wrong)
    assert wrong.runs == 1


@on_postgres
def test_value_that_another_transaction_took_is_seen_in_the_second_run(db: Database) -> None:
    """The look comes before the other's commit, the insert after it."""
    other = Once(lambda session: db.write_now(_add, "same"))

    def add_if_free(session: Session) -> str:
        result = session.connection().execute(select(SOURCE.c.id).where(SOURCE.c.slug == "same")).scalar()
        other(session)
        return "found" if result is not None else f"made {_add(session, 'same')}"

    assert db.write_now(add_if_free).value == "found"
    assert (other.runs, _slugs(db)) == (2, ["same"])


@on_postgres
def test_deadlock_is_dissolved_and_both_transactions_succeed(db: Database) -> None:
    ids = [db.write_now(_add, slug).value for slug in ("a", "b")]
    meet = threading.Barrier(2)
    runs: list[int] = []

    def cross(session: Session, order: list[int]) -> None:
        runs.append(order[0])
        for i, id in enumerate(order):
            rename = update(SOURCE).where(SOURCE.c.id == id).values(name=SOURCE.c.name + str(order[0]))
            session.connection().execute(rename)
            if i == 0 and runs.count(order[0]) == 1:
                meet.wait(9)
        log.record(session, LogEntry("article", order[0], "updated", public=True))

    before = _seq(db)
    threads = [threading.Thread(target=db.write_now, args=(cross, order)) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(runs) == 3
    with db.snapshot() as snapshot:
        names = snapshot.connection.execute(select(SOURCE.c.name)).scalars().all()
    assert all({*name} > {*map(str, ids)} for name in names)
    assert _seq(db) == before + 2


@on_postgres
def test_connection_lost_before_the_commit_runs_again(db: Database) -> None:
    lose = Once(_end_own_backend)
    before = _seq(db)
    db.write_now(_add, "a", lose)
    assert (lose.runs, _slugs(db), _seq(db)) == (2, ["a"], before + 1)


@on_postgres
def test_connection_lost_inside_commit_is_said_to_be_unknown(db: Database) -> None:
    """A deferred trigger holds COMMIT open for long enough to end its backend."""

    def slow_commits(session: Session) -> None:
        for statement in (
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END'",
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON source DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION slow()",
        ):
            session.connection().execute(text(statement))

    db.write_now(slow_commits)
    runs = Once(lambda session: None)
    outcome: list[BaseException] = []

    def attempt() -> None:
        try:
            db.write_now(_add, "a", runs)
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    end_committing = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND state = 'active' AND query = 'COMMIT'"
    )
    ended: list[object] = []
    while thread.is_alive() and not ended:
        with db.snapshot() as snapshot:
            ended += snapshot.connection.execute(end_committing).scalars()
        time.sleep(0.01)
    thread.join(5)
    assert ended == [True]
    assert [type(error) for error in outcome] == [DatabaseUnavailable]
    assert "not known" in str(outcome[0])
    assert runs.runs == 1
    assert _slugs(db) == []


def _end_all_others(db: Database) -> int:
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with db.snapshot() as snapshot:
        return len(snapshot.connection.execute(others).all())


@on_postgres
@pytest.mark.anyio
async def test_reads_and_writes_go_on_after_all_connections_were_lost(db: Database) -> None:
    one = prepare(select(SOURCE.c.slug), "postgresql")
    await db.write(_add, "a")
    # Reads that take their time: quick ones may all be done on one connection before there is a second.
    slow = prepare(select(func.pg_sleep(0.2)), "postgresql")
    await asyncio.gather(*(db.reader.rows(slow, {}) for _ in range(20)))
    assert _end_all_others(db) >= 2
    result = await asyncio.gather(*(db.reader.rows(one, {}) for _ in range(20)))
    assert result == [[("a",)]] * 20
    await db.write(_add, "b")
    assert _slugs(db) == ["a", "b"]
    await db.reader.close()


@on_postgres
def test_what_is_in_use_when_the_database_is_closed_leaves_no_connection(settings: Settings) -> None:
    db = Database(settings, log.append)
    notifier = db.doorbell()
    assert notifier.number() is not None
    connection = db.engine.raw_connection()
    in_use = connection.driver_connection
    db.close_now()
    connection.close()
    assert in_use is not None
    assert in_use.closed
    assert notifier.number() is None  # nobody opens another one


@on_postgres
def test_connections_are_used_again_when_those_before_them_were_disposed_of(db: Database) -> None:
    before = db.engine.raw_connection()
    first = before.driver_connection
    db.engine.dispose()
    before.close()
    assert first is not None
    assert first.closed
    used = []
    for _ in range(3):
        connection = db.engine.raw_connection()
        used.append(connection.driver_connection)
        connection.close()
    assert used == [used[0]] * 3


@pytest.mark.anyio
async def test_server_that_is_not_there_is_unavailable() -> None:
    nowhere = Database(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"), log.append)
    with pytest.raises(DatabaseUnavailable):
        await nowhere.write(_add, "a")
    await nowhere.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "postgresql:/x"])
def test_address_of_no_database_is_refused(url: str) -> None:
    with pytest.raises(DatabaseProblem, match="DATELINE_DATABASE_URL"):
        read_url(url)


def _hold_for_ever(settings: Settings, held: Event) -> None:
    with Database(settings, log.append).hold_write_lock():
        held.set()
        time.sleep(60)


@pytest.mark.slow
def test_lock_of_a_killed_process_is_free_at_once(sqlite_settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    holder = context.Process(target=_hold_for_ever, args=(sqlite_settings, held))
    holder.start()
    try:
        assert held.wait(20)
        db = Database(sqlite_settings, log.append)
        written = threading.Event()
        thread = threading.Thread(target=db.write_now, args=(_add, "a", lambda _: written.set()))
        thread.start()
        assert not written.wait(0.1)
        holder.kill()
        assert written.wait(2)
        thread.join()
        db.close_now()
    finally:
        holder.kill()
        holder.join()
