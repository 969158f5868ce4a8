"""What readers know of the index that serves, whatever the order in which responses arrive."""

from threading import Event, Thread
from typing import cast

import orjson

from app.db.log_position import LogPosition
from app.search.opensearch import cluster_document
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.mapping import IndexNames
from app.search.opensearch.places import PlaceWatch
from app.search.opensearch.problems import ClusterProblem, Json

EPOCH = 7
NAMES = IndexNames("test", EPOCH, "published")


class SlowCluster:
    """Its first response leaves the cluster at once, and arrives when the test says."""

    def __init__(self) -> None:
        self.index, self.asked, self.arrived = "before", Event(), Event()
        self.problem: str | None = None
        self.requests = 0

    def request(self, _method: str, _path: str) -> Json:
        index, problem = self.index, self.problem
        self.requests += 1
        if self.requests == 1:
            self.asked.set()
            assert self.arrived.wait(10)
        if problem:
            raise ClusterProblem(problem)
        return {"_index": index, "_source": orjson.loads(cluster_document.encode_position(LogPosition(EPOCH, 5, 0)))}


def _look_while_another_response_is_on_its_way(cluster: SlowCluster, change: dict[str, str]) -> PlaceWatch:
    watch = PlaceWatch(cast("SearchCluster", cluster))
    slow = Thread(target=watch.look, args=(NAMES,))
    slow.start()
    assert cluster.asked.wait(10)
    for name, value in change.items():
        setattr(cluster, name, value)
    watch.look(NAMES, is_gone=True)
    cluster.arrived.set()
    slow.join(10)
    return watch


def test_response_that_was_long_on_its_way_does_not_bring_back_an_index_that_is_gone() -> None:
    watch = _look_while_another_response_is_on_its_way(SlowCluster(), {"index": "after"})
    serving = watch._known
    assert serving is not None
    assert serving[1] is not None
    assert serving[1].name == "after"


def test_problem_that_was_told_late_is_none_any_more() -> None:
    cluster = SlowCluster()
    cluster.problem = "away"
    watch = _look_while_another_response_is_on_its_way(cluster, {"problem": ""})
    assert watch.problem is None
    assert watch.read(NAMES) is not None
