"""An archive with a past: rows of its log made older, and pruned."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from conftest import Served
from sqlalchemy import func, select, update
from sqlmodel import Session

from app.audit.pruning.forecast import PruneForecast, make_forecast
from app.audit.pruning.run import PruneReport, Pruning
from app.changes import log
from app.db.database import Database
from app.models import Article, Change, Revision, table
from app.search.indexing.archive_indexes import list_indexes
from app.search.tantivy.local_engine import TantivyEngine

A, CHANGE, REVISION = table(Article), table(Change), table(Revision)
DAY = 86_400
ANY = {"If-Match": "*"}
Json = dict[str, Any]


def _make_older(session: Session, days: int) -> None:
    connection = session.connection()
    connection.execute(update(CHANGE).values(at=CHANGE.c.at - days * DAY))
    connection.execute(update(A).values(withdrawn_at=A.c.withdrawn_at - days * DAY, saved_at=A.c.saved_at - days * DAY))
    connection.execute(update(REVISION).values(saved_at=REVISION.c.saved_at - days * DAY))


def make_older(db: Database, days: int = 100) -> None:
    """As if all that has happened had happened so many days earlier."""
    db.write_now(_make_older, days)


async def prune(api: Served, **changes: object) -> PruneReport:
    """One round, when the indexes have taken in what there is; by few rows of the log at a time."""
    settings = api.settings.model_copy(update=changes)
    await wait_for_indexes(api)
    return await asyncio.to_thread(Pruning(api.db, settings, span=7).run)


async def wait_for_indexes(api: Served) -> None:
    """Until they have taken in all that the public sees: till then they hold the log."""
    deadline = time.monotonic() + 20
    while not _are_up_to_date(api):
        assert time.monotonic() < deadline, "the indexes do not catch up"
        await asyncio.sleep(0.02)


def _are_up_to_date(api: Served) -> bool:
    with api.db.snapshot() as snapshot:
        head = log.head(snapshot)
    positions = [TantivyEngine(one.root, one.holding).position() for one in list_indexes(api.settings)]
    return all(position is not None and position.seq >= head.public_seq for position in positions)


def forecast(api: Served, **changes: object) -> PruneForecast:
    return make_forecast(api.db, api.settings.model_copy(update=changes))


def count_rows(db: Database) -> int:
    """Of the log about articles."""
    with db.snapshot() as snapshot:
        statement = select(func.count()).select_from(CHANGE).where(CHANGE.c.entity == "article")
        return int(snapshot.connection.execute(statement).scalar_one())


@dataclass
class Copy:
    """Who follows the changes of a filter, by cards."""

    client: httpx.AsyncClient
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    place: str = "0"
    cards: dict[int, Json] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    async def poll(self, limit: int = 3) -> bool:
        """Whether there is more."""
        query = {**self.params, "since": self.place, "limit": str(limit), "include": "article"}
        response = await self.client.get("/v1/changes", params=query, headers=dict(self.headers))
        assert response.status_code == 200, response.text
        body = response.json()
        for change in body["data"]:
            if change["article"] is None:
                continue
            id = change["article"]["id"]
            self.events.append((change["event"], id))
            self.cards.pop(id, None)
            if change["card"] is not None:
                self.cards[id] = change["card"]
        self.place = body["next"]
        self.places.append(self.place)
        return bool(body["has_more"])

    async def follow(self) -> "Copy":
        while await self.poll():
            pass
        return self

    async def load_list(self) -> dict[int, Json]:
        """What the list shows of the same filter."""
        params = {name: value for name, value in self.params.items() if name not in ("compact", "search")}
        response = await self.client.get("/v1/articles", params={**params, "limit": "100"}, headers=dict(self.headers))
        assert response.status_code == 200, response.text
        return {one["id"]: one for one in response.json()["data"]}


async def post(client: httpx.AsyncClient, title: str, **fields: object) -> int:
    body = {"title": title, "body": f"<p>{title} was told.</p>", "status": "published", **fields}
    response = await client.post("/v1/articles", json=body)
    assert response.status_code == 201, response.text
    return int(response.json()["id"])


async def patch(client: httpx.AsyncClient, id: int, **fields: object) -> None:
    response = await client.patch(f"/v1/articles/{id}", json=fields, headers=ANY)
    assert response.status_code == 200, response.text


async def delete(client: httpx.AsyncClient, id: int, **params: str) -> None:
    response = await client.delete(f"/v1/articles/{id}", params=params, headers=ANY)
    assert response.status_code in (200, 204), response.text
