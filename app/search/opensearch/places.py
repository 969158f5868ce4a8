"""Which index of the cluster serves, and how far it is, as readers know it: asked for beside them, at most so often.
What they know may be older than the index, which only leaves out more of what the log has withdrawn since.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass

from app.db.log_position import LogPosition
from app.search.opensearch.cluster import ClusterProblem, IndexMissing, SearchCluster
from app.search.opensearch.cluster_document import parse_position
from app.search.opensearch.mapping import PLACE_ID, IndexNames

log = logging.getLogger(__name__)

FRESH_SECONDS = 0.05
"""How old what is known may be before the cluster is asked again."""


@dataclass(frozen=True, slots=True)
class ServingIndex:
    """An index and its place in the log. Readers ask it by its own name: behind the alias there may be another one a
    moment later, which need not have come as far."""

    name: str
    place: LogPosition


def find_serving(cluster: SearchCluster, index: str) -> ServingIndex | None:
    """The index, or the one behind an alias; None where there is none, or it does not say how far it is."""
    try:
        response = cluster.request("GET", f"/{index}/_doc/{PLACE_ID}")
    except IndexMissing:
        return None
    place = parse_position(response.get("_source"))
    return None if place is None else ServingIndex(response["_index"], place)


class PlaceWatch:
    """What is known of the index behind one alias. `problem`: why nothing new is."""

    def __init__(self, cluster: SearchCluster) -> None:
        self.cluster = cluster
        self.problem: str | None = None
        self._lock = threading.Lock()
        self._known: tuple[str, ServingIndex | None] | None = None
        self._looked = 0.0

    def read(self, names: IndexNames) -> ServingIndex | None:
        """Waits for the cluster the first time only, and never in an event loop."""
        is_new = self._known is None or self._known[0] != names.alias
        if is_new and not _is_in_event_loop():
            self.look(names)
        elif (is_new or time.monotonic() - self._looked > FRESH_SECONDS) and self._lock.acquire(blocking=False):
            threading.Thread(target=self._look_and_release, args=(names,), daemon=True).start()
        known = self._known
        return known[1] if known is not None and known[0] == names.alias else None

    def look(self, names: IndexNames) -> None:
        """Asks the cluster now."""
        before = self._known
        serving = before[1] if before is not None and before[0] == names.alias else None
        try:
            serving, self.problem = find_serving(self.cluster, names.alias), None
        except ClusterProblem as error:
            if str(error) != self.problem:
                log.warning("%s", error)
            self.problem = str(error)
        self._known, self._looked = (names.alias, serving), time.monotonic()

    def _look_and_release(self, names: IndexNames) -> None:
        try:
            self.look(names)
        finally:
            self._lock.release()


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
