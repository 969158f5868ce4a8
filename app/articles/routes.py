"""Articles over HTTP: lists, items, what is next to them, and where an address leads. Reads only."""

import time
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import text
from app.articles import archive, asked, present, queries, schemas
from app.articles.archive import Archive, View
from app.articles.asked import Asked
from app.articles.filters import PUBLISHED
from app.articles.queries import Entry, Found, Place
from app.errors import FieldError as Wrong
from app.errors import Gone, InvalidInput, NotAcceptable, NotFound
from app.http import answer, paging, params
from app.http.openapi import problems
from app.http.paging import Cursor, Page
from app.http.params import Parameters, Read
from app.http.times import format_time

router = APIRouter(prefix="/v1", tags=["articles"])

LIST = Parameters(
    *asked.FILTERS,
    params.choices("status", "States; others than `published` need the scope `read_drafts`.", asked.STATES),
    params.choice("sort", "Minus: descending. Ties by id; nulls last.", queries.SORTS, "-published_at"),
    params.limit(),
    params.CURSOR,
    params.PAGE,
    params.COUNT,
    params.MIN_SEQ,
    *present.PARAMETERS,
)
FORMATS = ("json",)
FORMAT = params.text("format", "The representation; `json`. It wins over `Accept`.", maximum=20, example="json")
ITEM = Parameters(*present.PARAMETERS, FORMAT)
RELATED = Parameters(
    params.choice("kind", "`editorial`: the editors' own; `all` fills up with similar ones.", ("all", "editorial", "similar"), "all"),
    params.limit(),
    *present.PARAMETERS[:1],
)  # fmt: skip
NEIGHBOURS = Parameters(*asked.FILTERS, *present.PARAMETERS)
RESOLVE = Parameters(
    params.strings("url", "An address that an article has or had here or at its source.", "https://example.org/a"),
    params.strings("external_id", "The id that the source gave.", "42"),
    params.text("origin", "The archive or feed that the id belongs to.", example="example.org"),
)
LIST_PROBLEMS = problems(
    "cursor_invalid", "cursor_mismatch", "missing_scope", "invalid_range", "limit_too_large", "page_too_deep",
    "offset_required", "unknown_field", "unknown_region", "seq_unknown", "index_behind",
)  # fmt: skip
REF: list[dict[str, object]] = [
    {
        "name": "ref",
        "in": "path",
        "required": True,
        "description": "An id (digits only) or a slug, old ones too.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        "example": "42",
    }
]


def documented(parameters: Parameters, path: list[dict[str, object]] | None = None) -> dict[str, Any]:
    """The parameters of a route for OpenAPI."""
    return {"parameters": [*(path or []), *parameters.openapi()]}


@router.get(
    "/articles",
    name="list_articles",
    response_model=schemas.ArticleList,
    responses=LIST_PROBLEMS,
    openapi_extra=documented(LIST),
)
async def list_articles(request: Request) -> Response:
    """Published articles, newest first, with exact filters. Other states need a key with `read_drafts`."""
    here = archive.of(request)
    view = await here.view(request)
    read = LIST.read(request.scope["query_string"], int(time.time()))
    await here.wait_for(read.text("min_seq"), view.head)
    wanted = await asked.resolve(here, view, read, _statuses(view, read))
    if "id" in read.given and not {"cursor", "page", "sort"} & read.given:
        return await _by_ids(request, here, view, read, wanted)
    return await _page(request, here, view, read, wanted)


def _statuses(view: View, read: Read) -> tuple[str, ...]:
    statuses = tuple(sorted(read.choices("status"))) or PUBLISHED
    if statuses != PUBLISHED:
        view.caller.demand("read_drafts")
    return statuses


async def _by_ids(request: Request, here: Archive, view: View, read: Read, wanted: Asked) -> Response:
    """All of the ids asked for, in that order, on one page."""
    entries = {entry.id: entry for entry in await queries.page(here.db, wanted.filter, "-published_at", 100)}
    ids = read.ids("id")
    found = [entries[id] for id in ids if id in entries]
    missing = tuple(id for id in ids if id not in entries)
    rows = await present.articles(here, view, found, wanted=read)
    page = Page(len(ids), total=len(found), total_is="exact", missing=missing)
    return _listed(request, view, rows, page, wanted, found)


async def _page(request: Request, here: Archive, view: View, read: Read, wanted: Asked) -> Response:
    limit, number = read.integer("limit"), read.integer_or_none("page")
    place = _place(read, limit, number)
    sort = read.choice("sort")
    entries = await queries.page(here.db, wanted.filter, sort, limit + 1, place)
    backwards = place.kind == "before"
    more = len(entries) > limit
    entries = (entries[1:] if backwards else entries[:limit]) if more else entries
    total, total_is = await _total(here, view, read, wanted)
    page = Page(
        limit,
        number=number,
        next=_cursor("after", entries[-1], read) if entries and (more or backwards) else None,
        previous=_cursor("before", entries[0], read)
        if entries and (more if backwards else place.id is not None or place.offset > 0)
        else None,
        total=total,
        total_is=total_is,
    )
    rows = await present.articles(here, view, entries, wanted=read)
    return _listed(request, view, rows, page, wanted, entries)


def _place(read: Read, limit: int, number: int | None) -> Place:
    text = read.text("cursor")
    if text is None:
        return Place(offset=(number - 1) * limit if number else 0)
    cursor = paging.decode(text, read.signature)
    return Place(cursor.kind, cursor.key, cursor.id)


def _cursor(kind: paging.Kind, entry: Entry, read: Read) -> str:
    return paging.encode(Cursor(kind, entry.key, entry.id), read.signature)


async def _total(here: Archive, view: View, read: Read, wanted: Asked) -> tuple[int | None, paging.TotalIs]:
    """From the index where it holds the list, else counted in SQL up to 10,000."""
    if read.choice("count") == "none":
        return None, "none"
    if wanted.filter.public_only:
        total = await here.index.total(wanted.filter, view.head)
        return total, "none" if total is None else "exact"
    total, exact = await queries.count(here.db, wanted.filter)
    return total, "exact" if exact else "at_least"


def _listed(
    request: Request, view: View, rows: list[bytes], page: Page, wanted: Asked, entries: list[Entry]
) -> Response:
    return answer.listed(
        request,
        rows,
        page,
        token=view.token,
        public=view.public,
        warnings=wanted.warnings,
        tags=["list", *(f"article:{entry.id}" for entry in entries)],
    )


async def _find(request: Request, here: Archive, view: View, ref: str, below: str = "") -> Found | Response:
    """The article that a reference means and this caller may see; a redirect from an old slug; NotFound, or Gone for
    what the public has seen once."""
    found = await queries.find(here.db, ref)
    if found is None:
        raise NotFound()
    if found.status != "published" and not view.caller.may("read_drafts"):
        if found.status == "withdrawn" and found.public_once:
            at = format_time(found.withdrawn_at) if found.withdrawn_at is not None else ""
            raise Gone(withdrawn_at=at, reason=found.withdrawn_reason)
        raise NotFound()
    if not ref.isdigit() and ref != found.slug:
        path = f"/v1/articles/{found.slug}{below}"
        return answer.redirect(request, 308, path, token=view.token, public=view.public)
    return found


@router.get(
    "/articles/{ref}",
    name="get_article",
    response_model=schemas.Article,
    responses=problems("not_found", "gone", "not_acceptable", "unknown_field"),
    openapi_extra=documented(ITEM, REF),
)
async def get_article(request: Request) -> Response:
    """One article in full, by id or slug; an old slug answers 308, a withdrawn article 410."""
    here = archive.of(request)
    view = await here.view(request)
    read = ITEM.read(request.scope["query_string"], view.now)
    _check_format(request, read)
    found = await _find(request, here, view, request.path_params["ref"])
    if isinstance(found, Response):
        return found
    rows = await present.articles(here, view, [Entry(found.id, found.version, None)], wanted=read, full=True)
    if not rows:
        raise NotFound()
    tags = [f"article:{found.id}"]
    return answer.item(request, rows[0], token=view.token, public=view.public, version=found.version, tags=tags)


def _check_format(request: Request, read: Read) -> None:
    """`format` wins over `Accept`; NotAcceptable where JSON is not wanted."""
    asked_for = read.text("format")
    if asked_for is not None:
        if asked_for not in FORMATS:
            raise NotAcceptable(FORMATS)
        return
    accept = request.headers.get("accept", "*/*")
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if accept.strip() and not wanted & {"*/*", "application/*", "application/json"}:
        raise NotAcceptable(["application/json"])


@router.get(
    "/articles/{ref}/related",
    name="list_related",
    response_model=schemas.RelatedList,
    responses=problems("not_found", "gone", "limit_too_large", "unknown_field"),
    openapi_extra=documented(RELATED, REF),
)
async def list_related(request: Request) -> Response:
    """The editors' related posts in their order; those whose article is not known yet are `unresolved`."""
    here = archive.of(request)
    view = await here.view(request)
    read = RELATED.read(request.scope["query_string"], view.now)
    found = await _find(request, here, view, request.path_params["ref"], "/related")
    if isinstance(found, Response):
        return found
    rows = await present.related(here, view, [found.id]) if read.choice("kind") != "similar" else {found.id: []}
    body = orjson.dumps({"data": rows[found.id][: read.integer("limit")]})
    return answer.item(request, body, token=view.token, public=view.public, tags=[f"article:{found.id}", "list"])


@router.get(
    "/articles/{ref}/neighbours",
    name="get_neighbours",
    response_model=schemas.Neighbours,
    responses=problems("not_found", "gone", "invalid_range", "offset_required", "unknown_field", "unknown_region"),
    openapi_extra=documented(NEIGHBOURS, REF),
)
async def get_neighbours(request: Request) -> Response:
    """The next newer and the next older article, within any filter of the list."""
    here = archive.of(request)
    view = await here.view(request)
    read = NEIGHBOURS.read(request.scope["query_string"], view.now)
    found = await _find(request, here, view, request.path_params["ref"], "/neighbours")
    if isinstance(found, Response):
        return found
    wanted = await asked.resolve(here, view, read)
    newer, older = await queries.neighbours(here.db, found.id, wanted.filter)
    entries = [entry for entry in (newer, older) if entry is not None]
    rows = iter(await present.articles(here, view, entries, wanted=read))
    shown = [next(rows, b"null") if entry is not None else b"null" for entry in (newer, older)]
    body = b'{"newer":%b,"older":%b}' % (shown[0], shown[1])
    return answer.item(request, body, token=view.token, public=view.public, tags=["list"])


@router.get(
    "/resolve",
    name="resolve_address",
    status_code=307,
    response_model=None,
    responses={
        300: {"model": schemas.Candidates, "description": "Several articles: the candidates."},
        **problems("not_found", "gone"),
    },
    openapi_extra=documented(RESOLVE),
)
async def resolve_address(request: Request) -> Response:
    """Where an address or a source's id leads: 307 to the article, 300 with the candidates where there are several."""
    here = archive.of(request)
    view = await here.view(request)
    read = RESOLVE.read(request.scope["query_string"], view.now)
    visible, gone = [], None
    for found in await _candidates(here, read):
        if found.status == "published" or view.caller.may("read_drafts"):
            visible.append(found)
        elif found.status == "withdrawn" and found.public_once:
            gone = found
    if not visible:
        if gone is not None:
            raise Gone(withdrawn_at=format_time(gone.withdrawn_at or 0), reason=gone.withdrawn_reason)
        raise NotFound()
    shown = answer.headers(view.token, public=view.public, tags=[f"article:{found.id}" for found in visible])
    if len(visible) == 1:
        headers = {
            **shown,
            "Location": f"/v1/articles/{visible[0].slug}",
            "Cache-Control": answer.cache_control(public=view.public),
        }
        return Response(status_code=307, headers=headers)
    rows = [{"id": found.id, "slug": found.slug, "path": f"/v1/articles/{found.slug}"} for found in visible]
    shown["Cache-Control"] = answer.cache_control(public=view.public)
    return Response(orjson.dumps({"data": rows}), 300, shown, "application/json")


async def _candidates(here: Archive, read: Read) -> list[Found]:
    urls, ids = read.strings("url"), read.strings("external_id")
    if len(urls) + len(ids) != 1:
        raise InvalidInput(
            Wrong("invalid_value", "Give one url or one external_id.", "url" if not ids else "external_id")
        )
    if ids:
        return await queries.by_external_id(here.db, ids[0], read.text("origin"))
    own = here.settings.site_url
    key = text.url_key(urls[0])
    if own and key.startswith(text.url_key(own) + "/articles/"):
        found = await queries.find(here.db, text.last_segment(urls[0]) or "")
        return [found] if found else []
    unique = {found.id: found for found in await queries.by_url(here.db, key)}
    return list(unique.values())
