"""The audit over HTTP: all of it, and what was done to one article. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.reading import queries as articles
from app.articles.routes.path_params import ArticlePath
from app.articles.routes.reads import MOVED, find
from app.audit import queries, render, schemas
from app.audit.queries import COUNTED, AuditEntry, AuditFilter, AuditPosition
from app.context import Admin, AppContext, Context, DraftReader, RequestContext
from app.db.audit_rows import ACTIONS
from app.db.sql import read_integer
from app.errors import CursorInvalid, FieldError, Gone, InvalidInput, NotFound
from app.http import paging, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_list, describe_problems
from app.http.params import parser
from app.http.params.parser import MAX_DEPTH
from app.http.params.typed import Paging, TimeRange

router = APIRouter(prefix="/v1", tags=["audit"], route_class=ApiRoute)


class ArticleAuditParams(Paging):
    """Of what was done to one article."""

    action = parser.choice("action", "Only this action.", ACTIONS)
    key = parser.text("key", "Only what this key did: its number, or its name.", maximum=200, example="newsroom")
    at_from = parser.time("at_from", "From this time on.", example="2025-05")
    at_to = parser.time("at_to", "Up to this time; a period is taken in whole.", example="2025-05")
    at = TimeRange("at")
    tz = parser.TZ


class AuditParams(ArticleAuditParams):
    """Of all that was done."""

    action = ArticleAuditParams.action
    key = ArticleAuditParams.key
    at_from = ArticleAuditParams.at_from
    at_to = ArticleAuditParams.at_to
    tz = ArticleAuditParams.tz
    article = parser.text(
        "article", "Only what was done to this article: an id, also a purged one's, or a slug.", maximum=200
    )


_PROBLEMS = describe_problems(
    "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep",
    "offset_required", "invalid_value",
)  # fmt: skip

Warnings = list[Mapping[str, object]]
Total = tuple[int | None, paging.TotalIs]
_UNCOUNTED: Total = (None, "none")


# Here and below the models of lists only describe: their entity tags are of the rendered bytes.
@router.get(
    "/audit",
    name="list_audit",
    summary="Who did what",
    response_model=schemas.AuditList,
    responses=describe_list(schemas.LIST) | _PROBLEMS,
)
async def list_audit(request: Request, context: Context, view: Admin, params: AuditParams) -> Response:
    """Who did what, the newest first: keys, commands and the server itself. Needs the scope `admin`."""
    warnings: Warnings = []
    article, ref = None, params.article
    if ref is not None:
        article = await _find_article(context, view, ref)
        if article is None:
            warnings.append(_unknown("article", ref))
    return await _list(request, context, view, params, article, warnings)


@router.get(
    "/articles/{ref}/audit",
    name="list_article_audit",
    summary="Who did what to an article",
    response_model=schemas.AuditList,
    responses=describe_list(schemas.LIST) | MOVED | _PROBLEMS | describe_problems("not_found", "gone"),
)
async def list_article_audit(
    request: Request, ref: ArticlePath, context: Context, view: DraftReader, params: ArticleAuditParams
) -> Response:
    """Who did what to an article, the newest first; also to a purged one, by its id. Needs the scope `read_drafts`."""
    try:
        article = await find(request, context, view, ref, "/audit")
    except (NotFound, Gone):
        id = _id(ref)
        if id is None or not await _rows(context, AuditFilter(article=id), 1, AuditPosition()):
            raise
    else:
        if isinstance(article, Response):
            return article
        id = article.id
    return await _list(request, context, view, params, id, [])


def _id(ref: str) -> int | None:
    name = articles.parse_ref(ref)
    return read_integer(name[1]) if name is not None and name[0] == "id" else None


async def _find_article(context: AppContext, view: RequestContext, ref: str) -> int | None:
    """By its id, whether it is there or not, else by a slug that it has or had; that of an article which nobody but
    editors may see only for who reads drafts."""
    if (id := _id(ref)) is not None:
        return id
    article = await articles.find(context.db, ref)
    if article is None or not (
        article.status == "published" or article.is_gone or view.caller.has_scope("read_drafts")
    ):
        return None
    return article.id


async def _list(
    request: Request,
    context: AppContext,
    view: RequestContext,
    params: ArticleAuditParams,
    article: int | None,
    warnings: Warnings,
) -> Response:
    key, name = None, params.key
    if name is not None:
        key = await _find_key(context, name)
        if key is None:
            warnings.append(_unknown("key", name))
    audit_filter = AuditFilter(article, key, params.action, params.at.from_, params.at.to)
    limit, signature = params.limit, f"audit {article} {params.signature}"
    if warnings:  # of nobody, or of nothing that there is
        page = paging.PageInfo(limit, number=params.page, total=0, total_is="exact")
        return _respond(request, [], page, view, params, warnings)
    place = _place(params, signature, limit)
    entries = await _rows(context, audit_filter, limit + 1, place)
    total, total_is = await _total(context, audit_filter) if params.count != "none" else _UNCOUNTED
    rows, page = _page(entries, place, limit, signature, (total, total_is))
    slugs = await _slugs(context, view, rows)
    shown = [orjson.dumps(render.show_row(row, slugs)) for row in rows]
    page = replace(page, number=params.page, total=total, total_is=total_is)
    return _respond(request, shown, page, view, params, warnings)


def _respond(
    request: Request,
    rows: Sequence[bytes],
    page: paging.PageInfo,
    view: RequestContext,
    params: Paging,
    warnings: Warnings,
) -> Response:
    return responses.render_list(
        request, rows, page, token=view.token, public=False, warnings=warnings, uses_now=params.uses_now
    )


async def _find_key(context: AppContext, name: str) -> int | None:
    """InvalidInput where several keys are called so."""
    if name.isascii() and name.isdigit() and len(name) < 18:
        return int(name)
    rows = await context.db.reader.rows(queries.select_keys(context.db.dialect), {"name": name})
    ids = [read_integer(row[0]) for row in rows]
    if len(ids) > 1:
        detail = "Several keys are called so; give the number of one, as `dateline keys list` shows it."
        raise InvalidInput(FieldError("invalid_value", detail, "key", allowed=tuple(map(str, ids))))
    return ids[0] if ids else None


def _unknown(parameter: str, ref: str) -> Mapping[str, object]:
    detail = f"There is no {parameter} {ref[:80]!r}."
    return {"code": f"unknown_{parameter}", "parameter": parameter, "detail": detail}


async def _rows(context: AppContext, audit_filter: AuditFilter, limit: int, place: AuditPosition) -> list[AuditEntry]:
    statement, values = queries.select_page(context.db.dialect, audit_filter, limit, place)
    return queries.read_rows(await context.db.reader.rows(statement, values), place.turn)


async def _total(context: AppContext, audit_filter: AuditFilter) -> Total:
    statement, values = queries.count_rows(context.db.dialect, audit_filter)
    [(count,)] = await context.db.reader.rows(statement, values, bounded=False)
    return (COUNTED, "at_least") if read_integer(count) > COUNTED else (read_integer(count), "exact")


def _place(params: Paging, signature: str, limit: int) -> AuditPosition:
    text = params.cursor
    if text is None:
        return AuditPosition(offset=((params.page or 1) - 1) * limit)
    cursor = paging.decode(text, signature)
    if cursor.key is None and cursor.offset is not None:  # of an empty page that has a number
        return AuditPosition(offset=min(cursor.offset, MAX_DEPTH))
    if not isinstance(cursor.key, int):
        raise CursorInvalid("This is no cursor of this list.")
    return AuditPosition(cursor.kind, cursor.key, cursor.id)


def _page(
    entries: list[AuditEntry], place: AuditPosition, limit: int, signature: str, total: Total
) -> tuple[list[AuditEntry], paging.PageInfo]:
    """What is shown of one row more than a page has, and where it goes on."""
    more, backwards = len(entries) > limit, place.turn == "before"
    rows = (entries[1:] if more else entries) if backwards else entries[:limit]

    is_first = place.turn == "start" and place.offset == 0
    has_next, has_previous = more or backwards, more if backwards else not is_first
    next_, previous = _lead_back(place, limit, total)
    if rows:
        next_ = paging.Cursor("after", rows[-1].at, rows[-1].id)
        previous = paging.Cursor("before", rows[0].at, rows[0].id)
    return rows, paging.PageInfo(
        limit,
        next=paging.encode(next_, signature) if next_ and has_next else None,
        previous=paging.encode(previous, signature) if previous and has_previous else None,
    )


def _lead_back(place: AuditPosition, limit: int, total: Total) -> tuple[paging.Cursor | None, paging.Cursor | None]:
    """From an empty page to the rows that there are: on from before the first one, or back from behind the last."""
    if place.turn == "start":
        start = paging.find_last_page(place.offset, limit, *total)
        return None, None if start is None else paging.Cursor("before", offset=start)
    id = paging.step_aside(place.id, kind=place.turn, descending=True)
    cursor = paging.Cursor("after" if place.turn == "before" else "before", place.at, id)
    return (cursor, None) if place.turn == "before" else (None, cursor)


_KINDS: tuple[Literal["article", "tag"], ...] = ("article", "tag")


async def _slugs(context: AppContext, view: RequestContext, rows: Sequence[AuditEntry]) -> render.Slugs:
    """Of what the rows are about, as it is called now; a slug of what is not public only for who reads drafts."""
    slugs: dict[tuple[str, int], str] = {}
    drafts = view.caller.has_scope("read_drafts")
    for kind in _KINDS:
        ids = sorted({row.entity_id for row in rows if row.entity == kind and row.entity_id is not None})
        if ids:
            told = await context.db.reader.rows(queries.select_slugs(context.db.dialect, kind), {"ids": ids})
            slugs |= {(kind, read_integer(id)): str(slug) for id, slug, public in told if public or drafts}
    places = view.atlas.by_id
    regions = {row.entity_id for row in rows if row.entity == "region" and row.entity_id is not None}
    return slugs | {("region", id): places[id].slug for id in regions if id in places}
