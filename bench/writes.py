"""What writes cost over HTTP: POSTs and PATCHes of articles of 450 words, as many as the server takes over 16
connections, and their latency at half of that rate.

`python -m bench.writes [CHECKOUT…] [--seconds 4] [--rounds 3] [--database URL…]` starts the server of each checkout (of
this one where none is named) with an archive of its own, measures them by turns and prints a table; every figure is the
median of its rounds. A database URL for each checkout measures on PostgreSQL. CPU is the server's, indexing with it.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import load
from bench.archive import make_vocabulary
from bench.load import LoadedServer

SCOPES = ("read_drafts", "write", "publish")
TAGS, PARAGRAPHS, LENGTH = 50, 6, 75
MOST_A_SECOND = 1_000
"""Requests that are made before the clock starts: making them takes a fifth of a millisecond each, which the server
would lack."""


@dataclass(slots=True)
class Subject:
    """A server under measurement; how many articles were made for it, and how many of them it has."""

    name: str
    server: LoadedServer
    key: str
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    made: int = 0
    written: int = 0

    def encode(self, method: str, path: str, document: object, *headers: str) -> bytes:
        body = json.dumps(document).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {self.key}", *headers,
                 "Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]  # fmt: skip
        return "\r\n".join(lines).encode() + body

    def make_post(self, words: Sequence[str]) -> bytes:
        """A published article with a tag, unlike all before."""
        self.made += 1
        body = "".join(f"<p>{' '.join(self.chance.choices(words, k=LENGTH))}</p>" for _ in range(PARAGRAPHS))
        title = f"{' '.join(self.chance.choices(words, k=6))} {self.made}"
        document = {"title": title, "body": body, "tags": [f"Tag {self.made % TAGS}"], "status": "published"}
        return self.encode("POST", "/v1/articles", document)

    def make_patch(self, words: Sequence[str]) -> bytes:
        """Another standfirst for one of the articles."""
        path = f"/v1/articles/{self.chance.randint(1, self.written)}"
        return self.encode("PATCH", path, {"standfirst": " ".join(self.chance.choices(words, k=12))}, "If-Match: *")

    def make_requests(self, method: str, words: Sequence[str], seconds: float) -> Iterator[bytes]:
        """More than any server takes in so many seconds."""
        make = self.make_post if method == "POST" else self.make_patch
        return iter([make(words) for _ in range(round(MOST_A_SECOND * seconds))])


@dataclass(frozen=True, slots=True)
class WriteRound:
    """CPU in µs a request, requests a second, and at half of that rate latencies in milliseconds."""

    cpu: float
    rate: float
    p50: float
    p99: float


async def send_requests(
    server: LoadedServer, requests: Iterator[bytes], seconds: float, rate: float | None
) -> list[float]:
    """Seconds that each request took; with a `rate` from when it was due, whether or not a connection was free."""
    began, taken, due = time.monotonic(), [], iter(range(10**9))
    address = urlsplit(server.address)

    async def send_in_turn() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.monotonic() < began + seconds:
            at = began + next(due) / rate if rate else time.monotonic()
            if at >= began + seconds:
                break
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise SystemExit(f"A write failed: {head.decode()}")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            taken.append(time.monotonic() - at)
        writer.close()

    await asyncio.gather(*(send_in_turn() for _ in range(load.CONNECTIONS)))
    return taken


def run_load(
    subject: Subject, method: str, words: Sequence[str], seconds: float, rate: float | None = None
) -> tuple[list[float], float]:
    """As `send_requests`, and how many seconds it took until the last response."""
    requests = subject.make_requests(method, words, seconds)
    began = time.monotonic()
    taken = asyncio.run(send_requests(subject.server, requests, seconds, rate))
    subject.written += len(taken) if method == "POST" else 0
    return taken, time.monotonic() - began


def run_round(subject: Subject, method: str, words: Sequence[str], seconds: float) -> WriteRound:
    before = subject.server.cpu()
    done, lasted = run_load(subject, method, words, seconds)
    rate, cpu = len(done) / lasted, (subject.server.cpu() - before) / len(done) * 1e6
    taken = sorted(run_load(subject, method, words, seconds, rate / 2)[0])
    return WriteRound(cpu, rate, statistics.median(taken) * 1e3, taken[int(len(taken) * 0.99)] * 1e3)


def measure_checkouts(subjects: Sequence[Subject], rounds: int, seconds: float) -> None:
    words = make_vocabulary(random.Random(3))
    for subject in subjects:  # opens what is opened once, and makes the tags
        run_load(subject, "POST", words, 2)
    print("| write | checkout | CPU µs | requests/s | p50 ms at half | p99 ms at half |")
    print("|---" * 6 + "|")
    for name in ("POST", "PATCH"):
        rounds_by_name: dict[str, list[WriteRound]] = {}
        for _ in range(rounds):
            for subject in subjects:
                rounds_by_name.setdefault(subject.name, []).append(run_round(subject, name, words, seconds))
        for checkout, measured in rounds_by_name.items():
            cpu, rate, p50, p99 = (statistics.median(getattr(one, n) for one in measured) for n in WriteRound.__slots__)
            print(f"| {name} | {checkout} | {cpu:,.0f} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |", flush=True)


def start_server(stack: ExitStack, checkout: Path, database: str | None) -> Subject:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    env = {"DATELINE_DATA_DIR": folder, **({"DATELINE_DATABASE_URL": database} if database else {})}
    command = [sys.executable, "-m", "app", "keys", "create", "--name", "bench"]
    command += [word for scope in SCOPES for word in ("--scope", scope)]
    made = subprocess.run(command, env={**os.environ, **env}, cwd=checkout, capture_output=True, check=True, text=True)
    port = load.find_free_port()
    server = load.run_server(["app", "serve", "--port", str(port)], port, env, checkout)
    return Subject(str(checkout), stack.enter_context(server), made.stdout.strip())


def main() -> None:
    parser = argparse.ArgumentParser("bench.writes")
    parser.add_argument("checkouts", nargs="*", type=Path, help="folders with the project, each with a server")
    parser.add_argument("--database", nargs="*", default=[], help="a PostgreSQL URL for each checkout")
    parser.add_argument("--seconds", type=float, default=4, help="of each round, twice: at full rate and at half of it")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    checkouts = arguments.checkouts or [Path.cwd()]
    databases = arguments.database or [None] * len(checkouts)
    with ExitStack() as stack:
        subjects = [start_server(stack, *pair) for pair in zip(checkouts, databases, strict=True)]
        measure_checkouts(subjects, arguments.rounds, arguments.seconds)
        one, five, fifteen = os.getloadavg()
        print(f"\nload {one:.1f}, {five:.1f}, {fifteen:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
