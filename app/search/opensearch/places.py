"""Which index of the cluster serves, and how far it is, as readers know it: asked for beside them, at most so often.
What they know may be older than the index, which only leaves out more of what the log has withdrawn since.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass

from app.db.log_position import LogPosition
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_document import parse_position
from app.search.opensearch.mapping import PLACE_ID, IndexNames
from app.search.opensearch.problems import ClusterProblem, IndexMissing

log = logging.getLogger(__name__)

FRESH_SECONDS = 0.05
"""How old what is known may be before the cluster is asked again."""
BEHIND_SECONDS = 10.0
"""How long an index that took the place of another one, and has not come as far, is waited for."""


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
        self._lock, self._storing = threading.Lock(), threading.Lock()
        self._known: tuple[str, ServingIndex | None] | None = None
        self._asked = self._looked = 0.0
        self._behind_since: float | None = None

    def read(self, names: IndexNames) -> ServingIndex | None:
        """Waits for the cluster the first time only, and never in an event loop."""
        is_new = self._known is None or self._known[0] != names.alias
        if is_new and not _is_in_event_loop():
            self.look(names)
        elif (is_new or time.monotonic() - self._looked > FRESH_SECONDS) and self._lock.acquire(blocking=False):
            threading.Thread(target=self._look_and_release, args=(names,), daemon=True).start()
        known = self._known
        return known[1] if known is not None and known[0] == names.alias else None

    def look(self, names: IndexNames, *, is_gone: bool = False) -> None:
        """Asks the cluster now. `is_gone`: the index that is known cannot be asked any more."""
        asked, serving, problem = time.monotonic(), None, None
        try:
            serving = find_serving(self.cluster, names.alias)
        except ClusterProblem as error:
            problem = str(error)
        with self._storing:
            # Several threads ask at once: a response that was long on its way tells of an index that may be gone.
            if asked >= self._asked:
                self._asked = asked
                self._store(names, serving, problem, is_gone=is_gone)

    def _store(self, names: IndexNames, serving: ServingIndex | None, problem: str | None, *, is_gone: bool) -> None:
        known = self._known[1] if self._known is not None and self._known[0] == names.alias else None
        if problem is not None:
            serving = known
            if problem != self.problem:
                log.warning("%s", problem)
        self.problem = problem
        if known is not None and serving is not None and not is_gone and self._is_awaited(known, serving):
            serving = known
        self._known, self._looked = (names.alias, serving), time.monotonic()

    def _is_awaited(self, known: ServingIndex, serving: ServingIndex) -> bool:
        """Whether another index serves that has not come as far as the one before, which is whole and still there:
        readers have left out what was withdrawn since the place of that one, and ask it meanwhile."""
        is_behind = serving.name != known.name and serving.place.epoch == known.place.epoch
        if not is_behind or serving.place.seq >= known.place.seq:
            self._behind_since = None
            return False
        if self._behind_since is None:
            self._behind_since = time.monotonic()
        # Of a log that has lost its end, an index may never come as far.
        return time.monotonic() - self._behind_since < BEHIND_SECONDS

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
