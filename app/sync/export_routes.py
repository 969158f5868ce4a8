"""The export over HTTP. Everything that may fail does so before the first line; after that a response that breaks off
lacks its last line."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.filters import PUBLISHED
from app.articles.reading import filter_params
from app.articles.render import article_json
from app.context import AnyCaller, Context
from app.http import csv_text, responses
from app.http.conditional import VARY
from app.http.openapi import describe_problems
from app.http.params import parser
from app.http.params.parser import Parameters
from app.sync import examples
from app.sync.change_reader import FILTERS
from app.sync.export import Export
from app.sync.streaming_response import Streamed, describe_stream

router = APIRouter(prefix="/v1", tags=["following"])

MEDIA_TYPE = "application/x-ndjson"
FORMAT = parser.text("format", "`ndjson` or `csv`.", maximum=20, example="csv")
_DESCRIBED = describe_stream(MEDIA_TYPE, examples.EXPORT)
_DESCRIBED[200]["content"] |= csv_text.CONTENT
EXPORT = Parameters(*FILTERS, *article_json.PARAMETERS, FORMAT)


@router.get(
    "/export",
    name="export_articles",
    response_class=Response,
    responses=_DESCRIBED
    | describe_problems(
        "missing_scope", "not_acceptable", "invalid_range", "offset_required", "unknown_field", "unknown_region"
    ),
    openapi_extra={"parameters": EXPORT.openapi()},
)
async def export_articles(request: Request, context: Context, view: AnyCaller) -> Response:
    """All articles in full, one JSON object a line, in a shape that imports read. Follow on from `X-Seq`.

    `format=csv` is for spreadsheets: a line of names, then a line for each article.
    """
    # `view` has the head of the log: what changes while the lines are read is behind it.
    read = EXPORT.read(request.scope["query_string"], view.now)
    shape = csv_text.choose_format(read, ("ndjson", "csv"))
    statuses = tuple(sorted(read.choices("status"))) or PUBLISHED
    if statuses != PUBLISHED:
        view.caller.require_scope("read_drafts")
    resolved = await filter_params.resolve(context, view, read, statuses)
    headers = {
        "Cache-Control": "no-store",
        "Vary": VARY,
        "X-Seq": view.token,
        **responses.render_warnings(resolved.warnings),
    }
    export = Export(context, view, read, resolved.filter)
    if shape == "csv":
        return Streamed(export.sheet(), headers, csv_text.MEDIA_TYPE, request)
    return Streamed(export.lines(), headers, MEDIA_TYPE, request)
