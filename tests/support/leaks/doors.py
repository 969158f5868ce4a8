"""Every way into an archive that reads: addresses that name nothing hidden, and addresses that try a hidden article.

A test holds this list against the description of the API, so that a new address cannot be forgotten.
"""

import asyncio
import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message

from app.http.conditional import list_etag
from support.leaks.leak_archive import HIDDEN_REGION, Hidden

FACETS = "facets=tag,region,author,section,language,source,year&facet_limit=200"
STATES = "draft,scheduled,withdrawn,trashed"
HIGHLIGHT = "highlight=title,standfirst,body"
VIEWS = "include=body,related,body_text,body_markdown,body_blocks"
FORMATS = ("jsonld", "ninjs", "markdown", "text")

PLAIN = (
    "/health/live",
    "/health/ready",
    "/metrics",
    "/problems",
    "/openapi.json",
    "/v1",
    "/v1/articles?limit=3",
    "/v1/articles?limit=3&page=2",
    "/v1/articles?limit=100&sort=title",
    "/v1/articles?limit=100&sort=-updated_at",
    "/v1/articles?limit=100&sort=-created_at&count=none",
    f"/v1/articles?limit=100&{VIEWS}&names_in=fr",
    "/v1/articles?fields=title,translation_of,related.title&sort=published_at",
    "/v1/articles?has=unresolved",
    "/v1/articles?has=translation",
    "/v1/search?has_not=translation,copy&limit=100",
    "/v1/articles?has=copy",
    "/v1/articles?withdrawn_from=2020",
    *(f"/v1/articles?copy_of={id}" for id in range(1, 31)),
    "/v1/articles?region=world&region_role=about,mention,dateline",
    "/v1/articles?tag=nato,zorbing&tag_not=energy",
    f"/v1/articles?id={','.join(str(id) for id in range(1, 31))}",
    "/v1/articles?status=draft",
    "/v1/articles?status=published,withdrawn,scheduled",
    "/v1/articles?status=trashed",
    "/v1/articles?unknown=1",
    "/v1/articles?q=grain",
    "/v1/articles?q=zorbing&status=published",
    "/v1/articles?q=zorbing&status=draft",
    "/v1/articles?sort=relevance",
    f"/v1/search?limit=100&{FACETS}",
    f"/v1/search?q=grain+deal&{FACETS}&{HIGHLIGHT}&explain=true&{VIEWS}",
    f"/v1/search?q=zorbing+council+harbour&match=any&limit=2&{HIGHLIGHT}",
    f"/v1/search?q=zorbimg&{HIGHLIGHT}",
    "/v1/search?q=zorb&prefix=true&explain=true",
    "/v1/search?q=tag:nato+author:marlow&sort=published_at&limit=3",
    "/v1/search?q=region:oceania",
    "/v1/suggest",
    "/v1/suggest?q=xq",
    "/v1/suggest?q=zorbink&limit=20",
    "/v1/suggest?q=zorb",
    "/v1/suggest?q=grain",
    "/v1/suggest?q=fij",
    *(
        f"/v1/timeline?interval={interval}&published_from=2025&published_to=2026&group_by={group}&group_limit=50"
        for interval, group in (("month", "tag"), ("week", "region"), ("year", "author"), ("month", "section"))
    ),
    "/v1/timeline?interval=year&group_by=language&q=grain",
    "/v1/timeline?group_by=source&format=csv",
    "/v1/articles?format=csv&include=body",
    *(f"/v1/articles?format={format}&include=body,related&limit=100" for format in FORMATS),
    *(f"/v1/search?q=grain&format={format}&include=body,related" for format in FORMATS),
    "/v1/export?format=csv",
    "/v1/stats",
    "/v1/stats?days=366&tz=Pacific/Auckland&authors=100",
    "/v1/stats?format=csv&bom=true",
    *(
        f"/v1/matrix?rows={rows}&columns={columns}&published_from=2025&region_level=country,city,grouping,region"
        for rows, columns in (
            ("region", "month"),
            ("tag", "author"),
            ("section", "source"),
            ("language", "tag"),
            ("day", "region"),
        )
    ),
    "/v1/matrix?rows=tag&columns=year&q=zorbing&format=csv",
    "/v1/tags?max_articles=1&limit=100",
    "/v1/tags?max_articles=0&limit=100",
    "/v1/trending?window=4w",
    "/v1/trending?window=4w&until=2026-01",
    "/v1/tags?format=csv&limit=100",
    "/v1/regions?format=csv&limit=100&include=counts,names",
    "/v1/search?q=grain&format=csv",
    "/v1/trending?window=4w&group_by=region",
    "/v1/tags?limit=100",
    "/v1/tags?limit=2&sort=-article_count",
    "/v1/tags?kind=contributor,section&min_articles=1",
    "/v1/tags?q=xq",
    "/v1/tags/nato",
    "/v1/tags/nato/related",
    "/v1/tags/nato/related?limit=50&kind=topic,organisation,contributor&names_in=fr",
    *(f"/v1/tags/{id}/related?limit=50" for id in range(1, 31)),
    *(f"/v1/tags/{id}" for id in range(1, 31)),
    "/v1/regions?limit=100&include=counts,ancestors,children",
    "/v1/regions?format=geojson&include=counts,ancestors,children,names",
    "/v1/regions?format=geojson&include=counts&min_articles=1&sort=-article_count",
    f"/v1/regions?format=geojson&include=counts&within=oceania&q={HIDDEN_REGION}",
    "/v1/regions?format=csv&limit=100&min_articles=1&include=counts&sort=article_count",
    "/v1/regions/tree",
    f"/v1/regions/{HIDDEN_REGION}?include=counts",
    "/v1/regions/oceania?include=counts,children",
    "/v1/audit",
    "/v1/audit?action=purge&limit=3",
    "/v1/key",
    "/v1/resolve?external_id=0",
    "/v1/resolve?url=https://old.example/0",
    "/feeds/articles.rss?limit=100&content=full",
    "/feeds/articles.rss?q=zorbing+council",
    *(
        f"/feeds/articles.{format}?limit=100&archive={month}"
        for format, month in (
            ("atom", "2025-12"),
            ("json", "2025-06"),
            ("rss", "undated"),
        )
    ),
    "/feeds/tags/nato.rss?content=full&sort=-updated_at",
    f"/feeds/regions/{HIDDEN_REGION}.rss",
    "/v1/searches",
    "/v1/searches/zorbing-news?limit=100",
    "/v1/searches/hidden-place",
    "/v1/searches/nobodys",
    "/feeds/searches/zorbing-news.rss?content=full",
    "/feeds/searches/nobodys.rss",
    "/sitemap.xml",
    "/sitemaps/news.xml",
    *(f"/sitemaps/{year}-{month:02}.xml" for year in (2025, 2026) for month in range(1, 13)),
    "/sitemaps/undated.xml",
    "/robots.txt",
)
BELOW = ("", "/related", "/related?kind=similar", "/neighbours", "/revisions", "/revisions/1", "/revisions/2/diff",
         "/translations", "/suggestions", "/audit")  # fmt: skip
AS_FORMATS = tuple(f"?format={format}" for format in FORMATS)
FOLLOWING = (
    "/v1/changes",
    f"/v1/changes?include=article,{VIEWS[8:]}&limit=1000",
    f"/v1/changes?compact=true&include=article,{VIEWS[8:]}&limit=1000",
    "/v1/changes?since=now",
    "/v1/changes?since=2020",
    "/v1/changes?since=now-1h",
    "/v1/changes/stream?since=now-0h",
    "/v1/changes?tag=nato&include=article",
    "/v1/changes?region_not=estonia&limit=3",
    "/v1/changes?status=draft",
    "/v1/changes?status=trashed",
    "/v1/changes/stream?since=0&include=article",
    "/v1/changes/stream",
    "/v1/changes?search=zorbing-news&include=article,body",
    "/v1/changes?search=hidden-place",
    "/v1/changes?search=nobodys",
    "/v1/changes?search=private-news",
    "/v1/changes/stream?search=zorbing-news&since=0",
    "/v1/changes/stream?search=nobodys&since=0",
    "/feeds/searches/zorbing-news.atom?content=full",
    "/feeds/searches/private-news.json",
    "/feeds/articles.atom?limit=100&content=full",
    "/feeds/articles.json?limit=100",
    "/feeds/tags/nato.atom",
    f"/feeds/regions/{HIDDEN_REGION}.json",
    "/v1/export",
    "/v1/export?tag=nato&fields=title,translation_of",
    "/v1/export?after=1",
    "/v1/export?status=draft",
    "/v1/export?status=trashed",
    "/v1/jobs/1",
    "/v1/webhooks",
    "/v1/webhooks/1",
    "/v1/webhooks/1/attempts",
    "/v1/imports",
    "/v1/imports/1",
    "/v1/imports/1/articles",
)
"""What may not be kept: it tells what was withdrawn, too."""


def of_public(ids: Sequence[int]) -> Iterator[str]:
    """Everything about what everybody may read."""
    for id in ids[:5]:
        yield from (f"/v1/articles/{id}{below}" for below in (*BELOW, *AS_FORMATS))
    for letter in "abcd":
        yield from (f"/v1/articles/story-{letter}?{VIEWS}", f"/v1/articles/old-{letter}")
        yield from (f"/v1/articles/story-{letter}{as_format}" for as_format in AS_FORMATS)


def items(one: Hidden) -> list[str]:
    """What leads to one article alone."""
    refs = (str(one.id), one.slug, one.old_slug)
    urls = [quote(url) for url in (one.url, one.old_url, f"https://news.example/articles/{one.slug}")]
    return [
        *(f"/v1/articles/{ref}{below}" for ref in refs for below in BELOW[: len(BELOW) if ref == one.slug else 1]),
        *(f"/v1/articles/{one.slug}{as_format}" for as_format in AS_FORMATS),
        *(f"/v1/resolve?url={url}" for url in urls),
        f"/v1/resolve?external_id={one.word('external')}",
        f"/v1/resolve?external_id={one.word('external')}&origin={one.word('origin')}",
    ]


def filters(one: Hidden) -> list[str]:
    """Filters that only this article would match."""
    tags = [one.word(field) for field in ("tag", "section", "author")]
    return [
        f"id={one.id}",
        f"slug={one.slug},{one.old_slug}",
        f"external_id={one.word('external')}",
        f"origin={one.word('origin')}",
        f"source={one.word('source')}",
        "language=fj",
        *(f"{name}={tag}" for name, tag in zip(("tag", "section", "author"), tags, strict=True)),
        f"tag={one.word('author')}&tag_not={tags[0]}",
        f"tag_all=nato,{tags[0]}",
        f"translation_of={one.id}",
        f"copy_of={one.id}",
        f"region={HIDDEN_REGION}&region_role=about,mention",
        "dateline_from=1931&dateline_to=1931",
    ]


def lists(one: Hidden) -> list[str]:
    return [f"/v1/articles?{query}" for query in filters(one)]


def attempts(one: Hidden) -> Iterator[str]:
    """Everything that tries to learn of one article by what it knows of it."""
    yield from items(one)
    yield from lists(one)
    yield from (f"/v1/search?{query}&{FACETS}" for query in filters(one))
    yield from (f"/feeds/articles.rss?{query}&content=full" for query in filters(one))
    for kind, field in (("tags", "tag"), ("authors", "author"), ("sections", "section")):
        yield f"/feeds/{kind}/{one.word(field)}.rss"
    yield from (f"/v1/matrix?rows=tag&columns=language&{query}" for query in filters(one))
    for field in ("title", "standfirst", "body", "extra", "alias"):
        word = one.word(field)
        yield f"/v1/search?q={word}+grain&{HIGHLIGHT}&explain=true"
        yield f"/v1/search?q={_misspelt(word)}"
        yield f"/feeds/articles.rss?q={word}"
        yield f"/v1/search?q={word[:5]}&prefix=true"
        yield from (f"/v1/articles?q={word}{status}" for status in ("", "&status=published", f"&status={STATES}"))
    word = one.word("tag")
    yield from (f"/v1/search?q={_misspelt(one.word(field))}" for field in ("tag", "section", "author"))
    yield f"/v1/search?q={HIDDEN_REGION}i"
    yield from (f"/v1/suggest?q={_misspelt(one.word(field))}" for field in ("tag", "author", "title"))
    yield from (f"/v1/search?q=tag:{word}", f"/v1/search?q=author:{one.word('author')}", f"/v1/search?q=title:{word}*")
    yield from (f"/v1/suggest?q={word[:5]}", f"/v1/tags/{word}", f"/v1/tags?q={word[:5]}", f"/v1/tags/{word}/related")
    yield from (f"/v1/timeline?tag={word}&group_by=tag", f"/v1/timeline?interval=year&source={one.word('source')}")
    yield from (f"/v1/trending?tag={word}", f"/v1/articles/1/neighbours?tag={word}")
    yield from (f"/v1/articles?source={one.word('source')}&source=The+Herald", f"/v1/articles/1/neighbours?id={one.id}")


def _misspelt(word: str) -> str:
    return f"{word[:4]}{word[5:]}"


def attempts_to_follow(one: Hidden, since: str) -> Iterator[str]:
    for query in filters(one):
        yield f"/v1/changes?{query}&since={since}"
        yield f"/v1/export?{query}"
        yield f"/feeds/articles.atom?{query}"
    yield from (f"/feeds/tags/{one.word('tag')}.atom", f"/feeds/articles.json?q={one.word('title')}")


@dataclass(frozen=True)
class ComparedResponse:
    """All that a caller sees, but for the time of day."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def without_names(self, *names: str) -> "ComparedResponse":
        return ComparedResponse(self.status, tuple(pair for pair in self.headers if pair[0] not in names), self.body)

    def without_time(self) -> "ComparedResponse":
        """Without the second of the first page, which the cursors of a search hold, and the page's ETag with them: each
        worker's cache has a page of its own second."""
        body = _CURSOR.sub(_remove_second, self.body)
        headers = {name: _CURSOR.sub(_remove_second, value.encode()).decode() for name, value in self.headers}
        if body != self.body and self.header("etag") == list_etag(self.body):
            headers["etag"] = list_etag(body)
        return ComparedResponse(self.status, tuple(headers.items()), body)


_CURSOR = re.compile(rb"[A-Za-z0-9_-]{24,}")


def _remove_second(match: re.Match[bytes]) -> bytes:
    """Of any other text that is as long, the text."""
    try:
        content = base64.urlsafe_b64decode(match[0] + b"=" * (-len(match[0]) % 4))[_BEFORE_PLACE:]
        kind, key, id, offset, _second, *more = orjson.loads(content)
    except ValueError:
        return match[0]
    return orjson.dumps(["cursor", kind, key, id, offset, *more])


_BEFORE_PLACE = 8 + 1 + 4
"""Bytes of a cursor: its check, its version, its signature."""


async def ask(
    app: ASGIApp, address: str, headers: dict[str, str] | None = None, *, method: str = "GET"
) -> ComparedResponse:
    """One request by a client that leaves a stream after its first events. How long it took, which any client can
    measure, is no part of the response."""
    path, _, query = address.partition("?")
    sent = {"host": "test", "x-request-id": "same"} | {name.lower(): value for name, value in (headers or {}).items()}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("192.0.2.1", 5), "server": ("test", 80), "state": {},
    }  # fmt: skip
    started: list[Message] = []
    pieces: list[bytes] = []
    left = asyncio.Event()

    async def receive() -> Message:
        if not pieces and not started:
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
            return
        pieces.append(message.get("body", b""))
        # A stream's second piece has the events so far; there is none where nothing has happened.
        if "/stream" in path and (len(pieces) == 2 or "since=0" not in query):
            left.set()
            raise OSError("the client has gone")

    try:
        await app(scope, receive, send)
    except Exception:
        if not left.is_set():
            raise
    [start] = started
    pairs = ((name.decode(), value.decode()) for name, value in start["headers"])
    shown = sorted((name, value) for name, value in pairs if name != "server-timing")
    return ComparedResponse(start["status"], tuple(shown), b"".join(pieces))
