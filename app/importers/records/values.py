"""Values of a source's fields, read into the types of a document: names, references, links, images, bodies.

Never raises for a value of the wrong shape: None or nothing says that it could not be read.
"""

import re
from collections.abc import Mapping, Sequence

from app.importers.document import Body, BodyKind, Image, Reference, RelatedPost
from app.importers.text_parts import clean
from app.importers.text_parts.bylines import split_byline
from app.importers.text_parts.prose import paragraphs
from app.importers.text_parts.related_block_text import read_entry

KINDS: Mapping[str, BodyKind] = {"html": "html", "markdown": "markdown", "md": "markdown", "text": "text"}
_BLOCKS = "p|div|h[1-6]|ul|ol|li|blockquote|table|section|article|figure|pre|dl|aside"
_OPENED = re.compile(rf"<(?:{_BLOCKS}|br|hr)(?:\s[^<>]*)?/?>")
_CLOSED = re.compile(rf"</(?:{_BLOCKS})\s*>|<(?:br|hr)\s*/>", re.IGNORECASE)
_LIST = re.compile(r"\s*[,;|]\s*")


def text(value: object) -> str | None:
    """One line of text out of text or a number; None for anything else, and for nothing."""
    if isinstance(value, str):
        return clean.line(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def mapping(value: object) -> Mapping[str, object] | None:
    """The value as an object with text for keys; None where it is none."""
    return value if isinstance(value, dict) else None


def unwrap(value: object) -> object:
    """What systems with a REST API wrap as `{"rendered": …}`; a text behind a password stays wrapped."""
    given = mapping(value)
    wrapped = given is not None and "rendered" in given and given.keys() <= {"rendered", "raw", "protected"}
    return given["rendered"] if given and wrapped and not given.get("protected") else value


def items(value: object) -> Sequence[object]:
    """The entries of a list; one value is a list of one."""
    return value if isinstance(value, list) else [value]


def references(value: object) -> tuple[tuple[str, ...], tuple[Reference, ...]] | None:
    """Names in their order, once each in each kind, and the references among them that came as objects.

    Text holds several names between commas, semicolons or bars. None where an entry has no name.
    """
    if isinstance(value, str):
        return tuple(dict.fromkeys(name for name in _LIST.split(clean.line(value)) if name)), ()
    return _named(items(value))


def authors(value: object) -> tuple[tuple[str, ...], tuple[Reference, ...]] | None:
    """As `references`, for authors: text is a byline."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(split_byline(clean.line(value)))), ()
    return _named(items(value))


def sections(value: object) -> tuple[str, ...] | None:
    """Names of sections; text is one name, whatever its punctuation."""
    named = _named(items(value))
    return named[0] if named else None


def _named(entries: Sequence[object]) -> tuple[tuple[str, ...], tuple[Reference, ...]] | None:
    names: list[str] = []
    met: set[tuple[str, str | None]] = set()  # a section and a topic may have one name
    objects: list[Reference] = []
    for entry in entries:
        given = mapping(entry)
        name = _name_of(given) if given is not None else text(entry)
        if name is None and entry not in (None, ""):
            return None
        kind = text(given.get("kind")) if given else None
        if not name or (name, kind) in met:
            continue
        met.add((name, kind))
        names.append(name)
        if given:
            roles = given.get("roles")
            known = tuple(str(role) for role in roles) if isinstance(roles, list) else ()
            objects.append(Reference(name, text(given.get("slug")), kind, known))
    return tuple(names), tuple(objects)


def _name_of(given: Mapping[str, object]) -> str | None:
    names = ("name", "display_name", "full_name", "title", "label")
    parts = [part for key in ("first_name", "last_name") if (part := text(given.get(key)))]
    return next((name for key in names if (name := text(given.get(key)))), " ".join(parts) or text(given.get("slug")))


def source(value: object) -> tuple[str | None, str | None]:
    """Name and address of the outlet, from text or an object."""
    given = mapping(value)
    return (_name_of(given), text(given.get("url"))) if given is not None else (text(value), None)


def texts(value: object) -> tuple[str, ...] | None:
    """A list of texts, or one; None where an entry is neither text nor a number."""
    read = [text(entry) for entry in items(value)]
    return None if None in read else tuple(dict.fromkeys(entry for entry in read if entry))


def related(value: object) -> tuple[RelatedPost, ...] | None:
    """Titles, addresses, links and objects with either. Entries that were computed as similar are left out, and those
    that say nothing but what an article is called that is not public.

    None where an entry has neither a title nor an address.
    """
    posts: list[RelatedPost] = []
    for entry in items(value):
        given = mapping(entry)
        if given is not None and (given.get("kind") == "similar" or _own_words(given) == {}):
            continue
        post = _related_object(given) if given is not None else read_entry(text(entry) or "")
        if post is None:
            return None
        posts.append(post)
    return tuple(posts)


def _related_object(given: Mapping[str, object]) -> RelatedPost | None:
    own = _own_words(given)
    said, linked = (given, mapping(given.get("article")) or {}) if own is None else (own, {})
    title = text(said.get("title")) or text(said.get("headline")) or text(linked.get("title"))
    url = text(said.get("url")) or text(said.get("link")) or text(linked.get("url"))
    unlinked = given.get("unlinked")
    return RelatedPost(title, url, unlinked if isinstance(unlinked, bool) else None) if title or url else None


def _own_words(given: Mapping[str, object]) -> dict[str, object] | None:
    """Of an entry for an article that is not public, what it says beside that article's title; None for any other.

    A draft's headline in another archive's export would stand here as the editors' own words, for everybody.
    """
    linked = mapping(given.get("article")) or {}
    if linked.get("status") in (None, "published"):
        return None
    said = {name: given[name] for name in ("title", "headline", "url", "link") if given.get(name)}
    return {name: value for name, value in said.items() if value != linked.get("title")}


def images(value: object) -> tuple[Image, ...] | None:
    """Addresses, or objects with one. None where an entry has no address."""
    read = [_image(entry) for entry in items(value)]
    return None if None in read else tuple(image for image in read if image)


def _image(value: object) -> Image | None:
    given = mapping(value)
    if given is None:
        url = value if isinstance(value, str) else None
        return Image(url) if url else None
    url = text(given.get("url")) or text(given.get("src")) or text(given.get("href"))
    if url is None:
        return None
    alt, caption, credit = (text(given.get(key)) for key in ("alt", "caption", "credit"))
    return Image(url, alt, caption, credit, pixels(given.get("width")), pixels(given.get("height")))


def pixels(value: object) -> int | None:
    """A width or height out of a number or `1200px`; None where it is none."""
    digits = (text(value) or "").removesuffix("px").strip()
    return int(digits) if digits.isdecimal() and 0 < len(digits) < 7 else None


def body(name: str, value: object, said: BodyKind | None) -> Body | None:
    """A body under the name it came with: an object, a list of paragraphs or text. None where it is no text.

    The kind is what the name or the object says, then what `said` says; text with block tags in it is HTML.
    """
    given = mapping(value)
    if given is not None:
        found = [(kind, given[key]) for key, kind in KINDS.items() if isinstance(given.get(key), str)]
        if not found or len(given) > len(found):
            return None
        kinds = [kind for kind, content in found if str(content).strip()] or [found[0][0]]
        # One text in several kinds: the HTML has most of it, and plain text least.
        best = min(kinds, key=("html", "markdown", "text").index)
        return make_body(str(next(content for kind, content in found if kind == best and str(content).strip())), best)
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return make_body("\n\n".join(str(entry) for entry in value), said)
    if not isinstance(value, str):
        return None
    kind = next((kind for key, kind in KINDS.items() if name.lower().endswith(key)), None)
    # A field that is called "text" is text only where it does not hold markup after all.
    return make_body(value, said if name.lower() == "text" else kind or said)


def make_body(content: str, kind: BodyKind | None) -> Body | None:
    """The body of a text whose kind may be unknown; hard-wrapped text becomes paragraphs. None for nothing."""
    if not content.strip():
        return None
    kind = kind or ("html" if is_html(content) else "text")
    return Body(kind, "\n\n".join(paragraphs(content)) if kind == "text" else content.strip("\n"))


def is_html(content: str) -> bool:
    """Whether a text has block tags. `<BR>` alone may be a ticker, so one must be lower case, or close."""
    return "<" in content and bool(_OPENED.search(content) or _CLOSED.search(content))
