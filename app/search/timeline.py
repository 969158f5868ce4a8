"""Periods of the calendar, in any time zone, as edges between which articles are counted. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from app.errors import TooManyBuckets
from app.http.times import format_time

Interval = Literal["day", "week", "month", "year"]
MOST = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = {"day": 1, "week": 7, "month": 28, "year": 365}
_LAST_DAY = date(2201, 2, 1)


def edges(interval: Interval, zone: tzinfo, start: int, end: int) -> list[int]:
    """Starts of the periods that hold `start` to `end` (exclusive), and the end of the last; epoch seconds.

    Days begin at midnight in the zone, weeks on Monday (ISO). TooManyBuckets over 1,000 periods.
    """
    if end <= start:
        return []
    if (end - start) / 86_400 / _SHORTEST[interval] > MOST * 1.2:
        raise _too_many(interval)
    found = []
    for day in _starts(interval, _local(start, zone)):
        found.append(_seconds(day, zone))
        if found[-1] >= end:
            break
        if len(found) > MOST:
            raise _too_many(interval)
    return found


def _too_many(interval: str) -> TooManyBuckets:
    return TooManyBuckets(f"More than {MOST} times a {interval} lie between the dates.", "interval")


def _local(seconds: int, zone: tzinfo) -> date:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).date()
    except OverflowError:  # the first day of the year 1 lies before it in zones west of Greenwich
        return date.min


@lru_cache(4096)
def _seconds(day: date, zone: tzinfo) -> int:
    return round((datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH).total_seconds())


def _starts(interval: Interval, first: date) -> Iterator[date]:
    """First days of periods, from the one that holds `first` on."""
    if interval in ("day", "week"):
        day = first if interval == "day" else first - timedelta(days=min(first.weekday(), first.toordinal() - 1))
        step = timedelta(days=1 if interval == "day" else 7)
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


def buckets(bounds: list[int], counts: list[int], total: int) -> list[dict[str, object]]:
    """From each of the bounds to the next, as clients see them; `share` is of `total`, with four digits."""
    shares = {count: round(count / total, 4) if total else 0.0 for count in set(counts)}
    return [
        {"start": _edge(start), "end": _edge(end), "count": count, "share": shares[count]}
        for (start, end), count in zip(pairwise(bounds), counts, strict=True)
    ]
