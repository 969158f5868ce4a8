"""Builds the index anew on demand: here where nobody else writes it, else by whoever does. Searches go on meanwhile."""

import time

from app.changes import log
from app.changes.follower import catch_up
from app.db.database import Database, DatabaseProblem
from app.search.indexing.indexer import Indexer
from app.search.tantivy.reader import IndexDamaged
from app.search.tantivy.storage import index_folders
from app.settings import Settings

LOOK_SECONDS = 0.1


def rebuild_index(db: Database, settings: Settings) -> None:
    """Returns when the new index is in its place; goes on by itself where a server that was asked has ended, or has
    stopped to follow the log. DatabaseProblem where the log is broken, or the index cannot be written."""
    root = settings.index_path
    indexer = Indexer(root, settings.index_heap_mb)
    try:
        before = index_folders.find_current(root)
        if not indexer.acquire():
            index_folders.request_rebuild(root)
        while not indexer.acquire():
            if not index_folders.is_rebuild_requested(root) and index_folders.find_current(root) != before:
                return
            time.sleep(LOOK_SECONDS)
        with db.snapshot() as snapshot:
            indexer.rebuild(snapshot, log.head(snapshot).position)
        catch_up(db, indexer)
    except IndexDamaged as error:
        raise DatabaseProblem(f"The search index cannot be built in {root}: {error}.") from error
    except log.LogBroken as error:
        raise DatabaseProblem(f"{error} No index can follow it; `dateline check` says where it breaks.") from error
    finally:
        indexer.close()
