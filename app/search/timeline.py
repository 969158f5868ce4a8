"""Periods of the calendar, in any time zone, as edges between which articles are counted. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from app.articles.filters import ArticleFilter, Span
from app.errors import TooManyBuckets
from app.http.params.times import format_time

Interval = Literal["day", "week", "month", "year"]
MOST = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = {"day": 1, "week": 7, "month": 28, "year": 365}
_LAST_DAY = date(2201, 2, 1)


@dataclass(frozen=True, slots=True)
class Edges:
    """Where periods begin, and where the last one ends, in epoch seconds: `exact` in a zone, for instants, and
    `calendar` in UTC, for dates that are a day, month or year themselves. A day that the zone skipped is empty in
    `exact`. `core`: from which period to which both belong to what was asked for; the others only hold one of the two.
    """

    exact: tuple[int, ...] = ()
    calendar: tuple[int, ...] = ()
    core: tuple[int, int] = (0, 0)

    def trim(self, counts: Sequence[int]) -> tuple["Edges", list[int]]:
        """Without the empty periods at either end that are not of the core."""
        if not counts:
            return self, []
        full = [i for i, count in enumerate(counts) if count]
        first, last = min([self.core[0], *full[:1]]), max([self.core[1], *full[-1:]])
        part = slice(first, last + 2)
        core = (self.core[0] - first, self.core[1] - first)
        return Edges(self.exact[part], self.calendar[part], core), list(counts[first : last + 1])


def list_spans(article_filter: ArticleFilter) -> tuple[Span, Span]:
    """From when to when articles are asked for, also by `year`: instants, and dates that are periods themselves."""
    exact, years = article_filter.published, article_filter.years
    return _clip(exact, years), _clip(article_filter.coarse or exact, article_filter.coarse_years or years)


def _clip(span: Span, years: Sequence[Span]) -> Span:
    if not years:
        return span
    first = min(start for start, _ in years if start is not None)
    last = max(end for _, end in years if end is not None)
    return first if span[0] is None else max(first, span[0]), last if span[1] is None else min(last, span[1])


def compute_edges(interval: Interval, zone: tzinfo, exact: tuple[int, int], calendar: tuple[int, int]) -> Edges:
    """The periods that hold the instants from `exact` and the dates from `calendar`, each up to (exclusive).

    Days begin at midnight in the zone, weeks on Monday (ISO). TooManyBuckets over 1,000 periods.
    """
    spans = [(span, zone_used) for span, zone_used in ((exact, zone), (calendar, UTC)) if span[0] < span[1]]
    if not spans:
        return Edges()
    # Before a list is made, which for a day a step of two thousand years would be long.
    if max((end - start) / 86_400 / _SHORTEST[interval] for (start, end), _ in spans) > MOST * 1.2:
        raise _refuse(interval)
    first = min(_to_local_date(start, zone_used) for (start, _), zone_used in spans)
    days: list[date] = []
    for day in _list_starts(interval, first):
        days.append(day)
        if all(_to_seconds(day, zone_used) >= end for (_, end), zone_used in spans):
            break
        if len(days) > MOST:
            raise _refuse(interval)
    bounds = [tuple(_to_seconds(day, zone_used) for day in days) for zone_used in (zone, UTC)]
    by_span = [(span, bounds[0] if zone_used is zone else bounds[1]) for span, zone_used in spans]
    begin = max(_find_period(starts, start) for (start, _), starts in by_span)
    end = max(begin, min(_find_period(starts, end - 1) for (_, end), starts in by_span))
    return Edges(bounds[0], bounds[1], (begin, end))


def _find_period(starts: Sequence[int], at: int) -> int:
    """The index of the period that holds a second; of a zone's empty days before it the last."""
    return max(0, bisect_right(starts, at) - 1)


def _refuse(interval: str) -> TooManyBuckets:
    way_out = "Narrow published_from and published_to, or take longer periods."
    return TooManyBuckets(f"More than {MOST:,} times a {interval} lie between the dates. {way_out}", "interval")


def _to_local_date(seconds: int, zone: tzinfo) -> date:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).date()
    except OverflowError:  # the first day of the year 1 lies before it in zones west of Greenwich
        return date.min


@lru_cache(4096)
def _to_seconds(day: date, zone: tzinfo) -> int:
    return round((datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH).total_seconds())


def _list_starts(interval: Interval, first: date) -> Iterator[date]:
    """First days of periods, from the one that holds `first` on."""
    if interval in ("day", "week"):
        day = first if interval == "day" else first - timedelta(days=min(first.weekday(), first.toordinal() - 1))
        step = timedelta(days=1 if interval == "day" else 7)
        # Dates end at the year 2200; Python's own end at 9999 and would raise.
        while day <= _LAST_DAY:
            yield day
            day += step
    elif interval == "month":
        for month in range(first.year * 12 + first.month - 1, 12 * (_LAST_DAY.year + 1)):
            yield date(month // 12, month % 12 + 1, 1)
    else:
        yield from (date(year, 1, 1) for year in range(first.year, _LAST_DAY.year + 2))


_edge = lru_cache(4096)(format_time)
"""Every bucket begins where another ends, and every timeline has the same months."""


def render_buckets(bounds: Sequence[int], counts: Sequence[int], total: int) -> list[dict[str, object]]:
    """From each of the bounds to the next, as clients see them; `share` is of `total`, with four digits."""
    shares = {count: round(count / total, 4) if total else 0.0 for count in set(counts)}
    return [
        {"start": _edge(start), "end": _edge(end), "count": count, "share": shares[count]}
        for (start, end), count in zip(pairwise(bounds), counts, strict=True)
    ]
