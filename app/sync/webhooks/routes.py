"""Webhooks over HTTP. Everything needs `admin`: who makes one decides where articles are sent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends
from pydantic import BeforeValidator
from starlette.requests import Request
from starlette.responses import Response

from app.changes import log
from app.context import Admin, AppContext, Context, RequestContext
from app.db.log_position import LogPosition
from app.errors import FieldError, InvalidInput, NotFound
from app.http import auth, conditional, responses
from app.http.api_route import ApiRoute, describe_path, read_row_id
from app.http.body import JsonBody
from app.http.openapi import describe_empty, describe_item, describe_list, describe_problems, describe_uncached
from app.http.params import parser
from app.http.params.typed import Paging, Params
from app.importers.web.public_addresses import names_private_address
from app.search.saved_searches import queries as searches
from app.sync import change_reader
from app.sync.change_rows import PlacePruned
from app.sync.webhooks import examples, queries, schemas, selection, service
from app.sync.webhooks.payloads import WebhookCreate, WebhookPatch
from app.sync.webhooks.queries import WebhookRow
from app.sync.webhooks.render import Json, render_attempt, render_webhook
from app.sync.webhooks.service import WebhookEdit
from app.sync.webhooks.testing import WebhookTester

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=ApiRoute)

ID: dict[str, object] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The number of a webhook; a new archive has none.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
}
_FILTER = describe_problems("unknown_region", "offset_required", "invalid_range", "unknown_parameter")
WebhookId = Annotated[int, BeforeValidator(read_row_id), describe_path(ID)]


class ReplayParams(Params):
    """From where on."""

    since = parser.text("since", change_reader.SINCE, maximum=200, example="now-1d", required=True)
    tz = parser.TZ


class AttemptParams(Params):
    """Of the log of attempts."""

    failed = parser.flag("failed", "Only requests that did not succeed.")
    limit = parser.limit()
    cursor = parser.CURSOR


async def find_webhook(id: WebhookId, context: Context) -> WebhookRow:
    """NotFound where there is none of that number."""
    row = await queries.find(context.db, id)
    if row is None:
        raise NotFound()
    return row


FoundWebhook = Annotated[WebhookRow, Depends(find_webhook)]


@router.post(
    "/webhooks",
    name="create_webhook",
    summary="Create a webhook",
    status_code=201,
    response_model=schemas.WebhookCreated,
    responses=describe_uncached(examples.CREATED, 201, "Location", "ETag") | _FILTER,
)
async def create_webhook(context: Context, view: Admin, payload: WebhookCreate, response: Response) -> Json:
    """An endpoint that is told of what is committed from now on. The response has its `secret`, which is shown once."""
    edit = await _check(context, view, payload)
    id, secret = (await context.db.write(service.create, edit)).value
    shown = await _show(context, id, response)
    response.headers["Location"] = f"/v1/webhooks/{id}"
    return {**shown, "secret": secret}


# Here and below the models of lists and items only describe: their entity tags are of the rendered bytes.
@router.get(
    "/webhooks",
    name="list_webhooks",
    summary="List webhooks",
    response_model=schemas.WebhookList,
    responses=describe_list(examples.LIST)
    | describe_problems("cursor_invalid", "cursor_mismatch", "limit_too_large", "page_too_deep"),
)
async def list_webhooks(request: Request, context: Context, view: Admin, params: Paging) -> Response:
    """All webhooks, the oldest first."""
    rows = await queries.load_all(context.db)
    rendered = {row.id: await _render(context, row) for row in rows}
    return responses.render_slice(
        request, params, rows, lambda row: (row.id, row.id), lambda row: rendered[row.id], name="webhooks",
        token=view.token, public=False,
    )  # fmt: skip


@router.get(
    "/webhooks/{id}",
    name="get_webhook",
    summary="A webhook",
    response_model=schemas.Webhook,
    responses=describe_item(examples.WEBHOOK) | describe_problems("not_found"),
)
async def get_webhook(request: Request, context: Context, view: Admin, row: FoundWebhook) -> Response:
    """What it is told of, how far it is, and what is wrong with it if anything is. Never its secret."""
    body = orjson.dumps(await _render(context, row))
    return responses.render_item(request, body, token=view.token, public=False, version=row.version)


@router.patch(
    "/webhooks/{id}",
    name="update_webhook",
    summary="Change a webhook",
    response_model=schemas.Webhook,
    responses=describe_uncached(examples.WEBHOOK, 200, "ETag")
    | _FILTER
    | describe_problems("not_found", "precondition_failed", "read_only_field"),
)
async def update_webhook(
    request: Request,
    context: Context,
    view: Admin,
    row: FoundWebhook,
    patch: JsonBody[WebhookPatch],
    response: Response,
) -> Json:
    """Changes name, address, filter or what is included, and switches on and off (JSON Merge Patch). With `If-Match`
    only where the version is that one. From the response on nothing is sent as it was before."""
    payload = patch.validate(await _render(context, row))
    _refuse_nothing(row, payload)
    edit = await _check(context, view, payload)
    versions = conditional.read_if_match(request)
    known = None if versions is None or versions == conditional.ANY else versions
    await context.db.write(service.revise, row.id, edit, known)
    return await _show(context, row.id, response)


def _refuse_nothing(row: WebhookRow, payload: WebhookPatch) -> None:
    """InvalidInput where what is followed is to go and nothing takes its place."""
    if payload.filter is not None or payload.search is not None:
        return
    followed = "search" if row.search_id is not None else "filter"
    if followed in payload.model_fields_set and (row.search_id is not None or row.has_filter):
        detail = 'Name a filter or a search to follow instead; {"filter": {}} is everything.'
        raise InvalidInput(FieldError("invalid_value", detail, pointer=f"/{followed}"))


@router.delete(
    "/webhooks/{id}",
    name="delete_webhook",
    summary="Delete a webhook",
    status_code=204,
    response_class=Response,
    responses=describe_empty("It is told of nothing more; what waited and its log of attempts are gone.")
    | describe_problems("not_found"),
)
async def delete_webhook(context: Context, view: Admin, row: FoundWebhook) -> Response:
    """Deletes it with its log of attempts. What waits is not sent any more."""
    await context.db.write(service.remove, row.id)
    head = await context.head()
    return Response(status_code=204, headers=responses.build_change_headers(head.position.token))


@router.post(
    "/webhooks/{id}/rotate",
    name="rotate_webhook_secret",
    summary="Replace the secret of a webhook",
    response_model=schemas.WebhookSecret,
    responses=describe_uncached(examples.ROTATED, 200, "ETag") | describe_problems("not_found"),
)
async def rotate_webhook_secret(context: Context, view: Admin, row: FoundWebhook, response: Response) -> Json:
    """A new secret, shown once. For 24 hours messages have two signatures, by the new one and the one before."""
    secret, _ = (await context.db.write(service.rotate, row.id)).value
    shown = await _show(context, row.id, response)
    return {"id": row.id, "secret": secret, "rotating_until": shown["rotating_until"]}


@router.post(
    "/webhooks/{id}/test",
    name="test_webhook",
    summary="Send a test to a webhook",
    response_model=schemas.WebhookTest,
    responses=describe_uncached(examples.TEST) | describe_problems("not_found"),
)
async def test_webhook(request: Request, context: Context, view: Admin, row: FoundWebhook, response: Response) -> Json:
    """Sends a message of the type `webhook.test` at once, also where the webhook is off, and says what became of it."""
    tester: WebhookTester = request.app.state.webhook_tester
    attempt = await tester.run(context, row)
    response.headers.update(responses.build_change_headers(view.head.position.token))
    return {
        "message": attempt.message,
        "delivered": attempt.error is None,
        "status": attempt.status,
        "error": attempt.error,
        "ms": attempt.ms,
    }


@router.post(
    "/webhooks/{id}/replay",
    name="replay_webhook",
    summary="Send changes to a webhook again",
    response_model=schemas.Webhook,
    responses=describe_uncached(examples.WEBHOOK, 200, "ETag")
    | describe_problems("not_found", "cursor_expired", "offset_required", "invalid_value"),
)
async def replay_webhook(
    request: Request, context: Context, view: Admin, params: ReplayParams, row: FoundWebhook, response: Response
) -> Json:
    """Puts the webhook back to an earlier place of the log: whatever was told behind it is told again, in the same
    order, with cards as of then."""
    public, since = view._replace(caller=auth.PUBLIC), params.since or "0"
    place = await change_reader.find_place(context, public, request, since, params.tz)
    # Behind an article within a row there may be others, and a webhook stands behind rows.
    own = searches.parse_place(since)
    seq = place.seq if own is None or own[1] is None else place.seq - 1
    try:
        await context.db.write(service.replay, row.id, LogPosition(place.epoch, seq, place.mark))
    except PlacePruned:
        raise change_reader.make_cursor_expired(request, change_reader.NOT_KEPT) from None
    return await _show(context, row.id, response)


@router.get(
    "/webhooks/{id}/attempts",
    name="list_webhook_attempts",
    summary="Every request to a webhook",
    response_model=schemas.WebhookAttemptList,
    responses=describe_list(examples.ATTEMPTS)
    | describe_problems("not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
)
async def list_webhook_attempts(
    request: Request, context: Context, view: Admin, params: AttemptParams, row: FoundWebhook
) -> Response:
    """Every request that was made, the newest first: of what, with which result, and when it is tried again."""
    attempts, page = await queries.page_attempts(
        context.db, row.id, params, params.limit, params.cursor, failed=params.failed
    )
    rows = [orjson.dumps(render_attempt(one)) for one in attempts]
    return responses.render_list(request, rows, page, token=view.token, public=False, tags=["webhooks"])


async def _check(context: AppContext, view: RequestContext, payload: WebhookCreate | WebhookPatch) -> WebhookEdit:
    """InvalidInput for an address that is known to be private, for a filter that lists would refuse, and for a search
    that is not the caller's to see."""
    there = payload.model_fields_set if isinstance(payload, WebhookPatch) else set(type(payload).model_fields)
    edit = await _check_choice(context, view, payload)
    if "url" in there and names_private_address(payload.url) and not context.settings.webhook_private_addresses:
        detail = (
            "This address is not on the public internet. Where receivers are inside, the operator allows it by "
            "DATELINE_WEBHOOK_PRIVATE_ADDRESSES."
        )
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/url"))
    if "include" in there:
        edit = replace(edit, include=service.encode(sorted(set(payload.include))))
    plain = {name: getattr(payload, name) for name in ("name", "url", "enabled") if name in there}
    return replace(edit, **plain)


async def _check_choice(
    context: AppContext, view: RequestContext, payload: WebhookCreate | WebhookPatch
) -> WebhookEdit:
    """What is to be followed: a new webhook follows everything where nothing else is named."""
    filter, search = payload.filter, payload.search
    if filter is not None and search is not None:
        detail = "A webhook follows a filter or a search. Save a search that has these filters, or leave one out."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/search"))
    if search is not None:
        row = await searches.find(context.db, view.caller, search)
        if row is None:
            detail = "This key has no saved search of that slug, and there is no public one (GET /v1/searches)."
            raise InvalidInput(FieldError("invalid_value", detail, pointer="/search"))
        return WebhookEdit(search=row.id)
    if filter is None:
        return WebhookEdit(filter="{}") if isinstance(payload, WebhookCreate) else WebhookEdit()
    selection.read_filter(filter, view.now)
    await selection.check(context, filter, view.now)
    return WebhookEdit(filter=service.encode(filter))


async def _show(context: AppContext, id: int, response: Response) -> Json:
    """The webhook as it is now, with the headers of a change."""
    row = await queries.find(context.db, id)
    if row is None:
        raise NotFound()
    shown = await _render(context, row)
    head = await context.head()
    etag = conditional.item_etag(row.version, orjson.dumps(shown))
    response.headers.update({**responses.build_change_headers(head.position.token), "ETag": etag})
    return shown


async def _render(context: AppContext, row: WebhookRow) -> Json:
    head = await context.head()
    place = LogPosition(row.epoch, row.seq, await log.find_mark(context.db, head, row.seq) or 0)
    warnings: list[Mapping[str, object]] = [*await selection.list_warnings(context, row)]
    return render_webhook(row, head, place, warnings)
