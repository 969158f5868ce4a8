"""Changing the vocabulary over HTTP: tags are made, changed and merged. Needs `admin`, which may know of every tag."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.changes import jobs
from app.context import AppContext, get_admin_context
from app.errors import FieldError, InvalidInput, NotFound
from app.http import body, responses
from app.http.openapi import describe_problems
from app.tags import editing, examples, merges, queries, schemas
from app.tags.editing import TagEdit
from app.tags.payloads import TagCreate, TagMerge, TagPatch
from app.tags.queries import KnownTag
from app.tags.routes import MOVED, REF, render_tag
from app.tags.service import KINDS

router = APIRouter(prefix="/v1", tags=["tags"])

_PROBLEMS = describe_problems(
    "malformed_json", "missing_scope", "body_too_large", "unsupported_media_type", "invalid_value", "unknown_field"
)
_WAITING = responses.document_job("The merge goes on; the job says how far it is.")


@router.post(
    "/tags",
    name="create_tag",
    status_code=201,
    response_model=schemas.Tag,
    responses=responses.document_example(examples.TAG, 201) | _PROBLEMS | describe_problems("slug_taken"),
    openapi_extra={"requestBody": body.describe_body("TagCreate")},
)
async def create_tag(request: Request) -> Response:
    """A new tag, section or contributor. Most are made by the articles that name them; this is for what needs more."""
    context, _ = await get_admin_context(request)
    payload = await body.read_payload(request, TagCreate)
    written = await context.db.write(editing.create, _edit(payload))
    return await _respond(context, str(written.value), status=201)


@router.patch(
    "/tags/{ref}",
    name="update_tag",
    response_model=schemas.Tag,
    responses=responses.document_example(examples.TAG)
    | MOVED
    | _PROBLEMS
    | describe_problems("not_found", "slug_taken", "read_only_field"),
    openapi_extra={
        "parameters": [REF],
        "requestBody": body.describe_body("TagPatch", body.PATCH_TYPES),
    },
)
async def update_tag(request: Request) -> Response:
    """Changes name, slug, kind, names in languages or aliases (JSON Merge Patch). Old slugs keep leading here."""
    context, view = await get_admin_context(request)
    ref = request.path_params["ref"]
    entry = await queries.find(context.db, ref, hidden=True)
    if entry is None:
        raise NotFound()
    before = render_tag(entry, await context.count_tags(view.head), None)
    payload = await body.read_payload(request, TagPatch, shown=before, types=body.PATCH_TYPES)
    if ref not in (entry.slug, str(entry.id)):
        path = f"/v1/tags/{entry.slug}"
        return responses.render_redirect(request, 308, path, token=view.token, public=False, max_age=0)
    await context.db.write(editing.revise, entry.id, _edit(payload))
    return await _respond(context, str(entry.id))


def _edit(payload: TagCreate | TagPatch) -> TagEdit:
    """Null empties a list."""
    there = {name: getattr(payload, name) for name in type(payload).model_fields if name in payload.model_fields_set}
    for name, empty in (("names", {}), ("aliases", [])):
        if name in there and there[name] is None:
            there[name] = empty
    kind = there.pop("kind", payload.kind)
    return TagEdit(**there, kind=kind)


@router.post(
    "/tags/{ref}/merge",
    name="merge_tags",
    response_model=schemas.Tag,
    responses=responses.document_example(examples.TAG)
    | _WAITING
    | _PROBLEMS
    | describe_problems("not_found", "invalid_transition"),
    openapi_extra={"parameters": [REF], "requestBody": body.describe_body("TagMerge")},
)
async def merge_tags(request: Request) -> Response:
    """Gives every article of this tag the other one instead, and lets this one lead there for good.

    200 with the other tag when all is done, 202 with a job where that takes longer than a few seconds."""
    context, _ = await get_admin_context(request)
    ref = request.path_params["ref"]
    into = (await body.read_payload(request, TagMerge)).into
    known = await queries.by_refs(context.db, [ref, into], hidden=True)
    source, target = known.get(ref), known.get(into)
    if source is None:
        raise NotFound()
    if target is None:
        guess = await queries.find_similar(context.db, into, KINDS, hidden=True)
        detail = f"There is no tag {into[:80]!r}."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/into", did_you_mean=guess))
    return await _merge(request, context, source, target)


async def _merge(request: Request, context: AppContext, source: KnownTag, target: KnownTag) -> Response:
    job = (await context.db.write(merges.begin, source.asked, target.id)).value
    if job is not None:
        task = await jobs.get_jobs(request).finish(job)
        if task.state != "done":
            return await context.respond_accepted(task)
    return await _respond(context, str(target.id))


async def _respond(context: AppContext, ref: str, status: int = 200) -> Response:
    """The tag as it is now. Its counts are as of the index, which follows in a moment."""
    head = await context.head()
    entry = await queries.find(context.db, ref, hidden=True)
    assert entry is not None  # tags are never deleted
    shape = render_tag(entry, await context.count_tags(head), None)
    location = f"/v1/tags/{entry.slug}" if status == 201 else None
    return responses.render_change(orjson.dumps(shape), head.position.token, status=status, location=location)
