"""The state of an archive's schema, and the way from one to the next. Runs the scripts in `migrations/`."""

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.db import Database, DatabaseProblem

MIGRATIONS = Path(__file__).parent.parent / "migrations"

State = Literal["empty", "current", "outdated", "newer"]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def state(db: Database) -> State:
    """Where the archive stands beside this program; DatabaseProblem where it cannot be opened."""
    try:
        with db.alone(), db.engine.connect() as connection:
            return _state(connection)
    except (DBAPIError, OSError) as error:
        raise DatabaseProblem(f"The archive cannot be opened: {first_line(error)}.") from error


def _state(connection: Connection) -> State:
    revision = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    if revision is None:
        return "empty"
    if revision == scripts.get_current_head():
        return "current"
    known = {script.revision for script in scripts.walk_revisions()}
    return "outdated" if revision in known else "newer"


def upgrade(db: Database, revision: str = "head") -> None:
    """Brings the schema up in one transaction, one process after the other; nothing half done where it fails."""
    with db.alone(), db.engine.begin() as connection:
        if db.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(4700)"))
        command.upgrade(_config(connection), revision)


def downgrade(db: Database, revision: str) -> None:
    """The way back, in one transaction. What the older schema has no place for is lost."""
    with db.alone(), db.engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def first_line(error: Exception) -> str:
    """What a database said, short enough for a terminal."""
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().splitlines()[0]


def difference(db: Database) -> list[object]:
    """What tables and models disagree on; empty where the migrations are complete."""
    from alembic.autogenerate import compare_metadata
    from sqlmodel import SQLModel

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))
