"""What further workers bring and cost: requests a second, the memory of each, and how late their searches are.

`python -m bench.workers FOLDER [--workers 1,2,4] [--seconds 60] [--writes 200] [--only …]` serves a copy of the archive
in FOLDER (as `bench.request_costs` makes it) by so many workers at a time, with the response cache on for memory and
off for requests. Memory: private pages of each process after so many seconds of mixed load. Lateness: how long after
the response to a write each worker finds it, of the one that indexes and of the others. Linux only: reads /proc.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.search.tantivy.storage import index_forms
from bench import load
from bench.beside.processes import ProcessGroup, list_open_sockets, run_processes
from bench.request_costs import UNCACHED, CostKind, copy_archive, list_kinds

SHOWN = ("one article", "20 newest, bodies", "20 of a tag, bodies", "one word, cards", "three words, cards")
SECONDS_OF_ROUND, ROUNDS = 3, 3
READY_SECONDS = 900


@contextmanager
def serve(archive: Path, workers: int, env: Mapping[str, str]) -> Iterator[ProcessGroup]:
    """The server of this checkout, with its index built."""
    port = load.find_free_port()
    command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--workers", str(workers)]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"DATELINE_DATA_DIR": str(archive), **env}
        with run_processes(command, port, settings, Path.cwd(), Path(folder, "log")) as group:
            deadline = time.monotonic() + READY_SECONDS
            while httpx.get(f"{group.address}/v1/search?q=any", timeout=60).status_code != 200:
                if time.monotonic() > deadline:
                    raise SystemExit("There is no index yet.")
                time.sleep(0.5)
            yield group


def measure_rates(archive: Path, workers: int, kinds: Sequence[CostKind]) -> dict[str, float]:
    """Requests a second by kind, the median of the rounds."""
    rates = {}
    with serve(archive, workers, UNCACHED) as group, tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            paths = Path(folder, "paths")
            paths.write_text("".join(f"{path}\n" for path in kind.paths))
            load.run_load(group, paths, 1, {})
            rounds = [load.run_load(group, paths, SECONDS_OF_ROUND, {}).rate for _ in range(ROUNDS)]
            rates[kind.name] = statistics.median(rounds)
    return rates


def measure_memory(archive: Path, workers: int, kinds: Sequence[CostKind], seconds: int) -> dict[int, float]:
    """MiB of private pages by process, after load of all kinds together; behind the supervisor the one that indexes."""
    with serve(archive, workers, {}) as group, tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "paths")
        longest = max(len(kind.paths) for kind in kinds)
        mixed = [kind.paths[n % len(kind.paths)] for n in range(longest) for kind in kinds]
        paths.write_text("".join(f"{path}\n" for path in mixed))
        load.run_load(group, paths, seconds, {})
        leader = _find_leader(archive)
        # The supervisor, the one that indexes, the others.
        pids = sorted(group.list_pids(), key=lambda pid: (pid != group.list_pids()[0], pid != leader))
        return {pid: _read_private(pid) for pid in pids}


def _read_private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def measure_lateness(archive: Path, workers: int, writes: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the response to a write until a worker finds it: of the one that indexes, and of the others."""
    env = {"DATELINE_DATA_DIR": str(archive)}
    command = [
        sys.executable,
        "-m",
        "app",
        "keys",
        "create",
        "--name",
        "bench",
        "--scope",
        "write",
        "--scope",
        "publish",
    ]
    made = subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=True, text=True)
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    of_leader: list[float] = []
    of_others: list[float] = []
    with serve(archive, workers, {}) as group, httpx.Client(base_url=group.address, headers=headers) as editor:
        clients = _open_clients(group, workers)
        leader = _find_leader(archive)
        for client in clients.values():
            client.get("/v1/search?q=zq").raise_for_status()  # the first search opens what is opened once
        for number in range(writes):
            word = f"zq{number}x{time.time_ns()}".translate(str.maketrans("0123456789", "abcdefghij"))
            editor.post("/v1/articles", json={"title": word, "status": "published"}).raise_for_status()
            began, waiting = time.monotonic(), dict(clients)
            while waiting:
                for pid, client in list(waiting.items()):
                    if client.get(f"/v1/search?q={word}&typo=off&limit=1").json()["page"]["total"]:
                        (of_leader if pid == leader else of_others).append((time.monotonic() - began) * 1e3)
                        del waiting[pid]
        for client in clients.values():
            client.close()
    return of_leader, of_others


def _open_clients(group: ProcessGroup, workers: int) -> dict[int, httpx.Client]:
    """A client with a connection that stays open for each worker."""
    clients: dict[int, httpx.Client] = {}
    for _ in range(20 * workers):
        before = {pid: len(list_open_sockets(pid)) for pid in group.list_pids()}
        client = httpx.Client(base_url=group.address, timeout=60)
        client.get("/health/live")
        at = next((pid for pid, count in before.items() if len(list_open_sockets(pid)) > count), None)
        if at is None or at in clients:
            client.close()
        else:
            clients[at] = client
        if len(clients) == workers:
            return clients
    raise SystemExit(f"Only {len(clients)} of {workers} workers took a connection.")


def _find_leader(archive: Path) -> int | None:
    """The process that holds the lock of the index."""
    inodes = {str(lock.stat().st_ino) for lock in archive.glob(f"index/*/{index_forms.LOCK}")}
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] in inodes:
            return int(fields[4])
    return None


def _describe(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):.0f} / {ordered[int(len(ordered) * 0.99)]:.0f}" if ordered else "none"


def main() -> None:
    parser = argparse.ArgumentParser("bench.workers")
    parser.add_argument("folder", type=Path, help="where archives are kept")
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers, with commas between")
    parser.add_argument("--seconds", type=int, default=60, help="of load before memory is read")
    parser.add_argument("--writes", type=int, default=200, help="that are waited for")
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--length", type=int, default=450)
    arguments = parser.parse_args()
    load.require_wrk()
    source = arguments.folder / f"archive-{arguments.size}x{arguments.length}"
    archive = copy_archive(source, arguments.folder / f"workers-{source.name}", Path.cwd())
    kinds = [kind for kind in list_kinds(arguments.size) if kind.name in SHOWN]
    every = [kind for kind in list_kinds(arguments.size) if not kind.is_fresh]
    numbers = [int(word) for word in arguments.workers.split(",")]
    print(
        f"| workers | {' | '.join(SHOWN)} | MiB of each: the supervisor, the one that indexes, the others "
        "| found at the indexer, ms p50 / p99 | at others |"
    )
    print("|---" * (len(SHOWN) + 4) + "|")
    for workers in numbers:
        rates = measure_rates(archive, workers, kinds)
        memory = measure_memory(archive, workers, every, arguments.seconds)
        leader, others = measure_lateness(archive, workers, arguments.writes)
        cells = [*(f"{rates[name]:,.0f}" for name in SHOWN), ", ".join(f"{mib:.0f}" for mib in memory.values())]
        print(f"| {workers} | {' | '.join(cells)} | {_describe(leader)} | {_describe(others)} |", flush=True)
    one, five, fifteen = os.getloadavg()
    print(f"\nload {one:.1f}, {five:.1f}, {fifteen:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
