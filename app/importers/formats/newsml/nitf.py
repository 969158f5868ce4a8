"""NITF 3.x, the IPTC's XML for texts (https://iptc.org/standards/nitf/), read into articles. Pure.

Never publishes what is withheld or embargoed without an end; what has no place of its own is kept under `nitf`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from app.importers import dates
from app.importers.document import (
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    Item,
    NameReference,
    ParseContext,
    SourceDate,
    SourceDateline,
)
from app.importers.formats.exports.publication import PUBLIC, PublicationState, make_held, read_state
from app.importers.formats.newsml import nitf_body
from app.importers.formats.newsml.xml_item import (
    Element,
    XmlBroken,
    find_below,
    find_first,
    get_local_name,
    load_xml,
    read_attribute,
    read_element_text,
    read_first_text,
    read_language,
)
from app.importers.formats.ninjs import find_origin, make_retraction
from app.importers.formats.wordpress.posts import strip_markup
from app.importers.records.article_head import add_standfirst, extract_head, remove_title
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import titles_and_authors
from app.importers.text_parts.bylines import split_byline
from app.importers.text_parts.datelines import read_dateline
from app.importers.text_parts.prose import cut_title

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
class NitfContent:
    """What an NITF document says, before it is one: the same whether it stands alone or within NewsML-G2."""

    title: str | None = None
    standfirst: str | None = None
    body: DocumentBody | None = None
    authors: tuple[str, ...] = ()
    dateline: SourceDateline | None = None
    images: tuple[DocumentImage, ...] = ()
    source: str | None = None
    signature: str | None = None
    notes: dict[str, None] = field(default_factory=dict)


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """One article, or a Failure."""
    notes: dict[str, None] = {}
    try:
        root = load_xml(stream, context.charset, notes.setdefault)
    except XmlBroken as fault:
        yield Failure(where, str(fault))
        return
    yield _read_document(root, where, context, notes)


def read_content(root: Element) -> NitfContent:
    """Texts, people and pictures of a document, whatever its head says."""
    result = NitfContent()
    body = find_first(root, "body")
    head = find_first(body, "body.head") if body is not None else None
    texts = list(find_below(body, "body.content")) if body is not None else []
    if body is None and get_local_name(root) in ("body.content", "body_content"):
        texts = [root]
    if head is not None:
        _read_head(head, result)
    result.title = result.title or read_first_text(root, "head", "title")
    pieces = []
    for one in texts:
        html, images, notes = nitf_body.convert_content(one)
        pieces.append(html)
        result.images += images
        result.notes.update(dict.fromkeys(notes))
    whole = "\n".join(pieces).strip()
    result.body = DocumentBody("html", remove_title(whole, result.title)) if whole else None
    result.signature = nitf_body.read_tagline(body) if body is not None else None
    return result


def _read_head(head: Element, content_read: NitfContent) -> None:
    content_read.title = read_first_text(head, "hedline", "hl1")
    abstract = " ".join(text for one in find_below(head, "abstract") if (text := read_element_text(one)))
    content_read.standfirst = abstract or read_first_text(head, "hedline", "hl2")
    owner = read_first_text(head, "rights", "rights.owner")
    content_read.source = read_first_text(head, "distributor") or owner
    content_read.authors = tuple(
        dict.fromkeys(
            name
            for line in find_below(head, "byline")
            for name in _read_byline(line, [content_read.source or "", owner or ""])
        )
    )
    line = find_first(head, "dateline")
    if line is not None:
        content_read.dateline = _read_dateline(line)


def _read_byline(line: Element, holders: list[str]) -> tuple[str, ...]:
    """The authors, without their roles (`byttl`) and the agency."""
    people = [name for one in line.iter() if get_local_name(one) == "person" and (name := read_element_text(one))]
    if people:
        return tuple(people)
    roles = [one for one in line.iter() if get_local_name(one) == "byttl"]
    text = read_element_text(line) or ""
    for role in roles:
        text = text.replace(read_element_text(role) or "", "", 1)
    return titles_and_authors.list_authors(split_byline(text.strip(" ,;")), [one for one in holders if one])


def _read_dateline(line: Element) -> SourceDateline | None:
    place_name = read_first_text(line, "location")
    parts = [
        part for one in line.iter() if get_local_name(one) != "story.date" and (part := str(one.text or "").strip())
    ]
    tails = [part for one in line.iter() if one is not line and (part := str(one.tail or "").strip(" \n\t,.-–—"))]
    text = ", ".join(dict.fromkeys([*parts, *tails]))
    if not text:
        return None
    parsed = read_dateline(text, None)
    return (
        parsed
        if parsed and parsed.date
        else SourceDateline(text, place_name or (parsed.place if parsed else None) or text)
    )


def _read_document(root: Element, where: str, context: ParseContext, notes: dict[str, None]) -> Document | Failure:
    content_read = read_content(root)
    data = find_first(root, "head", "docdata")
    fields = DateFields(
        context,
        notes.setdefault,
        dates.narrow_locale(context.locale, read_attribute(root, "baselang", "lang"), context.address),
    )
    identity, regsrc = _read_identity(data)
    state, published = _read_state(data, root, fields)
    if content_read.title is None and content_read.body is None:
        if state.status == "withdrawn" and identity:
            return make_retraction(where, identity, find_origin(identity) or regsrc)
        return Failure(where, "no article: the document has neither a headline nor a text")
    notes.update(content_read.notes)
    names, kinds = _list_tags(root, data)
    holder = read_attribute(find_first(data, "doc.copyright"), "holder") if data is not None else None
    pubdata = find_first(root, "head", "pubdata")
    link = read_attribute(pubdata, "ex-ref")
    text = content_read.body.content if content_read.body else ""
    document = Document(
        where=where,
        external_id=identity,
        origin=find_origin(identity or "") or regsrc,
        url=link if link and link.startswith(("http://", "https://")) else None,
        title=content_read.title or cut_title(strip_markup(text[:20_000])) or where,
        title_derived=content_read.title is None,
        body=content_read.body,
        authors=tuple(name for name in content_read.authors if name != holder),
        tags=names,
        tag_refs=kinds,
        sections=tuple(one for one in [read_attribute(pubdata, "position.section")] if one),
        regions=_list_regions(data),
        language=read_language(read_attribute(root, "baselang", "lang")),
        source=content_read.source or holder,
        signature=content_read.signature,
        images=content_read.images,
        published=published,
        status=state.status,
        extra=_list_extra(root, data, fields.unread),
        notes=(*notes, *state.notes),
    )
    return extract_parts(document, content_read)


def extract_parts(document: Document, content_read: NitfContent) -> Document:
    """With dateline and related posts out of the text, and the standfirst where it is not the text's beginning."""
    document = extract_head(document)
    if document.dateline is None and content_read.dateline is not None:
        document = replace(document, dateline=content_read.dateline)
    return add_standfirst(document, content_read.standfirst)


def _read_identity(data: Element | None) -> tuple[str | None, str | None]:
    """The document's id, without one the key under which it is updated; and who gave it."""
    if data is None:
        return None, None
    doc_id = find_first(data, "doc-id")
    key = read_attribute(find_first(data, "du-key"), "key")
    return read_attribute(doc_id, "id-string") or key, read_attribute(doc_id, "regsrc")


def _read_state(data: Element | None, root: Element, fields: DateFields) -> tuple[PublicationState, SourceDate | None]:
    """The state, and the date of publication: that of release, which is the end of an embargo, else that of issue."""
    issue = _read_date(data, "date.issue", fields)
    issue = issue or _read_attribute_date(find_first(root, "head", "pubdata"), "date.publication", fields)
    if data is None:
        return PUBLIC, issue
    release = _read_date(data, "date.release", fields, is_awaited=True)
    status = read_attribute(data, "management-status") or "usable"
    if status.lower() == "embargoed":
        if release is None:
            return make_held("under an embargo without an end"), issue
        status = "usable"
    expire = read_attribute(find_first(data, "date.expire"), "norm")
    # A date of release says when; without one words may say that there is an embargo.
    message = read_attribute(find_first(data, "ed-msg"), "info") if release is None else None
    state = read_state({"management-status": status, "expires": expire, "ed-msg": message}, fields.context)
    return state, release or issue


def _read_date(data: Element | None, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    element = find_first(data, name) if data is not None else None
    return _read_attribute_date(element, "norm", fields, is_awaited=is_awaited)


def _read_attribute_date(
    element: Element | None, name: str, fields: DateFields, *, is_awaited: bool = False
) -> SourceDate | None:
    """The date that is written for programs, else in words."""
    if element is None:
        return None
    return fields.read(
        get_local_name(element), read_attribute(element, name) or read_element_text(element), is_awaited=is_awaited
    )


def _list_tags(root: Element, data: Element | None) -> tuple[tuple[str, ...], tuple[NameReference, ...]]:
    """Subjects from the general to the special, keywords, and whom and what the text is about."""
    names: dict[str, str] = {}
    for subject in find_below(root, "head", "tobject", "tobject.subject"):
        for name in _SUBJECTS:
            if label := read_attribute(subject, name):
                names.setdefault(label, "topic")
    if data is not None:
        for keyword in find_below(data, "key-list", "keyword"):
            if label := read_attribute(keyword, "key") or read_element_text(keyword):
                names.setdefault(label, "topic")
        for group in find_below(data, "identified-content"):
            for one in group:
                kind, label = _KINDS.get(get_local_name(one)), read_attribute(one, "value") or read_element_text(one)
                if kind and label:
                    names[label] = kind
    return tuple(names), tuple(NameReference(name, kind=kind) for name, kind in names.items())


def _list_regions(data: Element | None) -> tuple[str, ...]:
    """Where what the text tells of took place, and places that it is about."""
    if data is None:
        return ()
    # The country's code before the town's name: a town may be called like a country elsewhere.
    places = [
        read_attribute(one, "iso-cc") or read_attribute(one, "country", "city") for one in find_below(data, "evloc")
    ]
    place_names = [read_element_text(one) for one in find_below(data, "identified-content", "location")]
    return tuple(dict.fromkeys(place for place in (*places, *place_names) if place))


def _list_extra(root: Element, data: Element | None, unread: Mapping[str, object]) -> dict[str, object]:
    extra: dict[str, object] = dict(unread)
    for name, attributes in _EXTRA.items():
        element = find_first(data, name) if data is not None else None
        attributes_found = {one: value for one in attributes if (value := read_attribute(element, one))}
        if attributes_found:
            extra[name] = next(iter(attributes_found.values())) if len(attributes) == 1 else attributes_found
    genre = [
        label
        for one in find_below(root, "head", "tobject", "tobject.property")
        if (label := read_attribute(one, "tobject.property.type"))
    ]
    if genre:
        extra["tobject.property"] = genre
    meta = {
        key: value
        for one in find_below(root, "head", "meta")
        if (key := read_attribute(one, "name")) and (value := read_attribute(one, "content"))
    }
    if meta:
        extra["meta"] = meta
    return {"nitf": extra} if extra else {}
