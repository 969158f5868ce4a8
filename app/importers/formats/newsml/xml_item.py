"""News items in XML, read whole into a tree that is safe to walk: no entity of the file's own is resolved, no other
file is read, and depth and size are bounded. What names and texts look like in it, whatever namespace they stand in."""

import html
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from lxml import etree

from app.importers.text_parts import charsets, clean

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?\]\]>|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:\w{2,31};)?", re.DOTALL
)
NOTE_AMPERSANDS = "ampersands that were not written as &amp; repaired"
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(\[[^\]]*\]\s*)?>", re.IGNORECASE)

Element: TypeAlias = etree._Element


class XmlBroken(Exception):
    """What is no XML, or not safe to read; the text says why, for people."""


def load_xml(stream: BinaryIO, charset: str | None, note: Callable[[str], object]) -> Element:
    """The first element of the document. Broken where it is none; `note` is told what was repaired."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise XmlBroken(f"larger than {MAX_BYTES >> 20} MB")
    declared = _ENCODING.match(data)
    text, guessed = charsets.decode_bytes(data, (declared[1].decode() if declared else None, charset))
    for one in guessed:
        note(one)
    if "<!DOCTYPE" in text and "<!ENTITY" in text:
        raise XmlBroken("it defines entities of its own (<!ENTITY …>), which news items do not: not read")
    text = _DOCTYPE.sub("", _DECLARATION.sub("", text.lstrip("\ufeff")), count=1)
    if _FORBIDDEN.search(text):
        note(clean.NOTE_CONTROLS)
        text = _FORBIDDEN.sub("", text)
    try:
        root = _parse(text)
    except etree.XMLSyntaxError:
        try:
            root = _parse(_resolve_references(text, note))
        except etree.XMLSyntaxError as error:
            raise XmlBroken(f"broken at line {error.lineno}: {str(error.msg).partition(', line')[0]}") from error
    _check_depth(root)
    return root


def _parse(text: str) -> Element:
    # Without `huge_tree`: libxml2's own bounds on depth, on the length of a text and on what entities grow to hold.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True, remove_comments=True
    )
    return etree.fromstring(text.encode(), parser)


def _resolve_references(text: str, note: Callable[[str], object]) -> str:
    """HTML's names of characters, which items use without declaring them, as the characters; an ampersand that stands
    for itself as one. What is in CDATA stays."""

    def resolve(reference: re.Match[str]) -> str:
        if reference[0].startswith("<"):
            return reference[0]
        character = html.unescape(reference[0])
        if reference[0].endswith(";") and character != reference[0]:
            return character
        note(NOTE_AMPERSANDS)
        return f"&amp;{reference[0][1:]}"

    return _AMPERSAND.sub(resolve, text)


def _check_depth(root: Element) -> None:
    """Broken for elements deeper than any news item: what walks the tree later would be slow."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise XmlBroken(f"elements {MAX_DEPTH} levels deep")


def get_local_name(element: Element) -> str:
    """An element's name without its namespace, in small letters; empty for entities."""
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def find_below(element: Element, *path: str) -> Iterator[Element]:
    """The elements at the end of a path of names, from child to child."""
    elements = [element]
    for name in path:
        elements = [child for one in elements for child in one if get_local_name(child) == name]
    yield from elements


def find_first(element: Element, *path: str) -> Element | None:
    return next(find_below(element, *path), None)


def read_element_text(element: Element | None) -> str | None:
    """The words in an element, on one line; None for nothing."""
    return clean.join_lines("".join(str(part) for part in element.itertext())) or None if element is not None else None


def read_first_text(element: Element, *path: str) -> str | None:
    return read_element_text(find_first(element, *path))


def read_attribute(element: Element | None, *names: str) -> str | None:
    """The first of these attributes that says anything, whatever its namespace."""
    if element is None:
        return None
    attributes = {
        etree.QName(str(name)).localname.lower(): str(value).strip() for name, value in element.attrib.items()
    }
    return next((attributes[name] for name in names if attributes.get(name)), None)


def read_language(tag: str | None) -> str | None:
    """The bare language of a tag of RFC 5646, such as that of `xml:lang`, in lower case."""
    return tag.strip().replace("_", "-").partition("-")[0].lower() or None if tag else None
