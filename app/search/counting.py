"""Counts over time: `/v1/timeline` for charts, `/v1/trending` for what rises now."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, asked
from app.articles.archive import Archive, View
from app.errors import InvalidValue
from app.http import answer, csv_text, fast_path, params
from app.http.openapi import problems
from app.http.params import Parameters, Read
from app.http.times import format_time
from app.regions.atlas import LEVELS
from app.search import asking, facets, fields, schemas, timeline, trending
from app.search.asking import Asking
from app.search.engine import FacetName, GroupName
from app.search.facets import Counts, Value
from app.search.names import Vocabulary
from app.search.timeline import Bucket, Edges, Interval

router = APIRouter(prefix="/v1", tags=["search"])

GROUPS = ("tag", "region", "author", "section", "language", "source")
TIMELINE = Parameters(
    *asking.WORDS,
    params.choice(
        "interval", "The length of a bucket; weeks begin on Monday.", ("day", "week", "month", "year"), "month"
    ),
    params.choice("group_by", "One series for each of the commonest values.", GROUPS),
    params.choices("region_level", "Which regions make series; `country` unless given.", LEVELS),
    params.integer("group_limit", "How many series.", default=10, minimum=1, maximum=50, excess="limit_too_large"),
    csv_text.FORMAT,
)  # fmt: skip
TRENDING = Parameters(
    *asked.FILTERS,
    params.text("window", "How long *now* lasts: `24h`, `7d`, `4w`.", maximum=8, example="7d"),
    params.choice("group_by", "What rises.", ("tag", "region"), "tag"),
    params.integer("limit", "How many.", default=10, minimum=1, maximum=50, excess="limit_too_large"),
)
_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
LONGEST_WINDOW = 366 * 86_400


@router.get(
    "/timeline",
    name="get_timeline",
    response_model=schemas.Timeline,
    responses={
        200: {"content": csv_text.CONTENT},
        **problems(
            "invalid_range", "limit_too_large", "offset_required", "unknown_region", "query_too_complex",
            "too_many_buckets", "not_acceptable", "index_behind",
        ),
    },
    openapi_extra={"parameters": TIMELINE.openapi()},
)  # fmt: skip
@fast_path.declare
async def get_timeline(request: Request) -> Response:
    """How many articles were published in each day, week, month or year, true to the calendar in any time zone.

    Buckets without articles are there too. Articles whose date is known less exactly than the interval are left out
    and counted in `too_coarse`, those without any date in `undated`. A date that is a day, a month or a year is counted
    in that period of the calendar, whatever the time zone.
    """
    here = archive.of(request)
    view = await here.view(request)
    read = TIMELINE.read(request.scope["query_string"], view.now)
    shape = csv_text.wanted(read)
    asked_ = await asking.understand(here, view, read)
    interval = cast("Interval", read.choice("interval"))
    bounds = await _bounds(asked_, view, read, interval)
    too_coarse = await asked_.index.coarse(asked_.question, interval)
    undated = await asked_.index.undated(asked_.question)
    bounds, counts = bounds.trimmed(await asked_.index.histogram(asked_.question, bounds, interval))
    total = sum(counts)
    buckets = timeline.buckets(bounds.exact, counts, total)
    series = await _series(here, view, read, asked_, bounds, interval, total)
    uses_now = read.uses_now or "published_to" not in read.given
    if shape == "csv":
        return _csv(request, view, asked_, buckets, series, uses_now=uses_now)
    body = orjson.dumps(
        {
            "interval": interval,
            "tz": str(read.zone()),
            "buckets": [_bucket(bucket) for bucket in buckets],
            "series": [{**row, "buckets": [_bucket(bucket) for bucket in found]} for row, found in series],
            "too_coarse": too_coarse,
            "undated": undated,
            "warnings": asked_.wanted.warnings,
        }
    )
    return answer.item(
        request,
        body,
        token=view.token,
        public=view.public,
        tags=["list", "timeline"],
        uses_now=uses_now,
    )


async def _bounds(asked_: Asking, view: View, read: Read, interval: Interval) -> Edges:
    """From the dates asked for; where they are open from the first match, and to now."""
    wanted = asked_.question.filter
    spans = (wanted.published, wanted.coarse or wanted.published)
    first = 0
    if spans[0][0] is None:
        found = await asked_.index.search(replace(asked_.question, order="published_at", limit=1))
        if not found.hits or found.hits[0].newest < fields.FIRST_DATED:
            return Edges()
        first = found.hits[0].newest >> fields.ID_BITS
    last = max(view.now, spans[0][0] if spans[0][0] is not None else first) + 1
    exact, calendar = ((first if s is None else s, last if e is None else e) for s, e in spans)
    return timeline.edges(interval, read.zone(), exact, calendar)


_edge = lru_cache(4096)(format_time)
"""Every bucket begins where another ends, and every timeline has the same months."""


def _bucket(bucket: Bucket) -> dict[str, object]:
    return {
        "start": _edge(bucket.start),
        "end": _edge(bucket.end),
        "count": bucket.count,
        "share": bucket.share,
    }


Series = list[tuple[Value, list[Bucket]]]


async def _series(
    here: Archive, view: View, read: Read, asked_: Asking, bounds: Edges, interval: Interval, total: int
) -> Series:
    """The commonest values of the group, each with its own buckets; their shares are of all articles of the bucket."""
    if "group_by" not in read.given or not bounds.exact:
        return []
    group = cast("GroupName", read.choice("group_by"))
    counts = await asked_.index.values(asked_.question, group, bounds, interval)
    sources = await here.sources() if group == "source" else {}
    found: Series = []
    among = _of_levels(view, read.choices("region_level") or ("country",)) if group == "region" else None
    vocabulary = await _names(asked_, view, group, counts)
    for value, row in facets.ranked(group, counts, view.atlas, vocabulary, sources, among)[
        : read.integer("group_limit")
    ]:
        own = await asked_.index.histogram(asked_.question, bounds, interval, (group, value))
        found.append(({**row, "total": sum(own)}, timeline.buckets(bounds.exact, own, total)))
    return found


def _csv(
    request: Request, view: View, asked_: Asking, buckets: list[Bucket], series: Series, *, uses_now: bool
) -> Response:
    """One line a bucket, one column a series."""
    rows: list[list[object]] = [["start", "end", "count", *(row["name"] for row, _ in series)]]
    for i, bucket in enumerate(buckets):
        own = [found[i].count for _, found in series]
        rows.append([format_time(bucket.start), format_time(bucket.end), bucket.count, *own])
    return answer.sheet(
        request,
        csv_text.lines(rows),
        token=view.token,
        public=view.public,
        warnings=asked_.wanted.warnings,
        tags=["list", "timeline"],
        uses_now=uses_now,
    )


@router.get(
    "/trending",
    name="get_trending",
    response_model=schemas.Trending,
    responses=problems("invalid_range", "limit_too_large", "offset_required", "unknown_region", "index_behind"),
    openapi_extra={"parameters": TRENDING.openapi()},
)
@fast_path.declare
async def get_trending(request: Request) -> Response:
    """Tags or regions with more articles in the window than their own past makes likely, the strongest first."""
    here = archive.of(request)
    view = await here.view(request)
    read = TRENDING.read(request.scope["query_string"], view.now)
    window = _window(read.text("window") or "7d")
    asked_ = await asking.understand_filter(here, view, read)
    now = view.now - view.now % 60
    group = cast("FacetName", read.choice("group_by"))
    spans = trending.spans(now, window)
    recent, past = await asyncio.gather(*(asked_.index.published(asked_.question, group, span) for span in spans))
    vocabulary = await _names(asked_, view, group, recent.counts)
    # A continent holds them all: only what has an edge on the map, or a name in the news, rises.
    among = _of_levels(view, ("country", "city", "grouping")) if group == "region" else None
    names = dict(facets.ranked(group, recent.counts, view.atlas, vocabulary, {}, among))
    rising = trending.rising(
        {int(v): n for v, n in recent.counts.items() if v in names},
        {int(v): n for v, n in past.counts.items()},
        recent.total,
        past.total,
        read.integer("limit"),
    )
    rows = [{**names[one.id], "count": one.count, "expected": one.expected, "score": one.score} for one in rising]
    shown = {"window": {"from": format_time(spans[0][0]), "to": format_time(spans[0][1])}, "data": rows,
             "warnings": asked_.wanted.warnings}  # fmt: skip
    return answer.item(
        request, orjson.dumps(shown), token=view.token, public=view.public, tags=["list", "trending"], uses_now=True
    )


async def _names(asked_: Asking, view: View, group: str, counts: Counts) -> Vocabulary:
    """The vocabulary with the names of everything that was counted."""
    tags = [int(tag) for tag in counts] if group in ("tag", "author", "section") else []
    return await asked_.index.vocabulary(view.head, tags)


def _of_levels(view: View, levels: Sequence[str]) -> frozenset[int]:
    return frozenset(id for id, place in view.atlas.by_id.items() if place.level in levels)


def _window(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _UNITS):
        raise InvalidValue("A window is a number and h, d or w: 24h, 7d, 4w.", "window")
    seconds = int(number) * _UNITS[unit]
    if not 0 < seconds <= LONGEST_WINDOW:
        raise InvalidValue("A window lasts from an hour to a year.", "window")
    return seconds
