"""Following over HTTP: the change feed and the event stream. Reads only."""

import time
from collections.abc import AsyncGenerator

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.render import article_json
from app.db.log_position import LogPosition
from app.http import fast_path, responses
from app.http.conditional import VARY
from app.http.openapi import describe_problems
from app.http.params import parser
from app.http.params.parser import Parameters, Read
from app.sync import change_reader, examples, render, schemas
from app.sync.change_reader import FILTERS, ChangeBatch, ChangeReader
from app.sync.streaming_response import Streamed, describe_stream
from app.sync.watch import LogWatch

router = APIRouter(prefix="/v1", tags=["following"])

SINCE = "A token from `next`, `seq`, `X-Seq`; `0`: from the beginning; `now`: only what comes."
INCLUDE = parser.fields(
    "include", "Adds `card`, the article as it is now or null; body and the like go into it.",
    ("article", *article_json.INCLUDES),
)  # fmt: skip
_SHOWN = tuple(INCLUDE if shown.name == "include" else shown for shown in article_json.PARAMETERS)
CHANGES = Parameters(
    *FILTERS,
    parser.text("since", SINCE, maximum=200, example="now", signs=False),
    parser.limit(500, 1000),
    parser.integer("wait", "Hold the response up to so many seconds until there is news.", default=0, minimum=0,
                   maximum=60, signs=False),
    *_SHOWN,
)  # fmt: skip
STREAM = Parameters(*FILTERS, parser.text("since", SINCE, maximum=200, example="now", signs=False), *_SHOWN)
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
    "missing_scope", "cursor_expired", "filter_changed", "invalid_range", "offset_required", "unknown_field",
    "unknown_region",
)  # fmt: skip


def _watch(request: Request) -> LogWatch:
    watch = request.app.state.watch
    assert isinstance(watch, LogWatch)
    return watch


@router.get(
    "/changes",
    name="list_changes",
    response_model=schemas.ChangeList,
    responses=responses.document_example(examples.CHANGES) | _PROBLEMS | describe_problems("limit_too_large"),
    openapi_extra={"parameters": CHANGES.openapi()},
)
@fast_path.declare
async def list_changes(request: Request) -> Response:
    """What has changed since a place, in the order in which it was committed. Ask again with `next`."""
    at = await change_reader.begin(request, CHANGES, lambda read: read.text("since") or "0")
    limit, wait = at.read.integer("limit"), at.read.integer("wait")
    deadline = time.monotonic() + wait
    seen = await at.look(limit)
    while not seen.told and not seen.more and await at.news(_watch(request), deadline):
        seen = await at.look(limit)
    told, seen = await render.render_changes(at, seen)
    place = seen.place.token
    tail = orjson.dumps({"next": place, "has_more": seen.more})
    body = b'{"data":[' + b",".join(told) + b"]," + tail[1:]
    return Response(body, headers=_headers(place), media_type="application/json")


def _headers(place: str) -> dict[str, str]:
    return {"Cache-Control": "no-store", "Vary": VARY, "X-Seq": place}


def _read_position(request: Request, read: Read) -> str:
    return request.headers.get("last-event-id") or read.text("since") or "now"


@router.get(
    "/changes/stream",
    name="stream_changes",
    response_class=Response,
    responses=describe_stream("text/event-stream", examples.STREAM) | _PROBLEMS,
    openapi_extra={"parameters": [*STREAM.openapi(), LAST_EVENT_ID]},
)
async def stream_changes(request: Request) -> Response:
    """The changes as server-sent events, from now on unless told otherwise. Each `id` is a place to resume from."""
    at = await change_reader.begin(request, STREAM, lambda read: _read_position(request, read))
    headers = _headers(at.place.token) | {"X-Accel-Buffering": "no"}
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
    rows = [one.row for one in seen.told]
    ids = [LogPosition(seen.place.epoch, row.seq, row.mark).token for row in rows[:-1]] + [seen.place.token]
    events = (b"id: %s\ndata: %s\n\n" % (id.encode(), data) for id, data in zip(ids, told, strict=True))
    return b"".join(events), seen
