"""Imports over HTTP: NDJSON in, a result for each line out, while the rest is still arriving, without a job; anything
else in, a job out, and how far it is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.articles.bulk import queries, records
from app.articles.bulk.routes import FoundRecord
from app.changes.jobs import Json
from app.context import AppContext, Context, Publisher, RequestContext
from app.errors import BodyTooLarge
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.conditional import VARY
from app.http.openapi import describe_problems, describe_stream, describe_uncached
from app.importers.document import ParseContext
from app.importers.jobs import results, submission, upload_store
from app.importers.jobs.results import ResultParams
from app.importers.line_splitter import LineSplitter
from app.importers.ndjson_stream import Line, NdjsonImport
from app.importers.prepare import SENT
from app.importers.schemas import EXAMPLE as FINISHED
from app.importers.schemas import STARTED, Import
from app.sync.streaming_response import Streamed

router = APIRouter(prefix="/v1", tags=["importing"], route_class=ApiRoute)

PATH = "/v1/imports"
BATCH_LINES = 200
BATCH_BYTES = 8_000_000
PATIENCE_SECONDS = 0.2
"""How long a batch that is not full waits for more lines before it is saved and its results are sent."""

PREFER: dict[str, object] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async`: lines, too, are worked on as a job. What else is preferred is passed over.",
    "schema": {"type": "string"},
    "example": "respond-async",
}
EXAMPLE = (
    '{"line": 1, "outcome": "created", "id": 21, "slug": "how-asean-decides-without-ever-voting", '
    '"reason": null, "copy_of": 17, "notes": []}\n'
    '{"line": 2, "outcome": "failed", "id": null, "slug": null, "reason": "not a JSON object", "copy_of": null, '
    '"notes": []}\n'
    '{"summary": {"created": 1, "updated": 0, "unchanged": 0, "failed": 1}, "import": 12, "notes": [], '
    '"unknown_fields": {"layout": 1}, "unknown_regions": {}, "seq": "ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl"}\n'
)
_TEXT = {"schema": {"type": "string"}}
_DOCUMENT = {"$ref": "#/components/schemas/ImportDocument"}
BODY: dict[str, object] = {
    "required": True,
    "description": "What to import; lines at most 32 MB each. JSON with a `url` names an address to import from.",
    "content": {
        # First: programs that generate clients take the first type that they know how to send.
        submission.JSON: {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/ImportAddress"},
                    _DOCUMENT,
                    {"type": "array", "items": _DOCUMENT},
                ]
            },
            "example": [
                {"id": "a1", "title": "Why rivers meander", "body": "Water is faster on the outside of a bend."}
            ],
        },
        submission.LINES: {**_TEXT, "example": '{"id": "a1", "title": "Why rivers meander"}\n'},
        submission.FEED: {"schema": _DOCUMENT},
        **{kind: _TEXT for kind in submission.FORMATS if not kind.endswith("json")},
    },
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Import,
        "description": "The body is kept, and worked on as a job.",
        **describe_uncached(STARTED, 202, "Location", "Preference-Applied")[202],
    }
}


@router.post(
    "/imports",
    name="import_articles",
    summary="Import articles",
    response_class=Response,
    responses=describe_stream(submission.LINES, EXAMPLE, "X-Accel-Buffering")
    | ACCEPTED
    | describe_problems("invalid_range"),
    openapi_extra={"parameters": [PREFER], "requestBody": BODY},  # a stream, which no model describes
)
async def import_articles(
    request: Request, context: Context, view: Publisher, params: submission.ImportParams
) -> Response:
    """Creates or updates an article for each item, by its origin and external id. Twice changes nothing.

    Each line gets its result while others arrive. Any other format is kept and worked on as a job.
    """
    if not params.dry_run:
        context.db.condition.check()  # before a body of any size is received
    kind, drafts = submission.read_media_type(request), view.caller.has_scope("read_drafts")
    job_arguments = submission.read_arguments(request, kind, params) | upload_store.encode_authority(drafts)
    if job_arguments.get("format") != "ndjson" or kind != submission.LINES or submission.is_async(request):
        return await _respond_accepted(request, context, view, job_arguments, kind)
    submission.check_format(job_arguments)
    zone = ZoneInfo(submission.read_zone_name(params) or "UTC")
    now = await asyncio.to_thread(context.db.read_time)
    parsing = ParseContext(params.origin or SENT, zone, params.body_format, base_url=params.base_url, now=now)
    work = NdjsonImport(
        context, view.head, drafts, params.origin, parsing, params.dry_run, params.overwrite, view.caller.name
    )
    # X-Accel-Buffering is nginx's: without it the results would arrive when all of them are there.
    headers = {"Cache-Control": "no-store", "Vary": VARY, "X-Accel-Buffering": "no"}
    return Streamed(_stream_results(request, work), headers, submission.LINES)


async def _respond_accepted(
    request: Request, context: AppContext, view: RequestContext, job_arguments: Json, kind: str
) -> Response:
    """202 with the job, when all of the body is kept."""
    max_bytes = context.settings.max_import_bytes
    # Before anything is received; what comes in chunks and has no length is counted as it arrives.
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > max_bytes:  # Python refuses to read numbers of thousands of digits
        raise BodyTooLarge(max_bytes)
    head, pieces = await submission.peek_body(request.stream())
    address_arguments = (
        submission.read_address(head, job_arguments)
        if kind == submission.JSON and len(head) <= submission.MOST_JSON
        else None
    )
    if address_arguments is not None:
        view.caller.require_scope("admin")
        if not context.settings.import_private_addresses:
            submission.check_public(address_arguments["url"])
        job = (await context.db.write(upload_store.create_whole, address_arguments, view.caller.name, b"")).value
    else:
        submission.check_format(job_arguments)
        job = await submission.receive_body(context.db, pieces, max_bytes, job_arguments, view.caller.name)
    request.app.state.imports.wake()
    record = await queries.find(context.db, job)
    assert record is not None  # rows of jobs stay
    shape = await _render_import(context, view, record, ResultParams.parse(b"", view.now))
    response = responses.render_change(orjson.dumps(shape), view.token, status=202, location=f"{PATH}/{job}")
    if submission.is_async(request):
        response.headers["Preference-Applied"] = "respond-async"
    return response


@router.get(
    "/imports/{id}",
    name="get_import",
    summary="Read the record of an import or a bulk edit",
    response_model=Import,
    responses=describe_uncached(FINISHED)
    | describe_problems("not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
)
async def get_import(
    context: Context, view: Publisher, params: ResultParams, record: FoundRecord, response: Response
) -> Json:
    """The record of an import or a bulk edit: state, counts, whether it was undone. Needs `publish`, and `read_drafts`
    for a bulk edit, and for what an undo did.

    Of an import that ran as a job also what became of each item, in their order, until
    `DATELINE_IMPORT_RESULT_DAYS` after its end."""
    if record.kind == records.BULK:
        view.caller.require_scope("read_drafts")
    response.headers.update(responses.build_change_headers(view.token))
    return await _render_import(context, view, record, params)


async def _render_import(
    context: AppContext, view: RequestContext, record: queries.Record, params: ResultParams
) -> Json:
    drafts = view.caller.has_scope("read_drafts")
    days = context.settings.import_result_days
    rows, page = await results.load_page(context.db, record, params, days, drafts=drafts)
    return {**results.render_import(record, drafts=drafts), "results": rows, "page": page.to_dict()}


async def _stream_results(request: Request, work: NdjsonImport) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(_read_batches(request)) as batches:
            async for batch in batches:
                results = await work.save_lines(batch)
                if results:
                    yield b"\n".join(results) + b"\n"
        await work.end()
    finally:
        # Shielded: the server cancels what works for a client that has gone.
        await asyncio.shield(work.end(records.BROKEN_OFF))
    yield work.render_summary() + b"\n"


async def _read_batches(request: Request) -> AsyncGenerator[list[Line]]:
    """Lines with their numbers, blank ones left out. A body that breaks off raises ClientDisconnect, and what had not
    been given out by then is dropped."""
    lines, number, size = LineSplitter(), 0, 0
    batch: list[Line] = []
    pieces = request.stream()
    # A task of its own, which a timeout leaves running: cancelled, the stream's generator would be over.
    coming = asyncio.ensure_future(anext(pieces, None))
    try:
        while True:
            if not (await asyncio.wait({coming}, timeout=PATIENCE_SECONDS if batch else None))[0]:
                yield batch
                batch, size = [], 0
                continue
            piece = coming.result()
            for line in lines.feed(piece) if piece is not None else [lines.take_line()]:
                number += 1
                if not line.strip():
                    continue
                batch.append((number, line))
                size += len(line)
                if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
            if piece is None:
                break
            coming = asyncio.ensure_future(anext(pieces, None))
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, ClientDisconnect):
            await coming
    if batch:
        yield batch
