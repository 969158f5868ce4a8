"""Articles as the bytes of a structured format: one of them, or a page of a list. Large ones are written in a
thread."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from app.articles.html import offload
from app.articles.reading import provenance_rows
from app.articles.reading.card_parts import Json
from app.articles.reading.item_cache import ItemRow
from app.articles.reading.provenance import UNKNOWN, Provenance
from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts, RenderOptions
from app.articles.render.left_out import VIEWED, refuse_left_out
from app.articles.render.structured import json_ld, markdown_file, ninjs, plain_text
from app.articles.render.structured.formats import (
    ITEM,
    ITEM_NAMES,
    JSON_LD,
    LIST,
    LIST_NAMES,
    MARKDOWN,
    NINJS,
    PARTS,
    STRUCTURED,
    VIEWS,
    check_parts,
)
from app.articles.render.structured.publication import Publication
from app.context import AppContext, RequestContext
from app.http import csv_text
from app.http.paging import PageInfo
from app.http.params import negotiation, parser
from app.http.params.negotiation import JSON, Representation
from app.http.params.typed import Params

_CARD_COST = 3_000
"""What an article counts as beside its body: it takes as long to write as so many bytes of one."""


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """The bytes of an article, the JSON that they were made of, and which other articles they name, as Cache-Tag has
    them."""

    body: bytes
    article: Json
    editions: list[str]


def _describe(names: Sequence[str]) -> str:
    return f"The representation: {', '.join(f'`{name}`' for name in names)}. It wins over `Accept`."


class ItemFormat(Params):
    """Of one article."""

    format = parser.text("format", _describe(ITEM_NAMES), maximum=20, example="jsonld")


class ListFormat(csv_text.CsvParams, ArticleParts):
    """Of a list of articles."""

    format = parser.text("format", _describe(LIST_NAMES), maximum=20, example="csv")


def choose_of_item(request: Request, name: str | None) -> Representation:
    """NotAcceptable where neither `format` nor `Accept` names one that there is."""
    return negotiation.choose(request, name, ITEM)


def choose_of_list(request: Request, params: ListFormat, *others: str) -> Representation:
    """JSON where `Accept` names none that there is; NotAcceptable where `format` does. InvalidInput for what the format
    has no room for; `others` are parameters of which that may be true."""
    chosen = negotiation.choose(request, params.format, LIST, JSON)
    csv_text.check_mark(params, chosen.name)
    if chosen in STRUCTURED:
        check_parts(chosen, params.fields, params.include, *(name for name in others if params.values.get(name)))
    return chosen


async def write_item(
    context: AppContext,
    view: RequestContext,
    stored: ItemRow,
    params: ArticleParts,
    chosen: Representation,
    related: list[Json],
) -> WrittenItem:
    """One article in full. `related` are its related posts as shown."""
    check_parts(chosen, params.fields, params.include)
    form = _make_form(context, params, VIEWS[chosen] | {"related"})
    shown = await article_json.render_item(context, view, stored, params, related, form)
    sources = await provenance_rows.load_provenance(context.db, [stored.article.id])
    publication = Publication(context.addresses_for(view), context.settings.site_name)
    source = sources.get(stored.article.id, UNKNOWN)
    body = await offload.run(len(stored.body), _encode_item, shown, source, publication, chosen)
    editions = [one for one in (source.original, *source.translations) if one]
    return WrittenItem(body, shown, [f"article:{one.id}" for one in editions])


def _make_form(context: AppContext, params: ArticleParts, includes: frozenset[str]) -> RenderOptions:
    """All properties have their place in a format: those that a key is not given are there without anything."""
    left_out = context.cards.left_out
    refuse_left_out(left_out, "include", params.include)
    shown = frozenset(name for name in includes if VIEWED.get(name, name) not in left_out)
    return RenderOptions(includes=shown, language=params.names_language, blank=left_out)


def _encode_item(article: Json, source: Provenance, publication: Publication, chosen: Representation) -> bytes:
    if chosen is JSON_LD:
        return json_ld.write_document(json_ld.write(article, source, publication))
    if chosen is NINJS:
        return ninjs.write_document(ninjs.write(article, source, publication))
    return (markdown_file.write(article, source) if chosen is MARKDOWN else plain_text.write(article)).encode()


async def write_page(
    request: Request,
    context: AppContext,
    view: RequestContext,
    entries: Sequence[ListRow],
    params: ArticleParts,
    chosen: Representation,
    page: PageInfo,
) -> bytes:
    """A page of a list: cards, with what `include` adds."""
    views = VIEWS[chosen] if "body" in params.include else frozenset()
    form = _make_form(context, params, views | (PARTS & {*params.include} - {"body"}))
    shown = await article_json.render_articles(context, view, entries, params=params, form=form)
    sources = await provenance_rows.load_provenance(context.db, list(shown))
    rows = [(shown[entry.id], sources.get(entry.id, UNKNOWN)) for entry in entries if entry.id in shown]
    cost = sum(len(row) + _CARD_COST for row, _ in rows)
    total = page.total if page.total_is == "exact" else None
    publication = Publication(context.addresses_for(view), context.settings.site_name)
    uri = publication.name_list(request.scope["path"], request.scope["query_string"].decode("latin-1"))
    return await offload.run(cost, _encode_page, rows, publication, chosen, total, uri)


def _encode_page(
    rows: Sequence[tuple[bytes, Provenance]],
    publication: Publication,
    chosen: Representation,
    total: int | None,
    uri: str,
) -> bytes:
    articles: Sequence[tuple[Json, Provenance]] = [(orjson.loads(row), source) for row, source in rows]
    if chosen is JSON_LD:
        return json_ld.write_list([json_ld.write(article, source, publication) for article, source in articles], total)
    if chosen is NINJS:
        items = [ninjs.write(article, source, publication) for article, source in articles]
        return ninjs.write_list(items, uri)
    texts = [article for article, _ in articles]
    return (markdown_file.write_list(texts) if chosen is MARKDOWN else plain_text.write_list(texts)).encode()
