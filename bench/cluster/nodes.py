"""Three nodes on one PostgreSQL while one of them is killed or stopped again and again, under writes and reads.

`python -m bench.cluster.nodes [--seconds 60] [--every 20] [--longest-stop 70] [--seed 0] [--json]`: every so many
seconds one node is killed, and started again, or gets SIGSTOP for 5 to 70 seconds; one at least always runs. Clients go
through HAProxy. At the end all nodes are asked whether their index is what the database says, article by article.
Reports how long after its publication an article is found on each node that runs, failed requests, and wrong responses.
PostgreSQL, HAProxy, nginx and openssl have to be installed; status 1 where anything disagrees.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from bench.cluster.agreement import list_disagreements
from bench.cluster.staleness import StalenessProbe, find_quantile
from bench.cluster.traffic import Traffic, TrafficOutcome
from deploy.local.cluster import Cluster, ClusterPlan, run_cluster
from deploy.local.nodes import Node
from deploy.local.processes import leave_on_sigterm

SHORTEST_STOP = 5.0
SECONDS_BEFORE_RESTART = 1.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Seconds, but for `seed`, which chooses who is disturbed and how, and `writes_per_second`."""

    seconds: float = 60.0
    every: float = 20.0
    longest_stop: float = 70.0
    seed: int = 0
    writes_per_second: float = 8.0


@dataclass(slots=True)
class Report:
    """`staleness`: by node, how often it was measured, and milliseconds. `catch_up`: seconds from the start or SIGCONT
    of a node until it was ready."""

    seconds: float
    disturbances: dict[str, int]
    counts: dict[str, int]
    staleness: dict[str, tuple[int, int, int, int]]
    catch_up: list[float]
    never_found: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)


class Disturber:
    """Kills and stops nodes. `recover` brings all back."""

    def __init__(self, nodes: list[Node], plan: RunPlan, probe: StalenessProbe) -> None:
        self.counts: Counter[str] = Counter()
        self.catch_up: list[float] = []
        self._nodes, self._plan, self._probe = nodes, plan, probe
        self._random = random.Random(plan.seed)
        self._down: set[str] = set()
        self._recoveries: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._plan.every)
            up = [node for node in self._nodes if node.name not in self._down]
            if len(up) < 2:
                self.counts["left out: one node was left"] += 1
                continue
            node = self._random.choice(up)
            self._down.add(node.name)
            self._probe.note_disturbance(node)
            recover = self._kill if self._random.random() < 0.5 else self._stop
            self._recoveries.append(asyncio.create_task(recover(node)))

    async def recover(self) -> None:
        await asyncio.gather(*self._recoveries)

    async def _kill(self, node: Node) -> None:
        self.counts["killed"] += 1
        node.kill()
        await asyncio.sleep(SECONDS_BEFORE_RESTART)
        began = time.monotonic()
        await asyncio.to_thread(node.start)
        await self._note_ready(node, began)

    async def _stop(self, node: Node) -> None:
        self.counts["stopped"] += 1
        node.stop()
        longest = self._plan.longest_stop
        await asyncio.sleep(self._random.uniform(min(SHORTEST_STOP, longest), longest))
        node.go_on()
        await self._note_ready(node, time.monotonic())

    async def _note_ready(self, node: Node, began: float) -> None:
        await asyncio.to_thread(node.wait_until_ready)
        self.catch_up.append(round(time.monotonic() - began, 2))
        self._down.discard(node.name)
        self._probe.note_recovery(node)


async def disturb(cluster: Cluster, key: str, plan: RunPlan) -> tuple[Report, TrafficOutcome]:
    """Without the comparison at the end."""
    assert cluster.haproxy is not None
    probe, ending, began = StalenessProbe(cluster.nodes), asyncio.Event(), time.monotonic()
    traffic = Traffic(cluster.haproxy.address, key, plan.seed, probe.note_publication)
    disturber = Disturber(cluster.nodes, plan, probe)
    tasks = [asyncio.create_task(disturber.run()), asyncio.create_task(probe.run(ending))]
    try:
        await traffic.run(plan.seconds, 4, 3, plan.writes_per_second)
    finally:
        tasks[0].cancel()
        ending.set()
        await tasks[1]
        await disturber.recover()
    outcome = traffic.outcome
    report = Report(
        round(time.monotonic() - began, 1), dict(disturber.counts), dict(outcome.counts), _summarise(probe),
        disturber.catch_up, probe.never, outcome.failed, outcome.wrong,
    )  # fmt: skip
    return report, outcome


def _summarise(probe: StalenessProbe) -> dict[str, tuple[int, int, int, int]]:
    """Of each node and of all: how often, then the median, 99 % and the most in milliseconds."""
    all_ = {**probe.seconds, "all": [second for seconds in probe.seconds.values() for second in seconds]}
    summary = {}
    for name, seconds in sorted(all_.items()):
        if seconds:
            median, late, latest = (round(1000 * find_quantile(seconds, share)) for share in (0.5, 0.99, 1))
            summary[name] = (len(seconds), median, late, latest)
    return summary


def run(plan: RunPlan, cluster_plan: ClusterPlan) -> Report:
    with run_cluster(cluster_plan) as cluster:
        report, outcome = asyncio.run(disturb(cluster, cluster.create_key(), plan))
        time.sleep(2)  # for the last change; whatever is behind then stays so for longer than any index interval
        report.disagreements = list_disagreements(cluster, outcome.articles)
        return report


def main() -> None:
    leave_on_sigterm()
    parser = argparse.ArgumentParser(prog="python -m bench.cluster.nodes", description=(__doc__ or "").splitlines()[0])
    for name, value in asdict(RunPlan()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--index-interval", default="0.1", help="DATELINE_INDEX_INTERVAL of the nodes (0.1)")
    parser.add_argument("--json", action="store_true")
    arguments = vars(parser.parse_args())
    as_json = arguments.pop("json")
    settings = {"DATELINE_INDEX_INTERVAL": arguments.pop("index_interval")}
    cluster_plan = ClusterPlan(nodes=3, requests_per_minute=1_000_000, settings=settings)
    report = run(RunPlan(**arguments), cluster_plan)
    if as_json:
        print(json.dumps(asdict(report)))
    else:
        for name, value in asdict(report).items():
            print(f"{name}: {value}")
    sys.exit(1 if report.wrong or report.disagreements or report.never_found else 0)


if __name__ == "__main__":
    main()
