"""Reads and writes points in time as the API knows them: RFC 3339, whole periods, and `now-7d`.

Pure: never looks at the clock, so that one request has one `now`. Instants are whole epoch seconds UTC.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from app.errors import InvalidRange, InvalidValue, OffsetRequired

Precision = Literal["day", "month", "year"]

FIRST_YEAR, LAST_YEAR = 1, 2200
_EPOCH = datetime(1970, 1, 1)  # naive UTC: year 1 east of Greenwich begins before datetime.min
_CYCLE = 400
"""Years after which the calendar is the same again."""
_CYCLE_LENGTH = timedelta(days=146_097)
EARLIEST = int((datetime(FIRST_YEAR, 1, 1) - _EPOCH).total_seconds())
LATEST = int((datetime(LAST_YEAR + 1, 1, 1) - _EPOCH).total_seconds()) - 1

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+ -])([0-9]{2}):([0-9]{2}))?"
)
_RELATIVE = re.compile(r"now(?:-([0-9]{1,6})([hdwMy]))?")
_SECONDS = {"h": 3_600, "d": 86_400, "w": 604_800}

_DATE_FORMS = "a date (2025-12-01, 2025-12 or 2025)"
_TIME_FORM = "an RFC 3339 time with an offset (2025-12-01T10:00:00Z)"
EXPECTED = f"{_DATE_FORMS}, {_TIME_FORM} or now, now-7d (h d w M y)"
EXPECTED_FIXED = f"{_DATE_FORMS} or {_TIME_FORM}"
"""Of what is stored, which does not move with the clock."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One second. `uses_now`: it moves with the clock, so that responses made from it may not live long."""

    at: int
    uses_now: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """A whole day, month or year of one time zone; `end` is the first second after it. `utc`: the same day, month or
    year in UTC, which is what a date without a time of day is compared with in every zone."""

    start: int
    end: int
    precision: Precision
    utc: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Range:
    """From `from_` on, up to but without `to`; None is open. `calendar`: the same for dates that are known to the day,
    month or year. Never both empty: see `between`."""

    from_: int | None = None
    to: int | None = None
    uses_now: bool = False
    calendar: tuple[int | None, int | None] = (None, None)


def make_range(from_: Instant | Period | None, to: Instant | Period | None) -> Range:
    """The range that a `_from` and a `_to` mean: a period is taken in whole at either end, an instant is the
    first second at `_from` and the first one left out at `_to`. Raises InvalidRange where nothing fits in: a day that
    the zone has skipped is still one of the calendar."""
    start = from_.start if isinstance(from_, Period) else from_.at if from_ else None
    end = to.end if isinstance(to, Period) else to.at if to else None
    first = from_.utc[0] if isinstance(from_, Period) else start
    last = to.utc[1] if isinstance(to, Period) else end
    if _is_empty(start, end) and _is_empty(first, last):
        raise InvalidRange("The start is not before the end, so that nothing can match.")
    uses_now = any(isinstance(bound, Instant) and bound.uses_now for bound in (from_, to))
    return Range(start, end, uses_now, (first, last))


def _is_empty(start: int | None, end: int | None) -> bool:
    return start is not None and end is not None and start >= end


def read_time(text: str, zone: tzinfo, now: int) -> Instant | Period:
    """Raises OffsetRequired for a time of day without an offset, InvalidValue for anything else that is not
    a time in the years 1 to 2200. `zone` says where days, months and years begin. Fractions of a second are
    cut off."""
    if relative := _RELATIVE.fullmatch(text):
        return Instant(_subtract(now, relative, zone), uses_now=True)
    return _read_fixed(text, zone, EXPECTED)


def read_fixed_time(text: str, *, up: bool = False) -> Instant | Period:
    """The same in UTC, for what is stored: `now` is no time there. With `up` fractions of a second make a whole one."""
    return _read_fixed(text, UTC, EXPECTED_FIXED, up=up)


def _read_fixed(text: str, zone: tzinfo, expected: str, *, up: bool = False) -> Instant | Period:
    if date := _DATE.fullmatch(text):
        return _make_period(date, zone)
    if time := _DATE_TIME.fullmatch(text):
        return _make_instant(time, up=up)
    raise InvalidValue(f"Expected {expected}.")


@lru_cache(maxsize=4096)
def format_time(at: int) -> str:
    """RFC 3339 in UTC: `2025-12-01T10:00:00Z`. Also in the year before the first one, `0000`, which RFC 3339 has and
    Python has not: there the year 1 begins east of Greenwich, and windows that end in its first days."""
    if at < EARLIEST:
        moment = _EPOCH + (timedelta(seconds=at) + _CYCLE_LENGTH)
        return f"{moment.year - _CYCLE:04}{moment.isoformat()[4:]}Z"
    return (_EPOCH + timedelta(seconds=at)).isoformat() + "Z"


@cache
def list_zone_names() -> frozenset[str]:
    """The names of the IANA time zone database that this machine or the `tzdata` package has."""
    return frozenset(available_timezones() - {"localtime", "posixrules"})


def read_zone(name: str) -> ZoneInfo:
    """Only names of the database, exactly as written there: ZoneInfo itself would open files by other names."""
    if name not in list_zone_names():
        raise InvalidValue("Expected the name of a time zone, such as UTC or Europe/Brussels.")
    return ZoneInfo(name)


def _make_period(match: re.Match[str], zone: tzinfo) -> Period:
    year, month, day = (int(part) if part else None for part in match.groups())
    first = _make_datetime(year or 0, month or 1, day or 1)
    precision: Precision = "day" if day else "month" if month else "year"
    after = first + timedelta(days=1) if day else _add_months(first, 1 if month else 12)
    return Period(
        _to_epoch(first, zone), _to_epoch(after, zone), precision, (_to_epoch(first, UTC), _to_epoch(after, UTC))
    )


def _make_instant(match: re.Match[str], *, up: bool) -> Instant:
    date, hour, minute, second, fraction, zulu, sign, off_hour, off_minute = match.groups()
    if not zulu and not sign:
        raise OffsetRequired(f"Add Z or an offset such as +01:00 to {match[0]}, or give the date only.")
    year, month, day = (int(part) for part in date.split("-"))
    at = _to_epoch(_make_datetime(year, month, day, int(hour), int(minute), int(second or 0)), UTC)
    if sign:
        if int(off_hour) > 23 or int(off_minute) > 59:
            raise InvalidValue("The offset is not one: it goes from -23:59 to +23:59.")
        offset = int(off_hour) * 3_600 + int(off_minute) * 60
        at += offset if sign == "-" else -offset
    at += up and (fraction or "").strip("0") != ""
    return Instant(_check_bounds(at))


def _subtract(now: int, match: re.Match[str], zone: tzinfo) -> int:
    count, unit = int(match[1] or 0), match[2] or "h"
    if unit in _SECONDS:
        return _check_bounds(now - count * _SECONDS[unit])
    local_now = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
    return _check_bounds(_to_epoch(_add_months(local_now, -count * (12 if unit == "y" else 1)), zone))


def _add_months(moment: datetime, months: int) -> datetime:
    """The same day and time of another month, or its last day where it is too short (31 March - 1 is 28
    February)."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not FIRST_YEAR <= year <= LAST_YEAR + 1:
        raise InvalidValue(f"Years go from {FIRST_YEAR} to {LAST_YEAR}.")
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _make_datetime(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidValue(f"Years go from {FIRST_YEAR} to {LAST_YEAR}.")
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise InvalidValue("There is no such day or time in the calendar.") from None


def _to_epoch(local: datetime, zone: tzinfo) -> int:
    """A time that the clocks skip counts as if they had not been put forward yet: midnight lost to summer
    time becomes the first second of that day."""
    offset = local.replace(tzinfo=zone).utcoffset() or timedelta(0)
    return int((local - _EPOCH - offset) // timedelta(seconds=1))


def _check_bounds(at: int) -> int:
    if not EARLIEST <= at <= LATEST:
        raise InvalidValue(f"Years go from {FIRST_YEAR} to {LAST_YEAR}.")
    return at
