"""Regions over HTTP: the list, the tree, one region. All from the atlas in memory; reads only."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import InvalidInput, NotFound
from app.http import fast_path, responses
from app.http.api_route import ApiRoute
from app.http.csv_text import CONTENT, CsvParams, choose_format
from app.http.openapi import describe_item, describe_list, describe_problems, describe_redirect
from app.http.params import parser
from app.http.params.typed import AsOf, NamesIn, Paging
from app.regions import examples, geojson, refs, schemas
from app.regions.atlas import LEVELS, Atlas, AtlasRegion
from app.regions.standard_regions import fold

router = APIRouter(prefix="/v1", tags=["regions"], route_class=ApiRoute)

Sort = Literal["name", "-name", "article_count", "-article_count"]
SORTS: tuple[Sort, ...] = get_args(Sort)
Part = Literal["counts", "ancestors", "children", "names"]
PARTS: tuple[Part, ...] = get_args(Part)


class RegionForm(NamesIn):
    """How a region is shown."""

    names_in = NamesIn.names_in
    include = parser.choices("include", "What is added.", PARTS, signs=False)


class RegionListParams(Paging, AsOf, RegionForm, CsvParams):
    """Of the list."""

    format = parser.text(
        "format", "`json`, `csv`, or `geojson`: all that match, as points of a map, without pages.",
        maximum=20, example="geojson",
    )  # fmt: skip

    q = parser.text(
        "q", "A part of a name in any language, an alias, a slug or an ISO code.", maximum=100, example="belg"
    )
    level = parser.choices("level", "Only regions of these levels.", LEVELS)
    parent = parser.refs("parent", "Only what lies directly below one of these.", "europe")
    min_articles = parser.integer(
        "min_articles", "Only regions with at least so many published articles in them.", minimum=0, maximum=10**9
    )
    within = parser.refs("within", "Only what lies at any depth in one of these regions or groupings.", "nato")
    sort = parser.choice("sort", "Minus: descending. By name, those that fit `q` better come first.", SORTS, "name")


class RegionParams(RegionForm, AsOf):
    """Of one region."""


class RegionTreeParams(NamesIn):
    """Of the tree."""

    depth = parser.integer("depth", "How many levels below the world.", default=3, minimum=1, maximum=6)


REF: dict[str, object] = {
    "name": "ref",
    "in": "path",
    "required": True,
    "description": "A slug, an ISO code, `m49:056` or an id; 308 for names and other cases.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "belgium",
}

Json = dict[str, Any]
COLUMNS = (
    "id", "slug", "name", "level", "iso2", "iso3", "m49", "parent", "capital", "since", "until", "successors",
    "groupings", "members", "latitude", "longitude", "bbox",
)  # fmt: skip
ADDED: Mapping[Part, tuple[str, ...]] = {
    "counts": ("article_count",),
    "ancestors": ("ancestors",),
    "children": ("children",),
    "names": ("names.language", "names.name", "aliases"),
}


@router.get(
    "/regions",
    name="list_regions",
    summary="List regions",
    response_model=schemas.RegionList,
    responses=describe_list(examples.LIST, {**CONTENT, **geojson.CONTENT}, responses.WARNINGS)
    | describe_problems(
        "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep", "unknown_region",
        "seq_unknown", "index_behind", "not_acceptable",
    ),
)  # fmt: skip
@fast_path.declare
async def list_regions(request: Request, context: Context, view: AnyCaller, params: RegionListParams) -> Response:
    """Regions by name: the M49 tree down to cities, former states, and groupings such as NATO."""
    shape = choose_format(params, ("json", "csv", "geojson"))
    if shape == "geojson":
        geojson.check_params(params.given_names)
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    by_count = params.sort.endswith("article_count")
    if by_count or params.min_articles:
        context.index.check_built()
    counts = await _counts(context, view, params, is_counted=by_count or "min_articles" in params.given_names)
    keys = _keys(view.atlas, params)
    least = params.min_articles
    ids = [id for id in keys if not least or (counts or {}).get(id, 0) >= least]
    descending = params.sort.startswith("-")
    warnings = [
        *refs.describe_names(view.atlas, "parent", params.parent),
        *refs.describe_names(view.atlas, "within", params.within),
    ]

    def find_key(id: int) -> tuple[str | int, int]:
        return (counts or {}).get(id, 0) if by_count else keys[id], id

    def render(id: int) -> Json:
        return render_region(view.atlas, view.atlas.by_id[id], params, counts)

    if shape == "geojson":
        ids = sorted(ids, key=find_key, reverse=descending)
        # In a thread: a map of the world with all that `include` adds takes 20 ms.
        features = await asyncio.to_thread(lambda: geojson.write_features(map(render, ids)))
        return geojson.respond(request, features, token=token, public=view.public, warnings=warnings)
    return responses.render_slice(
        request,
        params,
        ids,
        find_key,
        render,
        name="regions",
        token=token,
        public=view.public,
        descending=descending,
        warnings=warnings,
        sheet=responses.Sheet(_list_columns(params), params.bom) if shape == "csv" else None,
    )


def _list_columns(params: RegionListParams) -> list[str]:
    """Of a sheet: the properties, and what `include` adds."""
    return [*COLUMNS, *(column for part in params.include for column in ADDED[part])]


async def _counts(
    context: AppContext, view: RequestContext, params: RegionForm, *, is_counted: bool = False
) -> dict[int, int] | None:
    """None where nothing asks for them, and while there is no index."""
    if context.index.seq() is None or not (is_counted or "counts" in params.include):
        return None
    return await context.index.count_regions(view.head)


def _keys(atlas: Atlas, params: RegionListParams) -> dict[int, str]:
    """The regions asked for, each with what it is sorted by: its name, behind those whose name fits `q` better."""
    parents, wrong_parents = refs.resolve_refs(atlas, "parent", params.parent)
    above, wrong_above = refs.resolve_refs(atlas, "within", params.within)
    if wrong_parents or wrong_above:
        raise InvalidInput(*wrong_parents, *wrong_above)
    levels, q = params.level, params.q
    ranks = None if q is None else _ranks(atlas, fold(q), q)
    return {
        place.id: f"{ranks[place.id] if ranks is not None else 0} {atlas.sort_names[place.id]}"
        for place in atlas.by_id.values()
        if (not levels or place.level in levels)
        and (not parents or place.parent in parents)
        and (not above or (place.id not in above and not atlas.within[place.id].isdisjoint(above)))
        and (ranks is None or place.id in ranks)
    }


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


@router.get(
    "/regions/tree",
    name="get_region_tree",
    summary="The tree of regions",
    response_model=schemas.RegionNode,
    responses=describe_item(examples.TREE) | describe_problems("not_found"),
)
@fast_path.declare
async def get_region_tree(request: Request, context: Context, view: AnyCaller, params: RegionTreeParams) -> Response:
    """The M49 tree from the world down, `depth` levels of it."""
    roots = view.atlas.children_of.get(None, ())
    world = next((id for id in roots if view.atlas.by_id[id].level == "world"), None)
    if world is None:
        raise NotFound()
    body = orjson.dumps(_node(view.atlas, world, params.depth, params.names_language))
    return responses.render_item(request, body, token=view.token, public=view.public, tags=["regions"])


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
    summary="Read a region",
    response_model=schemas.Region,
    responses=describe_item(examples.REGION)
    | describe_redirect("A name, an alias or another case: the region under its slug.")
    | describe_problems("not_found", "seq_unknown", "index_behind"),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def get_region(request: Request, context: Context, view: AnyCaller, params: RegionParams) -> Response:
    """One region by slug, ISO code or M49 code, with its groupings and, if asked, ancestors, children and counts."""
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    ref = request.path_params["ref"]
    place = refs.find(view.atlas, ref)
    if place is None:
        raise NotFound()
    if refs.by_ref(view.atlas, ref) is None:
        return responses.render_redirect(request, 308, f"/v1/regions/{place.slug}", token=token, public=view.public)
    counts = await _counts(context, view, params)
    body = orjson.dumps(render_region(view.atlas, place, params, counts))
    return responses.render_item(request, body, token=token, public=view.public, tags=[f"region:{place.slug}"])


def render_region(atlas: Atlas, place: AtlasRegion, params: RegionForm, counts: dict[int, int] | None = None) -> Json:
    """A region as clients see it, with what `include` adds."""
    language, include = params.names_language, params.include
    region: Json = {
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
        "latitude": place.latitude,
        "longitude": place.longitude,
        "bbox": place.bbox,
    }
    if "counts" in include:
        region["article_count"] = None if counts is None else counts.get(place.id, 0)
    if "ancestors" in include:
        region["ancestors"] = _render_links(atlas, atlas.line(place.id), language)
    if "children" in include:
        region["children"] = _render_links(atlas, atlas.children_of.get(place.id, ()), language)
    if "names" in include:
        named = atlas.get_naming(place.id)
        region |= {"names": dict(named.names), "aliases": list(dict.fromkeys(alias for _, alias in named.aliases))}
    return region


def _render_links(atlas: Atlas, ids: Sequence[int], language: str | None) -> list[Json]:
    return [
        {"slug": atlas.by_id[id].slug, "name": atlas.name_in(id, language), "level": atlas.by_id[id].level}
        for id in ids
    ]
