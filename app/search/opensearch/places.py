"""How far an index in the cluster is, as readers know it: asked for beside them, at most so often. What they know may
be older than the index, which only leaves out more of what the log has withdrawn since.
"""

import asyncio
import logging
import threading
import time

from app.db.log_position import LogPosition
from app.search.opensearch.cluster import ClusterProblem, IndexMissing, SearchCluster
from app.search.opensearch.cluster_document import parse_position
from app.search.opensearch.mapping import PLACE_ID, IndexNames

log = logging.getLogger(__name__)

FRESH_SECONDS = 0.05
"""How old what is known may be before the cluster is asked again."""


def load_place(cluster: SearchCluster, index: str) -> LogPosition | None:
    """Where the index, or the one behind an alias, stands; None where there is none, or it says nothing."""
    try:
        response = cluster.request("GET", f"/{index}/_doc/{PLACE_ID}")
    except IndexMissing:
        return None
    return parse_position(response.get("_source"))


class PlaceWatch:
    """What is known of one index. `problem`: why nothing new is."""

    def __init__(self, cluster: SearchCluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._alias: str | None = None
        self._place: LogPosition | None = None
        self._looked = 0.0
        self.problem: str | None = None

    def read(self, names: IndexNames) -> LogPosition | None:
        """Waits for the cluster the first time only, and never in an event loop."""
        is_new = self._alias != names.alias
        if is_new:
            self._alias, self._place = names.alias, None
        if is_new and not _is_in_event_loop():
            self._look(names.alias)
        elif (is_new or time.monotonic() - self._looked > FRESH_SECONDS) and self._lock.acquire(blocking=False):
            threading.Thread(target=self._look_and_release, args=(names.alias,), daemon=True).start()
        return self._place

    def note(self, names: IndexNames, place: LogPosition) -> None:
        """What this process has written itself."""
        self._alias, self._place, self._looked = names.alias, place, time.monotonic()

    def _look_and_release(self, alias: str) -> None:
        try:
            self._look(alias)
        finally:
            self._lock.release()

    def _look(self, alias: str) -> None:
        try:
            self._place, self.problem = load_place(self._cluster, alias), None
        except ClusterProblem as error:
            if str(error) != self.problem:
                log.warning("%s", error)
            self.problem = str(error)
        self._looked = time.monotonic()


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
