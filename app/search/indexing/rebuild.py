"""Builds the indexes anew on demand: here where nobody else writes one, else by whoever does. Searches go on
meanwhile."""

import time

from app.changes import log
from app.changes.follower import catch_up
from app.db.database import Database, DatabaseProblem
from app.search.indexing.archive_indexes import ArchiveIndex, list_indexes
from app.search.tantivy.reader import IndexDamaged
from app.search.tantivy.storage import index_folders
from app.settings import Settings

LOOK_SECONDS = 0.1


def rebuild_indexes(db: Database, settings: Settings) -> None:
    """Returns when the new indexes are in their place; goes on by itself where a server that was asked has ended, or
    has stopped to follow the log. DatabaseProblem where the log is broken, or an index cannot be written."""
    for index in list_indexes(settings):
        _rebuild_index(db, index)
    if settings.search_url:
        from app.search.opensearch.reindexing import rebuild_cluster  # an extra

        rebuild_cluster(db, settings)


def _rebuild_index(db: Database, index: ArchiveIndex) -> None:
    root, indexer = index.root, index.create_indexer()
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
    except (IndexDamaged, OSError) as error:
        raise DatabaseProblem(f"The search index cannot be built in {root}: {error}.") from error
    except log.LogBroken as error:
        raise DatabaseProblem(f"{error} No index can follow it; `dateline check` says where it breaks.") from error
    finally:
        indexer.close()
