"""Below a path of a proxy every address in every response leads where it should, whether the proxy strips the path or
leaves it."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx
import orjson
import pytest
from conftest import Served, serve
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import Settings
from app.settings.values import RESERVED

pytestmark = pytest.mark.anyio

ROOT, OTHER = "/api", "/gateway/news.v2"
NOBODY = "https://receiver.invalid/hook"
STORY: dict[str, object] = {
    "title": "A harbour is dredged",
    "body": "<p>Ships wait at Antwerp.</p>",
    "tags": ["Harbours", "Ships"],
    "authors": ["Ann Ferry"],
    "regions": ["belgium"],
    "external_id": "harbour",
    "source": {"slug": "wire", "name": "Wire"},
}

IN_MARKUP = re.compile(r"""(?:href|src|url|uri|scheme)=["']([^"'#]+)|<(?:loc|id|uri|url|link|guid[^>]*)>([^<]+)<""")
IN_LINK = re.compile(r"<([^>]*)>")
NO_ADDRESSES = ("pointer", "body", "body_text", "title", "detail", "documentation")
"""Members whose texts may begin with a slash and name no address of this server."""


@dataclass(frozen=True)
class PrefixProxy:
    """Serves an application below a prefix, and nothing beside it: 404 with a text for what lies outside. With
    `strips` the application does not see the prefix, with `tells` it is told in a header."""

    app: ASGIApp
    prefix: str
    strips: bool = True
    tells: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path != self.prefix and not path.startswith(f"{self.prefix}/"):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"outside"})
            return
        if self.strips:
            length = len(self.prefix)
            scope = {**scope, "path": path[length:] or "/", "raw_path": scope["raw_path"][length:] or b"/"}
        if self.tells:
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-prefix", self.prefix.encode())]}
        await self.app(scope, receive, send)


def list_addresses(response: httpx.Response) -> Iterator[str]:
    """Whole addresses, as a client would resolve them."""
    for written in _list_written(response):
        yield urljoin(str(response.request.url), written.replace("&amp;", "&"))


def _list_written(response: httpx.Response) -> Iterator[str]:
    for name in ("location", "content-location"):
        if name in response.headers:
            yield response.headers[name]
    yield from IN_LINK.findall(response.headers.get("link", ""))
    kind = response.headers.get("content-type", "")
    if "json" in kind and response.content:
        for text in response.content.splitlines() if "ndjson" in kind else [response.content]:
            document = orjson.loads(text)
            is_openapi = isinstance(document, dict) and "openapi" in document and "servers" in document
            yield from (one["url"] for one in document["servers"]) if is_openapi else _list_in_json(document)
    elif "xml" in kind or "html" in kind:
        for pair in IN_MARKUP.findall(response.text):
            yield from (one for one in pair if one and not one.startswith(("data:", "mailto:", "tag:")))
    elif "csv" in kind:
        yield from re.findall(r"(?:^|,)\"?(/[a-z][^,\"\r\n]*)", response.text)


def _list_in_json(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _list_in_json(below, key)
    elif isinstance(value, list):
        for below in value:
            yield from _list_in_json(below, name)
    elif isinstance(value, str) and name not in NO_ADDRESSES and value.startswith(("/", "http://test/")):
        yield value


@dataclass
class Crawler:
    """Follows addresses through a proxy; `outside` are those that lead nowhere, with where they stood."""

    client: httpx.AsyncClient
    root: str
    seen: set[str] = field(default_factory=set)
    outside: list[str] = field(default_factory=list)

    async def crawl(self, *paths: str) -> None:
        waiting = [(f"http://test{self.root}{path}", "") for path in paths]
        while waiting:
            address, found_in = waiting.pop()
            if address in self.seen:
                continue
            self.seen.add(address)
            response = await self.client.get(address)
            if found_in and (response.status_code == 404 or "outside" in response.text[:7]):
                self.outside.append(f"{found_in} -> {address}: {response.status_code}")
            waiting += [(one, address) for one in self.check(response)]

    def check(self, response: httpx.Response) -> Iterator[str]:
        """Those that may be followed: not templates, not what has no end."""
        for address in list_addresses(response):
            if not address.startswith("http://test"):
                continue  # a namespace, or another host's
            if not f"{address}/".startswith(f"http://test{self.root}/"):
                self.outside.append(f"{response.request.url} -> {address}")
            elif "{" not in address and "/stream" not in address and len(self.seen) < 1_500:
                yield address


@pytest.fixture(scope="module")
async def proxied_api(shared_settings: Settings) -> AsyncIterator[Served]:
    settings = shared_settings.model_copy(
        update={"root_path": ROOT, "trusted_proxies": Settings(trusted_proxies="127.0.0.1").trusted_proxies}
    )
    async with serve(settings) as api:
        for number in range(3):
            more = {"external_id": "shared"} if number else {}
            await api.post(**STORY | more | {"origin": f"o{number}"} | {"title": f"Harbour {number}"})
        withdrawn = await api.post(**STORY | {"title": "A wrong story", "external_id": "wrong"})
        etag = (await api.editor.get(f"/v1/articles/{withdrawn['id']}")).headers["etag"]
        gone = await api.editor.patch(
            f"/v1/articles/{withdrawn['id']}", json={"status": "withdrawn"}, headers={"If-Match": etag}
        )
        assert gone.status_code == 200, gone.text
        search = {"slug": "harbours", "q": "harbour", "public": True}
        assert (await api.editor.post("/v1/searches", json=search)).status_code == 201
        hook = {"name": "Nobody listens", "url": NOBODY, "enabled": False}
        assert (await api.editor.post("/v1/webhooks", json=hook)).status_code == 201
        yield api


def connect(api: Served, root: str, *, strips: bool, keyed: bool = False) -> httpx.AsyncClient:
    proxy = PrefixProxy(api.app, root, strips, tells=root != ROOT)
    headers = {"authorization": api.editor.headers["authorization"]} if keyed else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(proxy), base_url=f"http://test{root}", headers=headers)


def list_reads(app: FastAPI, document: dict[str, dict[str, dict[str, object]]]) -> list[str]:
    """Every path that can be read, with references that there are."""
    values = {
        "{ref}": "1", "{format}": "atom", "{kind}": "tags", "{slug}": "harbours", "{name}": "2025-01", "{n}": "1",
        "{id}": "1", "{code}": "gone",
    }  # fmt: skip
    of_refs = {"/v1/regions": "belgium", "/v1/tags": "harbours"}
    paths = []
    for path, methods in document["paths"].items():
        if "get" in methods and "/stream" not in path:
            ref = next((known for start, known in of_refs.items() if path.startswith(start)), "1")
            filled = path.replace("{ref}", ref)
            paths.append(re.sub(r"\{\w+\}", lambda match: values.get(match[0], "1"), filled))
    return paths


EXTRA = (
    "", "/", "/docs", "/docs/", "/guides", "/openapi.json", "/problems", "/v1/nothing", "/v1/articles?limit=0",
    "/v1/articles?limit=1", "/v1/articles?limit=1&page=2", "/v1/articles?limit=1&format=ninjs",
    "/v1/articles/1?format=jsonld", "/v1/articles/4", "/v1/articles?status=draft", "/v1/articles/",
    "/v1/resolve?external_id=shared", "/v1/resolve?external_id=harbour", "/v1/stats?format=csv&days=3",
    "/v1/changes?since=2020&limit=1", "/v1/changes?since=AAAA", "/feeds/articles.rss?limit=1",
    "/feeds/articles.json?limit=1&content=full", "/feeds/articles.atom?limit=1", "/feeds/tags/1.atom", "/v1/regions/BE",
    "/v1/articles?cursor=x", "/v1/key", "/v1/search?q=harbour&limit=1", "/v1/searches/harbours?limit=1",
    "/v1/searches?limit=1", "/v1/webhooks?limit=1", "/v1/webhooks/1/attempts", "/v1/changes?search=harbours&since=0",
    "/feeds/searches/harbours.rss?limit=1", "/feeds/searches/harbours.json?limit=1",
)  # fmt: skip


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(("root", "strips"), [(ROOT, True), (ROOT, False), (OTHER, True), (OTHER, False)])
async def test_every_address_in_every_response_leads_somewhere_below_the_root_path(
    proxied_api: Served, root: str, *, strips: bool, keyed: bool
) -> None:
    document = (await proxied_api.public.get("/openapi.json")).json()
    async with connect(proxied_api, root, strips=strips, keyed=keyed) as client:
        crawler = Crawler(client, root)
        await crawler.crawl(*EXTRA, *list_reads(proxied_api.app, document))
    assert crawler.outside == []
    assert len(crawler.seen) > 150, "hardly anything was followed"


async def test_addresses_of_what_a_write_makes_lead_below_the_root_path(proxied_api: Served) -> None:
    async with connect(proxied_api, ROOT, strips=True, keyed=True) as client:
        crawler = Crawler(client, ROOT)
        requests: list[tuple[str, dict[str, object]]] = [
            ("/v1/articles", {**STORY, "title": "Another", "external_id": "another", "status": "published"}),
            ("/v1/tags", {"name": "Canals", "kind": "topic"}),
            ("/v1/regions", {"slug": "low-countries", "name": "Low Countries", "level": "grouping"}),
            ("/v1/articles/bulk", {"filter": {"tag": "ships"}, "language": "nl"}),
            ("/v1/imports", {"articles": [{"title": "One", "body": "<p>Text.</p>"}]}),
            ("/v1/searches", {"slug": "canals", "q": "canals", "public": True}),
            ("/v1/webhooks", {"name": "Another", "url": NOBODY, "enabled": False}),
            ("/v1/articles/bulk", {}),
            ("/v1/articles", {}),
            ("/v1/searches", {}),
            ("/v1/webhooks", {}),
        ]
        located = 0
        for path, payload in requests:
            response = await client.post(f"{ROOT}{path}", json=payload)
            located += "location" in response.headers
            followed = [*crawler.check(response)]
            for address in followed:
                assert (await client.get(address)).status_code == 200, (path, address)
        assert located >= 6
        merged = await client.post(f"{ROOT}/v1/tags/canals/merge", json={"into": "harbours"})
        assert merged.status_code == 200
        jobs = [await client.get(f"{ROOT}/v1/jobs/{id}") for id in range(1, 6)]
        assert any(job.status_code == 200 and job.json()["result"] for job in jobs)
        await crawler.crawl(*(f"/v1/jobs/{id}" for id in range(1, 6)))
        assert crawler.outside == []


async def test_responses_of_one_prefix_are_never_sent_for_another(proxied_api: Served) -> None:
    path = "/v1/articles?limit=1&sort=title"
    for _ in range(2):  # the second time from memory
        for root, strips in ((ROOT, True), (OTHER, True), (OTHER, False)):
            async with connect(proxied_api, root, strips=strips) as client:
                response = await client.get(f"{root}{path}")
                assert response.headers["link"].startswith(f"<{root}/v1/articles?")
                assert ("X-Forwarded-Prefix" in response.headers["vary"]) == (root == OTHER)
    alone = await proxied_api.public.get(f"{OTHER}/v1/articles")
    assert (alone.status_code, alone.json()["type"]) == (404, f"{ROOT}/problems/not_found")


async def test_prefix_of_whoever_is_no_trusted_proxy_means_nothing(proxied_api: Served) -> None:
    transport = httpx.ASGITransport(proxied_api.app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/v1/articles", headers={"X-Forwarded-Prefix": "/elsewhere"})
        assert f"<{ROOT}/v1/articles>" in response.headers["link"]


@pytest.mark.parametrize(
    "prefix",
    ["//elsewhere.example", "https://elsewhere.example", "/a/../b", "api", "/a b", "/a,/b", "/%2f", "/v1", "/a?b",
     "/a//b", "/a\r\nb", "/" + "a" * 120],
)  # fmt: skip
async def test_prefix_that_is_no_path_is_refused(proxied_api: Served, prefix: str) -> None:
    for path in ("/v1/articles", "/v1/nothing"):
        response = await proxied_api.public.get(path, headers=[("X-Forwarded-Prefix", prefix)])
        assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
        assert "X-Forwarded-Prefix" in response.json()["detail"]


async def test_prefix_given_twice_is_refused(proxied_api: Served) -> None:
    sent = [("X-Forwarded-Prefix", "/a"), ("X-Forwarded-Prefix", "/b")]
    assert (await proxied_api.public.get("/v1/articles", headers=sent)).status_code == 400


async def test_slash_at_the_end_and_encoded_prefix_are_read(proxied_api: Served) -> None:
    slash = await proxied_api.public.get("/v1/articles", headers={"X-Forwarded-Prefix": "/gateway/"})
    assert "</gateway/v1/articles>" in slash.headers["link"]
    encoded = await proxied_api.public.get("/%61pi/v1/articles/")
    assert (encoded.status_code, encoded.headers["location"]) == (308, "/api/v1/articles")


async def test_every_path_of_the_api_begins_with_a_reserved_word(proxied_api: Served) -> None:
    begins = {(context.path or "").split("/")[1] for context in iter_route_contexts(proxied_api.app.routes)}
    assert begins - {""} == RESERVED
