"""WordPress exports (WXR), of any size: one pass for what posts refer to, one for the posts.

Pages, menus, revisions and what is in the bin are no articles: they are counted, and left out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from app.importers import boundary
from app.importers.document import Document, Failure, Item, ParseContext, Remark
from app.importers.formats.wordpress.export_entries import REFERRED_TO, ExportEntry, ExportSite
from app.importers.formats.wordpress.posts import build_document
from app.importers.formats.xml_stream import XmlFault, iterate_children

_TAGS = ("item", "title", "link", "language", "{*}base_blog_url", "{*}author", "{*}category", "{*}tag", "{*}term")
_GONE = frozenset({"auto-draft", "inherit"})


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """The posts, each `where#id`, then a Remark for each kind of what was left out. Reads the stream twice.

    What a broken file has before its fault is read; the fault is one Failure that says where it is.
    """
    start = stream.tell()
    site = _survey_site(stream, where)
    stream.seek(start)
    left_out: Counter[str] = Counter()
    try:
        items = (element for element in iterate_children(stream, _TAGS) if element.tag == "item")
        for number, element in enumerate(items, 1):
            item = boundary.attempt("read", f"{where}#{number}", _read_item, element, site, where, number, context)
            if isinstance(item, str):
                left_out[item] += 1
            else:
                yield item
    except XmlFault as fault:
        yield Failure(where, f"{fault}; what stands before that was read")
    for reason, count in left_out.items():
        yield Remark(where, f"left out: {count} {reason}")


def _read_item(element: etree._Element, site: ExportSite, where: str, number: int, context: ParseContext) -> Item | str:
    """The article, or the reason why it is left out."""
    entry = ExportEntry(element)
    return _explain_left_out(entry) or _read_post(entry, site, where, number, context)


def _convert_trashed(item: Item) -> Item:
    """What is in the bin there: an article that is here is withdrawn; there is none to be made of it."""
    if not isinstance(item, Document):
        return item
    return replace(item, status="withdrawn", stated=("status",), retracts=True, slug=None, previous_slugs=(), notes=())


def _read_post(entry: ExportEntry, site: ExportSite, where: str, number: int, context: ParseContext) -> Item:
    post, notes = site.build_post(entry)
    item_name = f"{where}#{post.id if post.id.isdigit() else number}"
    item = build_document(post, site.blog, item_name, context, notes)
    return _convert_trashed(item) if entry["status"] == "trash" else item


def _explain_left_out(entry: ExportEntry) -> str | None:
    kind, status = entry["post_type"] or "post", entry["status"]
    if kind != "post":
        return f"of the type {kind}"
    return f"posts with the status {status}" if status in _GONE else None


def _survey_site(stream: BinaryIO, where: str) -> ExportSite:
    """What the posts refer to. It ends where the file does, or its first fault, of which the second pass tells."""
    site = ExportSite()
    try:
        for element in iterate_children(stream, _TAGS):
            boundary.attempt("read", f"{where}, what posts refer to", _add_element, site, element)
    except XmlFault:
        pass
    return site


def _add_element(site: ExportSite, element: etree._Element) -> None:
    name = etree.QName(element).localname
    if element.tag == "item":
        # Most of a file are posts, which nothing refers to.
        if element.findtext("{*}post_type") in REFERRED_TO:
            site.add_item(ExportEntry(element))
    elif name == "author":
        site.add_author(ExportEntry(element))
    elif name in ("category", "term", "tag"):
        site.add_term(ExportEntry(element))
    else:
        site.read_field(name, element.text or "")
