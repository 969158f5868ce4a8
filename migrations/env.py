"""Runs migrations on the connection that `app.db.migrate` hands over, or on DATELINE_DATABASE_URL for developers."""

from alembic import context
from sqlmodel import SQLModel

import app.models  # noqa: F401 -- fills the metadata
from app.changes import log
from app.db.database import Database
from app.settings import Settings


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    db = Database(Settings(), log.append)
    with db.hold_write_lock(), db.engine.begin() as own:
        context.config.attributes["connection"] = own
        run()
    db.close_now()


run()
