"""Three nodes of one version, replaced by this one, one after another, under load.

`python -m bench.cluster.upgrade --from COMMIT [--between 5] [--json]` starts three nodes from a worktree of that
commit, makes an archive by writing, then runs this version's `dateline migrate` for each node, ends the node and starts
it from this checkout, as the pages on operating say. Reports failed requests and responses that contradict what was
acknowledged, by clients that go through HAProxy; at the end every index is compared with the database. The commit's
program runs in the Python of this one.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cluster.agreement import list_disagreements
from bench.cluster.traffic import Traffic
from deploy.local.cluster import Cluster, ClusterPlan, run_cluster
from deploy.local.nodes import CHECKOUT, Node
from deploy.local.processes import leave_on_sigterm

READY_AGAIN = 3.0
"""Seconds for HAProxy to send requests to a node again, before the next one is replaced."""


@dataclass(slots=True)
class UpgradeReport:
    """`away`: seconds that each node did not take requests. `migrate`: seconds of that command for each node."""

    seconds: float
    counts: dict[str, int]
    migrate: list[float]
    away: list[float]
    failed: list[str]
    wrong: list[str]
    disagreements: list[str]


@contextmanager
def check_out(commit: str) -> Iterator[Path]:
    """A worktree of this repository, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="dateline-before-") as folder:
        path = Path(folder, "checkout")
        _git("worktree", "add", "--detach", str(path), commit)
        try:
            yield path
        finally:
            _git("worktree", "remove", "--force", str(path))


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(CHECKOUT), *arguments], check=True, capture_output=True)


async def upgrade_nodes(nodes: list[Node], between: float) -> tuple[list[float], list[float]]:
    migrations, away = [], []
    for node in nodes:
        await asyncio.sleep(between)
        node.checkout = CHECKOUT
        began = time.monotonic()
        await asyncio.to_thread(node.run_command, "migrate")
        migrations.append(round(time.monotonic() - began, 2))
        began = time.monotonic()
        await asyncio.to_thread(node.end)
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(node.wait_until_ready)
        away.append(round(time.monotonic() - began, 2))
        await asyncio.sleep(READY_AGAIN)
    return migrations, away


async def upgrade(cluster: Cluster, key: str, between: float, seed: int) -> UpgradeReport:
    assert cluster.haproxy is not None
    traffic, began = Traffic(cluster.haproxy.address, key, seed), time.monotonic()
    load = asyncio.create_task(traffic.run(3600, 4, 3, 8))
    try:
        migrations, away = await upgrade_nodes(cluster.nodes, between)
        await asyncio.sleep(between)
    finally:
        traffic.end()
        await load
    await asyncio.sleep(2)  # for the last change, as after any load
    outcome = traffic.outcome
    disagreements = list_disagreements(cluster, outcome.articles)
    seconds = round(time.monotonic() - began, 1)
    return UpgradeReport(seconds, dict(outcome.counts), migrations, away, outcome.failed, outcome.wrong, disagreements)


def run(commit: str, between: float, seed: int) -> UpgradeReport:
    with check_out(commit) as checkout:
        # A version before this one may read one host alone.
        plan = ClusterPlan(nodes=3, address_standby=False, requests_per_minute=1_000_000, checkout=checkout)
        with run_cluster(plan) as cluster:
            return asyncio.run(upgrade(cluster, cluster.create_key(), between, seed))


def main() -> None:
    leave_on_sigterm()
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster.upgrade", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--from", dest="commit", required=True, help="the version before, as git names it")
    parser.add_argument("--between", type=float, default=5.0, help="seconds before each node")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = run(arguments.commit, arguments.between, arguments.seed)
    if arguments.json:
        print(json.dumps(asdict(report)))
    else:
        for name, value in asdict(report).items():
            print(f"{name}: {value}")
    sys.exit(1 if report.wrong or report.failed or report.disagreements else 0)


if __name__ == "__main__":
    main()
