"""Values of a source's fields, read into the types of a document: names, references, links, images, bodies.

Never raises for a value of the wrong shape: None or nothing says that it could not be read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.importers.document import BodyKind, DocumentBody, DocumentImage, NameReference, RelatedReference
from app.importers.text_parts import clean
from app.importers.text_parts.bylines import read_byline, read_name, split_byline
from app.importers.text_parts.prose import join_paragraphs
from app.importers.text_parts.related_block_text import read_entry

KINDS: Mapping[str, BodyKind] = {"html": "html", "markdown": "markdown", "md": "markdown", "text": "text"}
_BLOCKS = "p|div|h[1-6]|ul|ol|li|blockquote|table|section|article|figure|pre|dl|aside"
_OPENED = re.compile(rf"<(?:{_BLOCKS}|br|hr)(?:\s[^<>]*)?/?>")
_CLOSED = re.compile(rf"</(?:{_BLOCKS})\s*>|<(?:br|hr)\s*/>", re.IGNORECASE)
_LIST = re.compile(r" ?[,;|] ?")


def quote(value: object) -> str:
    """For notes to people, cut where it is long."""
    quoted = repr(value)
    return quoted if len(quoted) <= 60 else quoted[:59] + "…"


def read_text(value: object) -> str | None:
    """One line of text out of text or a number; None for anything else, and for nothing."""
    if isinstance(value, str):
        return clean.join_lines(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_mapping(value: object) -> Mapping[str, object] | None:
    """The value as an object with text for keys; None where it is none."""
    return value if isinstance(value, dict) else None


def unwrap(value: object) -> object:
    """What systems with a REST API wrap as `{"rendered": …}`; a text behind a password stays wrapped."""
    wrapper = read_mapping(value)
    wrapped = wrapper is not None and "rendered" in wrapper and wrapper.keys() <= {"rendered", "raw", "protected"}
    return wrapper["rendered"] if wrapper and wrapped and not wrapper.get("protected") else value


def list_items(value: object) -> Sequence[object]:
    """The entries of a list; one value is a list of one."""
    return value if isinstance(value, list) else [value]


def read_references(value: object) -> tuple[tuple[str, ...], tuple[NameReference, ...]] | None:
    """Names in their order, once each in each kind, and the references among them that came as objects.

    Text holds several names between commas, semicolons or bars. None where an entry has no name.
    """
    if isinstance(value, str):
        return tuple(dict.fromkeys(name for name in _LIST.split(clean.join_lines(value)) if name)), ()
    return _read_names(list_items(value))


def read_authors(value: object) -> tuple[tuple[str, ...], tuple[NameReference, ...]] | None:
    """As `read_references`, for authors: text is a byline."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(split_byline(clean.join_lines(value)))), ()
    return _read_names(list_items(value))


def read_people(value: object) -> tuple[tuple[str, ...], tuple[NameReference, ...], tuple[str, ...]] | None:
    """As `read_authors`, of people only; and what else stands there: job titles, agencies, places, addresses."""
    if isinstance(value, str):
        byline = read_byline(clean.join_lines(value))
        return byline.names, (), byline.rest
    all_names = _read_names(list_items(value))
    if all_names is None:
        return None
    names, objects = all_names
    stated = {one.name for one in objects}
    # What a source has a record of is an author, whatever it is called; but no address, and no word for nothing.
    bylines = [read_name(name, is_stated=name in stated) for name in names]
    people_names = tuple(dict.fromkeys(name for one in bylines for name in one.names))
    renamed = {name: one.names[0] for name, one in zip(names, bylines, strict=True) if one.names}
    people = tuple(replace(one, name=renamed[one.name]) for one in objects if one.name in renamed)
    return people_names, people, tuple(word for one in bylines for word in one.rest)


def read_sections(value: object) -> tuple[str, ...] | None:
    """Names of sections; text is one name, whatever its punctuation."""
    names = _read_names(list_items(value))
    return names[0] if names else None


def _read_names(entries: Sequence[object]) -> tuple[tuple[str, ...], tuple[NameReference, ...]] | None:
    names: list[str] = []
    met: set[tuple[str, str | None]] = set()  # a section and a topic may have one name
    objects: list[NameReference] = []
    for entry in entries:
        fields = read_mapping(entry)
        name = _read_name(fields) if fields is not None else read_text(entry)
        if name is None and entry not in (None, ""):
            return None
        kind = read_text(fields.get("kind")) if fields else None
        if not name or (name, kind) in met:
            continue
        met.add((name, kind))
        names.append(name)
        if fields:
            roles = fields.get("roles")
            roles_known = tuple(str(role) for role in roles) if isinstance(roles, list) else ()
            objects.append(NameReference(name, read_text(fields.get("slug")), kind, roles_known))
    return tuple(names), tuple(objects)


def _read_name(fields: Mapping[str, object]) -> str | None:
    names = ("name", "display_name", "full_name", "title", "label")
    parts = [part for key in ("first_name", "last_name") if (part := read_text(fields.get(key)))]
    return next(
        (name for key in names if (name := read_text(fields.get(key)))),
        " ".join(parts) or read_text(fields.get("slug")),
    )


def read_source(value: object) -> tuple[str | None, str | None]:
    """Name and address of the outlet, from text or an object."""
    fields = read_mapping(value)
    return (_read_name(fields), read_text(fields.get("url"))) if fields is not None else (read_text(value), None)


def read_texts(value: object) -> tuple[str, ...] | None:
    """A list of texts, or one; None where an entry is neither text nor a number."""
    all_texts = [read_text(entry) for entry in list_items(value)]
    return None if None in all_texts else tuple(dict.fromkeys(entry for entry in all_texts if entry))


def read_related(value: object) -> tuple[RelatedReference, ...] | None:
    """Titles, addresses, links and objects with either. Entries that were computed as similar are left out, and those
    that say nothing but what an article is called that is not public.

    None where an entry has neither a title nor an address.
    """
    posts: list[RelatedReference] = []
    for entry in list_items(value):
        fields = read_mapping(entry)
        if fields is not None and (fields.get("kind") == "similar" or _read_own_words(fields) == {}):
            continue
        post = _read_related_object(fields) if fields is not None else read_entry(read_text(entry) or "")
        if post is None:
            return None
        posts.append(post)
    return tuple(posts)


def _read_related_object(fields: Mapping[str, object]) -> RelatedReference | None:
    own = _read_own_words(fields)
    stated, linked = (fields, read_mapping(fields.get("article")) or {}) if own is None else (own, {})
    title = read_text(stated.get("title")) or read_text(stated.get("headline")) or read_text(linked.get("title"))
    url = read_text(stated.get("url")) or read_text(stated.get("link")) or read_text(linked.get("url"))
    unlinked = fields.get("unlinked")
    return RelatedReference(title, url, unlinked if isinstance(unlinked, bool) else None) if title or url else None


def _read_own_words(fields: Mapping[str, object]) -> dict[str, object] | None:
    """Of an entry for an article that is not public, what it says beside that article's title; None for any other.

    A draft's headline in another archive's export would stand here as the editors' own words, for everybody.
    """
    linked = read_mapping(fields.get("article")) or {}
    if linked.get("status") in (None, "published"):
        return None
    stated = {name: fields[name] for name in ("title", "headline", "url", "link") if fields.get(name)}
    return {name: value for name, value in stated.items() if value != linked.get("title")}


def read_images(value: object) -> tuple[DocumentImage, ...] | None:
    """Addresses, or objects with one. None where an entry has no address."""
    all_images = [_read_image(entry) for entry in list_items(value)]
    return None if None in all_images else tuple(image for image in all_images if image)


def _read_image(value: object) -> DocumentImage | None:
    fields = read_mapping(value)
    if fields is None:
        url = value if isinstance(value, str) else None
        return DocumentImage(url) if url else None
    url = read_text(fields.get("url")) or read_text(fields.get("src")) or read_text(fields.get("href"))
    if url is None:
        return None
    alt, caption, credit = (read_text(fields.get(key)) for key in ("alt", "caption", "credit"))
    return DocumentImage(url, alt, caption, credit, read_pixels(fields.get("width")), read_pixels(fields.get("height")))


def read_pixels(value: object) -> int | None:
    """A width or height out of a number or `1200px`; None where it is none."""
    digits = (read_text(value) or "").removesuffix("px").strip()
    return int(digits) if digits.isdecimal() and 0 < len(digits) < 7 else None


def read_body(name: str, value: object, said: BodyKind | None) -> DocumentBody | None:
    """A body under the name it came with: an object, a list of paragraphs or text. None where it is no text.

    The kind is what the name or the object says, then what `said` says; text with block tags in it is HTML.
    """
    fields = read_mapping(value)
    if fields is not None:
        contents = [(kind, fields[key]) for key, kind in KINDS.items() if isinstance(fields.get(key), str)]
        if not contents or len(fields) > len(contents):
            return None
        kinds = [kind for kind, content in contents if str(content).strip()] or [contents[0][0]]
        # One text in several kinds: the HTML has most of it, and plain text least.
        best = min(kinds, key=("html", "markdown", "text").index)
        return make_body(
            str(next(content for kind, content in contents if kind == best and str(content).strip())), best
        )
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return make_body("\n\n".join(str(entry) for entry in value), said)
    if not isinstance(value, str):
        return None
    kind = next((kind for key, kind in KINDS.items() if name.lower().endswith(key)), None)
    # A field that is called "text" is text only where it does not hold markup after all.
    return make_body(value, said if name.lower() == "text" else kind or said)


def make_body(content: str, kind: BodyKind | None) -> DocumentBody | None:
    """The body of a text whose kind may be unknown; hard-wrapped text becomes paragraphs. None for nothing."""
    if not content.strip():
        return None
    kind = kind or ("html" if is_html(content) else "text")
    return DocumentBody(kind, "\n\n".join(join_paragraphs(content)) if kind == "text" else content.strip("\n"))


def is_html(content: str) -> bool:
    """Whether a text has block tags. `<BR>` alone may be a ticker, so one must be lower case, or close."""
    return "<" in content and bool(_OPENED.search(content) or _CLOSED.search(content))
