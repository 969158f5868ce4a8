"""Sitemaps as XML: the index, a file of articles, the file of news. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

import orjson

from app.http.params.times import format_time
from app.sync.feeds.xml_document import add_element, make_element, write_document, write_element
from app.sync.sitemaps.queries import SitemapPart, SitemapRow
from app.text.addresses import Addresses, image_address

MEDIA_TYPE = "application/xml; charset=utf-8"
PER_FILE = 5_000
"""Articles in a file. The protocol allows 50,000, and 50 MB: this is a megabyte or two, made in a third of a second."""
MOST_BYTES = 45_000_000
"""Beyond that a file names no more images."""
MOST_IMAGES = 1_000
_NAMES = {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"}
_IMAGES = {"xmlns:image": "http://www.google.com/schemas/sitemap-image/1.1"}
_NEWS = {"xmlns:news": "http://www.google.com/schemas/sitemap-news/0.9"}
NEWS = "news"
_NAME = re.compile(r"(undated|(?:1[0-9]{3}|20[0-9]{2})-(?:0[1-9]|1[0-2]))(?:-([2-9]|[1-9][0-9]{1,4}))?")


def name_file(month: str, number: int) -> str:
    """Of the articles of a month, or of those without a date; numbered from 1 on, which is not written."""
    return month if number == 1 else f"{month}-{number}"


def write_index(months: Mapping[str, SitemapPart], addresses: Addresses) -> bytes:
    """All files, news first."""
    pieces = [_write_file(addresses.sitemap(f"{NEWS}.xml"), None)]
    for month, part in months.items():
        for number in range(1, -(-part.articles // PER_FILE) + 1):
            pieces.append(_write_file(addresses.sitemap(f"{name_file(month, number)}.xml"), part.changed_at))
    return write_document(make_element("sitemapindex", _NAMES), pieces)


def _write_file(address: str, changed_at: int | None) -> bytes:
    element = make_element("sitemap")
    add_element(element, "loc", address)
    if changed_at is not None:
        add_element(element, "lastmod", format_time(changed_at))
    return write_element(element) + b"\n"


def write_articles(rows: Iterable[SitemapRow], addresses: Addresses) -> bytes:
    """A file of articles with their images."""
    pieces: list[bytes] = []
    size = 0
    for row in rows:
        element = _make_url(row, addresses)
        if row.changed_at is not None:
            add_element(element, "lastmod", format_time(row.changed_at))
        if size < MOST_BYTES and row.images != "[]":
            _add_images(element, row.images)
        pieces.append(write_element(element) + b"\n")
        size += len(pieces[-1])
    return write_document(make_element("urlset", _NAMES | _IMAGES), pieces)


def _make_url(row: SitemapRow, addresses: Addresses) -> Element:
    element = make_element("url")
    add_element(element, "loc", addresses.page(row.slug))
    return element


def _add_images(element: Element, images: str) -> None:
    shown = (image_address(image.get("url")) for image in orjson.loads(images))
    for address in [address for address in shown if address][:MOST_IMAGES]:
        add_element(add_element(element, "image:image"), "image:loc", address)


def write_news(rows: Sequence[SitemapRow], publication: str, addresses: Addresses) -> bytes:
    """The articles of the last two days."""
    pieces = []
    for row in rows:
        element = _make_url(row, addresses)
        news = add_element(element, "news:news")
        publisher = add_element(news, "news:publication")
        add_element(publisher, "news:name", publication)
        add_element(publisher, "news:language", row.language)
        add_element(news, "news:publication_date", format_time(row.published_at or 0))
        add_element(news, "news:title", row.title)
        pieces.append(write_element(element) + b"\n")
    return write_document(make_element("urlset", _NAMES | _NEWS), pieces)


def write_robots(addresses: Addresses, *, public_reads: bool) -> bytes:
    """Nothing for robots where everything needs a key; else everything, and where the sitemap is."""
    if not public_reads:
        return b"User-agent: *\nDisallow: /\n"
    sitemap = f"\nSitemap: {addresses.sitemap_index}\n" if addresses.site_url else ""
    return f"User-agent: *\nAllow: /\n{sitemap}".encode()


def parse_name(name: str) -> tuple[str, int] | None:
    """Month and number of a file; None for what is the name of none."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2] or 1)) if match else None


_ADDRESSES = Addresses("https://news.example.org", "https://api.example.org")
_ROW = SitemapRow(
    21, "how-asean-decides-without-ever-voting", "How ASEAN Decides Without Ever Voting", "en", 1_762_741_800,
    '[{"url": "https://example.org/jakarta.jpg"}]', 1_762_741_863,
)  # fmt: skip
EXAMPLE_INDEX = write_index({"2025-11": SitemapPart(1, _ROW.changed_at)}, _ADDRESSES)
EXAMPLE_ARTICLES = write_articles([_ROW], _ADDRESSES)
EXAMPLE_NEWS = write_news([_ROW], "Dateline", _ADDRESSES)
