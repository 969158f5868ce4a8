"""How connections to the database are made: the address that is given, and an engine for each kind of database."""

import re
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.db.postgres.address import HostOrder, Parameters, parse_address
from app.db.postgres.prepared import ASK_PROCESS, choose_threshold
from app.db.readers import BUSY_SECONDS, name_for_reading

if TYPE_CHECKING:
    import psycopg


class DatabaseProblem(Exception):
    """The archive cannot be opened as it is; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """Where an archive is. `parameters` are those of libpq, as the address has them, of PostgreSQL alone."""

    dialect: Literal["sqlite", "postgresql"]
    database: str
    """The path of a file, or the name that PostgreSQL has for it."""
    parameters: Parameters = field(default_factory=dict, repr=False)  # there is a password among them

    def __str__(self) -> str:
        """For people: a file by its path, a server's database by its address without a password."""
        if self.dialect == "sqlite":
            return self.database
        user, port = self.parameters.get("user"), self.parameters.get("port", "").split(",")
        hosts = self.parameters.get("host", self.parameters.get("hostaddr", "")).split(",")
        ports = port * len(hosts) if len(port) == 1 else port
        named = ",".join(f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=True))
        return f"postgresql://{f'{user}@' if user else ''}{named}/{self.database}"

    def format(self) -> str:
        """As `read_url` reads it, with its password."""
        if self.dialect == "sqlite":
            return URL.create("sqlite", database=self.database).render_as_string()
        return f"postgresql:///?{urlencode(self.parameters, quote_via=quote)}"

    def is_same(self, other: "DatabaseUrl") -> bool:
        """Whether both are of one file, or name one database in the same way."""
        if self.dialect != other.dialect:
            return False
        if self.dialect == "sqlite":
            one, two = Path(self.database), Path(other.database)
            return two.exists() and one.samefile(two)
        return self._name_server() == other._name_server() and self.database == other.database

    def _name_server(self) -> tuple[str | None, ...]:
        names = ("host", "hostaddr", "port")
        return tuple(self.parameters.get(name, "5432" if name == "port" else None) for name in names)


def read_url(text: str, variable: str = "DATELINE_DATABASE_URL") -> DatabaseUrl:
    """Accepts `sqlite:///file`, `postgresql://…` and `postgres://…`, with one host or several; DatabaseProblem for
    anything else, which names the environment variable that it comes from."""
    if re.match(r"postgres(ql)?(\+psycopg)?://", text):
        try:
            parameters = parse_address(text)
        except ValueError as error:
            raise DatabaseProblem(f"{variable} is not an address of a database: {error}.") from None
        except ModuleNotFoundError:
            raise DatabaseProblem(NO_DRIVER) from None
        return DatabaseUrl("postgresql", parameters.get("dbname", ""), parameters)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseProblem(f"{variable} is not an address of a database.") from None
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return DatabaseUrl("sqlite", url.database)
    raise DatabaseProblem(f"{variable} must be sqlite:///path/to/file or postgresql://user@host/name.")


def create_sqlite_engine(path: Path, *, read_only: bool) -> Engine:
    """One whose transactions hold the write lock from their beginning, unless `read_only`."""

    def connect() -> sqlite3.Connection:
        address = name_for_reading(path) if read_only else f"{path.absolute().as_uri()}?mode=rwc"
        return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_SECONDS)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4, max_overflow=16)

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        if not read_only:
            if connection.execute("PRAGMA page_count").fetchone() == (0,):
                # Before the first table: pages that become free can be given back in portions. Of a file that is there
                # this would write, and `dateline compact` does it.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: after a power cut NORMAL would give sequence numbers out again that followers have seen.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -64000")
            # What is deleted is overwritten, so that a purged text is not left in pages that are free. Most builds of
            # SQLite do so anyway.
            connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns into a write fails with BUSY instead of waiting.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def create_postgres_engine(parameters: Parameters, size: int) -> Engine:
    """One whose connections are in autocommit, so that a transaction begins with what is said here, in one round trip.
    Nothing of it outlives the transaction: PgBouncer may give the next one another session."""
    engine = create_engine(
        "postgresql+psycopg://",
        pool_size=size,
        max_overflow=4,
        pool_pre_ping=True,
        use_native_hstore=False,  # of which nothing is used, and which would be asked for
        connect_args={"autocommit": True, "prepare_threshold": None},
    )
    order = HostOrder(parameters)
    _close_returned_after_disposal(engine)

    @event.listens_for(engine, "do_connect")
    def choose_host(dialect: Dialect, record: ConnectionPoolEntry, arguments: object, named: dict[str, object]) -> None:
        named.update(order.parameters)

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: "psycopg.Connection[tuple[Any, ...]]", _: ConnectionPoolEntry) -> None:
        try:
            row = connection.execute(ASK_PROCESS).fetchone()
        except BaseException:
            connection.close()  # the pool forgets what could not be prepared
            raise
        choose_threshold(connection, row[0] if row else None)
        order.note_host(connection.info.host, connection.info.port)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_snapshot = connection.get_execution_options().get(SNAPSHOT)
        connection.exec_driver_sql(_BEGIN_SNAPSHOT if is_snapshot else _BEGIN)

    return engine


def _close_returned_after_disposal(engine: Engine) -> None:
    """`dispose` closes what the pool holds, and the engine goes on with another one. What a thread still has then would
    come back to the pool that nobody knows any more, and stay open until it is collected as garbage."""
    disposals = 0

    @event.listens_for(engine, "engine_disposed")
    def count_disposal(_: Engine) -> None:
        nonlocal disposals
        disposals += 1

    @event.listens_for(engine, "connect")
    def note_opening(_: object, record: ConnectionPoolEntry) -> None:
        record.info["disposals"] = disposals

    @event.listens_for(engine, "checkin")
    def close_connection(connection: object, record: ConnectionPoolEntry) -> None:
        if connection is not None and record.info.get("disposals") != disposals:
            record.invalidate()


SNAPSHOT = "snapshot"
"""The option of an engine whose transactions read one point in time, and nothing else."""
_BEGIN = "BEGIN; SET LOCAL lock_timeout = 10000; SET LOCAL idle_in_transaction_session_timeout = 10000"
"""Milliseconds. What a transaction has locked others wait for: a server that is stopped in the middle of one must not
keep all of them waiting for long. It begins again, whole, where it goes on."""
_BEGIN_SNAPSHOT = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = 10000;"
    " SET LOCAL idle_in_transaction_session_timeout = 60000"
)
"""It locks nothing that others want, and a while passes between two pieces of what is read."""
NO_DRIVER = "PostgreSQL needs its driver: pip install 'dateline[postgres]'."
