"""The database: engines, the one commit, and the read side. Knows no articles.

Writing: `await db.write(fn, …)` runs `fn(session, …)` in a thread, appends the change rows that it recorded as the
last statements, and commits; nothing else in the project commits. On SQLite one thread writes, under a lock that
every process shares; on PostgreSQL a few connections do, and a transaction that lost a race runs again whole.

Reading: `db.reader` runs statements prepared once by shape (`app.db.sql`); `db.snapshot()` reads several of them at one
point in time.
"""

import asyncio
import contextvars
import copy
import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from app.db import audit_rows, permissions
from app.db.actor import Actor, current_actor
from app.db.condition import Condition, Reported, ask_postgres, ask_sqlite
from app.db.engines import SNAPSHOT, create_postgres_engine, create_sqlite_engine
from app.db.engines import DatabaseProblem as DatabaseProblem
from app.db.engines import read_url as read_url
from app.db.file_locks import FileLock
from app.db.log_position import LogHead
from app.db.postgres.address import complete
from app.db.postgres.outage_log import OutageLog
from app.db.postgres.reader import PostgresReader
from app.db.postgres.replica import ReplicaReader, open_replica
from app.db.readers import BUSY_SECONDS as BUSY_SECONDS
from app.db.readers import (
    RETRY_STATES,
    SharedNotifier,
    SqliteReader,
    encode_sqlite_values,
    is_disconnected,
    read_sql_state,
)
from app.db.readers import CommitNotifier as CommitNotifier
from app.db.readers import Readable as Readable
from app.db.readers import Reader as Reader
from app.db.readers import Row as Row
from app.db.readers import Rows as Rows
from app.db.spans import begin_span
from app.db.sql import Prepared, Value, read_clock
from app.db.sqlite.group_commit import GroupCommit
from app.db.sqlite.wal_truncation import WalTruncation
from app.errors import DatabaseUnavailable, ReadOnly
from app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
BeforeCommit = Callable[[Session], LogHead]
Finish = Callable[[Session, LogHead], None]

log = logging.getLogger(__name__)

RETRIES = 8
UNKNOWN_OUTCOME = (
    "The connection broke while saving: whether it was saved is not known. Read before trying again, or repeat with "
    "the same Idempotency-Key."
)


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What a committed transaction returned, and where the log stands with it."""

    value: T
    head: LogHead


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Several reads at one point in time, in the calling thread."""

    connection: Connection

    def fetch(self, statement: Prepared, values: Mapping[str, Value]) -> list[Row]:
        bound = _bind_values(self.connection.dialect.name, statement, values)
        return [tuple(row) for row in self.connection.exec_driver_sql(statement.sql, bound)]


def _bind_values(dialect: str, statement: Prepared, values: Mapping[str, Value]) -> dict[str, Value]:
    return encode_sqlite_values(statement, values) if dialect == "sqlite" else {**statement.constants, **values}


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """Reads what a transaction has written and not yet committed, in the calling thread."""

    connection: Connection

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name

    @property
    def reader(self) -> "OpenTransaction":
        return self

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        bound = _bind_values(self.dialect, statement, values)
        return [tuple(row) for row in self.connection.exec_driver_sql(statement.sql, bound)]


_FINISH = "dateline.finish"


def add_finisher(session: Session, fn: Finish) -> None:
    """Runs `fn(session, head)` when the log's rows are written, before the commit: for what names the change's place
    in the log. The log's counter is locked then, so that `fn` has to be short."""
    session.info.setdefault(_FINISH, []).append(fn)


class Database:
    """One archive's database, on either engine. `before_commit` appends what a transaction recorded to the log."""

    def __init__(self, settings: Settings, before_commit: BeforeCommit, *, alone: bool = True) -> None:
        """`alone`: no other process of the same server commits."""
        self._is_alone = alone
        self.url = read_url(settings.url)
        self.dialect = self.url.dialect
        self._before_commit = before_commit
        self.notes: dict[str, int] = {}  # what this process need not write again; losing it costs a write
        self.usage: dict[int, tuple[int, int]] = {}  # by key, requests and bytes that no row has yet
        self._settings = settings
        if self.dialect == "sqlite":
            self.path = Path(self.url.database)
            permissions.make_folder(self.path.parent)
            self._file_lock: FileLock | None = FileLock(self.path.with_name(self.path.name + ".write-lock"))
            self.engine = create_sqlite_engine(self.path, read_only=False)
            self._snapshots = create_sqlite_engine(self.path, read_only=True)
            self._writers = ThreadPoolExecutor(1, "write")
            self._eraser: WalTruncation | None = WalTruncation(
                self.engine, self.hold_write_lock, self._writers, BUSY_SECONDS
            )
            self._groups: GroupCommit | None = GroupCommit(self)
        else:
            self._file_lock = None
            parameters = complete(self.url.parameters, for_writing=True)
            self.engine = create_postgres_engine(parameters, settings.write_connections)
            self._snapshots = self.engine.execution_options(**{SNAPSHOT: True})
            self._writers = ThreadPoolExecutor(settings.write_connections, "write")
            self._eraser = self._groups = None
        self.replica = open_replica(settings.replica_url, self.dialect, settings.read_connections)
        # On SQLite a question is no statement and takes a microsecond.
        self._notifier = SharedNotifier(self._snapshots) if self.dialect == "postgresql" else None
        self.condition = Condition(self._ask, is_fixed=settings.read_only)
        self._outage = OutageLog("write")
        self._waiting = 0
        """Writes whose outcome is waited for; the event loop's alone."""

    def _ask(self, was_refused: bool) -> Reported:
        if self._file_lock is None:
            return ask_postgres(self.engine, was_refused=was_refused)
        return ask_sqlite(self.path, self.engine, self._snapshots, self._file_lock, was_refused=was_refused)

    @functools.cached_property
    def reader(self) -> Reader:
        """Opened when first asked for: a command that only writes has none."""
        if self.dialect == "sqlite":
            return SqliteReader(self.path, alone=self._is_alone)
        primary = PostgresReader(complete(self.url.parameters, for_writing=True), self._settings.read_connections)
        return primary if self.replica is None else ReplicaReader(primary, self.replica)

    def with_reader(self, reader: Reader) -> "Database":
        """The same database, read through another reader. Whoever opened this one closes it."""
        other = copy.copy(self)
        other.reader = reader
        return other

    async def write(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> Committed[T]:
        """Runs `fn(session, …)` and what it recorded as one transaction; returns after the commit.

        A domain error from `fn` rolls everything back and passes through. DatabaseUnavailable where the database does
        not respond, and where a connection broke during COMMIT: then nobody knows, and its text says so.
        """
        # Read here: the writers' threads do not have this task's context.
        actor = current_actor()
        run = contextvars.copy_context().run  # what is logged there names this task's request
        return await self._wait_for(
            self._writers.submit(run, self.transact, actor, lambda session: fn(session, *args, **kwargs))
        )

    async def write_short(
        self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Committed[T]:
        """`write` for what takes a few milliseconds: on SQLite those that wait for the writer share a commit."""
        actor = current_actor()
        submitted: Future[Committed[T]]
        if self._groups is None or not self._waiting:
            run = contextvars.copy_context().run
            submitted = self._writers.submit(run, self.transact, actor, lambda session: fn(session, *args, **kwargs))
        else:
            submitted = self._groups.add(actor, lambda session: fn(session, *args, **kwargs))
            self._writers.submit(self._groups.commit_next)
        return await self._wait_for(submitted)

    async def _wait_for(self, submitted: "Future[Committed[T]]") -> Committed[T]:
        self._waiting += 1
        try:
            committed = await asyncio.wrap_future(submitted)
        finally:
            self._waiting -= 1
        if self._eraser:
            self._eraser.retry(asyncio.get_running_loop())
        return committed

    def write_now(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> Committed[T]:
        """`write` in the calling thread, for commands and followers."""
        return self.transact(current_actor(), lambda session: fn(session, *args, **kwargs))

    def transact(self, actor: Actor, work: Callable[[Session], T]) -> Committed[T]:
        """One transaction of `actor`, begun again whole where it lost a race."""
        for attempt in range(RETRIES):
            try:
                with begin_span("database write"), self.begin() as session:
                    audit_rows.set_actor(session, actor)
                    committed = self.finish(session, work(session))
                    self.commit(session)
                    self.after_commit(session)
                    return committed
            except DBAPIError as error:
                again = read_sql_state(error) in RETRY_STATES or error.connection_invalidated
                if not again or attempt + 1 == RETRIES:
                    raise self._translate_error(error) from error
                time.sleep(0.005 * 2**attempt)  # without the lock
            except PoolTimeout as error:
                raise DatabaseUnavailable("All connections to the database are in use: nothing was saved.") from error
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction under the lock on writing, rolled back unless it is committed. ReadOnly where nothing can be
        written."""
        self.condition.check()
        with self.hold_write_lock(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def finish(self, session: Session, result: T) -> Committed[T]:
        """Writes what the work with this result recorded, and does what waited for that."""
        head = self._before_commit(session)
        for fn in session.info.pop(_FINISH, ()):
            fn(session, head)
        return Committed(result, head)

    def commit(self, session: Session) -> None:
        """The only commit."""
        try:
            session.commit()
        except DBAPIError as error:
            # Run again it would be saved twice where the server had committed before the connection broke.
            if self._is_lost(error):
                raise DatabaseUnavailable(UNKNOWN_OUTCOME) from error
            raise

    def _translate_error(self, error: DBAPIError) -> Exception:
        """What a caller may see of a database error: broken, full or read-only is named, a bug stays a bug."""
        refusal = self.condition.note_refusal(error)
        if refusal is not None or not (isinstance(error, OperationalError) or error.connection_invalidated):
            return refusal or error
        if self._is_lost(error):
            self._outage.tell(error.orig or error)
            return DatabaseUnavailable("The database does not answer: nothing was saved. Try again.")
        text = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        log.error("database: %s", text)
        return DatabaseUnavailable(f"The database could not save this: {text}.")

    def _is_lost(self, error: DBAPIError) -> bool:
        """Whether there is no connection to PostgreSQL, or no more."""
        is_broken = error.connection_invalidated or is_disconnected(read_sql_state(error))
        return self.dialect == "postgresql" and isinstance(error, OperationalError) and is_broken

    def after_commit(self, session: Session) -> None:
        """While the lock on writing is still held."""
        if self._eraser:
            self._eraser.truncate_after_commit(session)

    @contextmanager
    def hold_write_lock(self) -> Iterator[None]:
        """Holds the lock under which every process writes to a SQLite file; on PostgreSQL there is none. ReadOnly where
        the system does not let this process have it."""
        with ExitStack() as stack:
            if self._file_lock is not None:
                try:
                    stack.enter_context(self._file_lock.hold())
                except OSError as error:
                    if (refusal := self.condition.note_refusal(error)) is None:
                        raise
                    raise refusal from error
            yield

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One point in time to read from, in the calling thread. DatabaseUnavailable where PostgreSQL is not, or no
        more, connected."""
        try:
            with self._snapshots.connect() as connection, connection.begin():
                yield Snapshot(connection)
        except PoolTimeout as error:
            raise DatabaseUnavailable("All connections to the database are in use; try again.") from error
        except OperationalError as error:
            if not self._is_lost(error):
                raise
            raise DatabaseUnavailable("The database does not answer; try again.") from error

    def read_time(self) -> int:
        """The database's time in epoch seconds: see `app.db.sql.read_clock`."""
        with self.snapshot() as snapshot:
            return read_clock(snapshot.connection)

    def doorbell(self) -> CommitNotifier:
        """For a follower's thread, which closes it."""
        return CommitNotifier(self._snapshots) if self._notifier is None else self._notifier

    async def close(self) -> None:
        """Ends after what was begun. Closing a SQLite file checkpoints it, so that happens under the lock."""
        if self._eraser:
            self._eraser.close()
        if "reader" in self.__dict__:
            await self.reader.close()
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """As `close`, where no event loop runs."""
        self._writers.shutdown()
        if isinstance(reader := self.__dict__.get("reader"), PostgresReader | ReplicaReader):
            reader.close_idle_now()
        with ExitStack() as stack:
            with suppress(ReadOnly):  # then there is nothing to checkpoint
                stack.enter_context(self.hold_write_lock())
            if self._notifier:
                self._notifier.shut_down()
            self._snapshots.dispose()
            self.engine.dispose()
        if self._file_lock:
            self._file_lock.close()
