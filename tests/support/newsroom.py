"""An archive with a few articles in every state, for tests that only read. Filled once per engine."""

import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import ENGINES, Served, _administer, serve
from sqlalchemy import update
from sqlmodel import Session

from app.articles.store import log_facts
from app.changes import log
from app.db.database import Row
from app.db.sql import Prepared, Value
from app.models import Article, table
from app.settings import Settings

STORIES: list[dict[str, object]] = [
    {
        "slug": "summit",
        "title": "Leaders meet at the summit in Brussels",
        "standfirst": "Two days, one communiqué.",
        "body": "<h2>First</h2><p>They met.</p><ul><li>One</li></ul>",
        "published_at": "2025-06-10T08:00:00Z",
        "tags": [{"name": "NATO", "kind": "organisation"}, {"name": "World", "kind": "section"}],
        "authors": ["Ines Marlow"],
        "regions": ["belgium"],
        "dateline": {"text": "Brussels, June 2025", "place": "Brussels", "date": "2025-06"},
        "source": {"name": "Herald, The", "url": "https://herald.example/summit"},
        "external_id": "A,1",
        "origin": "herald.example",
        "images": [{"url": "https://herald.example/a.jpg", "width": 1200}],
        "previous_slugs": ["the-summit"],
        "previous_urls": ["https://old.example/summit?utm_source=x", "https://shared.example/live"],
    },
    {
        "slug": "grain",
        "title": "A grain deal is signed",
        "published_at": "2025-06",
        "tags": ["nato", "shipping"],
        "authors": ["Jon Abara"],
        "regions": [{"slug": "ukraine", "roles": ["mention"]}, {"slug": "turkey", "roles": ["about"]}],
        "previous_urls": ["https://shared.example/live"],
        "language": "pt_BR",
    },
    {
        "slug": "cables",
        "title": "Baltic cables are mended",
        "published_at": "2024-12-31T23:30:00Z",
        "tags": ["energy", {"name": "Business", "kind": "section"}],
        "regions": ["estonia", "latvia"],
        "related": [{"title": "A story that nobody has written yet"}, {"article": "summit"}, {"article": "summit"}],
    },
    {"slug": "kenya", "title": "Kenya votes", "published_at": "2023", "regions": ["kenya"], "tags": ["elections"]},
    {
        "slug": "uchaguzi",
        "title": "Kenya yapiga kura",
        "published_at": "2023-05-05",
        "regions": ["kenya"],
        "language": "SW",
    },
    {"slug": "hidden", "title": "Nobody knows this yet", "status": "draft", "tags": ["nato", "hush-hush"],
     "regions": ["belgium"], "related": [{"article": "summit"}]},
    {"slug": "later", "title": "What will be known in time", "status": "scheduled", "published_at": "2199-01-01"},
    {"slug": "gone", "title": "This was wrong from start to end", "published_at": "2022-02-02",
     "previous_urls": ["https://old.example/gone"]},
]  # fmt: skip


@dataclass(frozen=True)
class Newsroom:
    """A filled archive; `ids` by slug."""

    served: Served
    ids: Mapping[str, int]

    async def get(self, path: str, **parameters: object) -> dict[str, object]:
        return await self._json(self.served.public.get(path, params=_list_values(parameters)))

    async def edit(self, path: str, **parameters: object) -> dict[str, object]:
        """The same with a key that may see everything."""
        return await self._json(self.served.editor.get(path, params=_list_values(parameters)))

    async def _json(self, response_arg: object) -> dict[str, object]:
        response = await response_arg  # type: ignore[misc] # httpx's coroutine
        assert response.status_code == 200, response.text
        payload = response.json()
        assert isinstance(payload, dict)
        return payload

    async def slugs(self, path: str = "/v1/articles", **parameters: object) -> list[str]:
        """Slugs of a public list; `tag_not` and the like as keywords."""
        return slugs_of(await self.get(path, **parameters))


def _list_values(parameters: Mapping[str, object]) -> list[tuple[str, str | int | float | bool | None]]:
    return [
        (name, str(one))
        for name, value in parameters.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def slugs_of(shown: Mapping[str, object]) -> list[str]:
    data = shown["data"]
    assert isinstance(data, list)
    return [row["slug"] for row in data]


@pytest.fixture(scope="session", params=ENGINES)
async def newsroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("newsroom")
    name = f"dateline_{uuid4().hex[:12]}"
    url = ""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        assert isinstance(template, Path)
        shutil.copy(template, folder / "dateline.db")
    else:
        server, source = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
        _administer(server, f"CREATE DATABASE {name} TEMPLATE {source}")
        url = server.format(name)
    settings = Settings(
        data_dir=folder, database_url=url, index_interval=0.02, index_heap_mb=15, site_url="https://news.example/"
    )
    async with serve(settings) as api:
        yield Newsroom(api, await _fill(api))
    if url:
        _administer(request.getfixturevalue("postgres_server"), f"DROP DATABASE {name} WITH (FORCE)")


async def _fill(api: Served) -> dict[str, int]:
    ids: dict[str, int] = {}
    for story in STORIES:
        extra = {"translation_of": ids["kenya"]} if story["slug"] == "uchaguzi" else {}
        response = await api.editor.post("/v1/articles", json={"status": "published", **story, **extra})
        assert response.status_code == 201, response.text
        ids[str(story["slug"])] = response.json()["id"]
    written = await api.db.write(withdraw, ids["gone"], 1_700_000_000, "It was wrong.")
    ready = await api.public.get("/v1/articles", params={"min_seq": written.head.position.token})
    assert ready.status_code == 200, ready.text
    return ids


def withdraw(session: Session, id: int, at: int, reason: str) -> None:
    """As an editor would."""
    connection = session.connection()
    before = log_facts.load(connection, [id])[id]
    row = table(Article)
    values = {"status": "withdrawn", "version": 2, "withdrawn_at": at, "withdrawn_reason": reason}
    connection.execute(update(row).where(row.c.id == id).values(values))
    after = log_facts.load(connection, [id])[id]
    entry = log.LogEntry(
        "article",
        id,
        "withdrawn",
        public=True,
        version=2,
        before=log_facts.for_log(before),
        after=log_facts.for_log(after),
    )
    log.record(session, entry)


class CountingReader:
    """A reader that counts the statements that go through it."""

    def __init__(self, api: Served) -> None:
        self.inner, self.count = api.db.reader, 0

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        self.count += 1
        return await self.inner.rows(statement, values, bounded=bounded)

    def version(self) -> int | None:
        return self.inner.version()

    async def close(self) -> None:
        await self.inner.close()
