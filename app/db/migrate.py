"""The state of an archive's schema, and the way from one to the next. Runs the scripts in `migrations/`."""

import re
import time
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.db.database import Database, DatabaseProblem
from app.db.shipped import find_folder
from app.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = find_folder("migrations")

LOCKED = frozenset(("55P03", "40P01"))
"""SQLSTATEs of PostgreSQL: a lock was not to be had, and a deadlock."""
TRIES = 60
BUSY = (
    "Another program keeps tables busy, such as a server that builds its index anew, or a backup. "
    "Try again when it has done, or end it first."
)

State = Literal["empty", "current", "outdated", "newer", "unfinished"]

UNFINISHED = "copy-"
"""Before the revision of an archive that another one is being copied into: no version of the program knows such a
revision, so that none opens it."""


def _make_config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def find_state(db: Database) -> State:
    """Where the archive stands beside this program; DatabaseProblem where it cannot be opened."""
    try:
        if db.condition.reason is not None:  # then nobody changes it here, and nothing has to be waited for
            if db.dialect == "sqlite" and not db.path.exists():
                return "empty"
            with db.snapshot() as snapshot:
                return _find_state(snapshot.connection)
        with db.hold_write_lock(), db.engine.connect() as connection:
            return _find_state(connection)
    except (DBAPIError, DatabaseUnavailable, OSError) as error:
        raise DatabaseProblem(f"The archive cannot be opened: {first_line(error)}.") from error


def list_revisions() -> list[str]:
    """The first is the oldest. Scripts bear their revision in their names, so that looking needs no alembic, which
    takes longer to import than most commands to run."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py"))


_EXPAND_ONLY = re.compile(r"^expand_only = (True|False)\b", re.MULTILINE)


def is_expansion(revision: str) -> bool:
    """Whether a version of the program whose schema has this revision can go on beside this one's: whether each later
    migration says of itself that it only adds what that version need not know of."""
    scripts = (MIGRATIONS / "versions").glob("*.py")
    later = [path for path in scripts if path.name.partition("_")[0] > revision]
    return all("True" in _EXPAND_ONLY.findall(path.read_text(encoding="utf-8")) for path in later)


def count_others(db: Database) -> int:
    """Connections to a PostgreSQL archive that are not this process's: servers, poolers, people."""
    db.engine.dispose()
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL"
    with db.engine.connect() as connection:
        return int(connection.execute(text(f"{statement} AND pid <> pg_backend_pid()")).scalar_one())


def describe_unfinished(name: str) -> str:
    """What whoever wants to open such an archive is told."""
    return (
        f"{name} is a copy that is not finished. While `dateline copy` runs, wait for its end; where it was cut short, "
        "run it again: it begins anew."
    )


def read_revision(connection: Connection) -> str | None:
    """The revision that the schema has; None where there is no archive."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _find_state(connection: Connection) -> State:
    return name_state(read_revision(connection))


def name_state(revision: str | None) -> State:
    """What an archive with this revision is to this program."""
    if revision is None:
        return "empty"
    if revision.startswith(UNFINISHED):
        return "unfinished"
    known_revisions = list_revisions()
    return "current" if revision == known_revisions[-1] else "outdated" if revision in known_revisions else "newer"


def upgrade(db: Database, revision: str = "head") -> None:
    """Brings the schema up in one transaction, one process after the other; nothing half done where it fails. Servers
    may be running: they are let go first, again and again for a minute; DatabaseProblem where one never lets go."""
    for tries_left in reversed(range(TRIES)):
        try:
            _upgrade(db, revision)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in LOCKED:
                raise
            if not tries_left:
                raise DatabaseProblem(BUSY) from error
            time.sleep(0.5)
        else:
            return


def _upgrade(db: Database, revision: str) -> None:
    with db.hold_write_lock(), db.engine.begin() as connection:
        hold_migration_lock(connection)
        if db.dialect == "postgresql":
            _lock_tables(connection)
        run_migrations(connection, revision)


def hold_migration_lock(connection: Connection) -> None:
    """Until the end of the transaction nobody else changes the schema. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        # One number for all that migrate; the vocabulary's lock is 4702 (`sql.lock_vocabulary`).
        connection.execute(text("SELECT pg_advisory_xact_lock(4700)"))
        # What a script works out between two statements may take its time.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def run_migrations(connection: Connection, revision: str = "head") -> None:
    """Brings the schema up in the caller's transaction, from whatever it is."""
    from alembic import command

    command.upgrade(_make_config(connection), revision)


def _lock_tables(connection: Connection) -> None:
    """All at once, before anything is changed: taken one by one they lead to deadlocks with readers, which take
    several in an order of their own. Gives up before PostgreSQL looks for deadlocks, which it does after a second."""
    quote = connection.dialect.identifier_preparer.quote
    names = [quote(name) for name in sorted(inspect(connection).get_table_names())]
    if names:
        connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
        connection.execute(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))


def downgrade(db: Database, revision: str) -> None:
    """The way back, in one transaction. What the older schema has no place for is lost."""
    from alembic import command

    with db.hold_write_lock(), db.engine.begin() as connection:
        command.downgrade(_make_config(connection), revision)


def first_line(error: Exception) -> str:
    """What a database said, short enough for a terminal."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def find_differences(db: Database) -> list[object]:
    """What tables and models disagree on; empty where the migrations are complete."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlmodel import SQLModel

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))
