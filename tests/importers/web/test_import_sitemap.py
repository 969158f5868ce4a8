"""Sitemaps: pages in their order, nested, packed, broken and looping ones; and what a second run leaves out."""

import gzip
from collections.abc import Mapping

import pytest

from app.importers.document import Bookmark, Document, Failure, Item, ParseContext, Remark, SourceDate
from app.importers.web import sitemap
from app.importers.web.fetch import FetchedPage, FetchError

SITE = "https://coast.example"
NEWS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
NO_STATE: Mapping[str, object] = {}


def urlset(*entries: str) -> bytes:
    return f"<?xml version='1.0'?><urlset {NEWS}>{''.join(f'<url>{one}</url>' for one in entries)}</urlset>".encode()


def index(*entries: str) -> bytes:
    inside = "".join(f"<sitemap>{one}</sitemap>" for one in entries)
    return f"<sitemapindex {NEWS}>{inside}</sitemapindex>".encode()


def loc(path: str, lastmod: str = "", more: str = "") -> str:
    return f"<loc>{SITE}/{path}</loc>" + (f"<lastmod>{lastmod}</lastmod>" if lastmod else "") + more


class Web:
    """A site in memory, which says what it was asked for. Pages hold an article unless given otherwise."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[str] = []

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        path = url.removeprefix(f"{SITE}/")
        self.asked.append(path)
        if path.startswith("lost"):
            raise FetchError(url, "answers 404", 404)
        page = f"<html><title>Page {path} of the coast</title><p>{'The tide came in again at noon. ' * 9}</p></html>"
        kind = "application/xml" if path in self.files else "text/html"
        return FetchedPage(url, 200, {"content-type": kind}, self.files.get(path, page.encode()))

    def read(self, state: Mapping[str, object] = NO_STATE) -> list[Item]:
        self.asked.clear()
        start = FetchedPage(f"{SITE}/start", 200, {}, self.files["start"])
        return list(sitemap.read_site(f"{SITE}/start", start, self, state, ParseContext()))


def failures(items: list[Item]) -> list[Failure]:
    return [one for one in items if isinstance(one, Failure)]


def last_state(items: list[Item]) -> Mapping[str, object]:
    bookmark = items[-1]
    assert isinstance(bookmark, Bookmark)
    return bookmark.state


def test_pages_are_read_in_order_and_news_tags_fill_gaps() -> None:
    hints = (
        "<news:news><news:publication><news:name>Coast Paper</news:name><news:language>en</news:language>"
        "</news:publication><news:publication_date>2025-11-03T18:00:00Z</news:publication_date>"
        "<news:title>x</news:title><news:keywords>Tides, Sea</news:keywords></news:news>"
    )
    matches = [one for one in Web(start=urlset(loc("b", more=hints), loc("a"))).read() if isinstance(one, Document)]
    assert [one.url for one in matches] == [f"{SITE}/b", f"{SITE}/a"]
    first = matches[0]
    assert (first.title, first.published) == ("Page b of the coast", SourceDate(1762192800, "instant"))
    assert (first.language, first.source, first.tags) == ("en", "Coast Paper", ("Tides", "Sea"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_nested_sitemaps_are_followed_packed_or_not(pack: type[bytes]) -> None:
    web = Web(start=index(loc("one"), loc("two")), one=pack(urlset(loc("a"))), two=pack(f"{SITE}/b\n".encode()))
    assert failures(web.read()) == []
    assert web.asked == ["one", "a", "two", "b"]


def test_second_run_asks_only_for_what_changed() -> None:
    files = {"start": urlset(loc("a", "2025-01-01"), loc("b", "2025-01-01"), loc("c"))}
    state = last_state(Web(**files).read())
    again = Web(start=urlset(loc("a", "2025-01-01"), loc("b", "2025-02-02"), loc("c")))
    items = again.read(state)
    assert again.asked == ["b", "c"]
    assert any(isinstance(one, Remark) and ": 1 of its pages" in one.text for one in items)


def test_unchanged_sitemap_is_left_out_whole_and_its_pages_are_remembered() -> None:
    files = {"start": index(loc("one", "2025-01-01")), "one": urlset(loc("a", "2024-01-01"))}
    state = last_state(Web(**files).read())
    web = Web(**files)
    state = last_state(web.read(state))
    assert web.asked == []
    web = Web(**files | {"start": index(loc("one", "2025-05-05"))})
    web.read(state)
    assert web.asked == ["one"]


def test_failed_page_is_reported_and_asked_for_again() -> None:
    web = Web(start=urlset(loc("lost", "2025-01-01"), loc("a", "2025-01-01")))
    items = web.read()
    assert [(one.where, one.reason) for one in failures(items)] == [(f"{SITE}/lost", "answers 404")]
    web.read(last_state(items))
    assert web.asked == ["lost"]


def test_interrupted_run_goes_on_behind_its_last_bookmark() -> None:
    web = Web(start=urlset(*(loc(f"p{n}") for n in range(sitemap.AT_ONCE + 5))))
    first = next(one for one in web.read() if isinstance(one, Bookmark))
    assert failures(web.read(first.state)) == []
    assert web.asked == [f"p{n}" for n in range(sitemap.AT_ONCE, sitemap.AT_ONCE + 5)]


def test_dead_site_is_given_up() -> None:
    web = Web(start=urlset(*(loc(f"lost{n}") for n in range(50))))
    result = failures(web.read())
    assert (len(web.asked), "given up" in result[-1].reason) == (sitemap.GIVE_UP, True)


def test_loop_is_noticed_and_depth_is_bounded() -> None:
    loop = Web(start=index(loc("one")), one=index(loc("start")))
    assert [type(one) for one in loop.read()] == [Remark, Bookmark]
    deep = Web(start=index(loc("s1")), s1=index(loc("s2")), s2=index(loc("s3")), s3=urlset(loc("a")))
    assert "3 deep" in failures(deep.read())[0].reason


@pytest.mark.parametrize(
    ("body", "reason", "requested"),
    [
        (urlset(loc("a"), loc("b"))[:-9], "read further", ["a", "b"]),
        (b"no sitemap at all", "neither XML nor", []),
        (gzip.compress(b"<urlset>" + b" " * 60_000_000), "larger than", []),
        (gzip.compress(urlset(loc("a")))[:40], "cannot be unpacked", []),
        (b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>', "", []),
    ],
    ids=["cut", "prose", "bomb", "half", "entity"],
)
def test_broken_sitemap_gives_what_stands_before_the_fault(body: bytes, reason: str, requested: list[str]) -> None:
    web = Web(start=body)
    result = failures(web.read())
    assert web.asked == requested
    assert [reason in one.reason for one in result] == ([True] if reason else [])
