"""Articles out of web pages: JSON-LD first, then meta tags, then what stands on the page; the text by trafilatura.

Never guesses a date or an author: what no place on the page says stays empty.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from selectolax.lexbor import LexborHTMLParser

from app.importers import (
    charsets,
    clean,
    dates,
    openings,
    page_body,
    page_dates,
    page_names,
    page_pictures,
    trees,
    undated,
    values,
    visibility,
)
from app.importers.document import Body, Context, Document, Failure, Item, Locale, SourceDate
from app.importers.fields import derive_title
from app.importers.jsonld import PAYWALLED, from_jsonld
from app.importers.page import Said, first_of, from_meta, from_view, words
from app.importers.text import paragraphs
from app.text import name_key, words_key

MAX_PAGE = 4_000_000
MOSTLY = 0.7
"""A page of which more than this share of the text is links is a list of articles and none itself."""
_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]{0,200}?charset|\?xml\b[^>]{0,100}?encoding)\s*=\s*["']?([\w:.-]{2,40})""", re.I
)


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """One article, or a Failure: for a page over 4 MB, and for one that holds none."""
    data = stream.read(MAX_PAGE + 1)
    if len(data) > MAX_PAGE:
        yield Failure(where, f"the page is larger than {MAX_PAGE // 1_000_000} MB")
        return
    found = _CHARSET.search(data, 0, 8_192)
    decoded, guessed = charsets.decode(data, (found[1].decode() if found else None, context.charset))
    notes = dict.fromkeys(guessed)
    yield read(clean.scrub(decoded, notes.setdefault), where, context, tuple(notes))


def read(text: str, where: str, context: Context, notes: tuple[str, ...] = ()) -> Document | Failure:
    """The article of one page, decoded."""
    said_before = dict.fromkeys(notes)
    text = trees.flat(text, said_before.setdefault)
    page = LexborHTMLParser(text)
    meta = from_meta(page)
    jsonld = from_jsonld(page, meta.url, said_before.setdefault)
    said = first_of([one for one in (jsonld, meta) if one])
    shown = from_view(page)
    address = _address(said.url, context.address)
    sites = _sites(said, shown, address)
    title = page_names.title(said.title, words(page.css_first("title")), shown.title, sites)
    said = first_of([said, shown])
    locale = dates.within(context.locale, said.language, address or said.url)
    seen = page_dates.look(page, title, address or said.url, context.timezone, locale)
    said = _with_dates(said, (jsonld.published if jsonld else None, meta.published), text, page, seen)
    base = page_body.base_of(page, context.address or address)
    pictures = page_pictures.read_pictures(page, base)
    posts = tuple(
        replace(post, url=page_pictures.absolute(base, post.url)) if post.url else post
        for post in page_body.take_related(page)
    )
    if said.paywall:
        said_before.setdefault(PAYWALLED)
        page_body.take_invitations(page, said.paywall)
    notes = tuple(said_before)
    extracted = page_body.extract(page, title, context.address or address)
    body = _body(extracted.content, said.body)
    if body is None:
        return Failure(where, "no article on this page: it holds no text outside links and menus")
    if (jsonld is None or not jsonld.title) and page_body.linked_share(page, body.content) > MOSTLY:
        return Failure(where, "no article on this page: it is a list of links")
    document = Document(
        where, title=title, title_derived=title is None, body=body, url=address, related=posts, notes=notes
    )
    document = _dated(document, said, context, locale)
    document = _settled(document)
    images, lost = page_pictures.choose_images(
        said.images, pictures, extracted.pictures, extracted.found, document.body, base
    )
    document = replace(document, images=images, notes=(*document.notes, *lost))
    document = _named(document, said, sites)
    document = visibility.apply(document, visibility.of_page(said.work_status, said.expires, context))
    return document if title else replace(document, title=derive_title(document))


def _address(said: str | None, asked: str | None) -> str | None:
    """Where the page was read, else where it says that it stands, unless that is no more than a site."""
    if asked:
        return asked
    parts = _parts(said)
    return said if parts.hostname and parts.path.strip("/") else None


def _parts(url: str | None) -> SplitResult:
    try:
        parts = urlsplit(url or "")
        return parts if parts.scheme in ("http", "https") else urlsplit("")
    except ValueError:
        return urlsplit("")


def _sites(said: Said, shown: Said, address: str | None) -> tuple[str, ...]:
    """The names by which the page's site may sign: its own, and those in its host."""
    host = _parts(address).hostname or ""
    labels = host.removeprefix("www.").split(".")
    return tuple(name for name in (said.site, shown.site, host, host.removeprefix("www."), labels[0]) if name)


def _body(found: str, said: str | None) -> Body | None:
    """What was found on the page; what JSON-LD says where that is much more."""
    count = len(words_key(trees.parse(found).text(separator=" ")).split()) if found else 0
    if said and len(words_key(said).split()) > 2 * count:
        return Body("html", said) if values.is_html(said) else Body("text", "\n\n".join(paragraphs(said)))
    return Body("html", found) if count else None


def _named(document: Document, said: Said, sites: tuple[str, ...]) -> Document:
    language = re.match(r"[a-z]{2,3}(?![a-z])", (said.language or "").strip().lower())
    names = {name_key(name) for name in sites}
    return replace(
        document,
        standfirst=None if not said.standfirst or openings.repeats(said.standfirst, document) else said.standfirst,
        authors=page_names.authors(said.author_lines, sites),
        sections=said.sections,
        tags=tuple(dict.fromkeys(tag for tag in said.tags if tag not in said.sections and name_key(tag) not in names)),
        language=language[0] if language else None,
        source=said.site,
        canonical_url=said.url if _parts(said.url).hostname else None,
    )


def _with_dates(
    said: Said,
    given: tuple[str | None, ...],
    markup: str,
    page: LexborHTMLParser,
    seen: page_dates.Seen,
) -> Said:
    """The first date in the page's data that can be read, else the one that it shows. One that cannot be read stays,
    for people to see."""
    readable = next((text for text in given if text and seen.read(text)), None)
    shown = page_dates.find(markup, page, seen) if readable is None else page_dates.Dates()
    return replace(said, published=readable or shown.published or said.published, updated=said.updated or shown.updated)


def _dated(document: Document, said: Said, context: Context, locale: Locale) -> Document:
    notes = dict.fromkeys(document.notes)
    extra: dict[str, object] = {}
    found: dict[str, SourceDate | None] = {"published": None, "updated": None}
    for name, value in (("published", said.published), ("updated", said.updated)):
        try:
            reading = dates.read(value, context.timezone, locale) if value else None
        except ValueError as error:
            extra[name] = value
            notes.setdefault(f"{name}: {value!r} is no date: {error}")
            continue
        found[name] = reading.date if reading else None
        if reading and reading.floating:
            notes.setdefault(f"{name}: no time zone given, read as {context.timezone}")
        if reading and reading.note:
            notes.setdefault(f"{name}: {value!r}: {reading.note}")
    return replace(document, published=found["published"], updated=found["updated"], extra=extra, notes=tuple(notes))


def _settled(document: Document) -> Document:
    """With its dateline in its place; to one without a year a date in the address lends its own."""
    lent = document.published or (undated.in_address(document.url) if document.url else None)
    return replace(openings.settle(replace(document, published=lent)), published=document.published)
