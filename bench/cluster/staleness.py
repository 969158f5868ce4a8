"""How long after the response to a publication each node finds the article. Asks each node itself, every 20 ms."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

import httpx

from deploy.local.nodes import Node

PAUSE = 0.02
LONGEST = 10.0
"""Seconds after which a node that runs has failed to find an article."""


class StalenessProbe:
    """Follows one word at a time: the newest. A node that is disturbed meanwhile is left out of that measurement."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.never: list[str] = []
        self._nodes = nodes
        self._disturbed: dict[str, int] = defaultdict(int)
        self._down: set[str] = set()
        self._newest: tuple[str, float] | None = None

    def note_publication(self, word: str) -> None:
        self._newest = word, time.monotonic()

    def note_disturbance(self, node: Node) -> None:
        self._disturbed[node.name] += 1
        self._down.add(node.name)

    def note_recovery(self, node: Node) -> None:
        self._down.discard(node.name)

    async def run(self, ending: asyncio.Event) -> None:
        clients = [httpx.AsyncClient(base_url=f"http://{node.address}", timeout=LONGEST) for node in self._nodes]
        try:
            while not ending.is_set():
                if self._newest is None:
                    await asyncio.sleep(PAUSE / 4)
                    continue
                (word, since), self._newest = self._newest, None
                pairs = zip(self._nodes, clients, strict=True)
                up = [(node, client) for node, client in pairs if node.name not in self._down]
                await asyncio.gather(*(self._follow(node, client, word, since) for node, client in up))
        finally:
            for client in clients:
                await client.aclose()

    async def _follow(self, node: Node, client: httpx.AsyncClient, word: str, since: float) -> None:
        before = self._disturbed[node.name]
        while not (is_there := await self._finds(client, word)) and self._disturbed[node.name] == before:
            if time.monotonic() - since > LONGEST:
                self.never.append(f"{node.name}: {word}")
                return
            await asyncio.sleep(PAUSE)
        if is_there and self._disturbed[node.name] == before:
            self.seconds[node.name].append(time.monotonic() - since)

    async def _finds(self, client: httpx.AsyncClient, word: str) -> bool:
        try:
            response = await client.get("/v1/search", params={"q": f'"{word}"', "limit": 1, "fields": "id"})
        except httpx.TransportError:
            return False
        return response.status_code == 200 and bool(response.json()["data"])


def find_quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least such a share of all does not exceed; nan of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
