"""Writing articles over HTTP: POST, PUT, PATCH and DELETE. Every response is of the committed state."""

from functools import partial
from typing import Any

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import editing, examples, schemas
from app.articles.editing import ArticleEdit
from app.articles.html import offload
from app.articles.input import merge_patch, new_article, validation
from app.articles.input.merge_patch import Json
from app.articles.input.payloads import ArticleCreate, ArticlePatch, ArticlePut
from app.articles.reading import replacements
from app.articles.reading.queries import ArticleRef
from app.articles.render.write_responses import ArticleRenderer
from app.articles.routes import update_flow
from app.articles.routes.path_params import ArticlePath
from app.articles.routes.reads import MOVED
from app.articles.routes.update_flow import Change, ChangeParams, UpdateRequest
from app.articles.store.stored_article import StoredArticle
from app.context import AnyCaller, AppContext, Context, RequestContext, Writer
from app.errors import InvalidRange, InvalidValue
from app.http import body, responses
from app.http.api_route import ApiRoute
from app.http.auth import KEY_SCHEME
from app.http.body import JsonBody
from app.http.openapi import describe_empty, describe_problems, describe_uncached
from app.http.params import parser
from app.http.params.typed import Params
from app.text import keys

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)


class DeleteParams(Params):
    """Of a withdrawal, a move to the bin or a purge."""

    reason = parser.text("reason", "Why it is withdrawn; shown to everybody who asks for it.", maximum=500)
    replaced_by = parser.text(
        "replaced_by",
        "The published article, by id or slug, that readers are sent to instead (308) while it is public.",
        maximum=200,
        example=examples.SLUG,
    )
    purge = parser.flag("purge", "Removes the article with all its versions, for good; needs the scope `admin`.")


DELETE_SCOPES = {False: "write", True: "admin"}
"""By whether it is a purge."""
IDEMPOTENCY_KEY: dict[str, object] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A retry with the same key and the same request within 24 hours gets the first response again, byte "
    "for byte, and changes nothing; 410 where an article that it showed has been purged.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
IF_MATCH: dict[str, object] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The version that the change is based on: any ETag of the article, or the version in quotes. `*`: "
    "whatever there is.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": '^(\\*|(W/)?"[0-9]{1,9}(-[0-9a-f]{16})?")$',
    },
    "example": "*",
}
MISTAKES = ("offset_required", "read_only_field", "unknown_region")
FAILURES = (
    "not_found", "gone", "invalid_transition", "precondition_failed", "precondition_required", "idempotency_conflict",
)  # fmt: skip
RESTORE_FAILURES = tuple(code for code in FAILURES if code != "precondition_required")
TAKEN = ("slug_taken", "external_id_taken")
NEW: dict[str, Any] = {"parameters": [IDEMPOTENCY_KEY]}
CHANGE: dict[str, Any] = {"parameters": [IF_MATCH, IDEMPOTENCY_KEY]}
"""`openapi_extra=` of a write: headers, which are read from the request as a whole, since a client may send several."""


def describe_response(status: int, *codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a write that returns the article."""
    headers = ("ETag", responses.WARNINGS, *(("Location",) if status == 201 else ()))
    return describe_uncached(examples.ARTICLE, status, *headers) | describe_problems(*codes)


async def _list_warnings(data: Json) -> dict[str, str]:
    """See `validation.list_warnings`; in a thread where the text is long."""
    return await offload.run(validation.measure_text(data), validation.list_warnings, data)


# The models of responses only describe, here and below: what is sent are the bytes that a repeat gets again.
@router.post(
    "/articles",
    name="create_article",
    summary="Create an article",
    status_code=201,
    response_model=schemas.Article,
    responses=describe_response(201, "idempotency_conflict", *TAKEN, *MISTAKES),
    openapi_extra=NEW,
)
async def create_article(
    request: Request, context: Context, view: Writer, params: ChangeParams, payload: JsonBody[ArticleCreate]
) -> Response:
    """A new article; a draft unless `status` says otherwise, which needs the scope `publish`."""
    data = body.parse_object(payload.content)
    renderer = ArticleRenderer(params, await _list_warnings(data))
    change = await UpdateRequest.begin(request, context, view, payload.content, renderer)
    if isinstance(change, Response):
        return change
    # Only now, and in a thread where it is large: a repeat is not judged again.
    article = await offload.run(len(payload.content), validation.validate_new, data, view.atlas)
    update_flow.require_publish(view.caller, article.status)
    known = await new_article.resolve_references(context.db, article, hidden=view.caller.has_scope("read_drafts"))
    make = partial(new_article.make_manuscript, enrich=context.settings.enrich)
    # In a thread where a language is to be recognised: the first time the model is read.
    size = validation.measure_text(data) if article.language else offload.LARGE + 1
    manuscript = await offload.run(size, make, article, view, known)
    return await change.respond(await context.db.write_short(change.execute, manuscript))


@router.patch(
    "/articles/{ref}",
    name="update_article",
    summary="Change parts of an article",
    response_model=schemas.Article,
    responses=MOVED | describe_response(200, *FAILURES, *TAKEN, *MISTAKES),
    openapi_extra=CHANGE,
)
async def update_article(
    request: Request,
    ref: ArticlePath,
    context: Context,
    view: Writer,
    params: ChangeParams,
    payload: JsonBody[ArticlePatch],
) -> Response:
    """Changes what the body names: a JSON Merge Patch. Lists replace, null clears."""
    data = body.parse_object(payload.content)
    renderer = ArticleRenderer(params, await _list_warnings(data))
    change = await UpdateRequest.begin(request, context, view, payload.content, renderer)
    if isinstance(change, Response):
        return change
    plan = partial(change.plan_merge, data, merge_patch.find_patched_fields)
    return await change.respond(await change.carry_out(ref, plan, status=data.get("status")))


@router.put(
    "/articles/{ref}",
    name="replace_article",
    summary="Replace an article",
    response_model=schemas.Article,
    responses=MOVED | describe_response(200, *FAILURES, *TAKEN, *MISTAKES),
    openapi_extra=CHANGE,
)
async def replace_article(
    request: Request,
    ref: ArticlePath,
    context: Context,
    view: Writer,
    params: ChangeParams,
    payload: JsonBody[ArticlePut],
) -> Response:
    """The article as it shall be, such as the response to a GET with changes. What is left out becomes empty."""
    data = body.parse_object(payload.content)
    renderer = ArticleRenderer(params, await _list_warnings(data))
    change = await UpdateRequest.begin(request, context, view, payload.content, renderer)
    if isinstance(change, Response):
        return change
    plan = partial(change.plan_merge, data, merge_patch.find_replaced_fields)
    return await change.respond(await change.carry_out(ref, plan, status=data.get("status")))


@router.delete(
    "/articles/{ref}",
    name="delete_article",
    summary="Withdraw, bin or purge an article",
    response_model=schemas.Article,
    responses=MOVED
    | describe_uncached(examples.ARTICLE, 200, "ETag")
    | describe_empty("The article has been purged.")
    | describe_problems(*FAILURES, "invalid_range", "invalid_value"),
    openapi_extra=CHANGE | {"security": [{KEY_SCHEME.scheme_name: [scope]} for scope in DELETE_SCOPES.values()]},
)
async def delete_article(
    request: Request, ref: ArticlePath, context: Context, view: AnyCaller, params: DeleteParams
) -> Response:
    """Withdraws a published article: GET returns 410 from then on, with the reason, or 308 to `replaced_by`. A draft
    or scheduled article moves to the bin.

    `purge=true` removes an article in any state with all its versions; nothing but 410 is left of what was public.
    """
    purge, replaced_by = params.purge, params.replaced_by
    reason = keys.clean(params.reason or "").strip() or None
    view.caller.require_scope(DELETE_SCOPES[purge])
    for name, value in (("reason", reason), ("replaced_by", replaced_by)):
        if purge and value is not None:
            raise InvalidRange(f"What is purged keeps no {name}; leave it out.", name)
    renderer = ArticleRenderer(ChangeParams.parse(b"", view.now))
    change = await UpdateRequest.begin(request, context, view, b"", renderer)
    if isinstance(change, Response):
        return change

    async def plan(article: ArticleRef) -> Change:
        if purge:
            return "purge"
        return partial(_withdraw_or_bin, reason, await _find_replacement(context, view, replaced_by))

    return await change.respond(await change.carry_out(ref, plan, is_purge=purge))


def _withdraw_or_bin(
    reason: str | None, replaced_by: int | None, session: Session, current: StoredArticle
) -> ArticleEdit:
    """Withdraws what is published; what is not moves to the bin. InvalidTransition where it is there already."""
    existing = current.existing_row
    if existing.status in editing.WAYS_OUT:
        raise editing.make_invalid_transition(existing, editing.WAYS_OUT[existing.status])
    if existing.status == "published":
        obstacle = replaced_by and replacements.find_obstacle(session.connection(), existing.id, replaced_by)
        if obstacle:
            raise InvalidValue(obstacle, "replaced_by")
        return ArticleEdit({"status": "withdrawn", "replaced_by": replaced_by}, reason=reason)
    for name, value in (("reason", reason), ("replaced_by", replaced_by)):
        if value is not None:
            raise InvalidRange(f"A {existing.status} article moves to the bin: leave {name} out.", name)
    return ArticleEdit({"status": "trashed"})


async def _find_replacement(context: AppContext, view: RequestContext, ref: str | None) -> int | None:
    """InvalidValue for an article that is not there, or that this caller may not see: the two are not told apart."""
    if ref is None:
        return None
    ids = await new_article.find_articles(context.db, [ref], hidden=view.caller.has_scope("read_drafts"))
    if ref not in ids:
        raise InvalidValue(replacements.MISSING.format(ref[:80]), "replaced_by")
    return ids[ref]


@router.post(
    "/articles/{ref}/restore",
    name="restore_article",
    summary="Take an article out of the bin",
    response_model=schemas.Article,
    responses=MOVED | describe_uncached(examples.ARTICLE, 200, "ETag") | describe_problems(*RESTORE_FAILURES),
    openapi_extra={"parameters": [{**IF_MATCH, "required": False}, IDEMPOTENCY_KEY]},
)
async def restore_article(
    request: Request, ref: ArticlePath, context: Context, view: Writer, params: ChangeParams
) -> Response:
    """Takes an article out of the bin: it is a draft again, under its id and slug, with all its versions."""
    change = await UpdateRequest.begin(request, context, view, b"", ArticleRenderer(params), "/restore")
    if isinstance(change, Response):
        return change

    async def plan(article: ArticleRef) -> Change:
        return ArticleEdit({"status": "draft"}, restores=True)

    return await change.respond(await change.carry_out(ref, plan, unconditional=True))
