"""A server as all its processes: what they cost together, who has which connections, and stopping them. Linux only."""

import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from bench.load import TICK

ESTABLISHED = "01"
SECONDS_TO_START = 180.0
SECONDS_TO_WAKE = 0.3
"""Before a supervisor goes on: it would take workers for dead that gave no sign of life while they were stopped."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """A process with all that it started, directly or not, as one server."""

    pid: int
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def list_pids(self) -> list[int]:
        """The first process and its descendants, parents before children."""
        children: dict[int, list[int]] = {}
        for pid, parent in _list_parents():
            children.setdefault(parent, []).append(pid)
        pids = [self.pid]
        for pid in pids:
            pids.extend(sorted(children.get(pid, [])))
        return pids

    def cpu(self) -> float:
        """Seconds of processor, in user and system, with those of children that have ended."""
        ticks = 0
        for pid in self.list_pids():
            with suppress(OSError):  # it has ended, and its parent has its time
                ticks += sum(map(int, _read_stat(pid)[11:15]))
        return ticks / TICK

    def stop(self) -> None:
        """Halts all, parents first: a child that does not move is no news to a parent that does not either."""
        for pid in self.list_pids():
            _send(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets children run before their parents."""
        pids = self.list_pids()
        for pid in reversed(pids[1:]):
            _send(pid, signal.SIGCONT)
        if len(pids) > 1:
            time.sleep(SECONDS_TO_WAKE)
        _send(self.pid, signal.SIGCONT)

    def count_connections(self) -> dict[int, int]:
        """By process, the established connections to the port that it has."""
        inodes = _list_sockets(self.port)
        return {pid: sum(inode in inodes for inode in list_open_sockets(pid)) for pid in self.list_pids()}

    def read_memory(self) -> tuple[float, float]:
        """MB: resident, what processes share counted once, and what is of one process alone."""
        sums: Counter[str] = Counter()
        for pid in self.list_pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                name, value, *_ = line.split()
                sums[name] += int(value)
        return sums["Pss:"] / 1024, (sums["Private_Dirty:"] + sums["Private_Clean:"]) / 1024


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, number)


def _list_parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield int(folder.name), int(_read_stat(int(folder.name))[1])
            except OSError:  # it has ended meanwhile
                continue


def _read_stat(pid: int) -> list[str]:
    """What stands behind the name of the command, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _list_sockets(port: int) -> set[str]:
    """Inodes of established connections whose end here is the port; the JVM has those of IPv4 among those of IPv6."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == ESTABLISHED and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def list_open_sockets(pid: int) -> list[str]:
    inodes = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.append(target[len("socket:[") : -1])
    return inodes


@contextmanager
def count_meanwhile(group: ProcessGroup, seconds: float) -> Iterator[dict[int, int]]:
    """Fills the mapping with the connections of each process as they are after so many seconds of the block."""
    counts: dict[int, int] = {}
    timer = Timer(seconds, lambda: counts.update(group.count_connections()))
    timer.start()
    try:
        yield counts
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def run_processes(
    command: Sequence[str], port: int, env: Mapping[str, str], folder: Path, log: Path
) -> Iterator[ProcessGroup]:
    """A server from the time when its port can be connected to until the end of the block. Its output goes to a log."""
    with log.open("ab") as output, subprocess.Popen(
        command, cwd=folder, env={**os.environ, **env}, stdout=output, stderr=output, start_new_session=True
    ) as process:  # fmt: skip
        group = ProcessGroup(process.pid, port)
        try:
            _wait_for_port(process, port, log)
            yield group
        finally:
            _end(group, process)


def _end(group: ProcessGroup, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    group.go_on()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        for pid in group.list_pids():
            _send(pid, signal.SIGKILL)


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.2)
    lines = log.read_text(errors="replace").splitlines()[-20:]
    raise SystemExit("\n".join([f"{process.args!r} did not start:", *lines]))
