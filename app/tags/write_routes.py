"""Changing the vocabulary over HTTP: tags are made, changed and merged. Needs `admin`, which may know of every tag."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from app.changes.jobs import RunningJobs
from app.context import Admin, AppContext, Context
from app.errors import FieldError, InvalidInput, NotFound
from app.http import responses
from app.http.api_route import ApiRoute, describe_path
from app.http.body import JsonBody
from app.http.openapi import describe_job, describe_problems, describe_uncached
from app.tags import editing, examples, merges, queries, schemas
from app.tags.payloads import TagCreate, TagMerge, TagPatch
from app.tags.routes import MOVED, REF, Json, render_tag
from app.tags.service import KINDS

router = APIRouter(prefix="/v1", tags=["tags"], route_class=ApiRoute)

_WAITING = describe_job("The merge goes on; the job says how far it is.")
TagRef = Annotated[str, describe_path(REF)]
MergedRef = Annotated[str, describe_path({**REF, "example": "dams"})]


@router.post(
    "/tags",
    name="create_tag",
    summary="Create a tag",
    status_code=201,
    response_model=schemas.Tag,
    responses=describe_uncached(examples.TAG, 201, "Location") | describe_problems("slug_taken"),
)
async def create_tag(context: Context, view: Admin, payload: TagCreate, response: Response) -> Json:
    """A new tag, section or contributor. Most are made by the articles that name them; this is for what needs more."""
    written = await context.db.write(editing.create, _edit(payload))
    tag = await _load_tag(context, str(written.value), response)
    response.headers["Location"] = f"/v1/tags/{tag['slug']}"
    return tag


async def find_tag(ref: TagRef, context: Context) -> queries.TagRow:
    """NotFound where there is none, also among those that the public does not see: for callers with `admin`."""
    entry = await queries.find(context.db, ref, hidden=True)
    if entry is None:
        raise NotFound()
    return entry


@router.patch(
    "/tags/{ref}",
    name="update_tag",
    summary="Change a tag",
    response_model=schemas.Tag,
    responses=describe_uncached(examples.TAG) | MOVED | describe_problems("not_found", "slug_taken", "read_only_field"),
)
async def update_tag(
    request: Request,
    ref: TagRef,
    context: Context,
    view: Admin,
    entry: Annotated[queries.TagRow, Depends(find_tag)],
    patch: JsonBody[TagPatch],
    response: Response,
) -> Json | Response:
    """Changes name, slug, kind, names in languages or aliases (JSON Merge Patch). Old slugs keep leading here."""
    payload = patch.validate(render_tag(entry, await context.count_tags(view.head), None))
    if ref not in (entry.slug, str(entry.id)):
        path = f"/v1/tags/{entry.slug}"
        return responses.render_redirect(request, 308, path, token=view.token, public=False, max_age=0)
    await context.db.write(editing.revise, entry.id, _edit(payload))
    return await _load_tag(context, str(entry.id), response)


def _edit(payload: TagCreate | TagPatch) -> editing.TagEdit:
    """Null empties a list."""
    there = {name: getattr(payload, name) for name in type(payload).model_fields if name in payload.model_fields_set}
    for name, empty in (("names", {}), ("aliases", [])):
        if name in there and there[name] is None:
            there[name] = empty
    kind = there.pop("kind", payload.kind)
    return editing.TagEdit(**there, kind=kind)


@router.post(
    "/tags/{ref}/merge",
    name="merge_tags",
    summary="Merge a tag into another",
    response_model=schemas.Tag,
    responses=describe_uncached(examples.TAG) | _WAITING | describe_problems("not_found", "invalid_transition"),
)
async def merge_tags(
    ref: MergedRef, context: Context, view: Admin, payload: TagMerge, running: RunningJobs, response: Response
) -> Json | Response:
    """Gives every article of this tag the other one instead, and lets this one lead there for good.

    200 with the other tag when all is done, 202 with a job where that takes longer than a few seconds."""
    into = payload.into
    known = await queries.by_refs(context.db, [ref, into], hidden=True)
    source, target = known.get(ref), known.get(into)
    if source is None:
        raise NotFound()
    if target is None:
        guess = await queries.find_similar(context.db, into, KINDS, hidden=True)
        detail = f"There is no tag {into[:80]!r}."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/into", did_you_mean=guess))
    job = (await context.db.write(merges.begin, source.asked, target.id)).value
    accepted = await context.finish_job(view, running, job)
    return accepted or await _load_tag(context, str(target.id), response)


async def _load_tag(context: AppContext, ref: str, response: Response) -> Json:
    """The tag as it is now. Its counts are as of the index, which follows in a moment."""
    head = await context.head()
    entry = await find_tag(ref, context)
    response.headers.update(responses.build_change_headers(head.position.token))
    return render_tag(entry, await context.count_tags(head), None)
