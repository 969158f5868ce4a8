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
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    Item,
    NameReference,
    ParseContext,
    RelatedReference,
    Remark,
    SourceDate,
    SourceDateline,
)
from app.importers.formats.exports.publication import PublicationState, make_held, read_state
from app.importers.formats.newsml import nitf
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
from app.importers.records import values
from app.importers.records.article_head import remove_title
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import html_markup, titles_and_authors
from app.importers.text_parts.bylines import read_opening_byline
from app.importers.text_parts.datelines import read_dateline
from app.importers.text_parts.prose import cut_title, part_lines

_ITEMS = frozenset(("newsitem", "packageitem", "conceptitem", "knowledgeitem", "planningitem", "catalogitem"))
_KINDS = {"person": "person", "organisation": "organisation", "organization": "organisation", "event": "event"}
_PLACES = frozenset(("geoarea", "poi", "place", "city", "country"))
_MAIN = ("", "main", "headline", "title")
_LEADS = ("lead", "summary", "abstract", "standfirst", "ingress", "")
_PICTURE = re.compile(r"image/|\.(?:jpe?g|png|gif|webp)$", re.IGNORECASE)
_UNRANKED = 1_000_000
_BLOCKS = frozenset(("p", "ul", "ol", "dl", "table", "blockquote", "pre", "figure", "h1", "h2", "h3", "h4", "main"))
_NOT_ARTICLES = {
    "packageitem": "packages, whose items count by themselves",
    "conceptitem": "concepts",
    "knowledgeitem": "vocabularies",
    "planningitem": "plans",
    "catalogitem": "catalogs",
}


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """The articles, `where` or in a message `where#number`; then a Remark for each kind of what is none. A document
    with nothing but what is none is a Failure."""
    notes: dict[str, None] = {}
    try:
        root = load_xml(stream, context.charset, notes.setdefault)
    except XmlBroken as fault:
        yield Failure(where, str(fault))
        return
    items = [root] if get_local_name(root) in _ITEMS else [one for one in root.iter() if get_local_name(one) in _ITEMS]
    left_out: Counter[str] = Counter()
    articles = 0
    for number, item in enumerate(items, 1):
        if reason := _explain_left_out(item) or _explain_replaced(item, items):
            left_out[reason] += 1
            continue
        articles += 1
        item_name = where if len(items) == 1 else f"{where}#{number}"
        yield boundary.attempt("read", item_name, _read_item, item, item_name, context, dict(notes))
    for reason, count in left_out.items():
        yield (
            Remark(where, f"left out: {count} {reason}")
            if articles
            else Failure(where, f"no article: {count} {reason}")
        )
    if not items:
        yield Failure(where, "no news item in it")


def _explain_left_out(item: Element) -> str | None:
    """Why an item is no article."""
    if get_local_name(item) != "newsitem":
        return _NOT_ARTICLES[get_local_name(item)]
    kind = _read_class(item)
    return None if kind in (None, "text") else f"items of the class {kind}"


def _read_class(item: Element) -> str | None:
    item_class = find_first(item, "itemmeta", "itemclass")
    return _strip_scheme(read_attribute(item_class, "qcode", "uri", "literal"))


def _strip_scheme(code: str | None) -> str | None:
    """`text` of `ninat:text` and of `http://cv.iptc.org/newscodes/ninature/text`."""
    return re.split(r"[:/#]", code.rstrip("/"))[-1].lower() or None if code else None


def _explain_replaced(item: Element, items: list[Element]) -> str | None:
    """Whether the message has a later version of the item."""
    guid, version = read_attribute(item, "guid"), _read_version(item)
    # NewsML-G2 keeps `guid` for all versions of an item, and counts them in `version`.
    others = [one for one in items if one is not item and guid and read_attribute(one, "guid") == guid]
    return "older versions of items that are in it too" if any(_read_version(one) > version for one in others) else None


def _read_version(item: Element) -> int:
    digits = read_attribute(item, "version") or ""
    return int(digits) if digits.isdigit() and len(digits) < 10 else 0


def _read_item(item: Element, where: str, context: ParseContext, notes: dict[str, None]) -> Document | Failure:
    """The article; a Failure for an item without a headline and a text, or with something else for its text."""
    meta, admin = find_first(item, "contentmeta"), find_first(item, "itemmeta")
    empty = etree.Element("empty")
    meta, admin = (meta if meta is not None else empty), (admin if admin is not None else empty)
    try:
        content = _read_content(item, notes)
    except XmlBroken as fault:
        return Failure(where, str(fault))
    document = _read_fields(item, meta, admin, content, where, context, notes)
    if isinstance(document, Failure) or document.retracts:
        return document
    content.dateline = _read_dateline(find_first(meta, "dateline"), meta) or content.dateline
    content.standfirst = _choose_description(meta) or content.standfirst
    if document.body is not None and document.body.kind == "html":
        title = None if document.title_derived else document.title
        document = replace(document, body=DocumentBody("html", remove_title(document.body.content, title)))
    return nitf.extract_parts(document, content)


def _read_fields(
    item: Element,
    meta: Element,
    admin: Element,
    content: nitf.NitfContent,
    where: str,
    context: ParseContext,
    notes: dict[str, None],
) -> Document | Failure:
    """What the item says of its content (`meta`) and of itself (`admin`), beside the content that was read."""
    title = _choose_headline(meta) or content.title or read_first_text(admin, "title")
    guid = read_attribute(item, "guid")
    language = read_attribute(find_first(meta, "language"), "tag") or read_attribute(item, "lang")
    fields = DateFields(context, notes.setdefault, dates.narrow_locale(context.locale, language, context.address))
    state, published = _read_state(admin, meta, fields)
    if title is None and content.body is None:
        if state.status == "withdrawn" and guid:
            return make_retraction(where, guid, find_origin(guid))
        return Failure(where, "no article: the item has neither a headline nor a text")
    names, references = _list_subjects(meta)
    holder = _read_name(find_first(item, "rightsinfo", "copyrightholder"))
    return Document(
        where=where,
        external_id=guid,
        origin=find_origin(guid or ""),
        title=title or cut_title(strip_markup(content.body.content[:20_000]) if content.body else where),
        title_derived=title is None,
        body=content.body,
        authors=_list_authors(meta, holder) or content.authors,
        tags=names,
        tag_refs=references,
        regions=_list_places(meta),
        language=read_language(language),
        source=holder
        or _read_name(find_first(meta, "infosource"))
        or _read_name(find_first(admin, "provider"))
        or content.source,
        signature=read_first_text(item, "rightsinfo", "copyrightnotice") or content.signature,
        related=tuple(_list_links(admin)),
        images=(*content.images, *_list_pictures(item)),
        published=published,
        updated=_read_date(admin, "versioncreated", fields),
        status=state.status,
        extra=_list_extra(item, meta, title, fields.unread),
        notes=(*notes, *state.notes),
    )


def _read_content(item: Element, notes: dict[str, None]) -> nitf.NitfContent:
    """The text of the first rendition that is one: NITF or XHTML within the XML, else inline text. Broken for an item
    that holds something else."""
    inline = list(find_below(item, "contentset", "inlinexml"))
    for holder in inline:
        for root in holder:
            if get_local_name(root) == "nitf" or get_local_name(root) == "body.content":
                return nitf.read_content(root)
            if get_local_name(root) in ("html", "body", "div", "section", "article"):
                return nitf.NitfContent(body=_read_xhtml(root))
            if get_local_name(root) in _BLOCKS:
                return nitf.NitfContent(body=_read_xhtml(holder))
    for data in find_below(item, "contentset", "inlinedata"):
        kind, text = (read_attribute(data, "contenttype") or "").lower(), "".join(str(part) for part in data.itertext())
        if read_attribute(data, "encoding") is None and text.strip() and (not kind or kind.startswith("text/")):
            return nitf.NitfContent(body=_read_inline(kind, text))
    kinds = [get_local_name(root) for holder in inline for root in holder]
    if kinds:
        raise XmlBroken(f"no article: its content is <{kinds[0]}>, which is not read")
    remote = any(True for _ in find_below(item, "contentset", "remotecontent"))
    notes.setdefault("its text stands at an address and not in the item" if remote else "the item has no text")
    return nitf.NitfContent()


def _read_inline(kind: str, text: str) -> DocumentBody | None:
    is_markup = "html" in kind or values.is_html(text)
    return values.make_body(text if is_markup else part_lines(text), "html" if is_markup else "text")


def _read_xhtml(root: Element) -> DocumentBody | None:
    """The inside of a page, written as HTML."""
    body = next((one for one in root.iter() if get_local_name(one) == "body"), root)
    for element in body.iter():
        if isinstance(element.tag, str):
            # lxml writes prefixes of XHTML's namespace, which no browser takes for HTML.
            element.tag = get_local_name(element)
    etree.cleanup_namespaces(body)
    whole = etree.tostring(body, encoding="unicode", method="html", with_tail=False)
    inside = (
        re.sub(r"\A<[^>]*>|</\w+>\Z", "", whole.strip()).strip()
        if get_local_name(body) in ("body", "html", "inlinexml")
        else whole
    )
    return DocumentBody("html", inside) if "".join(str(part) for part in body.itertext()).strip() else None


def _choose_headline(meta: Element) -> str | None:
    """The main one: that without a role, or whose role says so; of several the one that ranks first."""
    by_role = _group_by_role(meta, "headline")
    return next((by_role[role] for role in _MAIN if role in by_role), next(iter(by_role.values()), None))


def _group_by_role(meta: Element, name: str) -> dict[str, str]:
    """The first text of each role, in the order of their ranks."""
    elements = sorted(
        find_below(meta, name), key=lambda one: values.read_pixels(read_attribute(one, "rank")) or _UNRANKED
    )
    texts = [
        (_strip_scheme(read_attribute(one, "role")) or "", text) for one in elements if (text := read_element_text(one))
    ]
    return dict(reversed(texts))


def _choose_description(meta: Element) -> str | None:
    by_role = _group_by_role(meta, "description")
    return next((by_role[role] for role in _LEADS if role in by_role), None)


def _read_name(element: Element | None) -> str | None:
    """What a concept is called: its name, else the literal."""
    if element is None:
        return None
    return read_first_text(element, "name") or read_attribute(element, "literal")


def _list_authors(meta: Element, holder: str | None) -> tuple[str, ...]:
    """The byline, else the creators; never the agency."""
    lines = [text for one in find_below(meta, "by") if (text := read_element_text(one))]
    names = [name for line in lines for name in (read_opening_byline(line).names or (line,))]
    if names:
        return titles_and_authors.list_authors(names, [holder] if holder else [])
    creators = [
        one for one in find_below(meta, "creator") if _strip_scheme(read_attribute(one, "type")) in (None, "person")
    ]
    return tuple(dict.fromkeys(name for one in creators if (name := read_first_text(one, "name")) and name != holder))


def _list_subjects(meta: Element) -> tuple[tuple[str, ...], tuple[NameReference, ...]]:
    names: dict[str, str] = {}
    for subject in find_below(meta, "subject"):
        kind = _strip_scheme(read_attribute(subject, "type")) or ""
        if (name := _read_name(subject)) and kind not in _PLACES:
            names[name] = _KINDS.get(kind, "topic")
    for keyword in find_below(meta, "keyword"):
        if name := read_element_text(keyword):
            names.setdefault(name, "topic")
    return tuple(names), tuple(NameReference(name, kind=kind) for name, kind in names.items())


def _list_places(meta: Element) -> tuple[str, ...]:
    """Places that the item is about; of one that bears no name itself, the one that it lies in."""
    places = [one for one in find_below(meta, "subject") if _strip_scheme(read_attribute(one, "type")) in _PLACES]
    broader = [
        _read_name(one) or next((name for wide in find_below(one, "broader") if (name := _read_name(wide))), None)
        for one in places
    ]
    return tuple(dict.fromkeys(name for name in broader if name))


def _read_dateline(line: Element | None, meta: Element) -> SourceDateline | None:
    if (text := read_element_text(line)) is not None:
        parsed = read_dateline(text, None)
        return parsed if parsed is not None else SourceDateline(text)
    place_name = _read_name(find_first(meta, "located"))
    return SourceDateline(place_name, place_name.partition(",")[0].strip() or place_name) if place_name else None


def _read_state(admin: Element, meta: Element, fields: DateFields) -> tuple[PublicationState, SourceDate | None]:
    """The state, and the date: the end of an embargo, else when the item was first made."""
    created = _read_date(admin, "firstcreated", fields) or _read_date(meta, "contentcreated", fields)
    version = _read_date(admin, "versioncreated", fields)
    published = created or version
    status = _strip_scheme(read_attribute(find_first(admin, "pubstatus"), "qcode", "uri", "literal")) or "usable"
    embargo = find_first(admin, "embargoed")
    notices = _list_notices(admin) if embargo is None else []
    markers = {"pubStatus": status, "expires": read_first_text(admin, "expires"), "edNote": notices}
    state = read_state(markers, fields.context)
    if state.status != "published" or embargo is None:
        return state, published
    until = _read_date(admin, "embargoed", fields, is_awaited=True)
    if until is None:
        return make_held("under an embargo without an end"), published
    over = version is not None and until.instant <= version.instant
    return state, published if over else until


def _list_notices(admin: Element) -> list[str]:
    return [text for one in find_below(admin, "ednote") if (text := read_element_text(one))]


def _read_date(parent: Element, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    return fields.read(name, read_first_text(parent, name), is_awaited=is_awaited)


def _list_links(admin: Element) -> Iterator[RelatedReference]:
    """What the item names beside itself, where it says a title or an address on the web."""
    for link in find_below(admin, "link"):
        href = read_attribute(link, "href") or ""
        url = href if href.startswith(("http://", "https://")) else None
        title = (
            read_first_text(link, "title") or read_first_text(link, "headline") or read_first_text(link, "itemtitle")
        )
        if _strip_scheme(read_attribute(link, "rel")) in ("seealso", "related", "relatedto", "dependson") and (
            title or url
        ):
            yield RelatedReference(title, url)


def _list_pictures(item: Element) -> Iterator[DocumentImage]:
    """Pictures that are delivered with a text: of their renditions the widest up to 2,000 pixels."""
    renditions: list[tuple[int, Element, str]] = []
    for one in find_below(item, "contentset", "remotecontent"):
        href = read_attribute(one, "href") or ""
        if href.startswith(("http://", "https://")) and _PICTURE.search(read_attribute(one, "contenttype") or href):
            renditions.append((values.read_pixels(read_attribute(one, "width")) or 0, one, href))
    fitting = [one for one in renditions if one[0] <= html_markup.MAX_WIDTH] or renditions
    for _, one, href in [max(fitting, key=lambda rendition: rendition[0])] if fitting else []:
        width, height = (values.read_pixels(read_attribute(one, side)) for side in ("width", "height"))
        yield DocumentImage(href, read_first_text(one, "alttext"), None, None, width, height)


def _list_extra(item: Element, meta: Element, title: str | None, unread: Mapping[str, object]) -> dict[str, object]:
    named_texts = {
        name: text for name in ("slugline", "urgency", "creditline") if (text := read_first_text(meta, name))
    }
    extra: dict[str, object] = {**unread, **named_texts}
    if version := read_attribute(item, "version"):
        extra["version"] = version
    genres = [name for one in find_below(meta, "genre") if (name := _read_name(one) or read_attribute(one, "qcode"))]
    codes = [code for one in find_below(meta, "subject") if (code := read_attribute(one, "qcode", "uri"))]
    admin = find_first(item, "itemmeta")
    notes = _list_notices(admin) if admin is not None else []
    headlines = [text for one in find_below(meta, "headline") if (text := read_element_text(one)) and text != title]
    lead = _choose_description(meta)
    descriptions = [
        text for one in find_below(meta, "description") if (text := read_element_text(one)) and text != lead
    ]
    lists = {"headline": headlines, "description": descriptions, "genre": genres, "subject": codes, "edNote": notes}
    extra |= {name: named_texts for name, named_texts in lists.items() if named_texts}
    return {"newsml": extra} if extra else {}
