"""NITF 3.x, the IPTC's XML for texts (https://iptc.org/standards/nitf/), read into articles. Pure.

Never publishes what is withheld or embargoed without an end; what has no place of its own is kept under `nitf`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from app.importers import dates
from app.importers.document import (
    Body,
    Context,
    Dateline,
    Document,
    Failure,
    Image,
    Item,
    Locale,
    Reference,
    SourceDate,
)
from app.importers.formats.exports.publication import PUBLIC, State, held, read_state
from app.importers.formats.newsml import nitf_body
from app.importers.formats.newsml.xml_item import Broken, Element, attribute, below, first, load, local, said, text_of
from app.importers.formats.ninjs import origin_of
from app.importers.formats.wordpress.posts import words
from app.importers.records.article_head import repeats, settle, without_title
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import titles_and_authors
from app.importers.text_parts.bylines import split_byline
from app.importers.text_parts.datelines import read_dateline
from app.importers.text_parts.prose import first_words

_SUBJECTS = ("tobject.subject.type", "tobject.subject.matter", "tobject.subject.detail")
_KINDS = {"person": "person", "org": "organisation", "event": "event", "object.title": "topic", "function": "topic"}
_EXTRA = {
    "urgency": ("ed-urg",),
    "evloc": ("city", "county-dist", "state-prov"),
    "fixture": ("fix-id",),
    "series": ("series.name", "series.part", "series.totalpart"),
    "du-key": ("key", "generation", "version", "part"),
    "ed-msg": ("info", "msg-type"),
    "doc-scope": ("scope",),
    "date.expire": ("norm",),
    "correction": ("info", "id-string", "regsrc"),
    "doc.rights": ("owner", "limitations"),
}


@dataclass(slots=True)
class Found:
    """What an NITF document says, before it is one: the same whether it stands alone or within NewsML-G2."""

    title: str | None = None
    standfirst: str | None = None
    body: Body | None = None
    authors: tuple[str, ...] = ()
    dateline: Dateline | None = None
    images: tuple[Image, ...] = ()
    source: str | None = None
    signature: str | None = None
    notes: dict[str, None] = field(default_factory=dict)


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """One article, or a Failure."""
    notes: dict[str, None] = {}
    try:
        root = load(stream, context.charset, notes.setdefault)
    except Broken as fault:
        yield Failure(where, str(fault))
        return
    yield _read(root, where, context, notes)


def content(root: Element) -> Found:
    """Texts, people and pictures of a document, whatever its head says."""
    found = Found()
    body = first(root, "body")
    head = first(body, "body.head") if body is not None else None
    texts = list(below(body, "body.content")) if body is not None else []
    if body is None and local(root) in ("body.content", "body_content"):
        texts = [root]
    if head is not None:
        _head(head, found)
    found.title = found.title or said(root, "head", "title")
    pieces = []
    for one in texts:
        html, images, notes = nitf_body.to_html(one)
        pieces.append(html)
        found.images += images
        found.notes.update(dict.fromkeys(notes))
    whole = "\n".join(pieces).strip()
    found.body = Body("html", without_title(whole, found.title)) if whole else None
    found.signature = nitf_body.tagline(body) if body is not None else None
    return found


def _head(head: Element, found: Found) -> None:
    found.title = said(head, "hedline", "hl1")
    abstract = " ".join(text for one in below(head, "abstract") if (text := text_of(one)))
    found.standfirst = abstract or said(head, "hedline", "hl2")
    owner = said(head, "rights", "rights.owner")
    found.source = said(head, "distributor") or owner
    found.authors = tuple(
        dict.fromkeys(
            name for line in below(head, "byline") for name in _byline(line, [found.source or "", owner or ""])
        )
    )
    line = first(head, "dateline")
    if line is not None:
        found.dateline = _dateline(line)


def _byline(line: Element, holders: list[str]) -> tuple[str, ...]:
    """The authors, without their roles (`byttl`) and the agency."""
    people = [name for one in line.iter() if local(one) == "person" and (name := text_of(one))]
    if people:
        return tuple(people)
    roles = [one for one in line.iter() if local(one) == "byttl"]
    text = text_of(line) or ""
    for role in roles:
        text = text.replace(text_of(role) or "", "", 1)
    return titles_and_authors.authors(split_byline(text.strip(" ,;")), [one for one in holders if one])


def _dateline(line: Element) -> Dateline | None:
    place = said(line, "location")
    parts = [part for one in line.iter() if local(one) != "story.date" and (part := str(one.text or "").strip())]
    tails = [part for one in line.iter() if one is not line and (part := str(one.tail or "").strip(" \n\t,.-–—"))]
    text = ", ".join(dict.fromkeys([*parts, *tails]))
    if not text:
        return None
    read = read_dateline(text, None)
    return read if read and read.date else Dateline(text, place or (read.place if read else None) or text)


def _read(root: Element, where: str, context: Context, notes: dict[str, None]) -> Document | Failure:
    found = content(root)
    data = first(root, "head", "docdata")
    fields = DateFields(context, notes.setdefault, _locale(root, context))
    identity, regsrc = _identity(data)
    state, published = _state(data, root, fields)
    if found.title is None and found.body is None:
        if state.status == "withdrawn" and identity:
            return retraction(where, identity, origin_of(identity) or regsrc)
        return Failure(where, "no article: the document has neither a headline nor a text")
    notes.update(found.notes)
    names, kinds = _tags(root, data)
    holder = attribute(first(data, "doc.copyright"), "holder") if data is not None else None
    pubdata = first(root, "head", "pubdata")
    link = attribute(pubdata, "ex-ref")
    text = found.body.content if found.body else ""
    document = Document(
        where=where,
        external_id=identity,
        origin=origin_of(identity or "") or regsrc,
        url=link if link and link.startswith(("http://", "https://")) else None,
        title=found.title or first_words(words(text[:20_000])) or where,
        title_derived=found.title is None,
        body=found.body,
        authors=tuple(name for name in found.authors if name != holder),
        tags=names,
        tag_refs=kinds,
        sections=tuple(one for one in [attribute(pubdata, "position.section")] if one),
        regions=_regions(data),
        language=_language(attribute(root, "baselang", "lang")),
        source=found.source or holder,
        signature=found.signature,
        images=found.images,
        published=published,
        status=state.status,
        marker=state.marker,
        extra=_extra(root, data, fields.unread),
        notes=(*notes, *state.notes),
    )
    return finished(document, found)


def retraction(where: str, identity: str, origin: str | None) -> Document:
    """A kill that says no more than what it kills."""
    return Document(
        where, external_id=identity, origin=origin, title=identity, status="withdrawn", said=("status",), retracts=True
    )


def finished(document: Document, found: Found) -> Document:
    """With dateline and related posts out of the text, and the standfirst where it is not the text's beginning."""
    document = settle(document)
    if document.dateline is None and found.dateline is not None:
        document = replace(document, dateline=found.dateline)
    if found.standfirst and not repeats(found.standfirst, document):
        document = replace(document, standfirst=found.standfirst)
    return document


def _identity(data: Element | None) -> tuple[str | None, str | None]:
    """The document's id, without one the key under which it is updated; and who gave it."""
    if data is None:
        return None, None
    named = first(data, "doc-id")
    key = attribute(first(data, "du-key"), "key")
    return attribute(named, "id-string") or key, attribute(named, "regsrc")


def _state(data: Element | None, root: Element, fields: DateFields) -> tuple[State, SourceDate | None]:
    """The state, and the date of publication: that of release, which is the end of an embargo, else that of issue."""
    issue = _date(data, "date.issue", fields)
    issue = issue or _attribute_date(first(root, "head", "pubdata"), "date.publication", fields)
    if data is None:
        return PUBLIC, issue
    release = _date(data, "date.release", fields, is_awaited=True)
    status = attribute(data, "management-status") or "usable"
    if status.lower() == "embargoed":
        if release is None:
            return held("under an embargo without an end"), issue
        status = "usable"
    expire = attribute(first(data, "date.expire"), "norm")
    state = read_state({"management-status": status, "expires": expire}, fields.context)
    return state, release or issue


def _date(data: Element | None, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    element = first(data, name) if data is not None else None
    return _attribute_date(element, "norm", fields, is_awaited=is_awaited)


def _attribute_date(
    element: Element | None, name: str, fields: DateFields, *, is_awaited: bool = False
) -> SourceDate | None:
    """The date that is written for programs, else in words."""
    if element is None:
        return None
    return fields.read(local(element), attribute(element, name) or text_of(element), is_awaited=is_awaited)


def _tags(root: Element, data: Element | None) -> tuple[tuple[str, ...], tuple[Reference, ...]]:
    """Subjects from the general to the special, keywords, and whom and what the text is about."""
    found: dict[str, str] = {}
    for subject in below(root, "head", "tobject", "tobject.subject"):
        for name in _SUBJECTS:
            if label := attribute(subject, name):
                found.setdefault(label, "topic")
    if data is not None:
        for keyword in below(data, "key-list", "keyword"):
            if label := attribute(keyword, "key") or text_of(keyword):
                found.setdefault(label, "topic")
        for group in below(data, "identified-content"):
            for one in group:
                kind, label = _KINDS.get(local(one)), attribute(one, "value") or text_of(one)
                if kind and label:
                    found[label] = kind
    return tuple(found), tuple(Reference(name, kind=kind) for name, kind in found.items())


def _regions(data: Element | None) -> tuple[str, ...]:
    """Where what the text tells of took place, and places that it is about."""
    if data is None:
        return ()
    # The country's code before the town's name: a town may be called like a country elsewhere.
    places = [attribute(one, "iso-cc") or attribute(one, "country", "city") for one in below(data, "evloc")]
    named = [text_of(one) for one in below(data, "identified-content", "location")]
    return tuple(dict.fromkeys(place for place in (*places, *named) if place))


def _locale(root: Element, context: Context) -> Locale:
    return dates.within(context.locale, attribute(root, "baselang", "lang"), context.address)


def _language(tag: str | None) -> str | None:
    return tag.replace("_", "-").partition("-")[0].lower() or None if tag else None


def _extra(root: Element, data: Element | None, unread: Mapping[str, object]) -> dict[str, object]:
    kept: dict[str, object] = dict(unread)
    for name, attributes in _EXTRA.items():
        element = first(data, name) if data is not None else None
        found = {one: value for one in attributes if (value := attribute(element, one))}
        if found:
            kept[name] = next(iter(found.values())) if len(attributes) == 1 else found
    genre = [
        label
        for one in below(root, "head", "tobject", "tobject.property")
        if (label := attribute(one, "tobject.property.type"))
    ]
    if genre:
        kept["tobject.property"] = genre
    meta = {
        key: value
        for one in below(root, "head", "meta")
        if (key := attribute(one, "name")) and (value := attribute(one, "content"))
    }
    if meta:
        kept["meta"] = meta
    return {"nitf": kept} if kept else {}
