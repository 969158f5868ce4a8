"""Clients that write articles over HTTP while the database comes and goes, and what has to hold afterwards: what was
confirmed is there once, whatever was not."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

PAUSE = 0.02
"""Seconds until a client tries again: sooner than `Retry-After` asks it to, so that what is measured is the server."""


@dataclass
class WriteRecord:
    """`saved`: articles that were confirmed, by title; `at`: when, on the monotonic clock; `slowest`: the longest wait
    for a response, in seconds; `refusals`: responses by status and code; `broken`: requests without a response."""

    saved: dict[str, int] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    without_retry: int = 0


async def write_articles(
    record: WriteRecord, client: httpx.AsyncClient, headers: Mapping[str, str], name: str, most: int,
    ending: asyncio.Event | None = None,
) -> None:  # fmt: skip
    """One after the other, each under an `Idempotency-Key` of its own and sent again with it until it is confirmed."""
    for number in range(most):
        if ending is not None and ending.is_set():
            return
        title = f"{name} {number}"
        sent = {"title": title, "status": "published", "body": "<p>Ships wait.</p>"}
        while True:
            began = time.monotonic()
            try:
                response = await client.post("/v1/articles", json=sent, headers={**headers, "Idempotency-Key": title})
            except httpx.TransportError as error:
                record.broken[type(error).__name__] += 1
                continue
            record.slowest = max(record.slowest, time.monotonic() - began)
            if response.status_code == 201:
                record.saved[title] = response.json()["id"]
                record.at.append(time.monotonic())
                break
            record.refusals[response.status_code, response.json()["code"]] += 1
            record.without_retry += "retry-after" not in response.headers
            await asyncio.sleep(PAUSE)


def count_wrong(record: WriteRecord, stored: Mapping[int, str]) -> tuple[int, int]:
    """How many of the confirmed articles are lost, and how many titles are there more than once. `stored`: all titles
    that there are, by article."""
    lost = sum(stored.get(id) != title for title, id in record.saved.items())
    doubled = sum(count > 1 for count in Counter(stored.values()).values())
    return lost, doubled
