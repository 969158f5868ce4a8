"""`dateline prune` as people and scripts meet it; and what it gives back of a SQLite file."""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.old_log import make_older
from support.stories import story, write

from app.__main__ import main
from app.audit.pruning import daily, file_space
from app.changes import log
from app.db import leases
from app.db.database import Database
from app.settings import Settings

Json = dict[str, Any]
Dateline = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dateline(sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Dateline:
    """Runs a command on an archive of this test's own: exit status, and what it wrote."""
    monkeypatch.setenv("DATELINE_DATA_DIR", str(sqlite_settings.data_dir))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, **settings: int) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dateline", *arguments])
        for name, value in settings.items():
            monkeypatch.setenv(f"DATELINE_{name.upper()}", str(value))
        try:
            main()
            status: object = 0
        except SystemExit as end:
            status = end.code or 0
        assert isinstance(status, int)
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def old_archive(sqlite_settings: Settings) -> Settings:
    """Three articles, each edited four times, long ago."""
    db = Database(sqlite_settings, log.append)

    async def fill() -> None:
        for turn in range(5):
            stories = [story(db, number, tags=[f"turn-{turn}"]) for number in (1, 2, 3)]
            await write(db, *stories, now=1_760_000_000 + turn)

    asyncio.run(fill())
    make_older(db)
    db.close_now()
    return sqlite_settings


def test_everything_is_kept_unless_a_setting_says_otherwise(dateline: Dateline, old_archive: Settings) -> None:
    status, out, _ = dateline("prune")
    assert status == 0
    assert out.startswith("Everything is kept")
    assert "rows of the change log that went: 0" in out


def test_a_dry_run_says_what_goes_and_a_run_lets_it_go(dateline: Dateline, old_archive: Settings) -> None:
    keep = {"log_days": 30, "revisions_kept": 2, "revision_days": 1}
    status, out, _ = dateline("prune", "--dry-run", "--json", **keep)
    told: Json = json.loads(out)
    assert (status, told["log"]["rows"], told["versions"]["rows"], told["compressed"]["rows"]) == (0, 9, 6, 12)
    assert told["held_by"] == []
    assert "would go: 9, about" in dateline("prune", "--dry-run")[1]
    status, out, _ = dateline("prune", "--json")
    report: Json = json.loads(out)
    assert (status, report["log_rows"], report["versions"], report["versions_compressed"]) == (0, 9, 6, 6)
    status, out, _ = dateline("check")
    assert "ok     change log" in out
    assert "ok     articles and log" in out
    assert "rows of the change log that went: 0" in dateline("prune")[1]
    assert dateline("audit", "--action", "prune")[1].count("prune") == 4  # two rows, by two commands


def test_of_two_at_once_the_second_says_so(dateline: Dateline, old_archive: Settings) -> None:
    db = Database(old_archive, log.append)
    db.write_now(leases.take, "prune", "another", 60)
    db.close_now()
    status, _, err = dateline("prune", log_days=30)
    assert status != 0
    assert "Another process prunes this archive" in err


def test_an_archive_that_is_only_read_is_looked_at_and_left_as_it_is(dateline: Dateline, old_archive: Settings) -> None:
    keep = {"log_days": 30, "read_only": 1}
    status, out, _ = dateline("prune", "--dry-run", "--json", **keep)
    assert (status, json.loads(out)["log"]["rows"]) == (0, 9)
    status, _, err = dateline("prune")
    assert (status, "DATELINE_READ_ONLY" in err) == (1, True)
    assert "Traceback" not in err


def test_the_file_shrinks(dateline: Dateline, old_archive: Settings) -> None:
    path = old_archive.data_dir / "dateline.db"
    _fill(path)
    before = path.stat().st_size
    report: Json = json.loads(dateline("prune", "--json")[1])
    assert report["needs_compact"] is False
    assert report["given_back"] > 1_000_000
    assert report["free_bytes"] == 0
    assert path.stat().st_size <= before - report["given_back"]


def test_a_portion_is_as_many_pages_as_it_says(old_archive: Settings) -> None:
    db = Database(old_archive, log.append)
    _fill(db.path)

    def count() -> int:
        with db.snapshot() as snapshot:
            return file_space.read_free(snapshot) // 4_096

    before = count()
    assert before > 300
    file_space.give_back(db, 250)
    assert count() == before - 250
    db.close_now()


def test_an_older_file_is_prepared_by_compacting_it(dateline: Dateline, old_archive: Settings) -> None:
    path = old_archive.data_dir / "dateline.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
    _fill(path)
    out = dateline("prune")[1]
    assert "`dateline compact`" in out
    assert dateline("compact")[0] == 0
    _fill(path)
    report: Json = json.loads(dateline("prune", "--json")[1])
    assert (report["needs_compact"], report["free_bytes"]) == (False, 0)
    assert report["given_back"] > 1_000_000


def _fill(path: Path) -> None:
    """Rows that are deleted at once."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS filler (content BLOB)")
        connection.executemany("INSERT INTO filler VALUES (?)", [(os.urandom(4_000),) for _ in range(500)])
        connection.commit()
        connection.execute("DROP TABLE filler")
        connection.commit()


async def _run_daily(db: Database, settings: Settings) -> None:
    task = asyncio.create_task(daily.run(db, settings, first_seconds=0))
    deadline = time.monotonic() + 20
    while not _is_pruned(db):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _is_pruned(db: Database) -> bool:
    with db.snapshot() as snapshot:
        head = log.head(snapshot)
        return head.pruned_seq > 0


def test_a_server_prunes_by_itself(old_archive: Settings) -> None:
    settings = old_archive.model_copy(update={"log_days": 30})
    assert settings.keeps_not_all
    assert not old_archive.keeps_not_all
    db = Database(settings, log.append)
    asyncio.run(_run_daily(db, settings))
    db.close_now()
