"""The archive in numbers over HTTP: each with the request that lists it, and tables of one dimension by another.

What is published is counted in the index, as of one commit of it, and what is not in SQL, as of one moment. Who may not
see drafts is told nothing of them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.filters import HAS
from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import FieldError, InvalidInput, TooManyBuckets
from app.http import csv_text, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.times import Period, read_time
from app.http.params.typed import AsOf, Params
from app.regions.atlas import LEVELS
from app.search.engine import Overview
from app.search.index import EngineIndex
from app.search.params import QueryParams, is_open_ended, resolve_search
from app.search.stats import axes, schemas, unpublished
from app.search.stats.axes import MOST_CELLS, Dimension, MatrixLine
from app.search.stats.unpublished import UnpublishedNumbers
from app.search.vocabulary.names import Vocabulary
from app.tags.service import KINDS

router = APIRouter(prefix="/v1", tags=["search"], route_class=ApiRoute)

Json = dict[str, object]
TAG_KINDS = ",".join(kind for kind in KINDS if kind != "contributor")
STATES = ("draft", "scheduled", "withdrawn", "trashed")


class StatsParams(csv_text.CsvParams, AsOf):
    """Of the archive in numbers."""

    days = parser.integer("days", "How many days, up to today.", default=30, maximum=366, excess="limit_too_large")
    authors = parser.integer(
        "authors", "How many authors of drafts, those with the most first.", default=20, maximum=100,
        excess="limit_too_large",
    )  # fmt: skip
    tz = parser.TZ


class AxisParams(Params):
    """What is told by what."""

    rows: Parameter[Dimension] = Parameter(
        "rows", "choice", "What has a row for each of its values.", "region", axes.DIMENSIONS, required=True
    )
    columns: Parameter[Dimension] = Parameter(
        "columns", "choice", "What has a column for each.", "month", axes.DIMENSIONS, required=True
    )
    rows_limit = parser.integer("rows_limit", "Only the commonest of the values.", maximum=MOST_CELLS)
    columns_limit = parser.integer("columns_limit", "Only the commonest of the values.", maximum=MOST_CELLS)
    region_level = parser.choices("region_level", "Which regions have a line; `country` unless given.", LEVELS)


class MatrixParams(QueryParams, AxisParams, csv_text.CsvParams, AsOf):
    """Of a cross-tabulation."""


@router.get(
    "/stats",
    name="get_stats",
    summary="Read the numbers of the archive",
    response_model=schemas.Stats,
    responses=describe_item(schemas.STATS, csv_text.CONTENT)
    | describe_problems("limit_too_large", "not_acceptable", "seq_unknown", "index_behind"),
)
async def get_stats(request: Request, context: Context, view: AnyCaller, params: StatsParams) -> Response:
    """The archive in numbers, each with the request that lists what it counts: what is published, what has or lacks
    what, tags that are used once, what came, changed and was withdrawn day by day, and drafts by author. What is not
    published is for keys with `read_drafts`."""
    shape = csv_text.choose_format(params)
    index = context.index
    assert isinstance(index, EngineIndex)
    index.check_built()
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    days = _list_days(params, view.now)
    edges = (*(period.start for _, period in days), days[-1][1].end)
    key = ("overview", edges, index.seq())
    overview = context.memo.get(view.head, key)
    if not isinstance(overview, Overview):
        overview = await index.count_overview(edges, view.head)
        context.memo.put(view.head, key, overview)
    hidden = None
    if view.caller.has_scope("read_drafts"):
        hidden = await asyncio.to_thread(unpublished.count_unpublished, context.db, edges, params.authors)
    vocabulary = await index.vocabulary.get(view.head, overview.tags)
    numbers = _render_stats(overview, hidden, vocabulary, [day for day, _ in days], str(params.tz))
    stats = _add_root_path(numbers, view.root_path)
    tags = ["list", "stats"]
    if shape == "csv":
        sheet = csv_text.write_rows(_list_numbers(stats))
        return responses.render_csv(
            request, sheet, name="stats", bom=params.bom, token=token, public=view.public, tags=tags, uses_now=True
        )
    return responses.render_item(
        request, orjson.dumps(stats), token=token, public=view.public, tags=tags, uses_now=True
    )


def _list_days(params: StatsParams, now: int) -> list[tuple[str, Period]]:
    """The last days up to today in `tz`, with when they begin and end."""
    today = datetime.fromtimestamp(now, UTC).astimezone(params.tz).date()
    names = [(today - timedelta(days=back)).isoformat() for back in range(params.days - 1, -1, -1)]
    periods = ((name, read_time(name, params.tz, now)) for name in names)
    return [(name, period) for name, period in periods if isinstance(period, Period)]


def _number(count: int, path: str, **query: object) -> Json:
    return {"count": count, "request": f"{path}?{urlencode(query, safe=',')}" if query else path}


_articles = partial(_number, path="/v1/articles")
_tags = partial(_number, path="/v1/tags")


def _render_stats(
    overview: Overview, hidden: UnpublishedNumbers | None, vocabulary: Vocabulary, days: Sequence[str], tz: str
) -> Json:
    total, zone = overview.total, {} if tz == "UTC" else {"tz": tz}
    own = vocabulary.tags["tag"] | vocabulary.tags["section"]
    uses = [count for tag, count in overview.tags.items() if tag in own]
    withdrawn = [None] * len(days) if hidden is None else hidden.withdrawn
    # A key with an entitlement is not told what articles have by others, which it may not see.
    having = [(word, overview.having[word]) for word in HAS if word in overview.having]

    def count_day(name: str, day: str, count: int | None) -> Json | None:
        return None if count is None else _articles(count, **{f"{name}_from": day, f"{name}_to": day}, **zone)

    return {
        "tz": tz,
        "published": _articles(total),
        "having": {word: _articles(count, has=word) for word, count in having},
        "lacking": {word: _articles(total - count, has_not=word) for word, count in having},
        "tags": {
            "used": _tags(len(uses), min_articles=1, kind=TAG_KINDS),
            "used_once": _tags(uses.count(1), min_articles=1, max_articles=1, kind=TAG_KINDS),
        },
        "days": [
            {
                "day": day,
                "created": count_day("created", day, overview.created[i]),
                "updated": count_day("updated", day, overview.updated[i]),
                "withdrawn": count_day("withdrawn", day, withdrawn[i]),
            }
            for i, day in enumerate(days)
        ],
        "unpublished": None if hidden is None else _render_unpublished(hidden),
    }


def _add_root_path(stats: Json, root_path: str) -> Json:
    """The same numbers with requests as the client sends them."""
    return {name: _add_to_value(name, value, root_path) for name, value in stats.items()}


def _add_to_value(name: str, value: object, root_path: str) -> object:
    if isinstance(value, dict):
        return _add_root_path(value, root_path)
    if isinstance(value, list):
        return [_add_to_value("", one, root_path) for one in value]
    return f"{root_path}{value}" if name == "request" else value


def _render_unpublished(hidden: UnpublishedNumbers) -> Json:
    return {
        **{state: _articles(hidden.states.get(state, 0), status=state) for state in STATES},
        "drafts_by_author": [
            {"value": one.slug, "name": one.name, **_articles(one.count, status="draft", author=one.slug)}
            for one in hidden.drafts_by_author
        ],
        "drafts_without_author": _articles(hidden.drafts_without_author, status="draft", has_not="author"),
    }


def _list_numbers(stats: Json) -> Iterable[Sequence[object]]:
    """One line a number: what it counts, the word, day or author, and the request."""
    yield ["number", "value", "name", "count", "request"]
    for name, value in stats.items():
        yield from _list_lines(name, value)


def _list_lines(name: str, value: object) -> Iterable[Sequence[object]]:
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, dict):
            continue
        if "count" in row:
            yield [name, row.get("value"), row.get("name"), row["count"], row["request"]]
            continue
        for word, below in row.items():
            if isinstance(below, dict) and "count" in below:
                day = row.get("day")
                yield [name, day or word, word if day else None, below["count"], below["request"]]
            elif isinstance(below, list):
                yield from _list_lines(word, below)


@router.get(
    "/matrix",
    name="get_matrix",
    summary="Count articles by rows and columns",
    response_model=schemas.MatrixTable,
    responses=describe_item(schemas.MATRIX, csv_text.CONTENT)
    | describe_problems(
        "invalid_range", "offset_required", "unknown_region", "query_too_complex", "too_many_buckets",
        "not_acceptable", "seq_unknown", "index_behind",
    ),
)  # fmt: skip
async def get_matrix(request: Request, context: Context, view: AnyCaller, params: MatrixParams) -> Response:
    """How many published articles are in each row and column both, within any filters of a search: regions by month,
    tags by author. At most 10,000 cells."""
    shape = csv_text.choose_format(params)
    _check_axes(params)
    context.index.check_built()
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    table = await _count_matrix(context, view, params)
    warnings, tags, uses_now = table["warnings"], ["list", "matrix"], _uses_now(params)
    assert isinstance(warnings, list)
    if shape == "csv":
        sheet = await asyncio.to_thread(_write_matrix, table)
        return responses.render_csv(
            request, sheet, name="matrix", bom=params.bom, token=token, public=view.public, warnings=warnings,
            tags=tags, uses_now=uses_now,
        )  # fmt: skip
    return responses.render_item(
        request, orjson.dumps(table), token=token, public=view.public, tags=tags, uses_now=uses_now
    )


def _uses_now(params: MatrixParams) -> bool:
    """Periods without an end go on to the present one."""
    has_periods = params.rows in axes.INTERVALS or params.columns in axes.INTERVALS
    return params.uses_now or (has_periods and is_open_ended(params))


def _check_axes(params: MatrixParams) -> None:
    both = [params.rows, params.columns]
    if both[0] == both[1] or all(one in axes.INTERVALS for one in both):
        detail = "Rows and columns are two dimensions, one of them of time at most."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in ("rows", "columns")))
    for name, dimension in (("rows_limit", params.rows), ("columns_limit", params.columns)):
        if name in params.given_names and dimension in axes.INTERVALS:
            detail = f"Periods are all there: narrow a {dimension} by published_from and published_to."
            raise InvalidInput(FieldError("invalid_range", detail, name))
    if params.region_level and "region" not in both:
        detail = "No rows or columns are regions: leave it out, or ask for rows=region or columns=region."
        raise InvalidInput(FieldError("invalid_range", detail, "region_level"))


async def _count_matrix(context: AppContext, view: RequestContext, params: MatrixParams) -> Json:
    resolved = await resolve_search(context, view, params)
    interval = axes.INTERVALS.get(params.rows) or axes.INTERVALS.get(params.columns)
    question = axes.limit_precision(resolved.question, interval)
    levels = params.region_level or ("country",)
    make = partial(
        axes.make_axis, levels=levels, atlas=view.atlas, vocabulary=resolved.vocabulary, zone=params.tz,
        question=question, now=view.now,
    )  # fmt: skip
    rows, columns = make(params.rows, params.rows_limit), make(params.columns, params.columns_limit)
    try:
        counted = await resolved.index.count_matrix(question, rows, columns, MOST_CELLS)
    except TooManyBuckets as error:  # of its periods alone
        raise TooManyBuckets(str(error.detail), "rows" if params.rows in axes.INTERVALS else "columns") from error
    if len(counted.rows) * len(counted.columns) > MOST_CELLS:
        raise TooManyBuckets(_say_how_to_narrow(params, len(counted.rows), len(counted.columns)), "rows")
    tags = [int(value) for lines in (counted.rows, counted.columns) for value, _ in lines if isinstance(value, int)]
    vocabulary = await resolved.index.vocabulary.get(view.head, tags)
    sources = await context.sources() if "source" in (params.rows, params.columns) else {}
    name = partial(axes.name_lines, edges=counted.edges, atlas=view.atlas, vocabulary=vocabulary, sources=sources)
    lines = name(params.rows, counted.rows)
    cells = counted.cells or [[] for _ in lines]
    return {
        "rows": params.rows,
        "columns": params.columns,
        "tz": str(params.tz),
        "column_values": name(params.columns, counted.columns),
        "data": [{**line, "cells": own} for line, own in zip(lines, cells, strict=True)],
        "total": counted.total,
        "too_coarse": counted.too_coarse,
        "undated": counted.undated,
        "warnings": resolved.resolved_filter.warnings,
    }


def _say_how_to_narrow(params: MatrixParams, rows: int, columns: int) -> str:
    ways = [
        f"{name}_limit"
        for name, dimension in (("rows", params.rows), ("columns", params.columns))
        if dimension not in axes.INTERVALS
    ]
    if any(one in ("day", "week", "month") for one in (params.rows, params.columns)):
        ways.append("longer periods")
    return (
        f"{rows:,} rows and {columns:,} columns are more than {MOST_CELLS:,} cells. Narrow it by {', '.join(ways)}, "
        "published_from and published_to, or any other filter."
    )


def _write_matrix(table: Json) -> bytes:
    """A line for each row, and the totals of the columns last."""
    columns, data = table["column_values"], table["data"]
    assert isinstance(columns, list)
    assert isinstance(data, list)
    rows: list[Sequence[object]] = [["value", "name", *_list_names(columns), "total"]]
    rows += [[row["value"], row["name"], *row["cells"], row["total"]] for row in data]
    rows.append(["total", "", *(column["total"] for column in columns), table["total"]])
    return csv_text.write_rows(rows)


def _list_names(columns: Sequence[MatrixLine]) -> list[str]:
    return [column["name"] for column in columns]
