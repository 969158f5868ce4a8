"""The export over HTTP. Everything that may fail does so before the first line; after that a response that breaks off
lacks its last line."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.reading import filter_params
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.context import AnyCaller, Context
from app.http import csv_text, responses
from app.http.api_route import ApiRoute
from app.http.conditional import VARY
from app.http.openapi import describe_problems, describe_stream
from app.http.params import parser
from app.sync import examples
from app.sync.change_reader import ChangeFilter
from app.sync.exports.export import Export
from app.sync.streaming_response import Streamed

router = APIRouter(prefix="/v1", tags=["following"], route_class=ApiRoute)

MEDIA_TYPE = "application/x-ndjson"
_DESCRIBED = describe_stream(MEDIA_TYPE, examples.EXPORT, "X-Seq", responses.WARNINGS)
_DESCRIBED[200]["content"] |= csv_text.CONTENT


class ExportFormat(csv_text.CsvParams):
    """Of the export's form."""

    after = parser.integer(
        "after",
        "Only articles with a higher id: what is left of an export that broke off behind this one.",
        default=0,
        minimum=0,
        signs=False,
    )
    format = parser.text("format", "`ndjson` or `csv`.", maximum=20, example="csv")


class ExportParams(ChangeFilter, ArticleParts, ExportFormat):
    """Of the export."""


@router.get(
    "/export",
    name="export_articles",
    summary="Export the archive",
    response_class=Response,
    responses=_DESCRIBED
    | describe_problems(
        "missing_scope", "not_acceptable", "invalid_range", "offset_required", "unknown_field", "unknown_region"
    ),
)
async def export_articles(request: Request, context: Context, view: AnyCaller, params: ExportParams) -> Response:
    """All articles in full, one JSON object a line, in a shape that imports read. Follow on from `X-Seq`. Where it
    broke off, `after` goes on; follow on from the `X-Seq` of the first part then.

    `format=csv` is for spreadsheets: a line of names, then a line for each article.
    """
    # `view` has the head of the log: what changes while the lines are read is behind it.
    shape = csv_text.choose_format(params, ("ndjson", "csv"))
    resolved = await filter_params.resolve(context, view, params, params.check_statuses(view.caller))
    headers = {
        "Cache-Control": "no-store",
        "Vary": VARY,
        "X-Seq": view.token,
        **responses.render_warnings(resolved.warnings),
    }
    article_json.make_form(context, params, full=True)  # what it cannot show is said before the first line
    export = Export(context, view, params, resolved.filter, after=params.after)
    if shape == "csv":
        headers |= csv_text.name_file("export")
        return Streamed(export.sheet(bom=params.bom), headers, csv_text.MEDIA_TYPE, request)
    return Streamed(export.lines(), headers, MEDIA_TYPE, request)
