"""`/guides`: every page of the documentation as HTML, from the files that come with the program."""

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from conftest import serve
from hypothesis import given
from hypothesis import strategies as st

from app.http.docs.guides import find_address, find_files, load_file
from app.http.docs.markdown import render_page
from app.settings import Settings

FOLDER = Path(__file__).resolve().parent.parent.parent.parent / "docs"
FILES = find_files(FOLDER)
PAGES = {find_address(name): name for name in FILES if name.endswith(".md")}


def load(address: str) -> str:
    name = PAGES[address]
    return load_file(FILES, "" if name == "README.md" else name.removesuffix(".md")).body.decode()


@pytest.mark.parametrize("address", PAGES)
def test_links_of_every_page_lead_to_served_pages_and_their_headings(address: str) -> None:
    served = {find_address(name) for name in FILES} | {"/guides/guides.css", "/docs"}
    html = load(address)
    for link in re.findall(r'href="([^"]*)"', html):
        target = urlsplit(urljoin(f"http://test{address}", link))
        if target.netloc == "test":
            assert target.path in served
            assert not target.fragment or f'id="{target.fragment}"' in load(target.path)
    assert not re.search(r"<script|<img| style=| src=", html)
    assert "<title> –" not in html


@pytest.mark.anyio
async def test_guides_are_served_with_a_policy_that_lets_nothing_in(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        start = await api.public.get("/docs")
        links = re.findall(r'href="(guides[^"]*)"', start.text)
        assert len(links) == 7
        for link in links:
            page = await api.public.get(f"/{link}")
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert page.headers["content-security-policy"].startswith("default-src 'none'")
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["cache-control"].startswith("public")
        again = await api.public.get(
            "/guides", headers={"If-None-Match": (await api.public.get("/guides")).headers["etag"]}
        )
        assert again.status_code == 304
        assert (await api.public.get("/guides/guides.css")).headers["content-type"] == "text/css; charset=utf-8"
        assert (await api.public.get("/guides/search/")).headers["location"] == "/guides/search"
        assert (await api.public.get("/guides/search.md")).text == (FOLDER / "search.md").read_text(encoding="utf-8")
        example = await api.public.get("/guides/examples/follow.py")
        assert example.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["nothing", "howto/nothing", "a/b/c", "README", "..%2Fpyproject.toml", "%2e%2e%2fREADME.md", "howto"]
)
async def test_unknown_page_is_a_problem_document(path: str, sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        response = await api.public.get(f"/guides/{path}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_headings_of_one_text_have_anchors_of_their_own() -> None:
    html = render_page("# A `b` c\n\n## Same\n\n## Same\n", lambda path: None).html
    assert re.findall(r'id="([^"]*)"', html) == ["a-b-c", "same", "same-1"]


def test_links_are_kept_changed_or_taken_away_by_where_they_lead() -> None:
    text = "[a](https://example.com/) [b](#here) [c](c.md#x) [d](missing.md) [e](javascript:x)"
    html = render_page(text, {"c.md": "c"}.get).html
    assert re.findall(r'<a href="([^"]*)">', html) == ["https://example.com/", "#here", "c#x"]
    assert "<span>d</span>" in html


@given(st.text())
def test_no_text_becomes_a_script(text: str) -> None:
    assert not re.search(r"<(script|style|iframe|img[^>]* on)", render_page(text, lambda path: None).html)
