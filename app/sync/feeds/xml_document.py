"""XML by the serializer of the standard library, for feeds and sitemaps: whatever a text holds, what comes of it is
well-formed. Pure.

Names have their prefixes written out, and the outermost element declares them: so an entry can be written by itself, be
kept, and be put into any document that declares the same.
"""

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
# XML 1.0, section 2.2: no other characters can be written, not even as references.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(text: str) -> str:
    """The text without characters that XML has no way to write; line ends as XML reads them."""
    return _IMPOSSIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def make_element(name: str, attributes: Mapping[str, object] | None = None) -> Element:
    """An element; attributes that are None are left out."""
    shown = {key: clean_text(str(value)) for key, value in (attributes or {}).items() if value is not None}
    return Element(name, shown)


def add_element(
    parent: Element, name: str, text: object = None, attributes: Mapping[str, object] | None = None
) -> Element:
    """The last child of `parent`, with a text."""
    element = make_element(name, attributes)
    if text is not None:
        element.text = clean_text(str(text))
    parent.append(element)
    return element


def write_element(element: Element) -> bytes:
    """In UTF-8, without a declaration."""
    written: bytes = ElementTree.tostring(element, encoding="utf-8", xml_declaration=False)
    return written


def write_document(root: Element, pieces: Iterable[bytes]) -> bytes:
    """A document whose last elements are written already."""
    head, tail = write_frame(root)
    return b"".join((head, *pieces, tail))


def write_frame(root: Element, within: str | None = None) -> tuple[bytes, bytes]:
    """A document before and behind more elements, which are in its root or in the root's only child `within`."""
    ends = b"</%b>" % root.tag.encode()
    if within is not None:
        ends = b"</%b>%b" % (within.encode(), ends)
    # A text as the last child keeps the serializer from closing an empty element at once.
    last = root if within is None else root[0]
    add_line_end(last)
    head = write_element(root)
    return DECLARATION + head.removesuffix(ends), ends + b"\n"


def add_line_end(element: Element) -> None:
    """A line end behind all that is in the element."""
    if len(element):
        element[-1].tail = "\n"
    else:
        element.text = "\n"
