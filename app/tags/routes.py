"""Tags over HTTP: the vocabulary with its counts, one tag. Reads only."""

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import text
from app.errors import NotFound
from app.http import answer, paging, params
from app.http.openapi import problems
from app.http.paging import Cursor, Page
from app.http.params import Parameters, Read
from app.regions import view as reading
from app.tags import queries, schemas
from app.tags.queries import Entry, Wanted
from app.tags.service import KINDS

router = APIRouter(prefix="/v1", tags=["tags"])

SORTS = ("name", "-name", "article_count", "-article_count")
LIST = Parameters(
    params.text("q", "The beginning of a name or alias.", maximum=100, example="nat"),
    params.choices("kind", "Only tags of these kinds.", KINDS),
    params.integer("min_articles", "Only tags with at least so many published articles.", minimum=0, maximum=10**9),
    params.choice("sort", "Minus: descending.", SORTS, "name"),
    params.limit(),
    params.CURSOR,
)
ITEM = Parameters()

Json = dict[str, Any]


@router.get(
    "/tags",
    name="list_tags",
    response_model=schemas.TagList,
    responses=problems("cursor_invalid", "cursor_mismatch", "limit_too_large"),
    openapi_extra={"parameters": LIST.openapi()},
)
async def list_tags(request: Request) -> Response:
    """The archive's tags, sections and contributors, with how many published articles each has."""
    here = reading.of(request)
    view = await here.view(request)
    read = LIST.read(request.scope["query_string"], view.now)
    entries = await queries.all_of(here.db, Wanted(read.choices("kind"), text.words_key(read.text("q") or "")))
    counts = await here.index.tag_counts(view.head) if here.index.seq() is not None else None
    ordered = _ordered(entries, counts or {}, read)
    limit, start, cursor = read.integer("limit"), 0, read.text("cursor")
    if cursor is not None:
        start = paging.decode(cursor, read.signature).offset or 0
    page = Page(
        limit,
        next=_cursor(start + limit, read) if start + limit < len(ordered) else None,
        previous=_cursor(max(0, start - limit), read) if start else None,
        total=len(ordered),
        total_is="exact",
    )
    rows = [orjson.dumps(_tag(entry, counts)) for entry in ordered[start : start + limit]]
    return answer.listed(request, rows, page, token=view.token, public=view.public, tags=["list", "tags"])


def _cursor(offset: int, read: Read) -> str:
    return paging.encode(Cursor("after", offset=offset), read.signature)


def _ordered(entries: list[Entry], counts: dict[int, int], read: Read) -> list[Entry]:
    least = read.integer_or_none("min_articles")
    if least:
        entries = [entry for entry in entries if counts.get(entry.id, 0) >= least]
    sort = read.choice("sort")
    if sort.endswith("article_count"):
        entries = sorted(entries, key=lambda entry: counts.get(entry.id, 0), reverse=sort.startswith("-"))
    elif sort == "-name":
        entries = entries[::-1]
    return entries


@router.get(
    "/tags/{ref}",
    name="get_tag",
    response_model=schemas.Tag,
    responses=problems("not_found"),
    openapi_extra={
        "parameters": [
            {
                "name": "ref",
                "in": "path",
                "required": True,
                "description": "A slug or id; old slugs and merged tags answer 308.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
                "example": "nato",
            }
        ]
    },
)
async def get_tag(request: Request) -> Response:
    """One tag by slug or id."""
    here = reading.of(request)
    view = await here.view(request)
    ITEM.read(request.scope["query_string"], view.now)
    ref = request.path_params["ref"]
    entry = await queries.find(here.db, ref)
    if entry is None:
        raise NotFound()
    if ref not in (entry.slug, str(entry.id)):
        return answer.redirect(request, 308, f"/v1/tags/{entry.slug}", token=view.token, public=view.public)
    counts = await here.index.tag_counts(view.head) if here.index.seq() is not None else None
    body = orjson.dumps(_tag(entry, counts))
    return answer.item(request, body, token=view.token, public=view.public, tags=[f"tag:{entry.slug}"])


def _tag(entry: Entry, counts: dict[int, int] | None) -> Json:
    return {
        "id": entry.id,
        "slug": entry.slug,
        "name": entry.name,
        "kind": entry.kind,
        "aliases": list(entry.aliases),
        "article_count": None if counts is None else counts.get(entry.id, 0),
    }
