"""The content of an NITF document as HTML: its blocks, lists and tables keep their meaning, names of people, places and
amounts become plain words. Pure, without recursion; never drops a word but those of `alternate` codes."""

import re
from collections.abc import Sequence
from html import escape

from lxml import etree

from app.importers.document import Image
from app.importers.formats.newsml.xml_item import Element, attribute, below, first, local, said, text_of
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


def to_html(content: Element) -> tuple[str, tuple[Image, ...], tuple[str, ...]]:
    """The inside of `body.content`, the pictures in it, and notes. Films and recordings become links."""
    parts: list[str] = []
    images: list[Image] = []
    notes: dict[str, None] = {}
    skipped: Element | None = None
    verbatim = 0
    for event, element in etree.iterwalk(content, events=("start", "end")):
        if skipped is not None:
            if event == "end" and element is skipped:
                skipped = None
                parts.append(_words(element.tail, verbatim))
            continue
        if local(element) == "pre":
            verbatim += 1 if event == "start" else -1
        if event == "end":
            if element is not content:
                parts += [_closing(element), _words(element.tail, verbatim)]
        elif local(element) == "media":
            skipped = element
            parts.append(_media(element, images, notes))
        elif local(element) in _GONE:
            skipped = element
        else:
            parts += ["" if element is content else _opening(element), _words(element.text, verbatim)]
    return "".join(parts).strip(), tuple(images), tuple(notes)


def _words(text: object, verbatim: int) -> str:
    """A piece of text; lines are broken and indented for the file's sake, but in preformatted text."""
    found = escape(str(text or ""), quote=False)
    return found if verbatim else _SPACE.sub(" ", found)


def _tag(element: Element) -> str:
    name = local(element)
    return name if name in _SAME else _RENAMED.get(name, "")


def _opening(element: Element) -> str:
    if local(element) == "a" and (href := attribute(element, "href")):
        return f'<a href="{escape(href)}">'
    if local(element) in _FRAMES:
        found = ((name, attribute(element, name)) for name in _OF_FRAMES)
        given = "".join(f' {name}="{escape(value)}"' for name, value in found if value)
        return f"<{local(element)}{given}>"
    tag = _tag(element)
    if local(element) in ("td", "th"):
        spans = "".join(
            f' {name}="{digits}"'
            for name in ("colspan", "rowspan")
            if (digits := attribute(element, name)) and digits.isdigit()
        )
        return f"<{tag}{spans}>"
    # Blocks without a tag of their own still part words from one another.
    return f"<{tag}>" if tag else " " if local(element) == "block" else ""


def _closing(element: Element) -> str:
    if local(element) == "a" and attribute(element, "href"):
        return "</a>"
    tag = local(element) if local(element) in _FRAMES - _VOID else _tag(element)
    return f"</{tag}>" if tag and tag not in _EMPTY else ""


def _media(media: Element, images: list[Image], notes: dict[str, None]) -> str:
    """A picture goes to the images, anything else becomes a link; its caption goes with it."""
    kind = (attribute(media, "media-type") or "").lower()
    caption = " ".join(text for one in below(media, "media-caption") if (text := text_of(one))) or None
    credit = said(media, "media-producer")
    references: Sequence[Element] = list(below(media, "media-reference"))
    best = max(references, key=lambda one: values.pixels(attribute(one, "width")) or 0, default=None)
    url = attribute(best, "source", "data-location")
    if url is None or not url.startswith(("http://", "https://")):
        if url or caption:
            notes.setdefault("pictures and films without an address on the web are left out, their captions kept")
        return f"<p>{escape(caption, quote=False)}</p>" if caption else ""
    mime = (attribute(best, "mime-type") or "").lower()
    if kind in _PICTURES or mime.startswith("image/") or not kind:
        alt = attribute(best, "alternate-text", "alt-text")
        width, height = (values.pixels(attribute(best, side)) for side in ("width", "height"))
        images.append(Image(url, alt, caption, credit, width, height))
        return ""
    title = caption or attribute(best, "name") or url
    return f'<p><a href="{escape(url)}">{escape(title, quote=False)}</a></p>'


def tagline(body: Element) -> str | None:
    """What stands below the text: who wrote or edited it, and for whom."""
    end = first(body, "body.end")
    return said(end, "tagline") if end is not None else None
