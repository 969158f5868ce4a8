"""Writing articles over HTTP: POST, PUT, PATCH and DELETE. Every response is of the committed state."""

from typing import Any

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas, service
from app.articles.html import offload
from app.articles.input import merge_patch, new_article, validation
from app.articles.manuscript import Manuscript
from app.articles.reading import replacements
from app.articles.reading.queries import ArticleRef
from app.articles.render import article_json, write_responses
from app.articles.render.write_responses import WriteResult
from app.articles.routes import update_flow
from app.articles.routes.reads import MOVED, REF
from app.articles.routes.update_flow import Merge, Outcome, PlannedUpdate, UpdateRequest
from app.context import AppContext, RequestContext, get_context
from app.errors import InvalidRange, InvalidValue
from app.http import body, responses
from app.http.openapi import describe_problems
from app.http.params import parser
from app.http.params.parser import Parameters
from app.text import keys

router = APIRouter(prefix="/v1", tags=["articles"])

CHANGE = Parameters(*article_json.PARAMETERS)
DELETE = Parameters(
    parser.text("reason", "Why it is withdrawn; shown to everybody who asks for it.", maximum=500),
    parser.text(
        "replaced_by",
        "The published article, by id or slug, that readers are sent to instead (308) while it is public.",
        maximum=200,
        example="42",
    ),
    parser.flag("purge", "Removes the article with all its versions, for good; needs the scope `admin`."),
)
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
MISTAKES = ("invalid_value", "offset_required", "unknown_field", "read_only_field", "unknown_region")
FAILURES = (
    "missing_scope", "not_found", "gone", "invalid_transition", "precondition_failed", "precondition_required",
    "idempotency_conflict",
)  # fmt: skip
RESTORE_FAILURES = tuple(code for code in FAILURES if code != "precondition_required")
BODY_FAILURES = ("malformed_json", "body_too_large", "unsupported_media_type", "slug_taken", "external_id_taken")
WARNED = {
    responses.WARNINGS: {
        "description": "A JSON list in ASCII of `{code, pointer, detail, removed}`: what was taken from the body.",
        "schema": {"type": "string"},
    }
}


def describe_response(status: int, *codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a write that returns the article."""
    shown = responses.document_example(examples.ARTICLE, status)
    shown[status]["headers"] = WARNED
    return shown | describe_problems(*codes)


def parameters(read: Parameters, *more: dict[str, object]) -> list[dict[str, object]]:
    return [*more, *read.openapi(), IDEMPOTENCY_KEY]


@router.post(
    "/articles",
    name="create_article",
    status_code=201,
    response_model=schemas.Article,
    responses=describe_response(201, "missing_scope", "idempotency_conflict", *BODY_FAILURES, *MISTAKES),
    openapi_extra={"parameters": parameters(CHANGE), "requestBody": body.describe_body("ArticleCreate")},
)
async def create_article(request: Request) -> Response:
    """A new article; a draft unless `status` says otherwise, which needs the scope `publish`."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("write")
    read = CHANGE.read(request.scope["query_string"], view.now)
    content = await body.read_content(request, (validation.JSON,))
    data = body.parse_object(content)
    warnings = await offload.run(validation.measure_text(data), validation.list_warnings, data)
    change = UpdateRequest.from_request(
        request, context, view, content, write_responses.make_article_renderer(read, warnings)
    )
    repeated = await change.replay()
    if repeated is not None:
        return repeated
    payload = await offload.run(len(content), validation.validate_new, data)
    update_flow.require_publish(view.caller, payload.status)
    known = await new_article.resolve_references(context.db, payload, hidden=view.caller.has_scope("read_drafts"))
    manuscript = await offload.run(validation.measure_text(data), new_article.make_manuscript, payload, view, known)
    return await change.respond(await context.db.write(_create, manuscript, change))


def _create(session: Session, manuscript: Manuscript, change: UpdateRequest) -> Outcome:
    """One transaction: the response to a repeated key, or the article, and the response to it where it has a key."""
    stored = change.load_stored(session)
    if stored is not None:
        return stored
    how = change.make_save_context(session)
    new_article.check_date(manuscript, how.now)
    saved = service.create(session, manuscript, now=how.now, site_url=how.site_url, by=how.by)
    return change.store(session, WriteResult(saved.id, saved.version, 201))


@router.patch(
    "/articles/{ref}",
    name="update_article",
    response_model=schemas.Article,
    responses=MOVED | describe_response(200, *FAILURES, *BODY_FAILURES, *MISTAKES),
    openapi_extra={
        "parameters": parameters(CHANGE, *REF, IF_MATCH),
        "requestBody": body.describe_body("ArticlePatch", (validation.MERGE_PATCH, validation.JSON)),
    },
)
async def update_article(request: Request) -> Response:
    """Changes what the body names: a JSON Merge Patch. Lists replace, null clears."""
    return await _edit(request, merge_patch.find_patched_fields, (validation.MERGE_PATCH, validation.JSON))


@router.put(
    "/articles/{ref}",
    name="replace_article",
    response_model=schemas.Article,
    responses=MOVED | describe_response(200, *FAILURES, *BODY_FAILURES, *MISTAKES),
    openapi_extra={"parameters": parameters(CHANGE, *REF, IF_MATCH), "requestBody": body.describe_body("ArticlePut")},
)
async def replace_article(request: Request) -> Response:
    """The article as it shall be, such as the response to a GET with changes. What is left out becomes empty."""
    return await _edit(request, merge_patch.find_replaced_fields, (validation.JSON,))


async def _edit(request: Request, merge: Merge, kinds: tuple[str, ...]) -> Response:
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("write")
    read = CHANGE.read(request.scope["query_string"], view.now)
    content = await body.read_content(request, kinds)
    data = body.parse_object(content)
    warnings = await offload.run(validation.measure_text(data), validation.list_warnings, data)
    change = UpdateRequest.from_request(
        request, context, view, content, write_responses.make_article_renderer(read, warnings)
    )
    repeated = await change.replay()
    if repeated is not None:
        return repeated

    def demand(article: ArticleRef) -> None:
        update_flow.require_publish(view.caller, article.status, data.get("status"))

    async def plan(article: ArticleRef) -> PlannedUpdate:
        return await change.plan_merge(article, data, merge)

    return await change.carry_out(demand, plan)


@router.delete(
    "/articles/{ref}",
    name="delete_article",
    response_model=schemas.Article,
    responses=MOVED
    | responses.document_example(examples.ARTICLE)
    | {204: {"description": "The article has been purged."}}
    | describe_problems(*FAILURES, "invalid_range", "invalid_value"),
    openapi_extra={"parameters": parameters(DELETE, *REF, IF_MATCH)},
)
async def delete_article(request: Request) -> Response:
    """Withdraws a published article: GET returns 410 from then on, with the reason, or 308 to `replaced_by`. A draft
    or scheduled article moves to the bin.

    `purge=true` removes an article in any state with all its versions; nothing but 410 is left of what was public.
    """
    context = get_context(request)
    view = await context.view(request)
    read = DELETE.read(request.scope["query_string"], view.now)
    purge, reason = read.flag("purge"), keys.clean(read.text("reason") or "").strip() or None
    replaced_by = read.text("replaced_by")
    view.caller.require_scope("admin" if purge else "write")
    for name, value in (("reason", reason), ("replaced_by", replaced_by)):
        if purge and value is not None:
            raise InvalidRange(f"What is purged keeps no {name}; leave it out.", name)
    change = UpdateRequest.from_request(
        request, context, view, b"", write_responses.make_article_renderer(CHANGE.read(b"", view.now))
    )
    repeated = await change.replay()
    if repeated is not None:
        return repeated

    def demand(article: ArticleRef) -> None:
        if not purge:
            update_flow.require_publish(view.caller, article.status)

    async def plan(article: ArticleRef) -> PlannedUpdate:
        if purge:
            return PlannedUpdate(article.version, change.purge)
        target = await _replacement(context, view, replaced_by)
        return PlannedUpdate(
            article.version, lambda session, current: change.withdraw_or_bin(session, current, reason, target)
        )

    return await change.carry_out(demand, plan)


async def _replacement(context: AppContext, view: RequestContext, ref: str | None) -> int | None:
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
    response_model=schemas.Article,
    responses=MOVED | responses.document_example(examples.ARTICLE) | describe_problems(*RESTORE_FAILURES),
    openapi_extra={"parameters": parameters(CHANGE, *REF, {**IF_MATCH, "required": False})},
)
async def restore_article(request: Request) -> Response:
    """Takes an article out of the bin: it is a draft again, under its id and slug, with all its versions."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("write")
    read = CHANGE.read(request.scope["query_string"], view.now)
    change = UpdateRequest.from_request(
        request, context, view, b"", write_responses.make_article_renderer(read), "/restore"
    )
    repeated = await change.replay()
    if repeated is not None:
        return repeated

    def demand(article: ArticleRef) -> None:
        update_flow.require_publish(view.caller, article.status)

    async def plan(article: ArticleRef) -> PlannedUpdate:
        return PlannedUpdate(article.version, change.restore)

    return await change.carry_out(demand, plan, unconditional=True)
