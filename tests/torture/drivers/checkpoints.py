"""Processes that write and checkpoint one SQLite file, each as a program of its own would, while others read it."""

import os
import random
import sqlite3
import time
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, text
from sqlmodel import Session

from app.changes import log
from app.changes.log import LogEntry
from app.db.database import BUSY_SECONDS, Database
from app.models import Change, Source, table
from app.settings import Settings

SOURCE, CHANGE = table(Source), table(Change)


@dataclass(frozen=True)
class CheckpointWrites:
    """Transactions of one writer, and the longest that one of them took, in seconds."""

    count: int
    longest: float


def _churn(session: Session, writer: int, number: int, rng: random.Random) -> None:
    """Rows of all sizes come and go, so that pages are freed and used again; checkpoints come every few pages."""
    connection = session.connection()
    connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 3")
    slug = f"{writer}-{number}"
    connection.execute(insert(SOURCE), {"slug": slug, "name": "x" * rng.choice((5, 500, 5_000, 50_000))})
    connection.execute(delete(SOURCE).where(SOURCE.c.slug == f"{writer}-{number - rng.randint(5, 50)}"))
    log.record(session, LogEntry("article", number, "updated", public=True))


def write(settings: Settings, writer: int, seconds: float) -> CheckpointWrites:
    """Writes until the time is up; closes and opens the file now and then, which checkpoints and may end its WAL."""
    rng, end = random.Random(writer * 1_000_003 + os.getpid()), time.monotonic() + seconds
    db, number, longest = Database(settings, log.append), 0, 0.0
    while time.monotonic() < end:
        began = time.monotonic()
        db.write_now(_churn, writer, number, rng)
        longest = max(longest, time.monotonic() - began)
        number += 1
        if rng.random() < 0.01:
            db.close_now()
            db = Database(settings, log.append)
        elif rng.random() < 0.01:
            _truncate(db)
    db.close_now()
    return CheckpointWrites(number, longest)


def _truncate(db: Database) -> None:
    """Empties the WAL unless somebody reads it: waiting for readers would only make the run tamer."""
    with db.hold_write_lock():
        connection = db.engine.raw_connection()
        for pragma in ("busy_timeout = 0", "wal_checkpoint(TRUNCATE)", f"busy_timeout = {BUSY_SECONDS * 1000}"):
            connection.cursor().execute(f"PRAGMA {pragma}").fetchall()
        connection.close()


def read(settings: Settings, seconds: float) -> int:
    """Reads whole snapshots until the time is up: each has a log without holes. Returns how many there were."""
    end, count = time.monotonic() + seconds, 0
    db = Database(settings, log.append)
    while time.monotonic() < end:
        with db.snapshot() as snapshot:
            head = log.head(snapshot)
            rows = log.read(snapshot, max(0, head.seq - 500), 1_000)
            assert rows[-1].seq == head.seq
            assert rows[-1].mark == head.mark
            total = select(func.sum(func.length(SOURCE.c.name)))
            snapshot.connection.execute(total).scalar_one()
        if count % 200 == 0:
            with sqlite3.connect(f"{db.path.absolute().as_uri()}?mode=ro", uri=True) as looking:
                assert looking.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            looking.close()
        count += 1
    db.close_now()
    return count


def faults(settings: Settings, transactions: int, before: int) -> list[str]:
    """What is wrong with the file after so many transactions on top of `before` rows of the log."""
    db = Database(settings, log.append)
    with db.snapshot() as snapshot:
        matches = [str(row[0]) for row in snapshot.connection.execute(text("PRAGMA integrity_check"))]
        rows = snapshot.connection.execute(select(func.count()).select_from(CHANGE)).scalar_one()
        head = log.head(snapshot).seq
    db.close_now()
    wrong = [line for line in matches if line != "ok"]
    return wrong + ([] if rows == head == before + transactions else [f"{rows} rows, head {head}"])
