"""What a sitemap lists (https://www.sitemaps.org/protocol.html, with Google's news tags): XML, packed or not, or plain
text. Pure; never follows an address."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from app.importers.text_parts import clean
from app.importers.web import decompression

MAX_SITEMAP = 50 * 1024 * 1024
MAX_ENTRIES = 50_000
"""Both as the protocol has them."""
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


class SitemapUnreadable(Exception):
    """Why there are no more entries, for people; those given before it are good."""


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """A page, or another sitemap; dates stand as written. The rest is what a news sitemap says of the page."""

    url: str
    lastmod: str | None = None
    is_sitemap: bool = False
    title: str | None = None
    published: str | None = None
    language: str | None = None
    site: str | None = None
    keywords: tuple[str, ...] = ()


def read_entries(body: bytes) -> Iterator[SitemapEntry]:
    """In the order listed, at most MAX_ENTRIES. Raises Unreadable where the file breaks off or is no sitemap."""
    if body.startswith(b"\x1f\x8b"):
        body = _decompress(body)
    all_entries = _read_xml(body) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _read_text(body)
    for number, entry in enumerate(all_entries):
        if number == MAX_ENTRIES:
            raise SitemapUnreadable(f"it lists more than {MAX_ENTRIES:,} addresses, which no sitemap may")
        yield entry


def _decompress(body: bytes) -> bytes:
    try:
        return decompression.read_body([body], "gzip", MAX_SITEMAP)
    except decompression.DecompressedTooLarge as error:
        raise SitemapUnreadable(f"unpacked it is larger than {MAX_SITEMAP >> 20} MB") from error
    except decompression.BrokenEncoding as error:
        raise SitemapUnreadable(f"it cannot be unpacked: {error}") from error


def _read_text(body: bytes) -> Iterator[SitemapEntry]:
    lines = [line.strip() for line in clean.decode(body)[0].splitlines() if line.strip()]
    if not any(_ADDRESS.fullmatch(line) for line in lines):
        raise SitemapUnreadable("it is no sitemap: neither XML nor a list of addresses")
    for line in lines:
        if _ADDRESS.fullmatch(line):
            yield SitemapEntry(line)


def _read_xml(body: bytes) -> Iterator[SitemapEntry]:
    tags = ("{*}url", "{*}sitemap")
    try:
        # No entities, no DTD, no network: a sitemap is whatever a stranger sends.
        parsed = etree.iterparse(io.BytesIO(body), tag=tags, resolve_entities=False, no_network=True, load_dtd=False)
        for _, element in parsed:
            entry = _read_entry(element)
            element.clear()
            # `clear` empties an element and leaves it in the tree, which would grow to the size of the file.
            while element.getprevious() is not None:
                element.getparent().remove(element.getprevious())
            if entry:
                yield entry
    except etree.XMLSyntaxError as error:
        raise SitemapUnreadable(f"it cannot be read further: {clean.join_lines(str(error))}") from error


def _read_entry(element: etree._Element) -> SitemapEntry | None:
    fields: dict[str, str] = {}
    for inside in element.iter():
        if isinstance(inside.tag, str) and inside.text and inside.text.strip():
            name = etree.QName(inside).localname
            # Pictures and videos of a page have addresses and titles of their own, below it.
            foreign = any(word in (etree.QName(inside).namespace or "") for word in ("image", "video"))
            if not foreign:
                fields.setdefault(name, clean.join_lines(inside.text))
    if not _ADDRESS.fullmatch(fields.get("loc", "")):
        return None
    return SitemapEntry(
        fields["loc"],
        fields.get("lastmod"),
        etree.QName(element).localname == "sitemap",
        fields.get("title"),
        fields.get("publication_date"),
        fields.get("language"),
        fields.get("name"),
        tuple(word for word in map(clean.join_lines, fields.get("keywords", "").split(",")) if word),
    )
