"""A new index of many articles in a search cluster, while changes arrive and searches run.

    python -m bench.cluster.rebuild FOLDER [--articles 200000] [--changes 20]

FOLDER keeps the archive and the data of OpenSearch, one node, for another run: what is measured is `dateline reindex`.
Status 1 where a search failed or was wrong, or the indexes are not what the database says in the end.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.archive import build_archive
from bench.cluster.search_probe import QUERY, SearchProbe
from bench.cluster.traffic import Traffic
from bench.opensearch_nodes import OpenSearchNode, find_distribution, find_free_ports, write_node
from deploy.local.nodes import Node
from deploy.local.processes import leave_on_sigterm

WRITERS, READERS = 8, 1
WORDS = 40
MOST_SECONDS = 3_600.0


def _open_search_node(root: Path) -> OpenSearchNode:
    """With the data of the run before, if there was one."""
    distribution, folder = find_distribution(), root / "node-0"
    if folder.exists():
        port = re.search(r"http\.port: (\d+)", (folder / "config/opensearch.yml").read_text())
        assert port is not None
        return OpenSearchNode(distribution, folder, int(port[1]))
    http, transport = find_free_ports(2)
    return write_node(distribution, root, 0, [http], [transport])


def _create_key(node: Node) -> str:
    scopes = [part for scope in ("write", "publish", "read_drafts") for part in ("--scope", scope)]
    output = node.run_command("keys", "create", "--name", "rebuild", *scopes)
    return "Bearer " + next(word for word in output.split() if word.startswith("dl_"))


async def _rebuild(node: Node, key: str, changes: float) -> int:
    ending, traffic = asyncio.Event(), Traffic(f"http://{node.address}", key)
    probe = SearchProbe([node], traffic.outcome, WRITERS, _count_found(node))
    writing = asyncio.create_task(traffic.run(MOST_SECONDS, WRITERS, READERS, changes))
    await asyncio.sleep(3)
    asking = asyncio.create_task(probe.run(ending))
    began, before = time.monotonic(), _count_changes(traffic)
    await asyncio.to_thread(node.run_command, "reindex")
    seconds = time.monotonic() - began
    made = _count_changes(traffic) - before
    await asyncio.sleep(3)
    ending.set()
    traffic.end()
    await asyncio.gather(writing, asking)
    print(f"reindex: {seconds:.0f} s, {made} changes meanwhile, {made / seconds:.1f} a second")
    print(f"searches: {probe.outcome.describe()}")
    print(f"requests: {dict(traffic.outcome.counts)}; failed {traffic.outcome.failed[:5]}")
    return len(traffic.outcome.wrong) + len(probe.outcome.wrong) + len(traffic.outcome.failed)


def _count_found(node: Node) -> int:
    """What the searches find of a run before."""
    response = httpx.get(f"http://{node.address}/v1/search", params=QUERY, timeout=60).raise_for_status()
    return int(response.json()["page"]["total"])


def _count_changes(traffic: Traffic) -> int:
    counts = traffic.outcome.counts
    return sum(counts[name] for name in ("published created", "draft created", "changed", "withdrawn"))


def main() -> None:
    leave_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--changes", type=float, default=20.0, help="a second")
    arguments = parser.parse_args()
    archive, nodes = (arguments.folder.absolute() / name for name in ("archive", "opensearch"))
    nodes.mkdir(parents=True, exist_ok=True)
    for folder in (nodes.parent, nodes):
        folder.chmod(0o755)  # another user's process has to get through
    build_archive(archive, arguments.articles, WORDS)
    search = _open_search_node(nodes)
    search.start()
    try:
        search.wait()
        settings = {
            "DATELINE_DATA_DIR": str(archive), "DATELINE_SEARCH_URL": search.url, "DATELINE_SEARCH_REPLICAS": "0",
        }  # fmt: skip
        with tempfile.TemporaryDirectory() as name:
            (port,) = find_free_ports(1)
            node = Node("server", Path(name) / "own", port, f"sqlite:///{archive}/dateline.db", settings=settings)
            try:
                began = time.monotonic()
                node.start()
                _wait_until_searchable(node)
                print(f"ready after {time.monotonic() - began:.0f} s")
                problems = asyncio.run(_rebuild(node, _create_key(node), arguments.changes))
                wrong = _list_wrong(node)
                print(f"dateline check: {wrong or 'as it should be'}")
            finally:
                node.end()
    finally:
        search.stop()
    sys.exit(1 if problems or wrong else 0)


def _list_wrong(node: Node) -> list[str]:
    """What `dateline check` finds, but for the rows of the log that articles of `bench.archive` never had."""
    try:
        output = node.run_command("check")
    except RuntimeError as error:
        output = str(error)
        if "WRONG" not in output:
            raise
    return [line for line in output.splitlines() if line.startswith("WRONG") and "articles and log" not in line]


def _wait_until_searchable(node: Node) -> None:
    assert node.process is not None
    node.process.wait_until(lambda: node.get_status("/v1/search?q=story") == 200, MOST_SECONDS)


if __name__ == "__main__":
    main()
