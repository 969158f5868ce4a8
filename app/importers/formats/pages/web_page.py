"""Articles out of web pages: JSON-LD first, then meta tags, then what stands on the page; the text by trafilatura.

Never guesses a date or an author: what no place on the page says stays empty.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from selectolax.lexbor import LexborHTMLParser

from app.articles.html import formulas
from app.importers import dates
from app.importers.document import (
    Document,
    DocumentBody,
    Failure,
    Item,
    ParseContext,
    SourceDate,
    SourceLocale,
)
from app.importers.formats.pages import body_text, page_pictures, publication_dates
from app.importers.formats.pages.json_ld import PAYWALLED, read_json_ld
from app.importers.formats.pages.metadata import PageMetadata, merge_first, read_meta, read_visible, read_words
from app.importers.records import article_head, fallback_dates, gated_passages, language_codes, values, visibility
from app.importers.records.text_fields import derive_title
from app.importers.text_parts import charsets, clean, html_trees, titles_and_authors
from app.importers.text_parts.prose import join_paragraphs
from app.text.keys import name_key, words_key

MAX_PAGE = 4_000_000
LACKS = "words between its paragraphs may be missing: compare it with its page"
MOSTLY = 0.7
"""A page of which more than this share of the text is links is a list of articles and none itself."""
_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]{0,200}?charset|\?xml\b[^>]{0,100}?encoding)\s*=\s*["']?([\w:.-]{2,40})""", re.I
)


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """One article, or a Failure: for a page over 4 MB, and for one that holds none."""
    data = stream.read(MAX_PAGE + 1)
    if len(data) > MAX_PAGE:
        yield Failure(where, f"the page is larger than {MAX_PAGE // 1_000_000} MB")
        return
    declared = _CHARSET.search(data, 0, 8_192)
    decoded, guessed = charsets.decode_bytes(data, (declared[1].decode() if declared else None, context.charset))
    notes = dict.fromkeys(guessed)
    yield read_page(clean.scrub(decoded, notes.setdefault), where, context, tuple(notes))


def read_page(text: str, where: str, context: ParseContext, notes: tuple[str, ...] = ()) -> Document | Failure:
    """The article of one page, decoded."""
    said_before = dict.fromkeys(notes)
    text = html_trees.flatten(text, said_before.setdefault)
    # Before the text is looked for, which takes the words of a formula for words of the line.
    source, text = text, formulas.write_formulas(text)
    if text != source:
        said_before.setdefault(f"removed from the body: {formulas.WRITTEN}")
    page = LexborHTMLParser(text)
    meta = read_meta(page)
    jsonld = read_json_ld(page, meta.url, said_before.setdefault)
    metadata_found = merge_first([one for one in (jsonld, meta) if one])
    visible = read_visible(page)
    address = _choose_address(metadata_found.url, context.address)
    sites = _list_site_names(metadata_found, visible, address)
    title = titles_and_authors.choose_title(
        metadata_found.title, read_words(page.css_first("title")), visible.title, sites
    )
    metadata_found = merge_first([metadata_found, visible])
    locale = dates.narrow_locale(context.locale, metadata_found.language, address or metadata_found.url)
    search = publication_dates.begin_search(page, title, address or metadata_found.url, context.timezone, locale)
    metadata_found = _add_dates(
        metadata_found, (jsonld.published if jsonld else None, meta.published), text, page, search
    )
    base = body_text.find_base(page, context.address or address)
    pictures = page_pictures.read_pictures(page, base)
    posts = tuple(
        replace(post, url=page_pictures.make_absolute(base, post.url)) if post.url else post
        for post in body_text.take_related(page)
    )
    section = gated_passages.find_gated_section(page)  # before words are taken out of the page
    if metadata_found.paywall:
        said_before.setdefault(PAYWALLED)
        body_text.take_invitations(page, metadata_found.paywall)
    notes = tuple(said_before)
    extracted = body_text.extract_body(page, title, context.address or address)
    body = _choose_body(extracted.content, metadata_found.body)
    if body is None:
        return Failure(where, "no article on this page: it holds no text outside links and menus")
    if (jsonld is None or not jsonld.title) and body_text.measure_link_share(page, body.content) > MOSTLY:
        return Failure(where, "no article on this page: it is a list of links")
    if extracted.may_lack_words:
        notes = (*notes, LACKS)
    document = Document(
        where, title=title, title_derived=title is None, body=body, url=address, related=posts, notes=notes
    )
    document = _parse_dates(document, metadata_found, context, locale)
    document = _extract_head(document)
    images, lost = page_pictures.choose_images(
        metadata_found.images, pictures, extracted.pictures, extracted.picture_urls, document.body, base
    )
    document = replace(document, images=images, notes=(*document.notes, *lost))
    document = _add_names(document, metadata_found, sites)
    document = visibility.apply(
        document, visibility.read_page(metadata_found.work_status, metadata_found.expires, context)
    )
    document = gated_passages.hold(document, section)
    return document if title else replace(document, title=derive_title(document))


def _choose_address(stated: str | None, requested: str | None) -> str | None:
    """Where the page was read, else where it says that it stands, unless that is no more than a site."""
    if requested:
        return requested
    parts = _split_url(stated)
    return stated if parts.hostname and parts.path.strip("/") else None


def _split_url(url: str | None) -> SplitResult:
    try:
        parts = urlsplit(url or "")
        return parts if parts.scheme in ("http", "https") else urlsplit("")
    except ValueError:
        return urlsplit("")


def _list_site_names(metadata_found: PageMetadata, visible: PageMetadata, address: str | None) -> tuple[str, ...]:
    """The names by which the page's site may sign: its own, and those in its host."""
    host = _split_url(address).hostname or ""
    labels = host.removeprefix("www.").split(".")
    return tuple(
        name for name in (metadata_found.site, visible.site, host, host.removeprefix("www."), labels[0]) if name
    )


def _choose_body(extracted: str, stated: str | None) -> DocumentBody | None:
    """What was found on the page; what JSON-LD says where that is much more."""
    count = len(words_key(html_trees.parse_html(extracted).text(separator=" ")).split()) if extracted else 0
    if stated and len(words_key(stated).split()) > 2 * count:
        return (
            DocumentBody("html", stated)
            if values.is_html(stated)
            else DocumentBody("text", "\n\n".join(join_paragraphs(stated)))
        )
    return DocumentBody("html", extracted) if count else None


def _add_names(document: Document, metadata_found: PageMetadata, sites: tuple[str, ...]) -> Document:
    language = re.match(r"[a-z]{2,3}(?![a-z])", (metadata_found.language or "").strip().lower())
    names = {name_key(name) for name in sites}
    return replace(
        document,
        standfirst=None
        if not metadata_found.standfirst or article_head.is_repetition(metadata_found.standfirst, document)
        else metadata_found.standfirst,
        authors=titles_and_authors.list_authors(metadata_found.author_lines, sites),
        sections=metadata_found.sections,
        tags=tuple(
            dict.fromkeys(
                tag for tag in metadata_found.tags if tag not in metadata_found.sections and name_key(tag) not in names
            )
        ),
        language=language[0] if language else language_codes.read_code(metadata_found.language),
        source=metadata_found.site,
        canonical_url=metadata_found.url if _split_url(metadata_found.url).hostname else None,
    )


def _add_dates(
    metadata_found: PageMetadata,
    date_texts: tuple[str | None, ...],
    markup: str,
    page: LexborHTMLParser,
    search: publication_dates.DateSearch,
) -> PageMetadata:
    """The first date in the page's data that can be read, else the one that it shows. One that cannot be read stays,
    for people to see."""
    readable = next((text for text in date_texts if text and search.parse_text(text)), None)
    page_dates = (
        publication_dates.find_dates(markup, page, search) if readable is None else publication_dates.PageDates()
    )
    return replace(
        metadata_found,
        published=readable or page_dates.published or metadata_found.published,
        updated=metadata_found.updated or page_dates.updated,
    )


def _parse_dates(
    document: Document, metadata_found: PageMetadata, context: ParseContext, locale: SourceLocale
) -> Document:
    notes = dict.fromkeys(document.notes)
    extra: dict[str, object] = {}
    dates_found: dict[str, SourceDate | None] = {"published": None, "updated": None}
    for name, value in (("published", metadata_found.published), ("updated", metadata_found.updated)):
        try:
            reading = dates.parse_date(value, context.timezone, locale) if value else None
        except ValueError as error:
            extra[name] = value
            notes.setdefault(f"{name}: {value!r} is no date: {error}")
            continue
        dates_found[name] = reading.date if reading else None
        if reading and reading.floating:
            notes.setdefault(f"{name}: no time zone given, read as {context.timezone}")
        if reading and reading.note:
            notes.setdefault(f"{name}: {value!r}: {reading.note}")
    return replace(
        document, published=dates_found["published"], updated=dates_found["updated"], extra=extra, notes=tuple(notes)
    )


def _extract_head(document: Document) -> Document:
    """With its dateline in its place; to one without a year a date in the address lends its own."""
    lent = document.published or (fallback_dates.find_in_url(document.url) if document.url else None)
    return replace(article_head.extract_head(replace(document, published=lent)), published=document.published)
