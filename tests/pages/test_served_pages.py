"""Pages as a browser or a program gets them: documents, assets, policies, and what stays as it was for programs."""

import gzip
import hashlib
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
import zstandard
from conftest import Served, serve

from app.pages.assets import FOLDER, load_assets
from app.pages.routes import POLICY
from app.settings import Settings

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
LINK = re.compile(r'(?:href|src)="(?!data:)([^"]*)"')


def list_links(response: httpx.Response) -> list[str]:
    return [urljoin(str(response.url), unescape(link)) for link in LINK.findall(response.text)]


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("text/*", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0, */*", False),
        ("image/png", False),
        ("", False),
    ],
)
async def test_root_is_a_page_for_those_who_ask_for_one(accept: str, *, is_page: bool, shared_api: Served) -> None:
    response = await shared_api.public.get("/", headers={"Accept": accept})
    assert "Accept" in response.headers["vary"]
    if is_page:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    else:
        assert (response.status_code, response.headers["location"]) == (307, "/docs")


async def test_document_names_assets_that_there_are_and_nothing_inline(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        page = await api.public.get("/", headers=BROWSER)
        assert page.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)
        links = list_links(page)
        assert sum("/assets/" in link for link in links) == 3
        for link in links:
            assert (await api.public.get(link)).status_code in (200, 307)
        again = await api.public.get("/", headers={**BROWSER, "If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_assets_are_sent_for_ever_in_the_coding_that_is_asked_for(sqlite_settings: Settings) -> None:
    decoders: dict[str, Callable[[bytes], bytes]] = {
        "zstd": zstandard.ZstdDecompressor().decompress,
        "gzip": gzip.decompress,
        "": bytes,
    }
    async with serve(sqlite_settings) as api:
        for name, asset in load_assets().by_name.items():
            for coding, decode in decoders.items():
                request = api.public.build_request("GET", f"/assets/{name}", headers={"Accept-Encoding": coding})
                response = await api.public.send(request, stream=True)
                body = b"".join([piece async for piece in response.aiter_raw()])
                assert response.headers.get("content-encoding", "") == coding
                assert decode(body) == asset.body
                assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert response.headers["vary"] == "Accept-Encoding"
                assert response.headers["x-content-type-options"] == "nosniff"
        for wrong in ("explorer.js", "explorer-0000000000000000.js", "..%2Froutes.py", "vendor%2Fpreact.mjs"):
            response = await api.public.get(f"/assets/{wrong}")
            assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ""),
        ("q=grain&tag=a&tag=b&sort=published_at", "?q=grain&tag=a&tag=b"),
        ("article=7&page=2", ""),
        ("q=a&format=csv&facets=tag&explain=true&fields=title&count=none&match=any", "?match=any&q=a"),
        ("tag_not=a&has_not=copy", "?has_not=copy&tag_not=a"),
        ('q="><script>alert(1)</script>', "?q=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E"),
    ],
)
async def test_document_names_the_feeds_of_what_it_shows(query: str, asked: str, sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"site_name": "A <b>Name</b>"})) as api:
        page = await api.public.get(f"/?{query}", headers=BROWSER)
        assert "<script>alert" not in page.text
        assert "A &lt;b&gt;Name" in page.text
        feeds = [link for link in list_links(page) if "/feeds/" in link]
        assert [feed.partition("articles.")[2] for feed in feeds] == [f"atom{asked}", f"rss{asked}", f"json{asked}"]
        for feed in feeds:  # they take all that they are asked; the index of a new archive may not be there yet
            assert (await api.public.get(feed)).status_code in (200, 503)


async def test_addresses_in_the_document_begin_with_the_root_path(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"root_path": "/api"})) as api:
        for path in ("/api", "/api/", "/"):
            page = await api.public.get(path, headers=BROWSER)
            assert page.status_code == 200
            assert all(link.startswith("/api/") for link in LINK.findall(page.text))
            asset = next(link for link in list_links(page) if link.endswith(".js"))
            assert (await api.public.get(asset)).status_code == 200


async def test_pages_can_be_left_out(sqlite_settings: Settings) -> None:
    assert not Settings(pages="off").pages
    async with serve(sqlite_settings.model_copy(update={"pages": False})) as api:
        response = await api.public.get("/", headers=BROWSER)
        assert (response.status_code, response.headers["location"]) == (307, "/docs")
        assert (await api.public.get(f"/assets/{next(iter(load_assets().by_name))}")).status_code == 404


async def test_pages_are_served_where_articles_need_a_key(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"public_reads": False})) as api:
        page = await api.public.get("/?q=secret", headers=BROWSER)
        assert page.status_code == 200
        for link in (link for link in list_links(page) if "/assets/" in link):
            assert (await api.public.get(link)).status_code == 200
        assert (await api.public.get("/v1/search")).status_code == 401


async def test_vendored_files_are_those_that_the_page_about_them_names() -> None:
    page = (ROOT / "docs" / "third_party.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", page, re.MULTILINE))
    files = [path for path in (FOLDER / "vendor").iterdir() if path.is_file()]
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == listed
    licences = {path.stem for path in (FOLDER / "vendor" / "licences").iterdir()}
    assert licences == set(re.findall(r"\(\.\./app/pages/static/vendor/licences/([\w-]+)\.txt\)", page))


async def test_desk_is_a_page_that_holds_nothing_of_the_archive(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"root_path": "/api"})) as api:
        await api.post(title="A secret", body="Words.", status="draft")
        page = await api.public.get("/api/desk?article=1", headers=BROWSER)
        assert (page.status_code, page.headers["content-security-policy"]) == (200, POLICY)
        assert "secret" not in page.text
        assert "alternate" not in page.text
        links = [link for link in list_links(page) if "/assets/" in link]
        assert [link.rpartition("/")[2].partition("-")[0] for link in links] == ["desk", "view", "desk"]
        for link in links:
            assert (await api.public.get(link)).status_code == 200
    async with serve(sqlite_settings.model_copy(update={"pages": False})) as api:
        assert (await api.public.get("/desk", headers=BROWSER)).status_code == 404
