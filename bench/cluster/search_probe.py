"""Asks each node for a search again and again, and compares what it says with what was acknowledged: no total too high
or too low, nothing that was withdrawn. Notes how long nothing could be searched."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from bench.cluster.traffic import MOST_KEPT, TrafficOutcome, Written
from deploy.local.nodes import Node

PAUSE = 0.1
LONGEST = 20.0
QUERY = {"q": "story", "match": "all", "typo": "off", "sort": "-published_at", "limit": "100", "facets": "language"}
"""Finds all that `Traffic` publishes, all of it in one language."""


@dataclass(slots=True)
class SearchOutcome:
    """`outages`: by node, from the first failed search to the next that succeeded, in seconds. `times`: seconds of
    searches that succeeded."""

    counts: Counter[str] = field(default_factory=Counter)
    outages: dict[str, list[float]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add_wrong(self, message: str) -> None:
        self.counts["wrong"] += 1
        if len(self.wrong) < MOST_KEPT:
            self.wrong.append(message)

    def describe(self) -> dict[str, object]:
        ordered = sorted(self.times)
        quantiles = [round(1000 * ordered[int(share * (len(ordered) - 1))], 1) for share in (0.5, 0.99, 1) if ordered]
        longest = {name: round(max(seconds), 1) for name, seconds in sorted(self.outages.items()) if seconds}
        total = {name: round(sum(seconds), 1) for name, seconds in sorted(self.outages.items()) if seconds}
        return {
            "counts": dict(self.counts), "ms (p50, p99, most)": quantiles, "longest outage, s": longest,
            "outages together, s": total, "wrong": self.wrong,
        }  # fmt: skip


class SearchProbe:
    """`writers` is how many articles may be on their way at once; `known` how many the search found before any were
    written. `outcome` can be replaced at any time: what follows is counted there."""

    def __init__(self, nodes: Sequence[Node], traffic: TrafficOutcome, writers: int, known: int = 0) -> None:
        self.outcome = SearchOutcome()
        self._nodes, self._traffic, self._writers, self._known = nodes, traffic, writers, known
        self._failing_since: dict[str, float] = {}

    async def run(self, ending: asyncio.Event) -> None:
        await asyncio.gather(*(self._ask_for_ever(node, ending) for node in self._nodes))

    async def _ask_for_ever(self, node: Node, ending: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=f"http://{node.address}", timeout=LONGEST) as client:
            while not ending.is_set():
                await self._search(node, client)
                await self._search_up_to_now(node, client)
                await asyncio.sleep(PAUSE)

    def _list_published(self) -> list[Written]:
        return [one for one in self._traffic.articles if one.status == "published" and not one.is_changing]

    async def _search(self, node: Node, client: httpx.AsyncClient) -> None:
        withdrawn = {one.id for one in self._traffic.articles if one.status == "withdrawn"}
        began = time.monotonic()
        response = await _get(client, QUERY)
        self._note_outage(node, began, is_failing=response is None or response.status_code != 200)
        if response is None or response.status_code != 200:
            self.outcome.counts[f"failed: {'no response' if response is None else response.status_code}"] += 1
            return
        self.outcome.counts["searches"] += 1
        self.outcome.times.append(time.monotonic() - began)
        payload = response.json()
        total, ids = payload["page"]["total"], {hit["article"]["id"] for hit in payload["data"]}
        public = sum(one.status != "draft" and one.id not in withdrawn for one in self._traffic.articles)
        most = self._known + self._writers + public
        if total > most:
            self.outcome.add_wrong(f"{node.name}: {total} found where {most} can be public")
        if ids & withdrawn:
            self.outcome.add_wrong(f"{node.name}: shows {sorted(ids & withdrawn)}, which were withdrawn")
        # By another request to the engine, between which and this one a change may come.
        counted = sum(value["count"] for value in payload["facets"]["language"])
        if counted > most:
            self.outcome.add_wrong(f"{node.name}: {counted} counted by language where {most} can be public")

    def _note_outage(self, node: Node, began: float, *, is_failing: bool) -> None:
        since = self._failing_since.get(node.name)
        if is_failing and since is None:
            self._failing_since[node.name] = began
        elif not is_failing and since is not None:
            del self._failing_since[node.name]
            self.outcome.outages.setdefault(node.name, []).append(time.monotonic() - since)

    async def _search_up_to_now(self, node: Node, client: httpx.AsyncClient) -> None:
        """All that was acknowledged before is found, or the response says that the index is behind."""
        before = self._list_published()
        response = await _get(client, {"limit": "1", "fields": "id", "count": "none"}, "/v1/articles")
        if response is None or response.status_code != 200:
            return
        response = await _get(client, {**QUERY, "limit": "1", "min_seq": response.headers["x-seq"]})
        if response is None or response.status_code != 200:
            self.outcome.counts["behind, and said so"] += 1
            return
        self.outcome.counts["searches up to now"] += 1
        least = self._known + sum(one.status == "published" and not one.is_changing for one in before)
        if (total := response.json()["page"]["total"]) < least:
            self.outcome.add_wrong(f"{node.name}: {total} found where {least} were acknowledged before")


async def _get(client: httpx.AsyncClient, params: dict[str, str], path: str = "/v1/search") -> httpx.Response | None:
    try:
        return await client.get(path, params=params)
    except httpx.TransportError:
        return None
