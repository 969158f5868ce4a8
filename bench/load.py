"""Servers as processes of their own, load on them by wrk, and what that costs them. Linux only: reads /proc."""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Protocol, Self

import httpx

TICK = os.sysconf("SC_CLK_TCK")
SCRIPT = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class LoadRound:
    """What one run of load found. Times of the processor in microseconds a request, latencies in milliseconds."""

    cpu: float
    rate: float
    p50: float
    p99: float

    @classmethod
    def take_median(cls, rounds: Sequence[Self]) -> Self:
        return cls(*(statistics.median(getattr(one, name) for one in rounds) for name in cls.__slots__))


class LoadTarget(Protocol):
    """Where load goes, and what it costs there."""

    @property
    def address(self) -> str: ...

    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedServer:
    """A server under measurement."""

    pid: int
    address: str

    def cpu(self) -> float:
        """Seconds of processor that it has used, in user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def private(self) -> float:
        """RssAnon in MiB: its own memory, without what it has mapped of files."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("RssAnon")]
        return int(line.split()[1]) / 1024


def find_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def run_server(
    arguments: Sequence[str], port: int, env: Mapping[str, str] | None = None, checkout: Path | None = None
) -> Iterator[LoadedServer]:
    """A Python module as a server, from its first response until the end of the block; of another `checkout`, if one
    is given."""
    command = [sys.executable, "-m", *arguments]
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, cwd=checkout) as process:
        try:
            _wait_for(process, port)
            yield LoadedServer(process.pid, f"http://127.0.0.1:{port}")
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                # A socket listens before the server is ready: a response, of whatever kind, says that it is.
                connection.settimeout(60)
                connection.sendall(b"GET /-/ready HTTP/1.0\r\n\r\n")
                if connection.recv(1):
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{' '.join(str(word) for word in process.args)} did not start.")  # type: ignore[union-attr]


def run_load(server: LoadTarget, paths: Path, seconds: float, headers: Mapping[str, str]) -> LoadRound:
    """As many requests as it serves in that time, over a few connections that stay open."""
    headers_sent = [f"{name}: {value}" for name, value in headers.items()]
    # Whole seconds only: wrk knows no parts.
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}", "-s", str(SCRIPT), server.address]
    before = server.cpu()
    output = subprocess.run(
        [*command, "--", str(paths), *headers_sent], capture_output=True, text=True, check=True
    ).stdout
    report = json.loads(output.splitlines()[-1])
    if report["failed"] or not report["requests"]:
        raise SystemExit(f"{report['failed']} of {report['requests']} requests failed at {server.address}:\n{output}")
    cpu = (server.cpu() - before) / report["requests"] * 1e6
    return LoadRound(cpu, report["requests"] / report["seconds"], report["p50"], report["p99"])


def require_wrk() -> None:
    """Ends the program where there is no load generator, saying how to get it."""
    if shutil.which("wrk") is None:
        raise SystemExit("Load is put on servers with wrk, which is not here: apt-get install wrk")


@contextmanager
def write_meanwhile(server: LoadedServer, key: str, ids: Sequence[int], a_second: int) -> Iterator[None]:
    """While the block runs, changes one article after the other through the interface, evenly in time."""
    ending = Event()
    thread = Thread(target=_write_changes, args=(server, key, ids, a_second, ending))
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _write_changes(server: LoadedServer, key: str, ids: Sequence[int], a_second: int, ending: Event) -> None:
    began, written = time.monotonic(), 0
    with httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {key}"}) as client:
        while a_second and not ending.wait(max(0.0, began + written / a_second - time.monotonic())):
            path = f"/v1/articles/{ids[written % len(ids)]}"
            etag = client.get(path, params={"fields": "version"}).headers["etag"]
            body = {"standfirst": f"Changed at {time.time():.3f}."}
            client.patch(path, json=body, headers={"If-Match": etag}).raise_for_status()
            written += 1
