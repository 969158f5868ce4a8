"""WordPress exports (WXR), of any size: one pass for what posts refer to, one for the posts.

Pages, menus, revisions and what is in the bin are no articles: they are counted, and left out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from app.importers import boundary
from app.importers.document import Context, Document, Failure, Item, Remark
from app.importers.formats.wordpress.export_entries import REFERRED_TO, Entry, Site
from app.importers.formats.wordpress.posts import document
from app.importers.formats.xml_stream import Fault, children

_TAGS = ("item", "title", "link", "language", "{*}base_blog_url", "{*}author", "{*}category", "{*}tag", "{*}term")
_GONE = frozenset({"auto-draft", "inherit"})


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """The posts, each `where#id`, then a Remark for each kind of what was left out. Reads the stream twice.

    What a broken file has before its fault is read; the fault is one Failure that says where it is.
    """
    start = stream.tell()
    site = _survey(stream, where)
    stream.seek(start)
    left: Counter[str] = Counter()
    try:
        items = (element for element in children(stream, _TAGS) if element.tag == "item")
        for number, element in enumerate(items, 1):
            item = boundary.attempt("read", f"{where}#{number}", _read, element, site, where, number, context)
            if isinstance(item, str):
                left[item] += 1
            else:
                yield item
    except Fault as fault:
        yield Failure(where, f"{fault}; what stands before that was read")
    for reason, count in left.items():
        yield Remark(where, f"left out: {count} {reason}")


def _read(element: etree._Element, site: Site, where: str, number: int, context: Context) -> Item | str:
    """The article, or the reason why it is left out."""
    entry = Entry(element)
    return _left_out(entry) or _post(entry, site, where, number, context)


def _taken_back(item: Item) -> Item:
    """What is in the bin there: an article that is here is withdrawn; there is none to be made of it."""
    if not isinstance(item, Document):
        return item
    return replace(item, status="withdrawn", said=("status",), retracts=True, slug=None, previous_slugs=(), notes=())


def _post(entry: Entry, site: Site, where: str, number: int, context: Context) -> Item:
    post, notes = site.post(entry)
    place = f"{where}#{post.id if post.id.isdigit() else number}"
    item = document(post, site.blog, place, context, notes)
    return _taken_back(item) if entry["status"] == "trash" else item


def _left_out(entry: Entry) -> str | None:
    kind, status = entry["post_type"] or "post", entry["status"]
    if kind != "post":
        return f"of the type {kind}"
    return f"posts with the status {status}" if status in _GONE else None


def _survey(stream: BinaryIO, where: str) -> Site:
    """What the posts refer to. It ends where the file does, or its first fault, of which the second pass tells."""
    site = Site()
    try:
        for element in children(stream, _TAGS):
            boundary.attempt("read", f"{where}, what posts refer to", _learn, site, element)
    except Fault:
        pass
    return site


def _learn(site: Site, element: etree._Element) -> None:
    name = etree.QName(element).localname
    if element.tag == "item":
        # Most of a file are posts, which nothing refers to.
        if element.findtext("{*}post_type") in REFERRED_TO:
            site.keep(Entry(element))
    elif name == "author":
        site.keep_author(Entry(element))
    elif name in ("category", "term", "tag"):
        site.keep_term(Entry(element))
    else:
        site.say(name, element.text or "")
