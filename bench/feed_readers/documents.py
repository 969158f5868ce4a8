"""An archive with every kind of article that a feed can hold, its feeds as files, and what the API says of both."""

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from app.commands import open_archive
from app.http import auth
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.main import create_app
from app.settings import Settings
from app.text.addresses import Addresses
from bench.imported_archive import PROJECT

Json = dict[str, Any]
SITE, API, HUB, NAME = "https://news.example", "https://api.news.example", "https://hub.example/", "The Herald & Co"
FORMATS = ("rss", "atom", "json")
QUERIES = {"full": "content=full&limit=100", "summary": "limit=100", "french": "content=full&language=fr"}
"""By the name of a document what is asked for."""
UNDATED = {"title": "Timeless", "body": "<p>Of no day.</p>", "status": "published", "external_id": "timeless"}
ARTICLES: Sequence[Json] = [
    {"title": "To the second", "published_at": "2025-10-03T10:00:00Z", "standfirst": "Exact."},
    {"title": "Of a day", "published_at": "2025-10-03"},
    {"title": "Of a month", "published_at": "2025-10"},
    {"title": "Of a year", "published_at": "2025"},
    {"title": "By several", "authors": ["Ann Marlow", "Bo Li", "Zoë O'Neil"], "tags": ["readers"], "language": "fr"},
    {"title": "Tea & <b>Sympathy</b> ]]> &amp; \U0001f600", "standfirst": 'A & B <i>x</i> "quoted"', "language": "fr"},
    {"title": "أخبار اليوم", "standfirst": "ملخص قصير", "body": '<p dir="rtl">نص <b>المقال</b></p>', "language": "ar"},
    {"title": "חדשות היום", "standfirst": "תקציר", "authors": ["דנה כהן"], "language": "he"},
    {
        "title": "With pictures",
        "standfirst": "Two of them.",
        "images": [
            {"url": "https://pic.example/a.jpg?w=1&h=2", "caption": "A <cup> & more", "credit": "Me", "width": 10,
             "height": 20},
            {"url": "https://pic.example/b"},
        ],
        "tags": ["readers", {"name": "Opinion & more", "kind": "section"}],
        "regions": ["belgium", "iceland"],
    },
    {"title": "Picture without a type", "images": [{"url": "https://pic.example/c"}]},
    {"title": "With an anchor", "body": '<p id="content-n1">One <a href="#content-n1">note</a> ]]&gt; &amp;amp;</p>'},
    {"title": "No standfirst, no text", "body": "<p></p>"},
]  # fmt: skip


async def write_documents(folder: Path) -> None:
    """Feeds in all formats before and after two articles are withdrawn, as `before-full.rss` and so on, and
    `articles.json`: what readers should find."""
    settings = Settings(
        data_dir=folder / "archive", site_url=SITE, api_url=API, site_name=NAME, websub_hub=HUB, public_reads=True
    )
    db = open_archive.open_archive(settings)
    samples = sorted(str(path) for path in (PROJECT / "seed_data").rglob("*") if path.is_file())
    items = sources.find_sources(samples, io.BytesIO())
    pipeline.run_import(db, items, ImportOptions(), lambda: int(time.time()))
    key = db.write_now(auth.create_key, "readers", auth.SCOPES).value
    db.close_now()
    app = create_app(settings, follow=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=API, headers=headers) as client:
        ids = await _post_articles(client)
        before = await _list_articles(client)
        documents = await _write_feeds(client, folder, "before")
        for id in ids[:2]:
            (await client.delete(f"/v1/articles/{id}", headers={"If-Match": "*"})).raise_for_status()
        after = await _list_articles(client)
        documents += await _write_feeds(client, folder, "after")
    await app.state.archive.db.close()
    addresses = Addresses.read(settings)
    truth = {"before": before, "after": after, "deleted": [addresses.name_thing(f"article/{id}") for id in ids[1::-1]]}
    (folder / "articles.json").write_text(json.dumps({**truth, "documents": documents}), "utf-8")


async def _post_articles(client: httpx.AsyncClient) -> list[int]:
    ids = []
    for article in ARTICLES:
        payload = {"body": "<p>The text.</p>", "language": "en", "status": "published", **article}
        response = await client.post("/v1/articles", json=payload)
        response.raise_for_status()
        ids.append(response.json()["id"])
    line, headers = json.dumps(UNDATED).encode(), {"Content-Type": "application/x-ndjson"}
    (await client.post("/v1/imports?origin=readers", content=line, headers=headers)).raise_for_status()
    return ids


async def _list_articles(client: httpx.AsyncClient) -> list[Json]:
    response = await client.get("/v1/articles?limit=100&include=body")
    response.raise_for_status()
    articles: list[Json] = response.json()["data"]
    return articles


async def _write_feeds(client: httpx.AsyncClient, folder: Path, when: str) -> list[Json]:
    """What each document is, with its name."""
    documents = []
    for kind, query in QUERIES.items():
        for format in FORMATS:
            address = f"/feeds/articles.{format}?{query}"
            response = await client.get(address)
            response.raise_for_status()
            name = f"{when}-{kind}.{format}"
            (folder / name).write_bytes(response.content)
            links = {one["rel"]: str(one["url"]) for one in response.links.values() if "rel" in one}
            documents.append({"name": name, "when": when, "kind": kind, "format": format, "links": links})
    return documents
