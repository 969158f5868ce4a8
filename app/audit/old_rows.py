"""Old rows of tables that only tell of the past: deleted, or measured, by their age. Never commits."""

from sqlalchemy import Connection, Select, Table, delete, func, select, tuple_, update
from sqlmodel import Session

from app.articles.store import purge
from app.db.database import Snapshot
from app.db.sql import read_clock, read_integer
from app.models import ImportResult, Job, table

JOB, RESULT = table(Job), table(ImportResult)
DAY = 86_400
JOBS_AT_ONCE = 100


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


def delete_results(session: Session, days: int, limit: int) -> int:
    """Deletes at most `limit` results of imports that ran as jobs and ended so many days ago; how many. The
    progress of these, and of other imports, says nothing of single items either then."""
    connection = session.connection()
    old = _find_old_imports(connection, days)
    some = select(RESULT.c.job_id, RESULT.c.number).where(RESULT.c.job_id.in_(old)).limit(limit)
    deleted = connection.execute(delete(RESULT).where(tuple_(RESULT.c.job_id, RESULT.c.number).in_(some))).rowcount
    telling = select(JOB.c.id, JOB.c.progress).where(JOB.c.id.in_(old), JOB.c.progress.contains('"notes":'))
    for id, progress in connection.execute(telling.limit(JOBS_AT_ONCE)).all():
        # By then nothing tells which articles came with it, and a purge of one would not find what is said here.
        values = {"progress": purge.strip_progress(progress)}
        connection.execute(update(JOB).where(JOB.c.id == id).values(values))
    return deleted


def count_results(snapshot: Snapshot, days: int) -> int:
    """How many results are of imports that ended so many days ago."""
    connection = snapshot.connection
    own = RESULT.c.job_id.in_(_find_old_imports(connection, days))
    return read_integer(connection.execute(select(func.count()).select_from(RESULT).where(own)).scalar_one())


def _find_old_imports(connection: Connection, days: int) -> Select[tuple[int]]:
    has_ended = JOB.c.kind.in_(("import", "import_command", "import_stream")), JOB.c.state.in_(("done", "failed"))
    return select(JOB.c.id).where(*has_ended, JOB.c.updated_at < read_clock(connection) - days * DAY)
