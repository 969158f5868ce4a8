"""The threads that keep the cluster's indexes in step, in every server: one of all of them has the lease, and works."""

import logging
import threading
import time

from app.changes.follower import FollowerTask
from app.db.database import Database
from app.search.engine import Holding
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_indexer import ClusterIndexer, IndexerHalted
from app.search.opensearch.indexer_lease import IndexerLease
from app.search.opensearch.problems import ClusterProblem
from app.settings import Settings

logger = logging.getLogger(__name__)

WAIT_SECONDS = 1.0
"""Until a process that has no lease asks for it again."""
LOOK_SECONDS = 2.0
"""Within which every server has looked which index serves."""
LONGEST_WAIT = 5.0
"""For a request to the cluster that is under way when the server ends."""


def create_indexer(
    db: Database,
    settings: Settings,
    holding: Holding,
    cluster: SearchCluster,
    lease: IndexerLease | None = None,
    closing: threading.Event | None = None,
) -> ClusterIndexer:
    """As the settings have it. `lease`: of whoever follows; a rebuild has one of its own. Once `closing` is set nothing
    more is written."""
    return ClusterIndexer(
        cluster,
        db,
        settings.search_prefix,
        holding,
        shards=settings.search_shards,
        replicas=settings.search_replicas,
        lease=lease,
        build_lease=IndexerLease(db, f"search build {holding}", closing),
    )


def compute_rest(settings: Settings) -> float:
    """Seconds after which no search can be under way any more that has begun on an index that another one replaced."""
    return settings.search_timeout + LOOK_SECONDS


class ClusterFollowerTask(FollowerTask):
    """Follows as long as this process has the lease. The cluster's problems are no bugs: they are told once, in a
    sentence. Some seconds after an index began to serve those that others have left behind are deleted, with the words
    of what was purged since."""

    def __init__(self, db: Database, settings: Settings, holding: Holding, cluster: SearchCluster) -> None:
        self._closing = threading.Event()
        self._lease = IndexerLease(db, f"search {holding}", self._closing)
        self._indexer = create_indexer(db, settings, holding, cluster, self._lease, self._closing)
        self._rest, self._serving, self._delete_at = compute_rest(settings), "", float("inf")
        super().__init__(db, self._indexer, settings.index_interval)

    def stop(self) -> None:
        """Ends before the next request that would change something, and waits for one under way only so long: what was
        sent twice changes nothing."""
        self._closing.set()
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(LONGEST_WAIT)
        self._lease.release()

    def _round(self) -> int:
        try:
            is_leading = self._lease.acquire()
        except Exception as error:
            self._note_failure(error)
            return 0
        if is_leading:
            taken = super()._round()
            self._delete_unused()
            return taken
        self.problem = None
        self._ended.wait(WAIT_SECONDS)
        return 0

    def _delete_unused(self) -> None:
        if self.problem is None and (serving := self._indexer.current_index) is not None and serving != self._serving:
            self._serving, self._delete_at = serving, time.monotonic() + self._rest
        if time.monotonic() < self._delete_at:
            return
        try:
            is_done = self._indexer.delete_unused()
        except Exception as error:
            self._note_failure(error)
            is_done = False
        self._delete_at = float("inf") if is_done else time.monotonic() + self._rest

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, IndexerHalted):
            self.problem = None
        elif isinstance(error, ClusterProblem):
            if self.problem != str(error):
                logger.warning("the search cluster cannot be kept in step: %s", error)
            self.problem = str(error)
            self._ended.wait(error.retry_after)
        else:
            super()._note_failure(error)
