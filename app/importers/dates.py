"""Dates as sources write them, read into an instant and how exact it is.

Never fills in a part that was not written, and never chooses between day and month: what cannot be told is
refused with a reason.
"""

import re
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from dateutil import parser as dateutil

from app.importers import months
from app.importers.document import Dateline, DatePrecision, SourceDate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS = {
    **dict.fromkeys(("z", "utc", "gmt", "ut", "wet"), 0.0),
    **dict.fromkeys(("cet", "mez", "bst", "west"), 1.0),
    **dict.fromkeys(("cest", "mesz", "eet"), 2.0),
    **dict.fromkeys(("eest", "msk"), 3.0),
    "jst": 9.0,
    "edt": -4.0,
    **dict.fromkeys(("est", "cdt"), -5.0),
    **dict.fromkeys(("cst", "mdt"), -6.0),
    **dict.fromkeys(("mst", "pdt"), -7.0),
    "pst": -8.0,
}
_YMD = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?")
_DMY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_TIME = re.compile(
    r"(\d{1,2})(?::(\d{2})|h(\d{2})?(?!\w))(?::(\d{2})(?:[.,]\d+)?)?\s*(?:Uhr\b)?\s*"
    r"(?P<half>[ap]\.?m\b\.?)?\s*(?P<zone>[+-]\d{2}(?::?\d{2})?|[A-Za-z]{1,4})?(?:\s*\([^)]*\))?",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(?:[Tt](?=\d)|\s*(?:,|-|–|—|\||@)?\s*(?:\b(?:at|à|um|a las)\b)?\s*)")
_WORDS = re.compile(months.IN_WORDS, re.IGNORECASE)
_SHORT_YEAR = re.compile(r"((?:[a-z]{3}, ?)?\d{1,2} [a-z]{3}) (\d\d)(?= \d\d?:)", re.IGNORECASE)
_COMPACT = re.compile(r"\d{8}T\d{4}(\d{2})?(\.\d+)?(Z|[+-]\d{2}:?(\d{2})?)?|\d{4}-?W\d{2}(-?\d)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A date that was read; `floating` says that it has a time of day and the zone had to be supplied."""

    date: SourceDate
    floating: bool = False


def read_date(value: object, zone: tzinfo) -> SourceDate:
    """As `read`, without saying whether the zone mattered."""
    return read(value, zone).date


def read(value: object, zone: tzinfo) -> Reading:
    """RFC 3339 and its loose forms, RFC 2822, epoch seconds or milliseconds, periods, dates in words.

    ValueError with a reason for people: what is no date, what could mean two days, years outside 1 to 2200.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError("neither text nor a number")
        return _read_text(value, zone) if isinstance(value, str) else _read_number(value, zone)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 2200") from error


def from_dateline(dateline: Dateline, zone: tzinfo) -> SourceDate | None:
    """The period that a dateline names, for a source that gives no other date; None where it names none."""
    return read_date(dateline.date, zone) if dateline.date else None


def _read_text(value: str, zone: tzinfo) -> Reading:
    text = " ".join(value.split())
    if not text or len(text) > 100:
        raise ValueError("empty" if not text else "too long for a date")
    if text.lstrip("-").replace(".", "", 1).isdecimal() and not _YMD.fullmatch(text):
        return _read_digits(text, zone)
    for pattern in (_YMD, _DMY, _WORDS):
        if match := pattern.match(text):
            day = _day_of(pattern, match)
            reading = _read_rest(day, text[match.end() :], zone) if day else None
            if reading:
                return reading
    if _COMPACT.fullmatch(text):
        return _moment(datetime.fromisoformat(text.upper()), zone, timed="T" in text.upper())
    return _read_loose(text, zone)


def _day_of(pattern: re.Pattern[str], match: re.Match[str]) -> tuple[int, int | None, int | None] | None:
    """Year, month, day as far as written; None where the year does not stand beside the month."""
    if pattern is _WORDS:
        year, month, day = months.civil(match)
        return (year, month, day) if year is not None else None
    if pattern is _DMY:
        return _ordered(int(match[1]), int(match[3]), int(match[4]), dotted=match[2] == ".")
    return int(match[1]), int(match[3]) if match[3] else None, int(match[4]) if match[4] else None


def _ordered(first: int, second: int, year: int, dotted: bool) -> tuple[int, int, int]:
    if dotted or first > 12 or first == second:
        return year, second, first
    if second > 12:
        return year, first, second
    raise ValueError("day and month cannot be told apart")


def _read_rest(day: tuple[int, int | None, int | None], rest: str, zone: tzinfo) -> Reading | None:
    """The date with the time of day that follows it; None where something else does."""
    if not rest.strip():
        return Reading(_period(*day, zone))
    joint = _JOINT.match(rest)
    time = _TIME.fullmatch(rest, joint.end() if joint else 0)
    year, month, number = day
    if not time or month is None or number is None:
        return None
    hour, second = _hour(int(time[1]), time["half"]), int(time[4] or 0)
    # A leap second has no place on a clock of 86,400; it is the one before, a second later.
    leap = timedelta(seconds=1 if second == 60 else 0) + timedelta(days=1 if hour == 24 else 0)
    minute = int(time[2] or time[3] or 0)
    if hour == 24 and (minute or second):
        raise ValueError("no such time of day")
    moment = datetime(year, month, number, hour % 24, minute, second - (second == 60)) + leap
    return _moment(moment.replace(tzinfo=_zone(time["zone"])), zone)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour if hour <= 24 else _refuse("no such time of day")
    if not 1 <= hour <= 12:
        _refuse("no such time of day")
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _refuse(reason: str) -> int:
    raise ValueError(reason)


def _zone(name: str | None) -> tzinfo | None:
    if not name:
        return None
    if name[0] in "+-":
        digits = name[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        return timezone(-offset if name[0] == "-" else offset)
    if name.lower() not in _HOURS:
        raise ValueError(f"time zone {name} is not known")
    return timezone(timedelta(hours=_HOURS[name.lower()]))


def _period(year: int, month: int | None, day: int | None, zone: tzinfo) -> SourceDate:
    precision: DatePrecision = "year" if month is None else "month" if day is None else "day"
    if not 1 <= year <= 2200:
        raise ValueError("outside the years 1 to 2200")
    # In UTC, whatever the zone: a day, month or year is one of the calendar, and filters compare it as such.
    first = datetime(year, 1 if month is None else month, 1 if day is None else day, tzinfo=UTC)
    return SourceDate(_seconds(first), precision)


def _moment(moment: datetime, zone: tzinfo, timed: bool = True) -> Reading:
    if not timed:
        return Reading(_period(moment.year, moment.month, moment.day, zone))
    if not 1 <= moment.year <= 2200:
        raise ValueError("outside the years 1 to 2200")
    floating = moment.tzinfo is None
    return Reading(SourceDate(_seconds(moment.replace(tzinfo=zone) if floating else moment), "instant"), floating)


def _seconds(moment: datetime) -> int:
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    # An offset may carry the first or last day over the edge of what can be stored.
    if not -62135596800 <= seconds < 7289654400:
        raise ValueError("outside the years 1 to 2200")
    return seconds


def _read_number(value: int | float, zone: tzinfo) -> Reading:
    """Epoch seconds, milliseconds from 10^11 on; whole numbers that read as 2025 or 20251203 are dates."""
    if isinstance(value, int) and (1000 <= value <= 2200 or 10000101 <= value <= 22001231):
        try:
            return _read_digits(str(value), zone)
        except ValueError:
            pass
    if value != value or abs(value) == float("inf"):
        raise ValueError("no number")
    seconds = value / 1000 if abs(value) >= 1e11 else value
    return _moment(_EPOCH + timedelta(seconds=int(seconds // 1)), zone)


def _read_digits(text: str, zone: tzinfo) -> Reading:
    if len(text) == 4 and text.isdecimal():
        return Reading(_period(int(text), None, None, zone))
    if len(text) == 8 and text.isdecimal():
        return Reading(_period(int(text[:4]), int(text[4:6]), int(text[6:]), zone))
    if len(text) == 14 and text.isdecimal():
        return _moment(datetime.strptime(text, "%Y%m%d%H%M%S"), zone)
    whole = text.lstrip("-").partition(".")[0]
    if len(whole) in (9, 10, 13):
        return _read_number(float(text), zone)
    raise ValueError("digits that could mean several dates")


def _read_loose(text: str, zone: tzinfo) -> Reading:
    """Other orders, such as `Sat Mar 9 10:22:33 EST 2013`, by way of dateutil: with a named month only."""
    text = _SHORT_YEAR.sub(lambda hit: f"{hit[1]} {'20' if hit[2] < '50' else '19'}{hit[2]}", text)
    text, named = re.subn(months.MONTH, _in_english, text, flags=re.IGNORECASE)
    if named != 1:
        raise ValueError("not a date")
    first, second = _dateutil(text, datetime(1996, 1, 1)), _dateutil(text, datetime(2004, 2, 2, 1))
    if (first.year, first.month) != (second.year, second.month):
        raise ValueError("year or month is missing")
    if first.day != second.day:
        return Reading(_period(first.year, first.month, None, zone))
    return _moment(first, zone, timed=first.hour == second.hour)


def _in_english(match: re.Match[str]) -> str:
    return f"{date(2000, months.number(match[0]), 1):%b}"


def _dateutil(text: str, default: datetime) -> datetime:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dateutil.parse(text, default=default, tzinfos=_named_zone)


def _named_zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    return _zone(name)
