"""What was sent to be imported as a job: kept in the database in pieces while it arrives, and read back as a stream.

A job is of the kind ARRIVING, which nobody works on, until the last piece is there. Services never commit.
"""

import time

import orjson
from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from app.articles.bulk import records
from app.changes import jobs
from app.changes.jobs import JOB, Json
from app.db.database import Database
from app.importers.jobs.part_stream import PartStream
from app.models import ImportPart, ImportResult, table

PART, RESULT = table(ImportPart), table(ImportResult)
KIND, ARRIVING = "import", "import_arriving"
ABANDONED_SECONDS = 3_600
"""After so long without a new piece nobody is sending any more: the server that took them has died."""
AT_ONCE = 100


def encode_authority(sees_hidden: bool) -> Json:
    """The argument of a job that says whether its sender may see what is not public; none means that they may not."""
    return {"sees_hidden": True} if sees_hidden else {}


def sees_hidden(arguments: Json) -> bool:
    """Whether the sender of a job may see what is not public."""
    return arguments.get("sees_hidden") is True


def begin_upload(session: Session, arguments: Json, by: str | None) -> int:
    """A job whose pieces are still to come. Sweeps up what earlier ones have left."""
    _delete_abandoned(session, int(time.time()))
    job = jobs.add(session, ARRIVING, arguments, 0, by)
    records.attach(session, job, str(arguments.get("url") or arguments.get("type") or "request"))
    return job


def save_part(session: Session, job: int, number: int, content: bytes) -> None:
    """The next piece, numbered from 0."""
    connection = session.connection()
    connection.execute(insert(PART), {"job_id": job, "number": number, "content": content})
    connection.execute(update(JOB).where(JOB.c.id == job).values(updated_at=int(time.time())))


def finish_upload(session: Session, job: int, number: int, content: bytes) -> None:
    """The last piece: from now on whoever looks first begins with the job."""
    if content:
        save_part(session, job, number, content)
    values = {"kind": KIND, "updated_at": int(time.time())}
    arguments = update(JOB).where(JOB.c.id == job).values(values).returning(JOB.c.arguments)
    arguments_text = session.connection().execute(arguments).scalar()
    if arguments_text is not None:
        jobs.note_state(session, job, KIND, "begun", orjson.loads(arguments_text))


def create_whole(session: Session, arguments: Json, by: str | None, content: bytes) -> int:
    """A job with all that there is to it."""
    job = begin_upload(session, arguments, by)
    finish_upload(session, job, 0, content)
    return job


def drop_upload(session: Session, job: int) -> None:
    """A job whose pieces will not come."""
    session.connection().execute(delete(JOB).where(JOB.c.id == job, JOB.c.kind == ARRIVING))


def delete_parts(session: Session, job: int) -> None:
    """The pieces of a job that needs them no more."""
    session.connection().execute(delete(PART).where(PART.c.job_id == job))


def _delete_abandoned(session: Session, now: int) -> None:
    connection = session.connection()
    connection.execute(delete(JOB).where(JOB.c.kind == ARRIVING, JOB.c.updated_at < now - ABANDONED_SECONDS))
    ended = select(JOB.c.id).where(JOB.c.kind == KIND, JOB.c.state.in_(["done", "failed"]))
    connection.execute(delete(PART).where(PART.c.job_id.in_(ended)))


class StoredParts(PartStream):
    """The pieces of a job, read from the database."""

    def __init__(self, db: Database, job: int) -> None:
        super().__init__()
        self._db, self._job = db, job

    def load_part(self, number: int) -> bytes:
        with self._db.snapshot() as snapshot:
            statement = select(PART.c.content).where(PART.c.job_id == self._job, PART.c.number == number)
            return bytes(snapshot.connection.execute(statement).scalar() or b"")

    def count_parts(self) -> int:
        with self._db.snapshot() as snapshot:
            statement = select(PART.c.number).where(PART.c.job_id == self._job).order_by(PART.c.number.desc()).limit(1)
            last = snapshot.connection.execute(statement).scalar()
        return 0 if last is None else last + 1
