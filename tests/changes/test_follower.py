"""Whoever follows the log arrives at what SQL says, whatever happens to it on the way; a broken log stops it loudly."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session

from app.changes import follower, log
from app.changes.follower import BATCH, LOOK, Follower, FollowerTask, catch_up, step
from app.changes.log import LogBroken, LogEntry, Logged
from app.commands import open_archive
from app.db.database import Database, DatabaseProblem, Snapshot
from app.db.log_position import LogPosition
from app.models import Change, ChangeHead, Source, table
from app.search.indexing.indexer import Indexer
from app.search.indexing.rebuild import rebuild_indexes
from app.settings import Settings

CHANGE, HEAD, SOURCE = table(Change), table(ChangeHead), table(Source)


class FollowedNames:
    """Follows sources into a dict id → name that is replaced whole, as a commit would be. Fails when told to."""

    def __init__(self) -> None:
        self.kept: tuple[LogPosition | None, dict[int, str]] = (None, {})
        self.failures = self.rebuilt = 0
        self.closed = False

    def position(self) -> LogPosition | None:
        return self.kept[0]

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        named = {row.entity_id for row in rows if row.entity == "article"}
        now = {id: name for id, name in _names(snapshot).items() if id in named}
        self._fail()
        self.kept = (place, {id: name for id, name in self.kept[1].items() if id not in named} | now)

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        names = _names(snapshot)
        self._fail()
        self.rebuilt += 1
        self.kept = (place, names)

    def close(self) -> None:
        self.closed = True

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")


def _names(snapshot: Snapshot) -> dict[int, str]:
    return {row[0]: row[1] for row in snapshot.connection.execute(select(SOURCE.c.id, SOURCE.c.name))}


def _truth(db: Database) -> tuple[LogPosition, dict[int, str]]:
    with db.snapshot() as snapshot:
        return log.head(snapshot).position, _names(snapshot)


def _put(session: Session, names: dict[int, str | None]) -> None:
    """Writes a name for each id, or takes the row away, and notes it."""
    connection = session.connection()
    for id, name in names.items():
        connection.execute(delete(SOURCE).where(SOURCE.c.id == id))
        if name is not None:
            connection.execute(insert(SOURCE), {"id": id, "slug": f"s{id}", "name": name})
        log.record(session, LogEntry("article", id, "updated", public=True))


def _by_hand(db: Database, change: Callable[[Session], object]) -> None:
    """Changes rows behind the log's back."""
    with db.hold_write_lock(), Session(db.engine) as session:
        change(session)
        session.commit()


def _other_epoch(session: Session) -> None:
    session.connection().execute(update(HEAD).values(epoch=HEAD.c.epoch + 1))


put = st.dictionaries(st.integers(1, 5), st.one_of(st.none(), st.text("ab", max_size=3)), min_size=1, max_size=4)
happening = st.one_of(put, put, st.sampled_from(["step", "crash", "repeat", "lose", "epoch", "other mark", "beyond"]))


def _happen(
    db: Database, names: FollowedNames, what: object, past: list[tuple[LogPosition | None, dict[int, str]]]
) -> None:
    place, kept = names.kept
    match what:
        case dict():
            db.write_now(_put, what)
        case "step":
            step(db, names)
            past.append(names.kept)
        case "crash":
            names.failures = 1
            with pytest.raises(OSError, match="disk full"):
                _until_failure(db, names)
        case "repeat":  # newer data with an older place: what was applied comes again
            names.kept = (past[len(past) // 2][0], kept)
        case "lose":
            names.kept = (None, {})
        case "epoch":
            _by_hand(db, _other_epoch)
        case "other mark":
            names.kept = (place and LogPosition(place.epoch, place.seq, place.mark + 1), {99: "of another log"})
        case "beyond":
            names.kept = (place and LogPosition(place.epoch, place.seq + 100, place.mark), {99: "of another log"})
    if what in ("lose", "other mark", "beyond"):
        past[:] = [names.kept]  # places from before go with data that is no more


def _until_failure(db: Database, names: FollowedNames) -> None:
    db.write_now(_put, {1: "crash"})
    step(db, names)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=st.lists(happening, max_size=12))
def test_follower_arrives_at_what_sql_says_whatever_happens(db: Database, happenings: list[object]) -> None:
    names = FollowedNames()
    past = [names.kept]
    for what in happenings:
        _happen(db, names, what, past)
    catch_up(db, names)
    assert names.kept == _truth(db)
    assert step(db, names) == 0


def test_first_round_rebuilds_and_later_ones_only_apply(db: Database) -> None:
    db.write_now(_put, {1: "one"})
    names = FollowedNames()
    catch_up(db, names)
    db.write_now(_put, {1: "uno", 2: "two"})
    assert catch_up(db, names) == 2
    assert (names.rebuilt, names.kept[1]) == (1, {1: "uno", 2: "two"})


def test_more_rows_than_a_batch_are_taken_in_by_several_rounds(db: Database) -> None:
    names = FollowedNames()
    catch_up(db, names)

    def much(session: Session) -> None:
        for i in range(follower.BATCH + 1):
            log.record(session, LogEntry("tag", i, "tag_renamed", public=True))

    db.write_now(much)
    assert [step(db, names) for _ in range(3)] == [follower.BATCH, 1, 0]
    assert names.kept == _truth(db)


def test_a_round_takes_as_many_rows_as_it_is_told(db: Database) -> None:
    names = FollowedNames()
    catch_up(db, names)

    def much(session: Session) -> None:
        for i in range(follower.BATCH + 8):
            log.record(session, LogEntry("tag", i, "tag_renamed", public=True))

    db.write_now(much)
    assert [step(db, names, most) for most in (3, 2 * follower.BATCH, 5)] == [3, follower.BATCH + 5, 0]
    assert names.kept == _truth(db)


def _follow_names(db: Database) -> FollowedNames:
    names = FollowedNames()
    catch_up(db, names)
    for i in range(1, 4):
        db.write_now(_put, {i: "name"})
    return names


@pytest.mark.parametrize("which", ["first", "second", "last"])
def test_missing_row_is_a_broken_log(db: Database, which: str) -> None:
    names = _follow_names(db)
    before = names.kept
    back = {"first": 2, "second": 1, "last": 0}[which]
    last = select(func.max(CHANGE.c.seq)).scalar_subquery()
    _by_hand(db, lambda session: session.connection().execute(delete(CHANGE).where(CHANGE.c.seq == last - back)))
    with pytest.raises(LogBroken):
        catch_up(db, names)
    assert names.kept == before


@pytest.mark.parametrize("by", [1, -1])
def test_counter_that_does_not_fit_the_rows_is_a_broken_log(db: Database, by: int) -> None:
    names = _follow_names(db)
    _by_hand(db, lambda session: session.connection().execute(update(HEAD).values(seq=HEAD.c.seq + by)))
    with pytest.raises(LogBroken):
        catch_up(db, names)
    with pytest.raises(LogBroken):
        catch_up(db, FollowedNames())


def test_counter_ahead_of_a_follower_that_is_level_is_a_broken_log(db: Database) -> None:
    names = _follow_names(db)
    catch_up(db, names)
    _by_hand(db, lambda session: session.connection().execute(update(HEAD).values(seq=HEAD.c.seq + 1)))
    with pytest.raises(LogBroken):
        step(db, names)


@contextmanager
def _thread(db: Database, names: Follower, interval: float = 0.01) -> Iterator[FollowerTask]:
    following = FollowerTask(db, names, interval)
    following.start()
    try:
        yield following
    finally:
        following.stop()


def _wait(until: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not until() and time.monotonic() < end:
        time.sleep(0.005)
    return until()


def test_thread_keeps_a_follower_in_step(db: Database) -> None:
    names = FollowedNames()
    with _thread(db, names) as following:
        for i in range(20):
            db.write_now(_put, {1 + i % 3: str(i)})
        assert _wait(lambda: names.kept == _truth(db))
    assert following.problem is None


def test_first_write_after_a_pause_is_taken_in_at_once_and_the_next_after_the_interval(db: Database) -> None:
    names = FollowedNames()
    catch_up(db, names)
    with _thread(db, names, interval=60):
        time.sleep(0.05)  # its first round finds nothing
        db.write_now(_put, {1: "first"})
        assert _wait(lambda: names.kept[1] == {1: "first"})
        db.write_now(_put, {1: "second"})
        time.sleep(0.2)
        assert names.kept[1] == {1: "first"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rounds_begin_an_interval_apart_and_further_where_they_take_much(db: Database) -> None:
    following = FollowerTask(db, FollowedNames(), 0.1)
    pauses = {seconds: following.find_pause(1, seconds) for seconds in (0.0, 0.02, 0.05, 0.08, 2.0)}
    assert pauses == pytest.approx({0.0: 0.1, 0.02: 0.08, 0.05: 0.15, 0.08: 0.24, 2.0: 0.25})
    assert (following.find_pause(0, 2.0), following.find_pause(11, 0.01), following.find_pause(BATCH, 0.01)) == (
        LOOK,
        0.25,
        0,
    )


@pytest.mark.slow
def test_failing_follower_is_tried_again(db: Database) -> None:
    names = FollowedNames()
    names.failures = 1
    with _thread(db, names) as following:
        assert _wait(lambda: following.problem == "OSError: disk full")
        assert _wait(lambda: names.kept == _truth(db))
        assert _wait(lambda: following.problem is None)


def test_broken_log_ends_the_thread_and_is_told(db: Database) -> None:
    names = _follow_names(db)
    _by_hand(db, lambda session: session.connection().execute(update(HEAD).values(seq=HEAD.c.seq + 1)))
    with _thread(db, names) as following:
        assert _wait(lambda: following.problem is not None)
        assert following.problem is not None
        assert "The counter stands at" in following.problem
        assert _wait(lambda: names.closed)


def test_new_index_is_not_waited_for_where_the_log_is_broken(sqlite_settings: Settings) -> None:
    db = open_archive.open_archive(sqlite_settings)
    indexer = Indexer(sqlite_settings.index_path, sqlite_settings.index_heap_mb)
    assert indexer.acquire()
    catch_up(db, indexer)
    _by_hand(db, lambda session: session.connection().execute(update(HEAD).values(seq=HEAD.c.seq + 1)))
    with _thread(db, indexer), pytest.raises(DatabaseProblem, match="dateline check"):
        rebuild_indexes(db, sqlite_settings)
    db.close_now()


def test_thread_that_never_started_can_be_stopped(db: Database) -> None:
    FollowerTask(db, FollowedNames(), 1).stop()
