"""All kinds of bad clients at once against a server of its own, while one who does nothing wrong is to be served.

TORTURE_SECONDS is for how long (20), TORTURE_ARCHIVE a data folder to serve instead of the sample articles.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from support.abuse import GET, RawClient, RawResponse, get
from support.processes import DatelineProcess

from app.commands.serve import TRIM_SECONDS

SECONDS = float(os.environ.get("TORTURE_SECONDS", "20"))
SEED = Path(__file__).resolve().parent.parent.parent / "seed_data"
ARCHIVE = os.environ.get("TORTURE_ARCHIVE")
CONNECTIONS = 10_000
GOOD = "127.0.0.9"
MOST_GROWTH = 55_000
"""kB of private memory that abuse may add to what honest work had taken: 2,000 connections of 6 kB, 16 MB of responses
that are not taken, 8 MB of heads in part, and as much of a response cache that new questions fill as of responses."""
MOST_LEFT = 20_000
"""kB of it that may stay when all bad clients have gone."""

pytestmark = [pytest.mark.anyio, pytest.mark.torture]


@dataclass
class ResponseCounts:
    """What a server sent, by client; `wrong` are refusals that do not say when to come back."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    wrong: list[RawResponse] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def note(self, who: str, response: RawResponse) -> None:
        self.statuses[who, response.status] += 1
        if response.status in (429, 503) and "retry-after" not in response.headers:
            self.wrong.append(response)


@dataclass(frozen=True)
class AbusedServer:
    process: DatelineProcess
    port: int

    def private_memory(self) -> int:
        """RssAnon in kB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        results = re.search(r"RssAnon:\s+(\d+) kB", status)
        assert results is not None
        return int(results[1])


@contextmanager
def run_server(folder: Path) -> Iterator[AbusedServer]:
    archive = Path(ARCHIVE) if ARCHIVE else folder / "archive"
    settings = {"DATELINE_DATA_DIR": str(archive), "DATELINE_PORT": "0"}
    process = DatelineProcess("serve", "--seed", str(SEED), environment=settings)
    try:
        greeting = next(line for line in process.lines if "Dateline is at" in line)
        results = re.search(r":(\d+) ", greeting)
        assert results is not None
        yield AbusedServer(process, int(results[1]))
        process.send_signal(signal.SIGTERM)
        status, _, err = process.wait(30)
        assert (status, err) == (0, "")
    finally:
        process.end()


Abuse = Callable[[int, ResponseCounts, int], Awaitable[None]]
"""One bad client, the number-th, for one round: connects to a port, does its worst, ends."""


async def half_a_head(port: int, reported: ResponseCounts, number: int) -> None:
    """Every second one sends a byte a second."""
    client = await RawClient.connect(port, f"127.0.2.{number % 50 + 1}")
    try:
        await client.send(b"GET /v1/articles HTTP/1.1\r\nHost: te")
        for _ in range(60 if number % 2 else 0):
            await client.send(b"x")
            await asyncio.sleep(1)
        await client.wait_closed()
    finally:
        await client.close()


async def fill_a_head(port: int, reported: ResponseCounts, number: int) -> None:
    """As large as it may be, and never whole; every second one of fields of three bytes."""
    client = await RawClient.connect(port, f"127.0.8.{number % 50 + 1}")
    try:
        await client.send(b"GET /v1/articles HTTP/1.1\r\nHost: test\r\n")
        await client.send(b"a:b\r\n" * 12_900 if number % 2 else b"Pad: " + b"x" * 60_000)
        await client.wait_closed()
    finally:
        await client.close()


async def send_trailers(port: int, reported: ResponseCounts, number: int) -> None:
    """Behind a request that is whole but for them, and without an end."""
    client = await RawClient.connect(port, f"127.0.8.{number % 50 + 101}")
    try:
        await client.send(b"GET /v1/tags HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        while not client.reader.at_eof():
            await client.send(b"a:b\r\n" * 3_000)
            await asyncio.sleep(0.05)  # all clients are in one process
    finally:
        await client.close()


async def half_a_body(port: int, reported: ResponseCounts, number: int) -> None:
    client = await RawClient.connect(port, f"127.0.3.{number % 50 + 1}")
    try:
        head = b"POST /v1/articles HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n"
        await client.send(head + b" " * 50_000)
        await client.wait_closed()
    finally:
        await client.close()


async def read_slowly(port: int, reported: ResponseCounts, number: int) -> None:
    client = await RawClient.connect(port, f"127.0.4.{number % 50 + 1}", receive_buffer=4096)
    try:
        await client.send(GET % b"/v1/articles?limit=100&include=body,body_text&page=%d" % (number % 90 + 1))
        while await client.reader.read(1):  # noqa: ASYNC110 -- slow, not waiting
            await asyncio.sleep(1)
    finally:
        await client.close()


async def stay(port: int, reported: ResponseCounts, number: int) -> None:
    """Nothing but connected."""
    client = await RawClient.connect(port, f"127.0.5.{number % 200 + 1}")
    try:
        await client.wait_closed()
    finally:
        await client.close()


_next = count()


async def ask_for_more(port: int, reported: ResponseCounts, number: int) -> None:
    """Addresses that nobody has asked for before."""
    client = await RawClient.connect(port, f"127.0.6.{number + 1}")
    try:
        for _ in range(100):
            reported.note("distinct", await client.get(f"/v1/articles?limit=5&author=nobody-{next(_next)}"))
            reported.note("distinct", await client.get(f"/v1/search?q=word{next(_next)}&limit=5"))
            reported.note("distinct", await client.get(f"/v1/articles/{next(_next)}"))
    finally:
        await client.close()


async def ask_for_one(port: int, reported: ResponseCounts, number: int) -> None:
    """All the same thing at about the same time, another thing every second."""
    client = await RawClient.connect(port, f"127.0.7.{number + 1}")
    try:
        for _ in range(20):
            reported.note("flood", await client.get(f"/v1/search?q=minister+{int(time.time())}&facets=tag"))
            reported.note("flood", await client.get(f"/v1/timeline?interval=year&q=council+{int(time.time())}"))
    finally:
        await client.close()


CROWDS: dict[Abuse, int] = {
    half_a_head: 150, fill_a_head: 150, send_trailers: 10, half_a_body: 150,
    read_slowly: 150, stay: CONNECTIONS, ask_for_more: 8, ask_for_one: 50,
}  # fmt: skip


async def abuse(what: Abuse, port: int, reported: ResponseCounts, number: int, until: float) -> None:
    """Over and over; a client that was thrown out comes back a little later."""
    await asyncio.sleep(random.random() * min(5, SECONDS / 4))
    while time.monotonic() < until:
        try:
            await asyncio.wait_for(what(port, reported, number), max(1, until - time.monotonic()))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            reported.broken[what.__name__] += 1
        await asyncio.sleep(random.random() * 5)


async def behave(port: int, reported: ResponseCounts, until: float) -> None:
    """Who waits for each response before the next question, on a connection of its own each time."""
    while time.monotonic() < until:
        began = time.monotonic()
        for path in ("/v1/articles?limit=3", "/health/live"):
            try:
                reported.note("good", await asyncio.wait_for(get(port, path, GOOD), 15))
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                reported.broken["good"] += 1
        reported.seconds.append(time.monotonic() - began)
        await asyncio.sleep(0.05)


async def work(port: int) -> None:
    """What honest readers make a server keep: everything that is bounded is full then."""
    client = await RawClient.connect(port, GOOD)
    for id in range(1, 8_000):
        await client.get(f"/v1/articles/{id}")
    await client.close()
    for page in range(1, 40):
        for path in (f"/v1/articles?limit=100&include=body&page={page}", "/v1/search?q=minister&facets=tag,region"):
            with suppress(OSError):
                await get(port, path)


async def test_others_are_served_and_memory_stays_flat_under_all_kinds_of_abuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reported = ResponseCounts()
    with run_server(tmp_path) as server:
        started = server.private_memory()
        await work(server.port)
        worked = server.private_memory()
        until = time.monotonic() + SECONDS
        crowd = [
            asyncio.create_task(abuse(what, server.port, reported, number, until))
            for what, size in CROWDS.items()
            for number in range(min(size, most - 1_000))
        ]
        peak = asyncio.create_task(highest(server, until))
        await behave(server.port, reported, until)
        await asyncio.gather(*crowd)
        abused = await peak
        after = await get(server.port, "/v1/articles?limit=3")
        await asyncio.sleep(1.5 * TRIM_SECONDS)
        left = server.private_memory()
    reported.seconds.sort()
    with capsys.disabled():
        print(f"\n{SECONDS:.0f} s; kB: start {started}, after work {worked}, most {abused}, after abuse {left}")  # noqa: T201 -- figures are what these runs are for
        print(dict(reported.statuses), dict(reported.broken))  # noqa: T201
        slow = reported.seconds[len(reported.seconds) * 99 // 100]
        print(f"others, two requests: median {reported.seconds[len(reported.seconds) // 2]:.3f} s, 99 %: {slow:.3f} s")  # noqa: T201
    served = reported.statuses["good", 200]
    refused = sum(times for (who, status), times in reported.statuses.items() if who == "good" and status != 200)
    assert after.status == 200
    assert reported.wrong == []
    assert served > 20 * (refused + reported.broken["good"]), reported
    assert {status for _, status in reported.statuses} <= {200, 404, 422, 429, 503}
    assert abused - worked < MOST_GROWTH
    assert left - worked < MOST_LEFT


async def highest(server: AbusedServer, until: float) -> int:
    """The most private memory that the server has until then, in kB."""
    most = 0
    while time.monotonic() < until:
        most = max(most, server.private_memory())
        await asyncio.sleep(0.2)
    return most
