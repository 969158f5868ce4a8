"""Counts over time: `/v1/timeline` for charts, `/v1/trending` for what rises now."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, get_args

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.reading.filter_params import FilterParams
from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import FieldError, InvalidInput, InvalidValue
from app.http import csv_text, fast_path, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.times import Instant, format_time
from app.http.params.typed import Params
from app.regions.atlas import LEVELS
from app.search import schemas, timeline
from app.search.engine import GroupName
from app.search.params import QueryParams, ResolvedSearch, is_open_ended, resolve_search
from app.search.render import facets, trending
from app.search.routes import examples
from app.search.tantivy import index_schema
from app.search.vocabulary.names import Vocabulary

TrendName = Literal["tag", "region"]
GROUPS: tuple[GroupName, ...] = ("tag", "region", "author", "section", "language", "source")
router = APIRouter(prefix="/v1", tags=["search"], route_class=ApiRoute)


class SeriesParams(Params):
    """How a timeline is divided."""

    interval: Parameter[timeline.Interval] = parser.choice(
        "interval", "The length of a bucket; weeks begin on Monday.", get_args(timeline.Interval), "month"
    )
    group_by: Parameter[GroupName | None] = parser.choice(
        "group_by",
        "One series for each of the commonest values.",
        GROUPS,
    )
    region_level = parser.choices("region_level", "Which regions make series; `country` unless given.", LEVELS)
    group_limit = parser.integer(
        "group_limit", "How many series.", default=10, minimum=1, maximum=50, excess="limit_too_large"
    )


class TimelineParams(QueryParams, SeriesParams, csv_text.CsvParams):
    """Of a timeline."""


class WindowParams(Params):
    """What may rise, and within which time."""

    window = parser.text("window", "How long *now* lasts: `24h`, `7d`, `4w`.", maximum=8, example="7d")
    until = parser.time("until", "Where the window ends, for what rose then: a time, or a period with its end.")
    group_by: Parameter[TrendName] = parser.choice("group_by", "What rises.", get_args(TrendName), "tag")
    limit = parser.integer("limit", "How many.", default=10, minimum=1, maximum=50, excess="limit_too_large")


class TrendingParams(FilterParams, WindowParams):
    """Of what rises."""


_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
LONGEST_WINDOW = 366 * 86_400
Series = list[tuple[facets.Value, list[int]]]
"""Values with the counts of their buckets."""


@router.get(
    "/timeline",
    name="get_timeline",
    summary="Count articles over time",
    response_model=schemas.Timeline,
    responses=describe_item(examples.TIMELINE, csv_text.CONTENT, responses.WARNINGS)
    | describe_problems(
        "invalid_range", "limit_too_large", "offset_required", "unknown_region", "query_too_complex",
        "too_many_buckets", "not_acceptable", "index_behind",
    ),
)  # fmt: skip
@fast_path.declare
async def get_timeline(request: Request, context: Context, view: AnyCaller, params: TimelineParams) -> Response:
    """How many articles were published in each day, week, month or year, true to the calendar in any time zone.

    Buckets without articles are there too. Articles whose date is known less exactly than the interval are left out
    and counted in `too_coarse`, those without any date in `undated`. A date that is a day, a month or a year is counted
    in that period of the calendar, whatever the time zone.
    """
    shape = csv_text.choose_format(params)
    token, resolved = context.make_index_token(view), await resolve_search(context, view, params)
    interval = params.interval
    bounds = await _find_bounds(resolved, view, params)
    too_coarse = await resolved.index.count_coarse(resolved.question, interval)
    undated = await resolved.index.count_undated(resolved.question)
    bounds, counts = bounds.trim(await resolved.index.count_by_date(resolved.question, bounds, interval))
    total = sum(counts)
    series = await _count_series(context, view, params, resolved, bounds)
    tags, uses_now = ["list", "timeline"], params.uses_now or is_open_ended(params)
    # In threads: 50 series of 1,000 buckets are 4 MB.
    if shape == "csv":
        sheet = await asyncio.to_thread(_write_csv, bounds.exact, counts, series)
        return responses.render_csv(
            request, sheet, name="timeline", bom=params.bom, token=token, public=view.public,
            warnings=resolved.resolved_filter.warnings, tags=tags, uses_now=uses_now,
        )  # fmt: skip
    payload = {
        "interval": interval,
        "tz": str(params.tz),
        "buckets": timeline.render_buckets(bounds.exact, counts, total),
        "series": [],
        "too_coarse": too_coarse,
        "undated": undated,
        "warnings": resolved.resolved_filter.warnings,
    }
    body = (
        await asyncio.to_thread(_append_series, payload, series, bounds.exact, total)
        if series
        else orjson.dumps(payload)
    )
    return responses.render_item(request, body, token=token, public=view.public, tags=tags, uses_now=uses_now)


def _append_series(payload: dict[str, object], series: Series, bounds: Sequence[int], total: int) -> bytes:
    every = [{**row, "buckets": timeline.render_buckets(bounds, counts, total)} for row, counts in series]
    return orjson.dumps(payload | {"series": every})


async def _find_bounds(resolved: ResolvedSearch, view: RequestContext, params: TimelineParams) -> timeline.Edges:
    """From the dates asked for; where they are open from the first match, and to now."""
    spans = timeline.list_spans(resolved.question.filter)
    first = 0
    if spans[0][0] is None:
        first_match = await resolved.index.search(replace(resolved.question, order="published_at", limit=1))
        if not first_match.hits or first_match.hits[0].newest < index_schema.FIRST_DATED:
            return timeline.Edges()
        first = first_match.hits[0].newest >> index_schema.ID_BITS
    last = max(view.now, spans[0][0] if spans[0][0] is not None else first) + 1
    exact, calendar = ((first if s is None else s, last if e is None else e) for s, e in spans)
    return timeline.compute_edges(params.interval, params.tz, exact, calendar)


async def _count_series(
    context: AppContext, view: RequestContext, params: TimelineParams, resolved: ResolvedSearch, bounds: timeline.Edges
) -> Series:
    """The commonest values of the group, each with the counts of its buckets."""
    group, interval = params.group_by, params.interval
    if group is None or not bounds.exact:
        return []
    counts = await resolved.index.count_values(resolved.question, group, bounds, interval)
    sources = await context.sources() if group == "source" else {}
    among = _select_levels(view, params.region_level or ("country",)) if group == "region" else None
    vocabulary = await _load_names(resolved, view, group, counts)
    ranked = facets.rank_values(group, counts, view.atlas, vocabulary, sources, among)[: params.group_limit]
    groups = [(group, value) for value, _ in ranked]
    every = await resolved.index.count_groups_by_date(resolved.question, bounds, interval, groups)
    return [({**row, "total": sum(own)}, own) for (_, row), own in zip(ranked, every, strict=True)]


def _write_csv(bounds: Sequence[int], counts: list[int], series: Series) -> bytes:
    """One line a bucket, one column a series."""
    rows: list[list[object]] = [["start", "end", "count", *(row["name"] for row, _ in series)]]
    for i, (start, end) in enumerate(pairwise(bounds)):
        rows.append([format_time(start), format_time(end), counts[i], *(own[i] for _, own in series)])
    return csv_text.write_rows(rows)


@router.get(
    "/trending",
    name="get_trending",
    summary="What rises now against its own past",
    response_model=schemas.Trending,
    responses=describe_item(examples.TRENDING)
    | describe_problems("invalid_range", "limit_too_large", "offset_required", "unknown_region", "index_behind"),
)
@fast_path.declare
async def get_trending(request: Request, context: Context, view: AnyCaller, params: TrendingParams) -> Response:
    """Tags or regions with more articles in the window than their own past makes likely, the strongest first."""
    window = _parse_window(params.window or "7d")
    if wrong := [name for name in ("published_from", "published_to") if name in params.given_names]:
        detail = "Trends have the dates of their window: say where it ends by until."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in wrong))
    token, resolved = context.make_index_token(view), await resolve_search(context, view, params)
    group = params.group_by
    spans = trending.split_spans(_find_end(params, view.now), window)
    recent, past = await asyncio.gather(
        *(resolved.index.count_published(resolved.question, group, span) for span in spans)
    )
    vocabulary = await _load_names(resolved, view, group, recent.counts)
    # A continent holds them all: only what has an edge on the map, or a name in the news, rises.
    among = _select_levels(view, ("country", "city", "grouping")) if group == "region" else None
    names = dict(facets.rank_values(group, recent.counts, view.atlas, vocabulary, {}, among))
    rising = trending.find_rising(
        {int(v): n for v, n in recent.counts.items() if v in names},
        {int(v): n for v, n in past.counts.items()},
        recent.total,
        past.total,
        params.limit,
    )
    rows = [{**names[one.id], "count": one.count, "expected": one.expected, "score": one.score} for one in rising]
    payload = {"window": {"from": format_time(spans[0][0]), "to": format_time(spans[0][1])}, "data": rows,
             "warnings": resolved.resolved_filter.warnings}  # fmt: skip
    return responses.render_item(
        request, orjson.dumps(payload), token=token, public=view.public, tags=["list", "trending"],
        uses_now=params.until is None or spans[0][1] >= view.now or params.uses_now,
    )  # fmt: skip


def _find_end(params: TrendingParams, now: int) -> int:
    """Where the window ends: at the present minute, unless a time before it was asked for. InvalidInput for a window
    that has not begun to end: nobody knows what will rise."""
    until = params.until
    if until is None:
        return now - now % 60
    begins, ends = (until.at, until.at) if isinstance(until, Instant) else (until.start, until.end)
    if begins > now:
        raise InvalidInput(
            FieldError("invalid_range", "That time is in the future: a window ends now or in the past.", "until")
        )
    return min(ends, now - now % 60)


async def _load_names(resolved: ResolvedSearch, view: RequestContext, group: str, counts: facets.Counts) -> Vocabulary:
    """The vocabulary with the names of everything that was counted."""
    tags = [int(tag) for tag in counts] if group in ("tag", "author", "section") else []
    return await resolved.index.vocabulary.get(view.head, tags)


def _select_levels(view: RequestContext, levels: Sequence[str]) -> frozenset[int]:
    return frozenset(id for id, place in view.atlas.by_id.items() if place.level in levels)


def _parse_window(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _UNITS):
        raise InvalidValue("A window is a number and h, d or w: 24h, 7d, 4w.", "window")
    seconds = int(number) * _UNITS[unit]
    if not 0 < seconds <= LONGEST_WINDOW:
        raise InvalidValue("A window lasts from an hour to a year.", "window")
    return seconds
