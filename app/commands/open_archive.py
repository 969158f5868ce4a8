"""Opens archives for commands and the server: furnishes an empty one, refuses a misfit, upgrades."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.articles.repair import unsafe_links
from app.changes import log
from app.commands.copies import backups
from app.db import audit_rows, permissions
from app.db import migrate as db_migrate
from app.db.condition import describe_access
from app.db.database import Database, DatabaseProblem, read_url
from app.db.engines import DatabaseUrl
from app.db.file_locks import FileLock
from app.errors import DatabaseUnavailable
from app.models import Region, table
from app.regions import service as regions
from app.search.indexing.indexer import Indexer
from app.search.indexing.preparation import prepare_indexes
from app.search.tantivy.storage import index_folders, index_forms
from app.search.tantivy.storage.build_progress import Tell
from app.settings import Settings

MOST_LISTED = 1_000
"""Removed addresses that `migrate` names one by one."""


def open_archive(settings: Settings) -> Database:
    """The archive with a schema that fits; an empty one is migrated and gets its regions. DatabaseProblem else."""
    db = _open_database(settings)
    try:
        db.condition.look()
        state = db_migrate.find_state(db)
        if state == "unfinished":
            raise DatabaseProblem(db_migrate.describe_unfinished("The archive"))
        if state == "empty" and (reason := db.condition.reason) is not None:
            raise DatabaseProblem(f"There is no archive yet, and none can be made: {reason}.")
        if state == "outdated":
            raise DatabaseProblem("The archive is of an older version: stop its server and run `dateline migrate`.")
        if state == "newer":
            raise DatabaseProblem("The archive is of a newer version of Dateline than this one; use that.")
        _create_content(db, state)
        _adopt_index(settings)
    except BaseException:
        db.close_now()
        raise
    return db


def protect_new_files(settings: Settings) -> None:
    """Has this process make files of the archive for whom its folders are open alone."""
    permissions.close_new_files(_list_folders(settings))


def make_index_folder(settings: Settings, *, is_read_only: bool = False) -> None:
    """DatabaseProblem where it cannot be made or written; that of an archive that can only be read need only be
    there."""
    if is_read_only and settings.index_path.is_dir():
        return
    try:
        permissions.make_folder(settings.index_path)
        if not os.access(settings.index_path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(settings.index_path))
    except OSError as error:
        raise DatabaseProblem(f"The index's folder cannot be used: {error.strerror}: {error.filename}.") from error


def _open_database(settings: Settings) -> Database:
    try:
        protect_new_files(settings)
        return Database(settings, log.append)
    except OSError as error:
        raise DatabaseProblem(f"The archive's folder cannot be used: {error.strerror}: {error.filename}.") from error


def _list_folders(settings: Settings) -> list[Path]:
    """Where the archive keeps files of its own: the index, and the database unless it is a server's."""
    url = read_url(settings.url)
    database = [Path(url.database).parent] if url.dialect == "sqlite" else []
    return [*database, settings.index_path]


def describe_open_files(settings: Settings) -> list[str]:
    """What other users of this machine may read of the archive, for whoever starts its server."""
    folders = _list_folders(settings)
    url = read_url(settings.url)
    files = [Path(f"{url.database}{end}") for end in ("", "-wal", "-shm")] if url.dialect == "sqlite" else []
    return list(permissions.describe_open_files([*folders, *files]))


def _create_content(db: Database, state: db_migrate.State) -> None:
    """Tables and regions; also where an earlier opening was cut short between the two."""
    try:
        if state == "empty":
            db_migrate.upgrade(db)
        with db.snapshot() as snapshot:
            loaded = snapshot.connection.execute(select(table(Region).c.id).limit(1)).first()
        if loaded is None:
            db.write_now(regions.load)
    except (DBAPIError, DatabaseUnavailable) as error:
        raise DatabaseProblem(f"The archive cannot be made: {db_migrate.first_line(error)}.") from error


def _adopt_index(settings: Settings) -> None:
    """Takes over the index that a version without a folder for each form has left, before anybody asks for it."""
    if index_folders.find_formless(settings.index_path) is None or index_folders.find_current(settings.index_path):
        return
    with suppress(OSError):  # a folder that cannot be written: who needs an index will say so
        indexer = Indexer(settings.index_path)
        indexer.acquire()
        indexer.close()


class ServerRunning(DatabaseProblem):
    """Another process serves the archive."""


@contextmanager
def hold_server_lock(url: DatabaseUrl) -> Iterator[None]:
    """Holds the lock of the one server of a SQLite archive; a PostgreSQL archive any number may serve."""
    if url.dialect != "sqlite":
        yield
        return
    path = Path(url.database)
    lock = FileLock(path.with_name(path.name + ".serve-lock"))
    try:
        permissions.make_folder(path.parent)
        is_held = lock.try_hold()
    except OSError as error:
        if path.exists() and describe_access(path) is not None:
            yield  # it keeps others from writing, and nobody can here
            return
        raise DatabaseProblem(f"The archive's folder cannot be used: {error.strerror}: {error.filename}.") from error
    if not is_held:
        raise ServerRunning(
            f"A server for {path} is running already. One SQLite file has one server, with as many workers as "
            "--workers says; for servers on several machines, put the archive on PostgreSQL with DATELINE_DATABASE_URL."
        )
    try:
        yield
    finally:
        lock.close()


BESIDE = "Servers of the version before can go on meanwhile: put this version in their places, one after the other."


def migrate(
    settings: Settings, tell: Tell | None = None, *, makes_backup: bool = True, servers_are_stopped: bool = False
) -> str:
    """Brings the archive up to this version; returns what was done, for people. Tables are changed while no server
    runs, and nothing else is done then, so that it can start soon; the index is built beside one. On PostgreSQL servers
    of the version before may run where that does them no harm. `makes_backup`: of a SQLite archive, before its tables
    change. `servers_are_stopped`: connections to PostgreSQL are not counted."""
    db = _open_database(settings)
    try:
        state = db_migrate.find_state(db)
        if state == "newer":
            raise DatabaseProblem("The archive is of a newer version of Dateline than this one; use that.")
        if state == "unfinished":
            raise DatabaseProblem(db_migrate.describe_unfinished("The archive"))
        is_expansion = state == "outdated" and _check_servers(db, servers_are_stopped)
        with _hold_alone(db, state) as is_alone:
            copy = backups.back_up_before_migrating(db) if state == "outdated" and makes_backup else None
            is_changed, unsafe = _bring_up(db, state, is_alone=is_alone)
        is_built = prepare_indexes(db, settings, tell) if state == "current" else False
    finally:
        db.close_now()
    lines = ["The archive has been brought up to date." if is_changed else "The archive is up to date."]
    if is_built:
        lines = ["The search index of this version is built. A server of this version opens it when it starts."]
    elif state == "outdated":
        if copy is not None:
            lines.append(f"As it was before, it is in {copy}.")
        lines.append("A server of this version can start now. Where the index has changed too, it builds one first.")
    if is_expansion:
        lines.append(BESIDE)
    return "\n".join([*lines, *_list_unsafe(unsafe)])


def _check_servers(db: Database, are_stopped: bool) -> bool:
    """Whether servers of the version before may run beside this one's, as they can on PostgreSQL. DatabaseProblem where
    they may not, and somebody is connected."""
    if db.dialect != "postgresql":
        return False
    with db.snapshot() as snapshot:
        revision = db_migrate.read_revision(snapshot.connection)
    if db_migrate.is_expansion(revision or ""):
        return True
    if not are_stopped and (others := db_migrate.count_others(db)):
        raise DatabaseProblem(
            "The tables change with this version in a way that servers of the version before cannot live with, and "
            f"{others} other connections to the database are open: stop all servers, run `dateline migrate`, and start "
            "this version's. Where these connections are no server's: `dateline migrate --servers-stopped`."
        )
    return False


@contextmanager
def _hold_alone(db: Database, state: db_migrate.State) -> Iterator[bool]:
    """Whether no server runs meanwhile. DatabaseProblem where one does and tables have to change."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_server_lock(db.url))
        except ServerRunning as error:
            if state != "current":
                raise DatabaseProblem(
                    f"A server for {db.path} is running, and the tables change with this version: stop it, run "
                    "`dateline migrate`, and start this version's."
                ) from error
            yield False
        else:
            yield True


def _bring_up(db: Database, state: db_migrate.State, *, is_alone: bool) -> tuple[bool, list[str]]:
    """Whether anything but the index was changed, and the addresses that were removed."""
    if not is_alone:
        # Beside a server only what is short: it keeps its clients waiting for every write of somebody else.
        return bool(db.write_now(regions.load).value), []
    if state != "current":
        db_migrate.upgrade(db)
    # After the schema: the regions of this version may have columns that the old tables had not.
    changed = db.write_now(regions.load).value
    unsafe = db.write_now(_repair).value
    return state != "current" or bool(changed) or bool(unsafe), unsafe


def _repair(session: Session) -> list[str]:
    unsafe = unsafe_links.null_unsafe_addresses(session)
    if unsafe:
        audit_rows.add_record(session, audit_rows.AuditRecord("migrate", details={"unsafe_addresses": len(unsafe)}))
    return unsafe


def _list_unsafe(unsafe: list[str]) -> list[str]:
    if not unsafe:
        return []
    more = [f"  and {len(unsafe) - MOST_LISTED} more"] if len(unsafe) > MOST_LISTED else []
    return [
        f"{len(unsafe)} addresses that are none on the web were removed:",
        *(f"  {one}" for one in unsafe[:MOST_LISTED]),
        *more,
    ]


def compact(db: Database) -> None:
    """Writes a SQLite archive's file anew, without a byte of what was deleted: where rows were moved between pages,
    copies of them may be left in the unused part of a page. DatabaseProblem beside a running server."""
    if db.dialect != "sqlite":
        raise DatabaseProblem("A PostgreSQL archive is written anew with VACUUM FULL.")
    try:
        # The driver's own connection: SQLite runs VACUUM in no transaction, and SQLAlchemy begins one before it.
        with hold_server_lock(db.url), db.hold_write_lock(), closing(db.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # From then on free pages can be given back without this: see `app.audit.pruning.file_space`.
            cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise DatabaseProblem(f"The file could not be written anew: {error}.") from error


def delete_other_indexes(settings: Settings) -> None:
    """Deletes the indexes of all other versions, which hold words of what was purged, too. DatabaseProblem where a
    process keeps one."""
    held = [one for root in settings.index_paths for one in index_forms.delete_others(root, older=False)]
    if held:
        raise DatabaseProblem(f"A process of another version writes the index in {held[0]}: stop it, and run it again.")
