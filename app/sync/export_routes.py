"""The export over HTTP. Everything that may fail does so before the first line; after that an answer that breaks off
lacks its last line."""

import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, asked, present
from app.articles.filters import PUBLISHED
from app.http.conditional import VARY
from app.http.openapi import problems
from app.http.params import Parameters
from app.sync import examples
from app.sync.export import Export
from app.sync.following import FILTERS
from app.sync.streaming import Streamed, described

router = APIRouter(prefix="/v1", tags=["following"])

MEDIA_TYPE = "application/x-ndjson"
EXPORT = Parameters(*FILTERS, *present.PARAMETERS)


@router.get(
    "/export",
    name="export_articles",
    response_class=Response,
    responses=described(MEDIA_TYPE, examples.EXPORT)
    | problems("missing_scope", "invalid_range", "offset_required", "unknown_field", "unknown_region"),
    openapi_extra={"parameters": EXPORT.openapi()},
)
async def export_articles(request: Request) -> Response:
    """All articles in full, one JSON object a line, in a shape that imports read. Follow on from `X-Seq`."""
    here = archive.of(request)
    # The head first: what changes while the lines are read is behind it.
    view = await here.view(request)
    read = EXPORT.read(request.scope["query_string"], int(time.time()))
    statuses = tuple(sorted(read.choices("status"))) or PUBLISHED
    if statuses != PUBLISHED:
        view.caller.demand("read_drafts")
    wanted = (await asked.resolve(here, view, read, statuses)).filter
    headers = {"Cache-Control": "no-store", "Vary": VARY, "X-Seq": view.token}
    return Streamed(Export(here, view, read, wanted).lines(), headers, MEDIA_TYPE, request)
