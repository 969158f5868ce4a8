"""Three nodes on one PostgreSQL whose searches run on three of OpenSearch, while something is done to these, under
writes and reads.

`python -m bench.cluster.search [--only FAULT,…] [--writes-per-second 4] [--seed 0] [--json]`: one fault after another,
each of them with what was searched meanwhile, how long nothing could be searched on each node, and what was wrong. At
the end all nodes are asked whether their index is what the database says, article by article. PostgreSQL, HAProxy,
nginx, openssl, and what OpenSearch needs have to be installed; status 1 where anything is wrong.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field

from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.problems import ClusterProblem, Json
from app.settings import Settings
from bench.cluster.agreement import list_disagreements
from bench.cluster.search_probe import SearchOutcome, SearchProbe
from bench.cluster.staleness import StalenessProbe, find_quantile
from bench.cluster.traffic import Traffic
from bench.opensearch_nodes import OpenSearchNode
from bench.opensearch_nodes import run_cluster as run_search_cluster
from deploy.local.cluster import Cluster, ClusterPlan, run_cluster
from deploy.local.processes import leave_on_sigterm

WRITERS, READERS = 4, 2
WARMING_SECONDS = 20
CALM_SECONDS, KILLED_SECONDS, HALTED_SECONDS, FULL_SECONDS, AWAY_SECONDS = 10, 15, 70, 40, 8
SECONDS_TO_RECOVER = 90.0
_DISK = "cluster.routing.allocation.disk"
LEADER = "SELECT holder FROM lease WHERE name = 'search published'"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which faults, all without any, beside how many writes."""

    faults: tuple[str, ...] = ()
    writes_per_second: float = 4.0
    seed: int = 0


@dataclass(slots=True)
class FaultReport:
    """`faults`: what each did to searches. `staleness`: milliseconds from the response to a publication until a node
    finds it, while all was calm: how often it was measured, median, 99 % and most."""

    faults: dict[str, SearchOutcome] = field(default_factory=dict)
    staleness: tuple[int, int, int, int] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    def list_wrong(self) -> list[str]:
        """What any response said that contradicts what was acknowledged."""
        return [*self.wrong, *(message for one in self.faults.values() for message in one.wrong)]


class Faults:
    """Each ends when the cluster is whole again, and as far as the log."""

    def __init__(self, cluster: Cluster, nodes: Sequence[OpenSearchNode]) -> None:
        self._cluster, self._nodes = cluster, nodes
        self._search = SearchCluster(Settings(search_url=tuple(node.url for node in nodes), search_timeout=10))

    def list_all(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "calm": self.wait,
            "data node killed": self.kill_data_node,
            "manager killed": self.kill_manager,
            "indexer halted": self.halt_indexer,
            "index replaced": self.replace_index,
            "disk full": self.fill_disk,
            "index deleted": self.delete_index,
            "cluster away": self.kill_all,
        }

    async def wait(self) -> None:
        await asyncio.sleep(CALM_SECONDS)

    async def kill_data_node(self) -> None:
        await self._kill([node for node in self._nodes if node is not await self._find_manager()][:1], KILLED_SECONDS)

    async def kill_manager(self) -> None:
        await self._kill([await self._find_manager()], KILLED_SECONDS)

    async def kill_all(self) -> None:
        await self._kill(self._nodes, AWAY_SECONDS)

    async def _kill(self, nodes: Sequence[OpenSearchNode], seconds: float) -> None:
        for node in nodes:
            node.kill()
        await asyncio.sleep(seconds)
        for node in nodes:
            node.start()
        await self._recover()

    async def halt_indexer(self) -> None:
        """The process of the node that follows the log, in the middle of what it does."""
        pid = int(self._cluster.primary.query(LEADER).split(":")[-2])
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(HALTED_SECONDS)
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(CALM_SECONDS)

    async def replace_index(self) -> None:
        await asyncio.to_thread(self._cluster.nodes[0].run_command, "reindex")

    async def fill_disk(self) -> None:
        await self._ask("PUT", "/_cluster/settings", _build_watermarks(1))
        await asyncio.sleep(FULL_SECONDS)
        await self._ask("PUT", "/_cluster/settings", _build_watermarks(99))
        await self._recover()

    async def delete_index(self) -> None:
        indexes = await self._ask("GET", "/dateline-*-published-*/_alias")
        for name in indexes:
            await self._ask("DELETE", f"/{name}")
        await self._recover()

    async def _find_manager(self) -> OpenSearchNode:
        state = await self._ask("GET", "/_cluster/state/cluster_manager_node,nodes")
        name = state["nodes"][state["cluster_manager_node"]]["name"]
        return self._nodes[int(name.removeprefix("node-"))]

    async def _recover(self) -> None:
        """Until all copies are there, and every node finds what was written last."""
        deadline = time.monotonic() + SECONDS_TO_RECOVER
        while time.monotonic() < deadline:
            try:
                path = f"/_cluster/health?wait_for_status=green&wait_for_nodes={len(self._nodes)}&timeout=5s"
                is_green = (await self._ask("GET", path))["status"] == "green"
                if is_green and await self._is_searchable() and not await self._is_blocked():
                    await asyncio.sleep(CALM_SECONDS)
                    return
            except ClusterProblem:
                await asyncio.sleep(0.5)
        raise TimeoutError("the search cluster does not recover")

    async def _is_blocked(self) -> bool:
        """Whether the cluster still refuses new indexes, as it does for up to a minute after its disks were full."""
        chosen = await self._ask("GET", "/_cluster/settings?flat_settings=true")
        return any(one.get("cluster.blocks.create_index") == "true" for one in chosen.values())

    async def _is_searchable(self) -> bool:
        paths = [asyncio.to_thread(node.get_status, "/v1/search?q=story") for node in self._cluster.nodes]
        return all(status == 200 for status in await asyncio.gather(*paths))

    async def _ask(self, method: str, path: str, body: object = None) -> Json:
        return await asyncio.to_thread(self._search.request, method, path, body)


def _build_watermarks(percent: int) -> Json:
    """Settings by which a disk is full from so much on; what they make of it ends with it."""
    stages = {f"{_DISK}.watermark.{stage}": f"{percent}%" for stage in ("low", "high", "flood_stage")}
    return {"persistent": {f"{_DISK}.threshold_enabled": True, "cluster.info.update.interval": "10s", **stages}}


async def disturb(cluster: Cluster, nodes: Sequence[OpenSearchNode], plan: FaultPlan) -> FaultReport:
    """Without the comparison at the end."""
    assert cluster.haproxy is not None
    report, ending, staleness = FaultReport(), asyncio.Event(), StalenessProbe(cluster.nodes)
    traffic = Traffic(cluster.haproxy.address, cluster.create_key(), plan.seed, staleness.note_publication)
    probe, faults = SearchProbe(cluster.nodes, traffic.outcome, WRITERS), Faults(cluster, nodes)
    writing = asyncio.create_task(traffic.run(3_600, WRITERS, READERS, plan.writes_per_second))
    await asyncio.sleep(WARMING_SECONDS)
    asking = asyncio.create_task(probe.run(ending))
    try:
        for name in plan.faults or faults.list_all():
            probe.outcome = outcome = SearchOutcome()
            if name == "calm":
                report.staleness = await _measure_staleness(staleness, faults)
            else:
                await faults.list_all()[name]()
            report.faults[name] = outcome
            print(f"{name}: {outcome.describe()}", file=sys.stderr)
    finally:
        ending.set()
        traffic.end()
        await asyncio.gather(writing, asking)
    report.counts, report.wrong = dict(traffic.outcome.counts), traffic.outcome.wrong
    report.disagreements = await asyncio.to_thread(list_disagreements, cluster, traffic.outcome.articles)
    return report


async def _measure_staleness(probe: StalenessProbe, faults: Faults) -> tuple[int, int, int, int]:
    ending = asyncio.Event()
    measuring = asyncio.create_task(probe.run(ending))
    await faults.wait()
    ending.set()
    await measuring
    seconds = [second for one in probe.seconds.values() for second in one]
    median, late, most = (round(1000 * find_quantile(seconds, share)) for share in (0.5, 0.99, 1))
    return len(seconds), median, late, most


def run(plan: FaultPlan) -> FaultReport:
    with run_search_cluster(3) as nodes:
        settings = {
            "DATELINE_SEARCH_URL": ",".join(node.url for node in nodes), "DATELINE_SEARCH_SHARDS": "3",
            "DATELINE_SEARCH_REPLICAS": "1",
        }  # fmt: skip
        with run_cluster(
            ClusterPlan(3, has_standby=False, requests_per_minute=1_000_000, settings=settings)
        ) as cluster:
            return asyncio.run(disturb(cluster, nodes, plan))


def main() -> None:
    leave_on_sigterm()
    parser = argparse.ArgumentParser(prog="python -m bench.cluster.search", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="faults, separated by commas; all without")
    parser.add_argument("--writes-per-second", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    faults = tuple(arguments.only.split(",")) if arguments.only else ()
    report = run(FaultPlan(faults, arguments.writes_per_second, arguments.seed))
    shown = {**asdict(report), "faults": {name: one.describe() for name, one in report.faults.items()}}
    if arguments.json:
        print(json.dumps(shown))
    else:
        for name, value in shown.items():
            print(f"{name}: {value}")
    sys.exit(1 if report.list_wrong() or report.disagreements else 0)


if __name__ == "__main__":
    main()
