"""A new index of the cluster beside the one that serves: filled from SQL, brought up by the log, and put in its place
while searches go on."""

import time

from app.changes import log
from app.changes.follower import BATCH, catch_up
from app.db.database import Database, DatabaseProblem
from app.db.log_position import LogPosition
from app.search.indexing.archive_indexes import HOLDINGS
from app.search.opensearch.cluster import ClusterProblem, SearchCluster
from app.search.opensearch.cluster_indexer import ClusterIndexer, IndexerHalted
from app.search.opensearch.following import create_indexer
from app.search.opensearch.indexer_lease import IndexerLease
from app.settings import Settings

LOOK_SECONDS = 2.0
"""Within which every server has looked which index serves."""


def rebuild_cluster(db: Database, settings: Settings) -> None:
    """Both indexes; the old ones are gone at the end, with all that was purged. DatabaseProblem where one cannot be
    built, or another process builds one; the old one serves then as before."""
    cluster = SearchCluster(settings)
    indexers = [create_indexer(db, settings, holding, cluster) for holding in HOLDINGS]
    try:
        for indexer in indexers:
            _rebuild(db, indexer)
        # No search takes longer that has begun on an old one.
        time.sleep(settings.search_timeout + LOOK_SECONDS)
        for indexer in indexers:
            indexer.delete_unused()
    except (ClusterProblem, IndexerHalted) as error:
        raise DatabaseProblem(str(error) or "Another process has begun to build the same index.") from error


def catch_up_cluster(db: Database, settings: Settings) -> bool:
    """Brings both indexes in step, unless a running server does; whether any was built. DatabaseProblem where one
    cannot be written."""
    built, cluster = False, SearchCluster(settings)
    for holding in HOLDINGS:
        lease = IndexerLease(db, f"search {holding}")
        try:
            if lease.acquire():
                indexer = create_indexer(db, settings, holding, cluster, lease)
                built = indexer.position() is None or built
                catch_up(db, indexer)
        except (ClusterProblem, IndexerHalted) as error:
            raise DatabaseProblem(f"What was saved is in the archive, but not in the index: {error}") from error
        finally:
            lease.release()
    return built


def _rebuild(db: Database, indexer: ClusterIndexer) -> None:
    with db.snapshot() as snapshot:
        place = log.head(snapshot).position
        index = indexer.build(snapshot, place)
    while (taken := _replay(db, indexer, index, place)) is not None:
        place = taken
    indexer.make_current(index)


def _replay(db: Database, indexer: ClusterIndexer, index: str, place: LogPosition) -> LogPosition | None:
    """How far the new index is after the next rows; None where there are as good as none."""
    with db.snapshot() as snapshot:
        rows = log.read(snapshot, place.seq, BATCH)
        if not rows:
            return None
        reached = LogPosition(place.epoch, rows[-1].seq, rows[-1].mark)
        indexer.write_rows(snapshot, rows, reached, index)
    return reached
