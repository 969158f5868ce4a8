"""Imports over HTTP: NDJSON in, a result for each line out, while the rest is still arriving, without a job; anything
else in, a job out, and how far it is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.bulk import lookup, queries, records
from app.bulk.queries import Record
from app.bulk.records import BULK
from app.changes.jobs import Json
from app.context import AppContext, RequestContext, get_context
from app.errors import BodyTooLarge
from app.http import responses
from app.http.conditional import VARY
from app.http.openapi import describe_problems
from app.http.params import parser
from app.http.params.parser import Parameters, Read
from app.http.schemas import JOB_ID as ID
from app.importers import sources
from app.importers.document import BodyKind, Context, Identity
from app.importers.jobs import results, submission, upload_store
from app.importers.jobs.submission import FORMATS, JSON, LINES, MOST_JSON
from app.importers.line_splitter import Lines
from app.importers.ndjson_stream import Arriving, Line
from app.importers.prepare import SENT
from app.importers.schemas import EXAMPLE as FINISHED
from app.importers.schemas import STARTED, Import
from app.sync.streaming_response import Streamed, describe_stream

router = APIRouter(prefix="/v1", tags=["importing"])

PATH = "/v1/imports"
BATCH_LINES = 200
BATCH_BYTES = 8_000_000
PATIENCE_SECONDS = 0.2
"""How long a batch that is not full waits for more lines before it is saved and answered for."""

IMPORTED = Parameters(
    parser.choice("outcome", "Only results of this kind.", results.OUTCOMES), parser.limit(), parser.CURSOR
)
IMPORT = Parameters(
    parser.choice("format", "What the body is, where its type does not say enough.", sources.NAMES),
    parser.text("origin", "The archive that the items come from, whatever they say.", maximum=200, example="wire"),
    parser.text("timezone", "The zone of dates without one; UTC unless given.", maximum=60, example="Europe/Brussels"),
    parser.text(
        "base_url",
        "The address of the site that the items were written for, which relative addresses count from.",
        maximum=2_000,
        example="https://news.example",
    ),
    parser.choice("body", "What texts are where the source does not say.", get_args(BodyKind)),
    parser.flag("source_dates", "Give articles without a date of their own that of their feed or file."),
    parser.choice(
        "identity", "What entries of feeds are known by; the first of them that is one's own.", get_args(Identity)
    ),
    parser.flag("dry_run", "Say what would happen, and change nothing."),
    parser.flag("overwrite", "Where a property was edited here and the source differs, take what the source says."),
)
PREFER: dict[str, object] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async`: lines, too, are worked on as a job. What else is preferred is passed over.",
    "schema": {"type": "string"},
    "example": "respond-async",
}
EXAMPLE = (
    '{"line": 1, "outcome": "created", "id": 42, "slug": "how-the-danube-commission-keeps-a-river-open", '
    '"reason": null, "copy_of": 17, "notes": []}\n'
    '{"line": 2, "outcome": "failed", "id": null, "slug": null, "reason": "not a JSON object", "copy_of": null, '
    '"notes": []}\n'
    '{"summary": {"created": 1, "updated": 0, "unchanged": 0, "failed": 1}, "import": 12, "notes": [], '
    '"seq": "ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl"}\n'
)
_TEXT = {"schema": {"type": "string"}}
BODY: dict[str, object] = {
    "required": True,
    "description": "What to import; lines at most 32 MB each. JSON with a `url` names an address to import from.",
    "content": {
        **dict.fromkeys((kind for kind in FORMATS if kind not in (LINES, JSON)), _TEXT),
        LINES: {**_TEXT, "example": '{"id": "a1", "title": "…"}\n'},
        JSON: {"schema": {"anyOf": [{"$ref": "#/components/schemas/ImportAddress"}, {"type": ["object", "array"]}]}},
    },
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Import,
        "description": "The body is kept, and worked on as a job.",
        "headers": responses.LOCATION,
        "content": {"application/json": {"example": STARTED}},
    }
}


@router.post(
    "/imports",
    name="import_articles",
    response_class=Response,
    responses=describe_stream(LINES, EXAMPLE)
    | ACCEPTED
    | describe_problems("malformed_json", "missing_scope", "unsupported_media_type", "body_too_large", "invalid_range"),
    openapi_extra={"parameters": [*IMPORT.openapi(), PREFER], "requestBody": BODY},
)
async def import_articles(request: Request) -> Response:
    """Creates or updates an article for each item, by its origin and external id. Twice changes nothing.

    Lines are answered for one by one while they arrive. Any other format is kept and worked on as a job.
    """
    here = get_context(request)
    view = await here.view(request)
    view.caller.require_scope("publish")
    read = IMPORT.read(request.scope["query_string"], view.now)
    kind = submission.media_type(request)
    given = submission.arguments(request, kind, read) | upload_store.authority(view.caller.has_scope("read_drafts"))
    if given.get("format") == "ndjson" and kind == LINES and not submission.is_async(request):
        submission.check_format(given)
        zone = ZoneInfo(submission.zone(read) or "UTC")
        now = await asyncio.to_thread(here.db.read_time)
        body_kind, base_url = cast("BodyKind | None", given.get("body")), cast("str | None", given.get("base_url"))
        context = Context(read.text("origin") or SENT, zone, body_kind, base_url=base_url, now=now)
        drafts = view.caller.has_scope("read_drafts")
        work = Arriving(
            here, view.head, drafts, read.text("origin"), context, read.flag("dry_run"), read.flag("overwrite"),
            view.caller.name,
        )  # fmt: skip
        headers = {"Cache-Control": "no-store", "Vary": VARY, "X-Accel-Buffering": "no"}
        return Streamed(_results(request, work), headers, LINES)
    return await _accepted(request, here, view, given, kind)


async def _accepted(request: Request, here: AppContext, view: RequestContext, given: Json, kind: str) -> Response:
    """202 with the job, when all of the body is kept."""
    most = here.settings.max_import_bytes
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > most:
        raise BodyTooLarge(most)
    head, pieces = await submission.opening(request.stream())
    named = submission.address(head, given) if kind == JSON and len(head) <= MOST_JSON else None
    if named is not None:
        view.caller.require_scope("admin")
        job = (await here.db.write(upload_store.whole, named, view.caller.name, b"")).value
    else:
        submission.check_format(given)
        job = await submission.receive(here.db, pieces, most, given, view.caller.name)
    request.app.state.imports.wake()
    found = await queries.find(here.db, job)
    assert found is not None  # rows of jobs stay
    shown = await _shown(here, view, found, IMPORTED.read(b"", view.now))
    answered = responses.render_change(shown, view.token, status=202, location=f"{PATH}/{job}")
    if submission.is_async(request):
        answered.headers["Preference-Applied"] = "respond-async"
    return answered


@router.get(
    "/imports/{id}",
    name="get_import",
    response_model=Import,
    responses=responses.document_example(FINISHED)
    | describe_problems("missing_scope", "not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
    openapi_extra={"parameters": [ID, *IMPORTED.openapi()]},
)
async def get_import(request: Request) -> Response:
    """The record of an import or a bulk edit: state, counts, whether it was undone. Needs `publish`, and `read_drafts`
    for a bulk edit, and for what an undo did.

    Of an import that ran as a job also what became of each item, in their order, until 30 days after its end."""
    here = get_context(request)
    view = await here.view(request)
    view.caller.require_scope("publish")
    read = IMPORTED.read(request.scope["query_string"], view.now)
    found = await lookup.find(here, request)
    if found.kind == BULK:
        view.caller.require_scope("read_drafts")
    return responses.render_change(await _shown(here, view, found, read), view.token)


async def _shown(here: AppContext, view: RequestContext, found: Record, read: Read) -> bytes:
    drafts = view.caller.has_scope("read_drafts")
    rows, page = await results.page(here.db, found, read, drafts=drafts)
    return orjson.dumps({**results.shown(found, drafts=drafts), "results": rows, "page": page.to_dict()})


async def _results(request: Request, work: Arriving) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(_batches(request)) as batches:
            async for batch in batches:
                found = await work.take(batch)
                if found:
                    yield b"\n".join(found) + b"\n"
        await work.end()
    finally:
        # Shielded: the server cancels what works for a client that has gone.
        await asyncio.shield(work.end(records.BROKEN_OFF))
    yield work.summary() + b"\n"


async def _batches(request: Request) -> AsyncGenerator[list[Line]]:
    """Lines with their numbers, blank ones left out. A body that breaks off raises ClientDisconnect, and what had not
    been given out by then is dropped."""
    lines, number, size = Lines(), 0, 0
    batch: list[Line] = []
    pieces = request.stream()
    coming = asyncio.ensure_future(anext(pieces, None))
    try:
        while True:
            if not (await asyncio.wait({coming}, timeout=PATIENCE_SECONDS if batch else None))[0]:
                yield batch
                batch, size = [], 0
                continue
            piece = coming.result()
            for line in lines.feed(piece) if piece is not None else [lines.rest()]:
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
