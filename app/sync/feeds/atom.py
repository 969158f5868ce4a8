"""Atom (RFC 4287), with archives (RFC 5005) and with what has left the feed (RFC 6721). Pure."""

from app.sync.feeds.model import Feed, FeedEntry, Frame
from app.sync.feeds.xml_document import add_element, make_element, write_element, write_frame

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
_NAMES = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:at": "http://purl.org/atompub/tombstones/1.0",
    "xmlns:fh": "http://purl.org/syndication/history/1.0",
}
_TYPED = ("self", "first", "next", "current", "prev-archive", "next-archive")


def write_entry(entry: FeedEntry) -> bytes:
    """An `entry`."""
    element = make_element("entry", {"xml:lang": entry.language})
    add_element(element, "id", entry.id)
    add_element(element, "title", entry.title)
    add_element(element, "link", None, {"rel": "alternate", "href": entry.link})
    if entry.published is not None:
        add_element(element, "published", entry.published)
    add_element(element, "updated", entry.updated)
    for name in entry.authors:
        add_element(add_element(element, "author"), "name", name)
    for category in entry.categories:
        named = {"term": category.term, "scheme": category.scheme, "label": category.label}
        add_element(element, "category", None, named)
    if entry.summary is not None:
        add_element(element, "summary", entry.summary)
    if entry.body is not None:
        add_element(element, "content", entry.body, {"type": "html", "xml:base": entry.page})
    for image in entry.images:
        shown = {"rel": "enclosure", "href": image.url, "type": image.type, "title": image.caption}
        add_element(element, "link", None, shown)
    return write_element(element) + b"\n"


def make_frame(feed: Feed) -> Frame:
    """The document around its entries."""
    root = make_element("feed", {**_NAMES, "xml:lang": feed.language})
    add_element(root, "id", feed.id)
    add_element(root, "title", feed.title)
    add_element(root, "updated", feed.updated)
    # Of entries that name none, which have to have one.
    add_element(add_element(root, "author"), "name", feed.publisher or feed.title)
    add_element(root, "link", None, {"rel": "alternate", "href": feed.home})
    for relation, address in feed.links:
        type = MEDIA_TYPE.partition(";")[0] if relation in _TYPED else None
        add_element(root, "link", None, {"rel": relation, "href": address, "type": type})
    if feed.is_archive:
        add_element(root, "fh:archive")
    for gone in feed.departures.told:
        add_element(root, "at:deleted-entry", None, {"ref": gone.id, "when": gone.when})
    return Frame(*write_frame(root))
