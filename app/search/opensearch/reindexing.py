"""A new index of the cluster beside the one that serves: filled from SQL, brought up by the log, and put in its place
while searches go on."""

import time

from app.changes import log
from app.changes.follower import BATCH, catch_up
from app.db.database import Database, DatabaseProblem
from app.db.log_position import LogPosition
from app.search.indexing.archive_indexes import HOLDINGS
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_indexer import ClusterIndexer, IndexerHalted
from app.search.opensearch.following import compute_rest, create_indexer
from app.search.opensearch.indexer_lease import IndexerLease
from app.search.opensearch.problems import ClusterProblem
from app.settings import Settings

FEW = 100
"""Rows of the log that the last portion has at most: they take a fraction of a second."""


def rebuild_cluster(db: Database, settings: Settings) -> None:
    """Both indexes; the old ones are gone at the end, with all that was purged. DatabaseProblem where one cannot be
    built, or another process builds one; the old one serves then as before."""
    cluster = SearchCluster(settings)
    indexers = [create_indexer(db, settings, holding, cluster) for holding in HOLDINGS]
    try:
        for indexer in indexers:
            try:
                _rebuild(db, indexer)
            finally:
                indexer.close()
        time.sleep(compute_rest(settings))
        for indexer in indexers:
            indexer.delete_unused()
    except (ClusterProblem, IndexerHalted) as error:
        raise DatabaseProblem(str(error) or "Another process has begun to build the same index.") from error


def delete_other_forms(db: Database, settings: Settings) -> None:
    """Of this archive's indexes those that other versions have made, which hold words of what was purged, too.
    DatabaseProblem where they cannot be deleted."""
    cluster = SearchCluster(settings)
    try:
        for holding in HOLDINGS:
            create_indexer(db, settings, holding, cluster).delete_other_forms()
    except ClusterProblem as error:
        raise DatabaseProblem(f"Indexes of other versions cannot be deleted in the search cluster: {error}") from error


def catch_up_cluster(db: Database, settings: Settings) -> bool:
    """Brings both indexes in step, unless a running server does; whether any was built. DatabaseProblem where one
    cannot be written: what was saved is in the archive."""
    built, cluster = False, SearchCluster(settings)
    for holding in HOLDINGS:
        lease = IndexerLease(db, f"search {holding}")
        indexer = create_indexer(db, settings, holding, cluster, lease)
        try:
            if lease.acquire():
                built = indexer.position() is None or built
                catch_up(db, indexer)
        except (ClusterProblem, IndexerHalted) as error:
            detail = str(error).rstrip(".") or "another process keeps it in step"
            raise DatabaseProblem(f"the index in the search cluster cannot be written: {detail}") from error
        finally:
            indexer.close()
            lease.release()
    return built


def _rebuild(db: Database, indexer: ClusterIndexer) -> None:
    with db.snapshot() as snapshot:
        place = log.head(snapshot).position
        index = indexer.build(snapshot, place)
    try:
        while (taken := _replay(db, indexer, index, place.seq)) is not None:
            place = taken
    except BaseException:
        indexer.delete(index)
        raise
    # Where this fails nobody knows whether it serves: it stays, and is deleted with others that do not.
    indexer.make_current(index)


def _replay(db: Database, indexer: ClusterIndexer, index: str, since: int) -> LogPosition | None:
    """Takes the next rows in. How far the index is then, where there may be many more; None where there are few, which
    whoever follows takes in: with changes that come all the time there would always be some."""
    with db.snapshot() as snapshot:
        rows = log.read(snapshot, since, BATCH)
        if rows:
            reached = LogPosition(log.head(snapshot).epoch, rows[-1].seq, rows[-1].mark)
            indexer.write_rows(snapshot, rows, reached, index)
    return reached if len(rows) > FEW else None
