"""Writers and readers of an archive, and what they were told: failed requests, and responses that contradict what was
acknowledged before them. Knows nothing of nodes."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

SECONDS_TO_RETRY = 0.1
MOST_KEPT = 50
"""Messages of each kind that a report keeps; all are counted."""
BROKEN = (httpx.TransportError,)


@dataclass(slots=True)
class Written:
    """What was acknowledged of an article last; `is_changing` while a change of it is on its way."""

    id: int
    version: int
    title: str
    status: str
    is_changing: bool = False


@dataclass(slots=True)
class TrafficOutcome:
    """`failed` and `wrong` are messages; `counts` has their numbers under the same names by kind of request."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    articles: list[Written] = field(default_factory=list)

    def add_failure(self, kind: str, message: str) -> None:
        self.counts[f"failed {kind}s"] += 1
        if len(self.failed) < MOST_KEPT:
            self.failed.append(f"{kind}: {message}")

    def add_wrong(self, message: str) -> None:
        self.counts["wrong"] += 1
        if len(self.wrong) < MOST_KEPT:
            self.wrong.append(message)


class Traffic:
    """At one address. `published` is called with each word that can be searched for from now on. Every writer changes
    articles of its own only, so that it knows what they are."""

    def __init__(
        self, address: str, key: str, seed: int = 0, published: Callable[[str], None] = lambda word: None
    ) -> None:
        self.outcome = TrafficOutcome()
        self._address, self._headers, self._published = address, {"Authorization": key}, published
        self._numbers, self._random = itertools.count(1), random.Random(seed)
        self._ending = asyncio.Event()

    async def run(self, seconds: float, writers: int, readers: int, writes_per_second: float) -> None:
        """Until the time is over and every write that was begun is acknowledged."""
        pause = writers / writes_per_second
        tasks = [asyncio.create_task(self._write(f"w{number}", pause)) for number in range(writers)]
        tasks += [asyncio.create_task(self._read()) for _ in range(readers)]
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), seconds)
            self.end()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def end(self) -> None:
        self._ending.set()

    async def _write(self, name: str, pause: float) -> None:
        own: list[Written] = []
        async with httpx.AsyncClient(base_url=self._address, headers=self._headers, timeout=90) as client:
            while not self._ending.is_set():
                chance = self._random.random()
                public = [article for article in own if article.status == "published"]
                if chance < 0.6 or not public:
                    own.append(await self._create(client, name, "published"))
                elif chance < 0.7:
                    own.append(await self._create(client, name, "draft"))
                elif chance < 0.9:
                    await self._retitle(client, self._random.choice(public))
                else:
                    await self._withdraw(client, self._random.choice(public))
                await asyncio.sleep(pause * self._random.uniform(0.5, 1.5))

    async def _create(self, client: httpx.AsyncClient, name: str, status: str) -> Written:
        word = f"{name}x{next(self._numbers)}"
        body = {"title": f"Story {word}", "body": f"<p>Text of {word}.</p>", "status": status, "language": "en"}
        response = await self._send(client, "POST", "/v1/articles", json=body)
        payload = response.json()
        article = Written(payload["id"], payload["version"], payload["title"], payload["status"])
        self.outcome.articles.append(article)
        self.outcome.counts[f"{status} created"] += 1
        if status == "published":
            self._published(word)
        return article

    async def _retitle(self, client: httpx.AsyncClient, article: Written) -> None:
        title = f"{article.title.partition(' again')[0]} again {article.version}"
        article.is_changing = True
        path = f"/v1/articles/{article.id}"
        response = await self._send(client, "PATCH", path, json={"title": title}, match=article.version)
        article.version, article.title = response.json()["version"], title
        article.is_changing = False
        self.outcome.counts["changed"] += 1

    async def _withdraw(self, client: httpx.AsyncClient, article: Written) -> None:
        article.is_changing = True
        await self._send(client, "DELETE", f"/v1/articles/{article.id}", match=article.version)
        article.status, article.is_changing = "withdrawn", False
        self.outcome.counts["withdrawn"] += 1

    async def _send(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        *,
        json: dict[str, str] | None = None,
        match: int | None = None,
    ) -> httpx.Response:
        """Repeated with the same Idempotency-Key until it is acknowledged; every failure on the way counts."""
        headers = {"Idempotency-Key": f"{self._random.getrandbits(64):016x}"}
        if match is not None:
            headers["If-Match"] = f'"{match}"'
        while True:
            try:
                response = await client.request(method, path, json=json, headers=headers)
            except BROKEN as error:
                self.outcome.add_failure("write", f"{method} {error!r}")
            else:
                if response.is_success:
                    return response
                self.outcome.add_failure("write", f"{method} {response.status_code} {response.text[:160]}")
                if response.status_code in {400, 401, 403, 404, 412, 422}:
                    raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
            await asyncio.sleep(SECONDS_TO_RETRY)

    async def _read(self) -> None:
        async with httpx.AsyncClient(base_url=self._address, timeout=90) as client:
            while not self._ending.is_set():
                await asyncio.sleep(0.05)
                if self.outcome.articles:
                    article = self._random.choice(self.outcome.articles)
                    await self._read_article(client, article)
                    await self._read_list(client)

    async def _read_article(self, client: httpx.AsyncClient, article: Written) -> None:
        before, was_changing = (article.version, article.title, article.status), article.is_changing
        response = await self._get(client, f"/v1/articles/{article.id}", {200, 404, 410})
        if response is None:
            return
        version, title, status = before
        expected = {"published": 200, "draft": 404, "withdrawn": 410}[status]
        after = (article.version, article.title, article.status)
        is_same = before == after and not was_changing and not article.is_changing
        if response.status_code != expected and (is_same or expected != 200):
            self.outcome.add_wrong(f"article {article.id}: {response.status_code} where {status} was acknowledged")
        elif response.status_code == 200 == expected:
            shown = response.json()
            if shown["version"] < version or (shown["version"] == version and shown["title"] != title):
                self.outcome.add_wrong(f"article {article.id}: {shown['version']} {shown['title']} after {before}")

    async def _read_list(self, client: httpx.AsyncClient) -> None:
        """The newest: nothing that was acknowledged as withdrawn before, and no draft."""
        withdrawn = {article.id for article in self.outcome.articles if article.status == "withdrawn"}
        drafts = {article.id for article in self.outcome.articles if article.status == "draft"}
        response = await self._get(client, "/v1/articles?limit=100&count=none", {200})
        if response is not None:
            shown = {row["id"] for row in response.json()["data"]}
            if shown & (withdrawn | drafts):
                self.outcome.add_wrong(f"the list shows {sorted(shown & (withdrawn | drafts))}, which are not public")
        await self._get(client, "/v1/search?q=story&limit=5", {200})

    async def _get(self, client: httpx.AsyncClient, path: str, statuses: set[int]) -> httpx.Response | None:
        self.outcome.counts["reads"] += 1
        try:
            response = await client.get(path)
        except BROKEN as error:
            self.outcome.add_failure("read", f"{path} {error!r}")
            return None
        if response.status_code not in statuses:
            self.outcome.add_failure("read", f"{path} {response.status_code} {response.text[:160]}")
            return None
        return response
