"""From a value to a date: the common shapes by one pattern each, all others by their words.

Never reads a number for a date where its source is not known to hold one.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.importers.dates import calendars, clock, words, zones
from app.importers.document import NOWHERE, DatePrecision, SourceDate, SourceDateline, SourceLocale

OUTSIDE = "outside the years 1 to 2200"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
# RFC 3339 and RFC 2822: nearly all dates of nearly all sources.
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_RFC = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d\d):(\d\d)(?::(\d\d))?"
    r" (GMT|UTC|Z|[+-]\d{4})",
    re.ASCII,
)
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_ENGLISH, 1)}
_COMPACT = re.compile(
    r"\d{8}T\d{4}(\d{2})?(\.\d+)?(Z|[+-]\d{2}:?(\d{2})?)?|\d{4}-?W\d{2}(-?\d)?", re.IGNORECASE | re.ASCII
)
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)
_JOINT = re.compile(r"(?<=\d)T(?=\d\d?:)")
# Marks that direct writing, and spaces that have no width.
_UNSEEN = dict.fromkeys(
    map(ord, "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
)
_WIDE = str.maketrans("：／－．，（）　", ":/-.,() ")
_MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date that was read; `floating` says that it has a time of day and the zone had to be supplied, `note` what had
    to be decided or left out, for people. `part` says that a fraction of a second was cut off."""

    date: SourceDate
    floating: bool = False
    note: str | None = None
    part: bool = False

    def round_up(self) -> SourceDate:
        """The date as the end of an embargo: a fraction of a second is waited for."""
        return SourceDate(self.date.instant + 1, self.date.precision) if self.part else self.date


def read_date(value: object, zone: tzinfo, locale: SourceLocale = NOWHERE) -> SourceDate:
    """As `parse_date`, without saying what was decided."""
    return parse_date(value, zone, locale).date


def parse_date(value: object, zone: tzinfo, locale: SourceLocale = NOWHERE) -> ParsedDate:
    """Text in any shape that has one meaning; datetime and date objects; numbers that count time.

    `zone` is that of times without one. A period (a day, a month, a year) is one of the calendar: its instant is its
    first in UTC, whatever the zone. ValueError with a reason for people: what is no date, what could mean two days,
    years outside 1 to 2200.
    """
    try:
        if isinstance(value, str):
            return _read_text(value, zone, locale)
        if isinstance(value, datetime):
            return _make_parsed(value, zone)
        if isinstance(value, date):
            return ParsedDate(_make_period((value.year, value.month, value.day)))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("neither text nor a number")
        return _read_number(value, zone)
    except OverflowError as error:
        raise ValueError(OUTSIDE) from error


def parse_dateline(dateline: SourceDateline, zone: tzinfo) -> SourceDate | None:
    """The period that a dateline names, for a source that gives no other date; None where it names none."""
    return read_date(dateline.date, zone) if dateline.date else None


def parse_epoch(value: int | float, per_second: int = 1) -> SourceDate:
    """The instant of a count since 1970, for fields that are documented to hold one; `per_second` is 1000 where it
    counts milliseconds. ValueError for a boolean, for what is no number, and outside the years."""
    if isinstance(value, bool) or value != value or abs(value) == float("inf"):
        raise ValueError("no number")
    return SourceDate(_check_bounds(int(value // per_second)), "instant")


def _read_text(value: str, zone: tzinfo, locale: SourceLocale) -> ParsedDate:
    if match := _ISO.fullmatch(value):
        return _parse_iso(match, zone)
    if match := _RFC.fullmatch(value):
        return _parse_rfc(match)
    if len(value) > 10 * _MAX_LENGTH:
        raise ValueError("too long for a date")
    text = _normalize(value)
    if not text or len(text) > _MAX_LENGTH:
        raise ValueError("empty" if not text else "too long for a date")
    if _PLAIN.fullmatch(text):
        return _read_digits(text, zone)
    if _COMPACT.fullmatch(text):
        moment = datetime.fromisoformat(text.upper())
        return (
            _make_parsed(moment, zone)
            if "T" in text.upper()
            else ParsedDate(_make_period((moment.year, moment.month, moment.day)))
        )
    return _read_words(text, zone, locale, has_foreign_digits=not _has_ascii_digits(value))


def _normalize(value: str) -> str:
    """The text with digits of all scripts as 0 to 9, without marks that nobody sees, with single spaces."""
    if value.isascii():
        return " ".join(value.split())
    text = unicodedata.normalize("NFC", value).translate(_UNSEEN).translate(_WIDE)
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join(digits.split())


def _has_ascii_digits(text: str) -> bool:
    return text.isascii() or all(c.isascii() for c in text if c.isdecimal())


def _parse_iso(match: re.Match[str], zone: tzinfo) -> ParsedDate:
    year, month, day, hour, minute, second, part, said = match.groups()
    if hour is None:
        return ParsedDate(_make_period((int(year), int(month), int(day))))
    clock_time = clock.ClockTime(int(hour), int(minute), int(second or 0), bool(part and part.strip("0")))
    moment = _make_moment((int(year), int(month), int(day)), clock_time)
    if said is None:
        return _make_parsed(moment, zone, clock_time.part)
    return _make_parsed(moment.replace(tzinfo=UTC if said in "Zz" else zones.read_offset(said)), zone, clock_time.part)


def _parse_rfc(match: re.Match[str]) -> ParsedDate:
    clock_time = clock.ClockTime(int(match[4]), int(match[5]), int(match[6] or 0))
    moment = _make_moment((int(match[3]), _MONTHS[match[2]], int(match[1])), clock_time)
    zone = zones.read_offset(match[7]) if match[7][0] in "+-" else UTC
    return _make_parsed(moment.replace(tzinfo=zone), UTC)


def _read_words(text: str, zone: tzinfo, locale: SourceLocale, has_foreign_digits: bool) -> ParsedDate:
    clock_time, rest = clock.take_clock(_JOINT.sub(" ", text))
    try:
        day = words.read_day(rest, locale, clock_time is not None)
    except ValueError as error:
        raise ValueError(_explain(text, str(error))) from error
    year, month, number = day.civil
    if year < 1700 and (has_foreign_digits or locale.language in ("fa", "ar", "ps", "ur")):
        raise ValueError("a year of the Persian or of the Islamic calendar")
    if 1300 <= year <= 1500 and re.search(r"\d[/.]\d", rest):
        raise ValueError("a year of the Persian or of the Islamic calendar")
    if clock_time is None:
        return ParsedDate(_make_period(day.civil), note=day.note)
    if month is None or number is None:
        raise ValueError("a time of day without a day")
    moment = _make_moment((year, month, number), clock_time)
    try:
        found_zone = zones.read_zone(clock_time.zone, moment, locale, zone) if clock_time.zone else None
    except zones.ZoneUnclear as error:
        return ParsedDate(_make_period(day.civil), note=f"{error}: the time of day was left out")
    reading = _make_parsed(moment.replace(tzinfo=found_zone), zone, clock_time.part)
    return ParsedDate(reading.date, reading.floating, day.note, reading.part)


def _explain(text: str, reason: str) -> str:
    """The reason, made plainer for dates of a calendar that cannot be converted."""
    return "a date of the Islamic calendar, whose days differ" if calendars.ISLAMIC.search(text) else reason


def _make_moment(day: tuple[int, int, int], clock_time: clock.ClockTime) -> datetime:
    """The naive moment. A leap second has no place on a clock of 86,400; it is the one before, a second later."""
    if (
        clock_time.minute > 59
        or clock_time.second > 60
        or clock_time.hour > 24
        or (clock_time.hour == 24 and (clock_time.minute or clock_time.second))
    ):
        raise ValueError("no such time of day")
    leap = (clock_time.second == 60, clock_time.hour == 24)
    moment = datetime(*day, clock_time.hour % 24, clock_time.minute, clock_time.second - leap[0])
    return moment + timedelta(days=leap[1], seconds=leap[0]) if any(leap) else moment


def _make_period(civil: calendars.Civil) -> SourceDate:
    year, month, day = civil
    precision: DatePrecision = "year" if month is None else "month" if day is None else "day"
    if not 1 <= year <= 2200:
        raise ValueError(OUTSIDE)
    first = datetime(year, 1 if month is None else month, 1 if day is None else day, tzinfo=UTC)
    return SourceDate(_to_seconds(first), precision)


def _make_parsed(moment: datetime, zone: tzinfo, part: bool = False) -> ParsedDate:
    if not 1 <= moment.year <= 2200:
        raise ValueError(OUTSIDE)
    floating = moment.tzinfo is None
    aware = moment.replace(tzinfo=zone) if floating else moment
    return ParsedDate(SourceDate(_to_seconds(aware), "instant"), floating, part=part or aware.microsecond > 0)


def _to_seconds(moment: datetime) -> int:
    return _check_bounds((moment - _EPOCH) // _SECOND)


def _check_bounds(seconds: int) -> int:
    # An offset may carry the first or last day over the edge of what can be stored.
    # From the first second of the year 1 to the last one of 2200.
    if not -62135596800 <= seconds < 7289654400:
        raise ValueError(OUTSIDE)
    return seconds


def _read_number(value: int | float, zone: tzinfo) -> ParsedDate:
    """Numbers of JSON: 2025 and 20251203 as they read, seconds since 1970 of nine digits or ten, milliseconds of twelve
    or thirteen. Other numbers could be anything."""
    # NaN is not equal to itself.
    if value != value or abs(value) == float("inf"):
        raise ValueError("no number")
    whole = int(value)
    if isinstance(value, int) and (1000 <= value <= 2200 or 10000101 <= value <= 22001231):
        return _read_digits(str(value), zone)
    if 10**8 <= whole < 10**10:
        return ParsedDate(parse_epoch(value), part=value != whole)
    if 10**11 <= whole < 10**13:
        return ParsedDate(parse_epoch(value, 1000), part=value % 1000 > 0)
    raise ValueError("a number that could mean anything")


def _read_digits(text: str, zone: tzinfo) -> ParsedDate:
    if len(text) == 4:
        return ParsedDate(_make_period((int(text), None, None)))
    if len(text) == 8 and text.isdecimal():
        return ParsedDate(_make_period((int(text[:4]), int(text[4:6]), int(text[6:]))))
    if len(text) == 14 and text.isdecimal():
        return _make_parsed(datetime.strptime(text, "%Y%m%d%H%M%S"), zone)
    raise ValueError("digits that could mean several dates")
