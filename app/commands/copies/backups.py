"""Backups: an archive in one file of SQLite, made while it is served; and the one that is made by itself before tables
change."""

import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from app.commands.copies.copying import Tell, copy_archive
from app.commands.copies.sqlite_target import SqliteTarget
from app.db import migrate, permissions
from app.db.database import Database, DatabaseProblem

FOLDER = "backups"
"""Beside the file of the archive."""
MOST_KEPT = 2
"""Backups that `migrate` has made; it removes older ones once it has made another."""
_NAME = re.compile(r"before-migration-from-\w+-\d{8}T\d{6}Z\.db")


def backup(db: Database, file: Path, tell: Tell | None = None) -> None:
    """A consistent copy with an epoch of its own, so that whoever followed the original notices a restored copy; of an
    archive of an older version in that version. DatabaseProblem where the file exists, or cannot be written."""
    if file.exists():
        raise DatabaseProblem(f"{file} exists; a backup never overwrites anything.")
    if not file.parent.is_dir():
        raise DatabaseProblem(f"{file.parent} is no folder.")
    # Under another name until it is whole: nobody takes what an interrupted run has left for a backup.
    partial = file.with_name(file.name + ".partial")
    with _removed_unless_whole(partial):
        if db.dialect == "sqlite":
            _copy_file(db.path, partial)
        else:
            _copy_tables(db, partial, tell)
        partial.rename(file)


@contextmanager
def _removed_unless_whole(partial: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        partial.unlink(missing_ok=True)  # it may be what has filled the disk
        raise


def _copy_file(path: Path, partial: Path) -> None:
    """By SQLite itself: pages as they are, whatever tables they hold."""
    partial.unlink(missing_ok=True)
    permissions.create_file(partial)
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(partial)) as copy,
    ):
        # In one step: between steps a busy writer would make it begin again, for ever.
        source.backup(copy)
        copy.execute("UPDATE change_head SET epoch = ?", (secrets.randbits(63),))
        copy.commit()
        # The original is in WAL mode, and the mode is part of the file: opened, the copy would get files beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _copy_tables(db: Database, partial: Path, tell: Tell | None) -> None:
    copy = SqliteTarget(partial)
    try:
        copy_archive(db, copy, tell=tell)
    except BaseException:
        copy.remove()
        raise


def back_up_before_migrating(db: Database) -> Path | None:
    """A backup of a SQLite archive beside it, of which nobody has to think; returns its file, None on PostgreSQL, which
    has means of its own. DatabaseProblem where the disk has no room for it: then nothing was changed."""
    if db.dialect != "sqlite":
        return None
    folder = db.path.parent / FOLDER
    with db.snapshot() as snapshot:
        revision = migrate.read_revision(snapshot.connection)
        needed = _measure_file(snapshot.connection)
    file = folder / f"before-migration-from-{revision}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
    try:
        permissions.make_folder(folder)
        if (free := shutil.disk_usage(folder).free) < needed:
            raise DatabaseProblem(_describe_lack(folder, f"{needed:,} bytes are needed, {free:,} are free"))
        backup(db, file)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseProblem(_describe_lack(folder, str(error))) from error
    _remove_old(folder)
    return file


def _measure_file(connection: Connection) -> int:
    pages, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size"))
    return int(pages * size)


def _describe_lack(folder: Path, why: str) -> str:
    return (
        f"No backup could be made in {folder} before tables change ({why.rstrip('.')}), and nothing was changed. Make "
        "room there, or make one elsewhere with `dateline backup FILE` and then run `dateline migrate --no-backup`."
    )


def _remove_old(folder: Path) -> None:
    """Of those that `migrate` has made, all but the newest MOST_KEPT; files of other names stay."""
    own = [file for file in folder.glob("*.db") if _NAME.fullmatch(file.name)]
    # By their names' times, and within a second by the file system's.
    for file in sorted(own, key=lambda file: (file.name.rpartition("-")[2], file.stat().st_mtime_ns))[:-MOST_KEPT]:
        file.unlink(missing_ok=True)
