"""Following over HTTP: the change feed and the event stream. Reads only."""

import time
from collections.abc import AsyncGenerator

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, Context
from app.http import fast_path, responses
from app.http.api_route import ApiRoute
from app.http.conditional import VARY
from app.http.openapi import describe_problems, describe_stream, describe_uncached
from app.sync import examples, render, schemas, search_changes
from app.sync.change_reader import ChangeListParams, ChangeReader, StreamParams
from app.sync.change_rows import ChangeBatch
from app.sync.streaming_response import Streamed
from app.sync.watch import LogWatch

router = APIRouter(prefix="/v1", tags=["following"], route_class=ApiRoute)

LAST_EVENT_ID: dict[str, object] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "Sent by browsers when they come back; wins over `since`.",
    "schema": {"type": "string", "maxLength": 200},
}
PER_EVENTS = 100
RETRY_MILLISECONDS = 2000
_PROBLEMS = describe_problems(
    "missing_scope", "not_found", "cursor_expired", "filter_changed", "invalid_range", "offset_required",
    "unknown_field", "unknown_region",
)  # fmt: skip


def _watch(request: Request) -> LogWatch:
    watch = request.app.state.watch
    assert isinstance(watch, LogWatch)
    return watch


@router.get(
    "/changes",
    name="list_changes",
    summary="What has changed since a place in the log",
    response_model=schemas.ChangeList,
    responses=describe_uncached(examples.CHANGES) | _PROBLEMS | describe_problems("limit_too_large"),
)
@fast_path.declare
async def list_changes(request: Request, context: Context, view: AnyCaller, params: ChangeListParams) -> Response:
    """What has changed since a place, in the order in which it was committed. Ask again with `next`."""
    at = await search_changes.begin(request, context, view, params, params.since or "0")
    limit = params.limit
    deadline = time.monotonic() + params.wait
    seen = await at.look(limit)
    while not seen.told and not seen.more and await at.news(_watch(request), deadline):
        seen = await at.look(limit)
    told, seen = await render.render_changes(at, seen)
    place = seen.place.token
    tail = orjson.dumps({"next": place, "has_more": seen.more, "warnings": await at.list_warnings()})
    body = b'{"data":[' + b",".join(told) + b"]," + tail[1:]
    return Response(body, headers=_headers(place), media_type="application/json")


def _headers(place: str) -> dict[str, str]:
    return {"Cache-Control": "no-store", "Vary": VARY, "X-Seq": place}


@router.get(
    "/changes/stream",
    name="stream_changes",
    summary="Changes as server-sent events",
    response_class=Response,
    responses=describe_stream("text/event-stream", examples.STREAM, "X-Seq", "X-Accel-Buffering") | _PROBLEMS,
    openapi_extra={"parameters": [LAST_EVENT_ID]},
)
async def stream_changes(request: Request, context: Context, view: AnyCaller, params: StreamParams) -> Response:
    """The changes as server-sent events, from now on unless told otherwise. Each `id` is a place to resume from."""
    since = request.headers.get("last-event-id") or params.since or "now"
    at = await search_changes.begin(request, context, view, params, since)
    headers = _headers(at.place.token) | {"X-Accel-Buffering": "no"}
    headers |= responses.render_warnings(await at.list_warnings())
    return Streamed(_events(at, _watch(request)), headers, "text/event-stream")


async def _events(at: ChangeReader, watch: LogWatch) -> AsyncGenerator[bytes]:
    """Ends with the client or the server. At most one look's events are in memory, and none while it waits."""
    yield b"retry: %d\nid: %s\n\n" % (RETRY_MILLISECONDS, at.place.token.encode())
    while True:
        beat = time.monotonic() + watch.beat
        seen = await at.look(PER_EVENTS)
        if seen.told:
            events, seen = await _batch(at, seen)
            yield events
        while not seen.more and not await at.news(watch, beat):
            if watch.ending() or await at.request.is_disconnected():
                return
            # The id alone raises no event in the client, but it resumes from there.
            yield b"id: %s\n\n" % at.place.token.encode()
            beat = time.monotonic() + watch.beat
            await at.renew()


async def _batch(at: ChangeReader, seen: ChangeBatch) -> tuple[bytes, ChangeBatch]:
    """The events, and what was seen up to the last of them. That one bears the place behind all that was examined, the
    others their own."""
    told, seen = await render.render_changes(at, seen)
    ids = [at.name_place(one).token for one in seen.told[:-1]] + [seen.place.token]
    events = (b"id: %s\ndata: %s\n\n" % (id.encode(), data) for id, data in zip(ids, told, strict=True))
    return b"".join(events), seen
