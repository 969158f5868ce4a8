"""Imports over HTTP: NDJSON in, a result for each line out, while the rest is still arriving. Keeps no job."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.articles import archive
from app.errors import UnsupportedMediaType
from app.http import params
from app.http.conditional import VARY
from app.http.openapi import problems
from app.http.params import Parameters
from app.importers.arriving import Arriving, Line
from app.importers.lines import Lines
from app.sync.streaming import Streamed, described

router = APIRouter(prefix="/v1", tags=["importing"])

PATH = "/v1/imports"
MEDIA_TYPE = "application/x-ndjson"
BATCH_LINES = 200
BATCH_BYTES = 8_000_000
PATIENCE_SECONDS = 0.2
"""How long a batch that is not full waits for more lines before it is saved and answered for."""

IMPORT = Parameters(
    params.text("origin", "The archive that the items come from, whatever they say.", maximum=200, example="wire"),
    params.flag("dry_run", "Say what would happen, and change nothing."),
)
EXAMPLE = (
    '{"line": 1, "outcome": "created", "id": 42, "slug": "how-the-danube-commission-keeps-a-river-open", '
    '"reason": null}\n{"line": 2, "outcome": "failed", "id": null, "slug": null, "reason": "not a JSON object"}\n'
    '{"summary": {"created": 1, "updated": 0, "unchanged": 0, "failed": 1}, "seq": "ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl"}'
    "\n"
)


@router.post(
    "/imports",
    name="import_articles",
    response_class=Response,
    responses=described(MEDIA_TYPE, EXAMPLE) | problems("missing_scope", "unsupported_media_type"),
    openapi_extra={
        "parameters": IMPORT.openapi(),
        "requestBody": {
            "required": True,
            "description": "One article a line, at most 32 MB each.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": '{"id": "a1", "title": "…"}\n'}},
        },
    },
)
async def import_articles(request: Request) -> Response:
    """Creates or updates an article for each line, by its origin and external id. Twice changes nothing."""
    here = archive.of(request)
    view = await here.view(request)
    view.caller.demand("publish")
    read = IMPORT.read(request.scope["query_string"], view.now)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise UnsupportedMediaType([MEDIA_TYPE])
    work = Arriving(here, view.head, read.text("origin"), read.flag("dry_run"))
    headers = {"Cache-Control": "no-store", "Vary": VARY, "X-Accel-Buffering": "no"}
    return Streamed(_results(request, work), headers, MEDIA_TYPE)


async def _results(request: Request, work: Arriving) -> AsyncGenerator[bytes]:
    async with aclosing(_batches(request)) as batches:
        async for batch in batches:
            found = await work.take(batch)
            if found:
                yield b"\n".join(found) + b"\n"
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
