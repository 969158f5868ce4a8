"""Changing regions over HTTP: groupings and cities are made and changed. Needs `admin`."""

from collections.abc import Sequence

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.changes import jobs
from app.context import AppContext, RequestContext, get_admin_context
from app.errors import FieldError, InvalidInput, NotFound, ReadOnlyField
from app.http import body, responses
from app.http.openapi import describe_problems
from app.regions import editing, examples, refs, schemas, service
from app.regions.atlas import Atlas, AtlasRegion
from app.regions.editing import EditedRegion, RegionEdit
from app.regions.payloads import RegionCreate, RegionPatch
from app.regions.routes import REF, RegionParams, render_region

router = APIRouter(prefix="/v1", tags=["regions"])

_NAMED = b"include=names"
_PARENTS = ("region", "subregion", "country")
_MEMBERS = (*_PARENTS, "city")
_PROBLEMS = describe_problems(
    "malformed_json", "missing_scope", "slug_taken", "body_too_large", "unsupported_media_type", "invalid_value",
    "unknown_field", "unknown_region",
)  # fmt: skip
_WAITING = responses.document_job("The region is as asked for; a job brings its articles to where they lie now.")


@router.post(
    "/regions",
    name="create_region",
    status_code=201,
    response_model=schemas.Region,
    responses=responses.document_example(examples.NAMED, 201) | _WAITING | _PROBLEMS,
    openapi_extra={"requestBody": body.describe_body("RegionCreate")},
)
async def create_region(request: Request) -> Response:
    """A new grouping or city. 202 with a job where many articles lie in it."""
    context, view = await get_admin_context(request)
    payload = await body.read_payload(request, RegionCreate)
    if payload.level == "city" and payload.parent is None:
        raise _wrong("A city needs the country or area that it lies in.", "/parent")
    edit = _edit(payload, payload.level, view.atlas)
    written = await context.db.write(editing.create, payload.level, payload.slug, edit)
    return await _respond(request, context, view, written.value, status=201)


@router.patch(
    "/regions/{ref}",
    name="update_region",
    response_model=schemas.Region,
    responses=responses.document_example(examples.NAMED)
    | _WAITING
    | _PROBLEMS
    | describe_problems("not_found", "read_only_field"),
    openapi_extra={
        "parameters": [{**REF, "example": "nato"}],
        "requestBody": body.describe_body("RegionPatch", body.PATCH_TYPES),
    },
)
async def update_region(request: Request) -> Response:
    """Changes names, members or parent of a grouping or city (JSON Merge Patch). Where articles lie is right when the
    response comes, or, after a 202, when its job is done."""
    context, view = await get_admin_context(request)
    place = refs.by_ref(view.atlas, request.path_params["ref"])
    if place is None:
        raise NotFound()
    if place.level not in editing.OWN_LEVELS:
        raise ReadOnlyField(f"{place.name} is a {place.level} of UN M49; only groupings and cities are changed here.")
    before = render_region(view.atlas, place, RegionParams.parse(_NAMED, view.now))
    payload = await body.read_payload(request, RegionPatch, shown=before, types=body.PATCH_TYPES)
    written = await context.db.write(editing.revise, place.id, _edit(payload, place.level, view.atlas))
    return await _respond(request, context, view, written.value)


def _edit(payload: RegionCreate | RegionPatch, level: str, atlas: Atlas) -> RegionEdit:
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
    return RegionEdit(
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


async def _respond(
    request: Request, context: AppContext, view: RequestContext, edited: EditedRegion, status: int = 200
) -> Response:
    if edited.job is not None:
        task = await jobs.get_jobs(request).finish(edited.job)
        if task.state != "done":
            return await context.respond_accepted(task)
    head = await context.head()
    atlas = await service.current(context.db, head.epoch, head.names_seq)
    place = atlas.by_id[edited.id]
    region = orjson.dumps(render_region(atlas, place, RegionParams.parse(_NAMED, view.now)))
    location = f"/v1/regions/{place.slug}" if status == 201 else None
    return responses.render_change(region, head.position.token, status=status, location=location)
