"""Changing regions over HTTP: groupings and cities are made and changed. Needs `admin`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.changes.jobs import RunningJobs
from app.context import Admin, AnyCaller, AppContext, Context, RequestContext
from app.errors import FieldError, InvalidInput, NotFound, ReadOnlyField
from app.http import responses
from app.http.api_route import ApiRoute, describe_path
from app.http.body import JsonBody
from app.http.openapi import describe_job, describe_problems, describe_uncached
from app.regions import editing, examples, refs, schemas, service
from app.regions.atlas import Atlas, AtlasRegion
from app.regions.payloads import RegionCreate, RegionPatch
from app.regions.routes import REF, Json, RegionParams, render_region

router = APIRouter(prefix="/v1", tags=["regions"], route_class=ApiRoute)

_NAMED = b"include=names"
_PARENTS = ("region", "subregion", "country")
_MEMBERS = (*_PARENTS, "city")
_PROBLEMS = describe_problems("slug_taken", "unknown_region")
_WAITING = describe_job("The region is as asked for; a job brings its articles to where they lie now.")


@router.post(
    "/regions",
    name="create_region",
    summary="Create a grouping or a city",
    status_code=201,
    response_model=schemas.Region,
    responses=describe_uncached(examples.NAMED, 201, "Location") | _WAITING | _PROBLEMS,
)
async def create_region(
    context: Context, view: Admin, payload: RegionCreate, running: RunningJobs, response: Response
) -> Json | Response:
    """A new grouping or city. 202 with a job where many articles lie in it."""
    if payload.level == "city" and payload.parent is None:
        raise _wrong("A city needs the country or area that it lies in.", "/parent")
    edit = _edit(payload, payload.level, view.atlas)
    edited = (await context.db.write(editing.create, payload.level, payload.slug, edit)).value
    accepted = await context.finish_job(view, running, edited.job)
    if accepted is not None:
        return accepted
    region = await _load_region(context, view, edited.id, response)
    response.headers["Location"] = f"/v1/regions/{region['slug']}"
    return region


async def find_region(ref: Annotated[str, describe_path({**REF, "example": "nato"})], view: AnyCaller) -> AtlasRegion:
    """NotFound, or ReadOnlyField for one of UN M49."""
    place = refs.by_ref(view.atlas, ref)
    if place is None:
        raise NotFound()
    if place.level not in editing.OWN_LEVELS:
        raise ReadOnlyField(f"{place.name} is a {place.level} of UN M49; only groupings and cities are changed here.")
    return place


@router.patch(
    "/regions/{ref}",
    name="update_region",
    summary="Change a grouping or a city",
    response_model=schemas.Region,
    responses=describe_uncached(examples.NAMED)
    | _WAITING
    | _PROBLEMS
    | describe_problems("not_found", "read_only_field"),
)
async def update_region(
    context: Context,
    view: Admin,
    place: Annotated[AtlasRegion, Depends(find_region)],
    patch: JsonBody[RegionPatch],
    running: RunningJobs,
    response: Response,
) -> Json | Response:
    """Changes names, members or parent of a grouping or city (JSON Merge Patch). Where articles lie is right when the
    response comes, or, after a 202, when its job is done."""
    payload = patch.validate(render_region(view.atlas, place, RegionParams.parse(_NAMED, view.now)))
    edited = (await context.db.write(editing.revise, place.id, _edit(payload, place.level, view.atlas))).value
    accepted = await context.finish_job(view, running, edited.job)
    return accepted or await _load_region(context, view, edited.id, response)


def _edit(payload: RegionCreate | RegionPatch, level: str, atlas: Atlas) -> editing.RegionEdit:
    """Null empties a list, and leaves a parent as it is: a city has one."""
    there = payload.model_fields_set
    if level == "grouping" and payload.parent is not None:
        raise _wrong("A grouping has no parent.", "/parent")
    if level == "city" and payload.members:
        raise _wrong("A city has no members.", "/members")
    if level == "city" and "parent" in there and payload.parent is None:
        raise _wrong("A city needs the country or area that it lies in.", "/parent")
    members = [_find(atlas, ref, f"/members/{i}", _MEMBERS) for i, ref in enumerate(payload.members or ())]
    parent = _find(atlas, payload.parent, "/parent", _PARENTS) if payload.parent is not None else None
    return editing.RegionEdit(
        name=payload.name if "name" in there else None,
        names=(payload.names or {}) if "names" in there else None,
        aliases=(payload.aliases or []) if "aliases" in there else None,
        members=[place.id for place in members] if "members" in there and level == "grouping" else None,
        parent=parent.id if parent else None,
    )


def _find(atlas: Atlas, ref: str, pointer: str, levels: Sequence[str]) -> AtlasRegion:
    place = refs.by_ref(atlas, ref) or atlas.find_name(ref)
    if place is None:
        guess = refs.find_similar(atlas, ref)
        raise InvalidInput(
            FieldError("unknown_region", refs.describe_unknown(ref), pointer=pointer, did_you_mean=guess)
        )
    if place.level not in levels:
        raise _wrong(f"{place.slug!r} is a {place.level}; here belongs one of: {', '.join(levels)}.", pointer)
    return place


def _wrong(detail: str, pointer: str) -> InvalidInput:
    return InvalidInput(FieldError("invalid_value", detail, pointer=pointer))


async def _load_region(context: AppContext, view: RequestContext, id: int, response: Response) -> Json:
    """The region as it is now."""
    head = await context.head()
    atlas = await service.current(context.db, head.epoch, head.names_seq)
    response.headers.update(responses.build_change_headers(head.position.token))
    return render_region(atlas, atlas.by_id[id], RegionParams.parse(_NAMED, view.now))
