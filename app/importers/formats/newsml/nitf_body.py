"""The content of an NITF document as HTML: its blocks, lists and tables keep their meaning, names of people, places and
amounts become plain words. Pure, without recursion; never drops a word but those of `alternate` codes."""

import re
from collections.abc import Sequence
from html import escape

from lxml import etree

from app.importers.document import DocumentImage
from app.importers.formats.newsml.xml_item import (
    Element,
    find_below,
    find_first,
    get_local_name,
    read_attribute,
    read_element_text,
    read_first_text,
)
from app.importers.records import values

_SAME = frozenset(
    (
        *("p", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "td", "th", "thead", "tbody", "tfoot", "caption"),
        *("pre", "em", "strong", "sub", "sup", "q", "hr", "br", "blockquote", "figure", "figcaption"),
        *("h1", "h2", "h3", "h4"),
    )
)
_RENAMED = {
    "hl1": "h2", "hl2": "h3", "bq": "blockquote", "quote": "blockquote", "note": "blockquote", "fn": "p", "credit": "p",
    "datasource": "p", "byline": "p", "distributor": "p", "abstract": "blockquote", "nitf-table-metadata": "",
}  # fmt: skip
_FRAMES = frozenset(("iframe", "object", "embed", "video", "audio", "source", "param", "img"))
"""HTML that agencies write into NITF, which has none of it; what becomes of it is decided as for every format."""
_OF_FRAMES = ("src", "data", "href", "title", "alt", "name", "value", "srcset", "width", "height")
_VOID = frozenset(("embed", "source", "param", "img"))
_SPACE = re.compile(r"[ \t\r\n]+")
_EMPTY = frozenset(("hr", "br"))
_GONE = frozenset(("alt-code", "nitf-col", "nitf-colgroup", "media-metadata"))
_PICTURES = ("image", "photo", "picture", "graphic")


def convert_content(content: Element) -> tuple[str, tuple[DocumentImage, ...], tuple[str, ...]]:
    """The inside of `body.content`, the pictures in it, and notes. Films and recordings become links."""
    parts: list[str] = []
    images: list[DocumentImage] = []
    notes: dict[str, None] = {}
    skipped: Element | None = None
    verbatim = 0
    for event, element in etree.iterwalk(content, events=("start", "end")):
        if skipped is not None:
            if event == "end" and element is skipped:
                skipped = None
                parts.append(_escape_words(element.tail, verbatim))
            continue
        if get_local_name(element) == "pre":
            verbatim += 1 if event == "start" else -1
        if event == "end":
            if element is not content:
                parts += [_close_tag(element), _escape_words(element.tail, verbatim)]
        elif get_local_name(element) == "media":
            skipped = element
            parts.append(_convert_media(element, images, notes))
        elif get_local_name(element) in _GONE:
            skipped = element
        else:
            parts += ["" if element is content else _open_tag(element), _escape_words(element.text, verbatim)]
    return "".join(parts).strip(), tuple(images), tuple(notes)


def _escape_words(text: object, verbatim: int) -> str:
    """A piece of text; lines are broken and indented for the file's sake, but in preformatted text."""
    escaped = escape(str(text or ""), quote=False)
    return escaped if verbatim else _SPACE.sub(" ", escaped)


def _choose_tag(element: Element) -> str:
    name = get_local_name(element)
    return name if name in _SAME else _RENAMED.get(name, "")


def _open_tag(element: Element) -> str:
    if get_local_name(element) == "a" and (href := read_attribute(element, "href")):
        return f'<a href="{escape(href)}">'
    if get_local_name(element) in _FRAMES:
        frame_attributes = ((name, read_attribute(element, name)) for name in _OF_FRAMES)
        attributes_text = "".join(f' {name}="{escape(value)}"' for name, value in frame_attributes if value)
        return f"<{get_local_name(element)}{attributes_text}>"
    tag = _choose_tag(element)
    if get_local_name(element) in ("td", "th"):
        spans = "".join(
            f' {name}="{digits}"'
            for name in ("colspan", "rowspan")
            if (digits := read_attribute(element, name)) and digits.isdigit()
        )
        return f"<{tag}{spans}>"
    # Blocks without a tag of their own still part words from one another.
    return f"<{tag}>" if tag else " " if get_local_name(element) == "block" else ""


def _close_tag(element: Element) -> str:
    if get_local_name(element) == "a" and read_attribute(element, "href"):
        return "</a>"
    tag = get_local_name(element) if get_local_name(element) in _FRAMES - _VOID else _choose_tag(element)
    return f"</{tag}>" if tag and tag not in _EMPTY else ""


def _convert_media(media: Element, images: list[DocumentImage], notes: dict[str, None]) -> str:
    """A picture goes to the images, anything else becomes a link; its caption goes with it."""
    kind = (read_attribute(media, "media-type") or "").lower()
    caption = " ".join(text for one in find_below(media, "media-caption") if (text := read_element_text(one))) or None
    credit = read_first_text(media, "media-producer")
    references: Sequence[Element] = list(find_below(media, "media-reference"))
    best = max(references, key=lambda one: values.read_pixels(read_attribute(one, "width")) or 0, default=None)
    url = read_attribute(best, "source", "data-location")
    if url is None or not url.startswith(("http://", "https://")):
        if url or caption:
            notes.setdefault("pictures and films without an address on the web are left out, their captions kept")
        return f"<p>{escape(caption, quote=False)}</p>" if caption else ""
    mime = (read_attribute(best, "mime-type") or "").lower()
    if kind in _PICTURES or mime.startswith("image/") or not kind:
        alt = read_attribute(best, "alternate-text", "alt-text")
        width, height = (values.read_pixels(read_attribute(best, side)) for side in ("width", "height"))
        images.append(DocumentImage(url, alt, caption, credit, width, height))
        return ""
    title = caption or read_attribute(best, "name") or url
    return f'<p><a href="{escape(url)}">{escape(title, quote=False)}</a></p>'


def read_tagline(body: Element) -> str | None:
    """What stands below the text: who wrote or edited it, and for whom."""
    end = find_first(body, "body.end")
    return read_first_text(end, "tagline") if end is not None else None
