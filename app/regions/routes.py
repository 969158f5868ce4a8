"""Regions over HTTP: the list, the tree, one region. All from the atlas in memory; reads only."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.errors import NotFound, UnknownRegion
from app.http import answer, paging, params
from app.http.openapi import problems
from app.http.paging import Cursor, Page
from app.http.params import Parameters, Read
from app.regions import schemas
from app.regions import view as reading
from app.regions.atlas import LEVELS, Atlas, Place
from app.regions.facts import fold

router = APIRouter(prefix="/v1", tags=["regions"])

NAMES_IN = params.text("names_in", "Names in this language, where there are any.", maximum=12, example="fr")
INCLUDE = params.choices("include", "What is added.", ("counts", "ancestors", "children"), signs=False)
LIST = Parameters(
    params.text("q", "A part of a name in any language, an alias, a slug or an ISO code.", maximum=100, example="belg"),
    params.choices("level", "Only regions of these levels.", LEVELS),
    params.refs("parent", "Only what lies directly below one of these.", "europe"),
    params.refs("within", "Only what lies at any depth in one of these regions or groupings.", "nato"),
    params.limit(),
    params.CURSOR,
    NAMES_IN,
    INCLUDE,
)
ITEM = Parameters(NAMES_IN, INCLUDE)
TREE = Parameters(
    params.integer("depth", "How many levels below the world.", default=3, minimum=1, maximum=6),
    NAMES_IN,
)

Json = dict[str, Any]


@router.get(
    "/regions",
    name="list_regions",
    response_model=schemas.RegionList,
    responses=problems("cursor_invalid", "cursor_mismatch", "limit_too_large", "unknown_region"),
    openapi_extra={"parameters": LIST.openapi()},
)
async def list_regions(request: Request) -> Response:
    """Regions by name: the M49 tree down to cities, former states, and groupings such as NATO."""
    here = reading.of(request)
    view = await here.view(request)
    read = LIST.read(request.scope["query_string"], view.now)
    places = _chosen(view.atlas, read)
    limit, start = read.integer("limit"), 0
    cursor_text = read.text("cursor")
    if cursor_text is not None:
        start = paging.decode(cursor_text, read.signature).offset or 0
    shown = places[start : start + limit]
    page = Page(
        limit,
        next=_cursor(start + limit, read) if start + limit < len(places) else None,
        previous=_cursor(max(0, start - limit), read) if start else None,
        total=len(places),
        total_is="exact",
    )
    counts = await here.index.region_counts(view.head) if "counts" in read.choices("include") else None
    rows = [orjson.dumps(_region(view.atlas, place, read, counts)) for place in shown]
    return answer.listed(request, rows, page, token=view.token, public=view.public, tags=["list", "regions"])


def _cursor(offset: int, read: Read) -> str:
    return paging.encode(Cursor("after", offset=offset), read.signature)


def _chosen(atlas: Atlas, read: Read) -> list[Place]:
    """By name; those whose name begins with `q` first."""
    places = list(atlas.by_id.values())
    levels = read.choices("level")
    if levels:
        places = [place for place in places if place.level in levels]
    if parents := {find(atlas, ref, "parent").id for ref in read.refs("parent")}:
        places = [place for place in places if place.parent in parents]
    if above := {find(atlas, ref, "within").id for ref in read.refs("within")}:
        places = [place for place in places if place.id not in above and atlas.within[place.id] & above]
    q = fold(read.text("q") or "")
    if read.text("q"):
        ranks = _ranks(atlas, q, read.text("q") or "")
        places = [place for place in places if place.id in ranks]
        return sorted(places, key=lambda place: (ranks[place.id], fold(place.name), place.id))
    return sorted(places, key=lambda place: (fold(place.name), place.id))


def _ranks(atlas: Atlas, q: str, code: str) -> dict[int, int]:
    """0 for a whole name or code, 1 for the beginning of a name, 2 for the beginning of a word in it."""
    ranks: dict[int, int] = {}
    exact = atlas.find(code) or atlas.find(code.upper())
    if exact is not None:
        ranks[exact.id] = 0
    if not q:
        return ranks
    for name in atlas.names:
        if name.key.startswith(q):
            rank = 0 if name.key == q else 1
        elif f" {q}" in name.key:
            rank = 2
        else:
            continue
        ranks[name.region] = min(rank, ranks.get(name.region, rank))
    return ranks


def find(atlas: Atlas, ref: str, parameter: str | None = None) -> Place:
    """By slug, code or id. In a parameter an unknown one is a mistake of the caller, in a path NotFound."""
    place = atlas.find(ref) or (
        atlas.by_id.get(int(ref)) if ref.isascii() and ref.isdigit() and len(ref) < 18 else None
    )
    if place is not None:
        return place
    if parameter is None:
        raise NotFound()
    near = atlas.find_name(ref)
    detail = f"There is no region {ref[:80]!r}" + (
        f"; {near.slug!r} is meant?" if near else "; /v1/regions?q= finds them."
    )
    raise UnknownRegion(detail, parameter)


@router.get(
    "/regions/tree",
    name="get_region_tree",
    response_model=schemas.RegionNode,
    responses=problems("not_found"),
    openapi_extra={"parameters": TREE.openapi()},
)
async def get_region_tree(request: Request) -> Response:
    """The M49 tree from the world down, `depth` levels of it."""
    here = reading.of(request)
    view = await here.view(request)
    read = TREE.read(request.scope["query_string"], view.now)
    roots = view.atlas.children_of.get(None, ())
    world = next((id for id in roots if view.atlas.by_id[id].level == "world"), None)
    if world is None:
        raise NotFound()
    body = orjson.dumps(_node(view.atlas, world, read.integer("depth"), read.text("names_in")))
    return answer.item(request, body, token=view.token, public=view.public, tags=["regions"])


def _node(atlas: Atlas, id: int, depth: int, language: str | None) -> Json:
    place = atlas.by_id[id]
    below = atlas.children_of.get(id, ()) if depth else ()
    return {
        "id": id,
        "slug": place.slug,
        "name": atlas.name_in(id, language),
        "level": place.level,
        "iso2": place.iso2,
        "m49": place.m49,
        "children": [_node(atlas, child, depth - 1, language) for child in below],
    }


@router.get(
    "/regions/{ref}",
    name="get_region",
    response_model=schemas.Region,
    responses=problems("not_found"),
    openapi_extra={
        "parameters": [
            {
                "name": "ref",
                "in": "path",
                "required": True,
                "description": "A slug, an ISO code in capitals, `m49:056` or an id.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
                "example": "belgium",
            },
            *ITEM.openapi(),
        ]
    },
)
async def get_region(request: Request) -> Response:
    """One region by slug, ISO code or M49 code, with its groupings and, if asked, ancestors, children and counts."""
    here = reading.of(request)
    view = await here.view(request)
    read = ITEM.read(request.scope["query_string"], view.now)
    place = find(view.atlas, request.path_params["ref"])
    counts = await here.index.region_counts(view.head) if "counts" in read.choices("include") else None
    body = orjson.dumps(_region(view.atlas, place, read, counts))
    return answer.item(request, body, token=view.token, public=view.public, tags=[f"region:{place.slug}"])


def _region(atlas: Atlas, place: Place, read: Read, counts: dict[int, int] | None) -> Json:
    language, include = read.text("names_in"), read.choices("include")
    shown: Json = {
        "id": place.id,
        "slug": place.slug,
        "name": atlas.name_in(place.id, language),
        "level": place.level,
        "iso2": place.iso2,
        "iso3": place.iso3,
        "m49": place.m49,
        "parent": atlas.by_id[place.parent].slug if place.parent is not None else None,
        "capital": atlas.by_id[place.capital].slug if place.capital is not None else None,
        "since": place.since,
        "until": place.until,
        "successors": list(place.successors),
        "groupings": [atlas.by_id[id].slug for id in atlas.groupings_of.get(place.id, ())],
        "members": [atlas.by_id[id].slug for id in atlas.members_of.get(place.id, ())],
    }
    if "counts" in include:
        shown["article_count"] = None if counts is None else counts.get(place.id, 0)
    if "ancestors" in include:
        shown["ancestors"] = _named(atlas, atlas.line(place.id), language)
    if "children" in include:
        shown["children"] = _named(atlas, atlas.children_of.get(place.id, ()), language)
    return shown


def _named(atlas: Atlas, ids: Sequence[int], language: str | None) -> list[Json]:
    return [
        {"slug": atlas.by_id[id].slug, "name": atlas.name_in(id, language), "level": atlas.by_id[id].level}
        for id in ids
    ]
