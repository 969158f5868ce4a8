"""Old rows of tables that only tell of the past: deleted, or measured, by their age. Never commits."""

from sqlalchemy import Table, delete, func, select
from sqlmodel import Session

from app.db.database import Snapshot
from app.db.sql import read_clock, read_integer

DAY = 86_400


def delete_older(session: Session, rows: Table, days: int, limit: int) -> int:
    """Deletes at most `limit` rows that are older than so many days by the database's clock, the oldest first; how
    many. The table has `at` and `id`, and an index of them."""
    connection = session.connection()
    until = read_clock(connection) - days * DAY
    oldest = select(rows.c.id).where(rows.c.at < until).order_by(rows.c.at, rows.c.id).limit(limit)
    return connection.execute(delete(rows).where(rows.c.id.in_(oldest))).rowcount


def count_older(snapshot: Snapshot, rows: Table, days: int) -> int:
    """How many rows are older than so many days."""
    until = read_clock(snapshot.connection) - days * DAY
    counted = select(func.count()).select_from(rows).where(rows.c.at < until)
    return read_integer(snapshot.connection.execute(counted).scalar_one())
