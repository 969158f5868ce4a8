"""Brings the indexes of this version up beside whatever serves the archive, for the server that will open them."""

import threading
from pathlib import Path

from app.changes import log
from app.changes.follower import catch_up
from app.db.database import Database, DatabaseProblem
from app.search.engine import describe_building
from app.search.indexing.archive_indexes import ArchiveIndex, list_indexes
from app.search.indexing.snapshots.fetching import IndexFetcher
from app.search.tantivy.reader import IndexDamaged, LiveIndex
from app.search.tantivy.storage import index_folders
from app.search.tantivy.storage.build_progress import Tell, read_progress
from app.settings import Settings


def prepare_indexes(db: Database, settings: Settings, tell: Tell | None = None) -> bool:
    """Whether any was built anew, or copied from another node; else there were some to go on with, which were brought
    up here or are kept by their server. DatabaseProblem where another process is building one, where one cannot be
    written or a search cluster does not respond, and where the log is broken."""
    # Each of them, whatever came of the other.
    built = [_prepare_index(db, settings, index, tell) for index in list_indexes(settings)]
    if settings.search_url:
        from app.search.opensearch.reindexing import catch_up_cluster  # an extra

        try:
            built.append(catch_up_cluster(db, settings))
        except DatabaseProblem as error:
            raise DatabaseProblem(f"The tables are up to date, but {error}.") from error
    return any(built)


def _prepare_index(db: Database, settings: Settings, index: ArchiveIndex, tell: Tell | None) -> bool:
    root = index.root
    try:
        indexer = index.create_indexer(tell)
        try:
            if not indexer.acquire():
                _check_kept(root)
                return False
            before = index_folders.find_current(root)
            IndexFetcher(db, settings, index, indexer, threading.Event(), tell).fetch()
            catch_up(db, indexer)
            return index_folders.find_current(root) != before
        finally:
            indexer.close()
    except IndexDamaged as error:
        raise DatabaseProblem(f"The search index cannot be built in {root}: {error}.") from error
    except OSError as error:
        raise DatabaseProblem(f"The search index cannot be built in {root}: {error.strerror or error}.") from error
    except log.LogBroken as error:
        raise DatabaseProblem(f"{error} No index can follow it; `dateline check` says where it breaks.") from error


def _check_kept(root: Path) -> None:
    if LiveIndex(root).view() is None:
        said = describe_building(read_progress(root)) or "The search index is being built."
        raise DatabaseProblem(f"Another process builds the index of this version already. {said} Wait for it.")
