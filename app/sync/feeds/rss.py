"""RSS 2.0, with the namespaces that its readers know for what it lacks itself. Pure.

It has no way to say that an article is gone. An article without a time of publication has no `pubDate`.
"""

from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element

from app.sync.feeds.model import Feed, FeedEntry, FeedImage, Frame
from app.sync.feeds.xml_document import add_element, make_element, write_element, write_frame

MEDIA_TYPE = "application/rss+xml; charset=utf-8"
_NAMES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:fh": "http://purl.org/syndication/history/1.0",
    "xmlns:media": "http://search.yahoo.com/mrss/",
}
_TYPED = ("self", "first", "next", "current", "prev-archive", "next-archive")


def write_entry(entry: FeedEntry) -> bytes:
    """An `item`."""
    # RSS has no other way to say from where addresses within a text count; without it readers take the feed's page.
    base = entry.page if entry.body is not None else None
    item = make_element("item", {"xml:lang": entry.language, "xml:base": base})
    add_element(item, "title", entry.title)
    add_element(item, "link", entry.link)
    add_element(item, "guid", entry.id, {"isPermaLink": "false"})
    if entry.published is not None:
        add_element(item, "pubDate", format_date(entry.published))
    add_element(item, "atom:updated", entry.updated)
    for author in entry.authors:
        add_element(item, "dc:creator", author)
    for category in entry.categories:
        add_element(item, "category", category.label, {"domain": category.scheme})
    if entry.summary is not None:
        add_element(item, "description", entry.summary)
    if entry.body is not None:
        add_element(item, "content:encoded", entry.body)
    _add_images(item, entry.images)
    return write_element(item) + b"\n"


def _add_images(item: Element, images: Iterable[FeedImage]) -> None:
    """An item has one enclosure at most; its length, which nobody knows here, is 0 then. Captions are titles, since
    widely used readers take any `media:description` for the text of the article."""
    typed = [image for image in images if image.type is not None]
    for image in typed[:1]:
        add_element(item, "enclosure", None, {"url": image.url, "length": 0, "type": image.type})
    for image in images:
        shown = {"url": image.url, "medium": "image", "type": image.type, "width": image.width, "height": image.height}
        content = add_element(item, "media:content", None, shown)
        if image.caption:
            add_element(content, "media:title", image.caption, {"type": "plain"})
        if image.credit:
            add_element(content, "media:credit", image.credit)


def make_frame(feed: Feed) -> Frame:
    """The document around its entries."""
    root = make_element("rss", {"version": "2.0", **_NAMES})
    channel = add_element(root, "channel")
    add_element(channel, "title", feed.title)
    add_element(channel, "link", feed.home)
    add_element(channel, "description", feed.title)
    if feed.language is not None:
        add_element(channel, "language", feed.language)
    add_element(channel, "lastBuildDate", format_date(feed.updated))
    for relation, address in feed.links:
        type = MEDIA_TYPE.partition(";")[0] if relation in _TYPED else None
        add_element(channel, "atom:link", None, {"rel": relation, "href": address, "type": type})
    if feed.is_archive:
        add_element(channel, "fh:archive")
    return Frame(*write_frame(root, "channel"))


def format_date(time: str) -> str:
    """A time of RFC 3339 as RFC 822 has it, with a year of four digits."""
    return format_datetime(datetime.fromisoformat(time), usegmt=True)
