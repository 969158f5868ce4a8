"""NewsML-G2 2.x (https://iptc.org/standards/newsml-g2/): news items alone, or several in a news message. Pure.

Only items of the class text are articles: pictures, films, packages, plans and concepts are counted or refused by name.
Never publishes what is withheld or under an embargo; what has no place of its own is kept under `newsml`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from app.importers import boundary, dates
from app.importers.document import (
    Body,
    Context,
    Dateline,
    Document,
    Failure,
    Image,
    Item,
    Reference,
    RelatedPost,
    Remark,
    SourceDate,
)
from app.importers.formats.exports.publication import State, held, read_state
from app.importers.formats.newsml import nitf
from app.importers.formats.newsml.nitf import Found, finished
from app.importers.formats.newsml.xml_item import Broken, Element, attribute, below, first, load, local, said, text_of
from app.importers.formats.ninjs import origin_of
from app.importers.formats.wordpress.posts import words
from app.importers.records import values
from app.importers.records.article_head import without_title
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import titles_and_authors
from app.importers.text_parts.bylines import opening_byline
from app.importers.text_parts.datelines import read_dateline
from app.importers.text_parts.prose import first_words, paragraphs

_ITEMS = frozenset(("newsitem", "packageitem", "conceptitem", "knowledgeitem", "planningitem", "catalogitem"))
_KINDS = {"person": "person", "organisation": "organisation", "organization": "organisation", "event": "event"}
_PLACES = frozenset(("geoarea", "poi", "place", "city", "country"))
_MAIN = ("", "main", "headline", "title")
_LEADS = ("lead", "summary", "abstract", "standfirst", "ingress", "")
_PICTURE = re.compile(r"image/|\.(?:jpe?g|png|gif|webp)$", re.IGNORECASE)
_MAX_WIDTH = 2_000
_UNRANKED = 1_000_000
_BLOCKS = frozenset(("p", "ul", "ol", "dl", "table", "blockquote", "pre", "figure", "h1", "h2", "h3", "h4", "main"))
_NOT_ARTICLES = {
    "packageitem": "packages, whose items count by themselves",
    "conceptitem": "concepts",
    "knowledgeitem": "vocabularies",
    "planningitem": "plans",
    "catalogitem": "catalogs",
}


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """The articles, `where` or in a message `where#number`; then a Remark for each kind of what is none. A document
    with nothing but what is none is a Failure."""
    notes: dict[str, None] = {}
    try:
        root = load(stream, context.charset, notes.setdefault)
    except Broken as fault:
        yield Failure(where, str(fault))
        return
    items = [root] if local(root) in _ITEMS else [one for one in root.iter() if local(one) in _ITEMS]
    left: Counter[str] = Counter()
    articles = 0
    for number, item in enumerate(items, 1):
        if reason := _left_out(item) or _replaced(item, items):
            left[reason] += 1
            continue
        articles += 1
        place = where if len(items) == 1 else f"{where}#{number}"
        yield boundary.attempt("read", place, _read, item, place, context, dict(notes))
    for reason, count in left.items():
        yield (
            Remark(where, f"left out: {count} {reason}")
            if articles
            else Failure(where, f"no article: {count} {reason}")
        )
    if not items:
        yield Failure(where, "no news item in it")


def _left_out(item: Element) -> str | None:
    """Why an item is no article."""
    if local(item) != "newsitem":
        return _NOT_ARTICLES[local(item)]
    kind = _class(item)
    return None if kind in (None, "text") else f"items of the class {kind}"


def _class(item: Element) -> str | None:
    given = first(item, "itemmeta", "itemclass")
    return _code(attribute(given, "qcode", "uri", "literal"))


def _code(given: str | None) -> str | None:
    """`text` of `ninat:text` and of `http://cv.iptc.org/newscodes/ninature/text`."""
    return re.split(r"[:/#]", given.rstrip("/"))[-1].lower() or None if given else None


def _replaced(item: Element, items: list[Element]) -> str | None:
    """Whether the message has a later version of the item."""
    guid, version = attribute(item, "guid"), _version(item)
    others = [one for one in items if one is not item and guid and attribute(one, "guid") == guid]
    return "older versions of items that are in it too" if any(_version(one) > version for one in others) else None


def _version(item: Element) -> int:
    digits = attribute(item, "version") or ""
    return int(digits) if digits.isdigit() and len(digits) < 10 else 0


def _read(item: Element, where: str, context: Context, notes: dict[str, None]) -> Document | Failure:
    meta, admin = first(item, "contentmeta"), first(item, "itemmeta")
    empty = etree.Element("empty")
    meta, admin = (meta if meta is not None else empty), (admin if admin is not None else empty)
    try:
        found = _content(item, notes)
    except Broken as fault:
        return Failure(where, str(fault))
    title = _headline(meta) or found.title or said(admin, "title")
    guid = attribute(item, "guid")
    language = attribute(first(meta, "language"), "tag") or attribute(item, "lang")
    fields = DateFields(context, notes.setdefault, dates.within(context.locale, language, context.address))
    state, published = _state(admin, meta, fields)
    if title is None and found.body is None:
        if state.status == "withdrawn" and guid:
            return nitf.retraction(where, guid, origin_of(guid))
        return Failure(where, "no article: the item has neither a headline nor a text")
    names, references = _subjects(meta)
    line = first(meta, "dateline")
    holder = _named(first(item, "rightsinfo", "copyrightholder"))
    document = Document(
        where=where,
        external_id=guid,
        origin=origin_of(guid or ""),
        title=title or first_words(words(found.body.content[:20_000]) if found.body else where),
        title_derived=title is None,
        body=found.body,
        authors=_authors(meta, holder) or found.authors,
        tags=names,
        tag_refs=references,
        regions=_places(meta),
        language=_language(language),
        source=holder or _named(first(meta, "infosource")) or _named(first(admin, "provider")) or found.source,
        signature=said(item, "rightsinfo", "copyrightnotice") or found.signature,
        related=tuple(_links(admin)),
        images=(*found.images, *_pictures(item)),
        published=published,
        updated=_date(admin, "versioncreated", fields),
        status=state.status,
        marker=state.marker,
        extra=_extra(item, meta, title, fields.unread),
        notes=(*notes, *state.notes),
    )
    found.dateline = _dateline(line, meta) or found.dateline
    found.standfirst = _description(meta) or found.standfirst
    if document.body is not None and document.body.kind == "html":
        document = replace(document, body=Body("html", without_title(document.body.content, title)))
    return finished(document, found)


def _content(item: Element, notes: dict[str, None]) -> Found:
    """The text of the first rendition that is one: NITF or XHTML within the XML, else inline text. Broken for an item
    that holds something else."""
    inline = list(below(item, "contentset", "inlinexml"))
    for holder in inline:
        for root in holder:
            if local(root) == "nitf" or local(root) == "body.content":
                return nitf.content(root)
            if local(root) in ("html", "body", "div", "section", "article"):
                return Found(body=_xhtml(root))
            if local(root) in _BLOCKS:
                return Found(body=_xhtml(holder))
    for data in below(item, "contentset", "inlinedata"):
        kind, text = (attribute(data, "contenttype") or "").lower(), "".join(str(part) for part in data.itertext())
        if attribute(data, "encoding") is None and text.strip() and (not kind or kind.startswith("text/")):
            return Found(body=_inline(kind, text))
    kinds = [local(root) for holder in inline for root in holder]
    if kinds:
        raise Broken(f"no article: its content is <{kinds[0]}>, which is not read")
    remote = any(True for _ in below(item, "contentset", "remotecontent"))
    notes.setdefault("its text stands at an address and not in the item" if remote else "the item has no text")
    return Found()


def _inline(kind: str, text: str) -> Body | None:
    if "html" in kind or values.is_html(text):
        return values.make_body(text, "html")
    if "\n\n" not in text and any(len(line) > 120 for line in text.split("\n")):
        text = text.replace("\n", "\n\n")
    found = paragraphs(text)
    return Body("text", "\n\n".join(found)) if found else None


def _xhtml(root: Element) -> Body | None:
    """The inside of a page, written as HTML."""
    body = next((one for one in root.iter() if local(one) == "body"), root)
    for element in body.iter():
        if isinstance(element.tag, str):
            element.tag = local(element)
    etree.cleanup_namespaces(body)
    whole = etree.tostring(body, encoding="unicode", method="html", with_tail=False)
    inside = (
        re.sub(r"\A<[^>]*>|</\w+>\Z", "", whole.strip()).strip()
        if local(body) in ("body", "html", "inlinexml")
        else whole
    )
    return Body("html", inside) if "".join(str(part) for part in body.itertext()).strip() else None


def _headline(meta: Element) -> str | None:
    """The main one: that without a role, or whose role says so; of several the one that ranks first."""
    found = _by_role(meta, "headline")
    return next((found[role] for role in _MAIN if role in found), next(iter(found.values()), None))


def _by_role(meta: Element, name: str) -> dict[str, str]:
    """The first text of each role, in the order of their ranks."""
    elements = sorted(below(meta, name), key=lambda one: values.pixels(attribute(one, "rank")) or _UNRANKED)
    texts = [(_code(attribute(one, "role")) or "", text) for one in elements if (text := text_of(one))]
    return dict(reversed(texts))


def _description(meta: Element) -> str | None:
    found = _by_role(meta, "description")
    return next((found[role] for role in _LEADS if role in found), None)


def _named(element: Element | None) -> str | None:
    """What a concept is called: its name, else the literal."""
    if element is None:
        return None
    return said(element, "name") or attribute(element, "literal")


def _authors(meta: Element, holder: str | None) -> tuple[str, ...]:
    """The byline, else the creators; never the agency."""
    lines = [text for one in below(meta, "by") if (text := text_of(one))]
    names = [name for line in lines for name in (opening_byline(line) or (line,))]
    if names:
        return titles_and_authors.authors(names, [holder] if holder else [])
    creators = [one for one in below(meta, "creator") if _code(attribute(one, "type")) in (None, "person")]
    return tuple(dict.fromkeys(name for one in creators if (name := said(one, "name")) and name != holder))


def _subjects(meta: Element) -> tuple[tuple[str, ...], tuple[Reference, ...]]:
    found: dict[str, str] = {}
    for subject in below(meta, "subject"):
        kind = _code(attribute(subject, "type")) or ""
        if (name := _named(subject)) and kind not in _PLACES:
            found[name] = _KINDS.get(kind, "topic")
    for keyword in below(meta, "keyword"):
        if name := text_of(keyword):
            found.setdefault(name, "topic")
    return tuple(found), tuple(Reference(name, kind=kind) for name, kind in found.items())


def _places(meta: Element) -> tuple[str, ...]:
    """Places that the item is about; of one that bears no name itself, the one that it lies in."""
    places = [one for one in below(meta, "subject") if _code(attribute(one, "type")) in _PLACES]
    named = [
        _named(one) or next((name for wide in below(one, "broader") if (name := _named(wide))), None) for one in places
    ]
    return tuple(dict.fromkeys(name for name in named if name))


def _dateline(line: Element | None, meta: Element) -> Dateline | None:
    if (text := text_of(line)) is not None:
        read = read_dateline(text, None)
        return read if read is not None else Dateline(text)
    located = first(meta, "located")
    place = _named(located)
    return Dateline(place, place.partition(",")[0].strip() or place) if place else None


def _state(admin: Element, meta: Element, fields: DateFields) -> tuple[State, SourceDate | None]:
    """The state, and the date: the end of an embargo, else when the item was first made."""
    made = _date(admin, "firstcreated", fields) or _date(meta, "contentcreated", fields)
    version = _date(admin, "versioncreated", fields)
    published = made or version
    status = _code(attribute(first(admin, "pubstatus"), "qcode", "uri", "literal")) or "usable"
    state = read_state({"pubStatus": status, "expires": said(admin, "expires")}, fields.context)
    embargo = first(admin, "embargoed")
    if state.status != "published" or embargo is None:
        return state, published
    until = _date(admin, "embargoed", fields, is_awaited=True)
    if until is None:
        return held("under an embargo without an end"), published
    over = version is not None and until.instant <= version.instant
    return state, published if over else until


def _date(parent: Element, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    return fields.read(name, said(parent, name), is_awaited=is_awaited)


def _language(tag: str | None) -> str | None:
    return re.split(r"[-_]", tag.strip())[0].lower() or None if tag else None


def _links(admin: Element) -> Iterator[RelatedPost]:
    """What the item names beside itself, where it says a title or an address on the web."""
    for link in below(admin, "link"):
        href = attribute(link, "href") or ""
        url = href if href.startswith(("http://", "https://")) else None
        title = said(link, "title") or said(link, "headline") or said(link, "itemtitle")
        if _code(attribute(link, "rel")) in ("seealso", "related", "relatedto", "dependson") and (title or url):
            yield RelatedPost(title, url)


def _pictures(item: Element) -> Iterator[Image]:
    """Pictures that are delivered with a text: of their renditions the widest up to 2,000 pixels."""
    found: list[tuple[int, Element, str]] = []
    for one in below(item, "contentset", "remotecontent"):
        href = attribute(one, "href") or ""
        if href.startswith(("http://", "https://")) and _PICTURE.search(attribute(one, "contenttype") or href):
            found.append((values.pixels(attribute(one, "width")) or 0, one, href))
    fitting = [one for one in found if one[0] <= _MAX_WIDTH] or found
    for _, one, href in [max(fitting, key=lambda rendition: rendition[0])] if fitting else []:
        width, height = (values.pixels(attribute(one, side)) for side in ("width", "height"))
        yield Image(href, said(one, "alttext"), None, None, width, height)


def _extra(item: Element, meta: Element, title: str | None, unread: Mapping[str, object]) -> dict[str, object]:
    found = {name: text for name in ("slugline", "urgency", "creditline") if (text := said(meta, name))}
    kept: dict[str, object] = {**unread, **found}
    if version := attribute(item, "version"):
        kept["version"] = version
    genres = [name for one in below(meta, "genre") if (name := _named(one) or attribute(one, "qcode"))]
    codes = [code for one in below(meta, "subject") if (code := attribute(one, "qcode", "uri"))]
    notes = [text for one in below(item, "itemmeta", "ednote") if (text := text_of(one))]
    headlines = [text for one in below(meta, "headline") if (text := text_of(one)) and text != title]
    lead = _description(meta)
    descriptions = [text for one in below(meta, "description") if (text := text_of(one)) and text != lead]
    lists = {"headline": headlines, "description": descriptions, "genre": genres, "subject": codes, "edNote": notes}
    kept |= {name: found for name, found in lists.items() if found}
    return {"newsml": kept} if kept else {}
