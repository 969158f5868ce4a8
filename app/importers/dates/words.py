"""The day in a text, without its time: numbers in any order that has one meaning, and names of months in any language
of the lexicon.

Never skips a word or a digit that it does not understand: then there is no date.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from app.importers.dates import calendars
from app.importers.dates.calendars import Civil
from app.importers.dates.lexicon import FILLERS, Word, fold_word, words
from app.importers.dates.locale import SHOWN
from app.importers.document import Locale

NO_DATE = "not a date"
_UNITS = re.compile(r"(?<!\d)(\d{4})\s*(?:年|년)(?:\s*(\d{1,2})\s*(?:月|월)(?:\s*(\d{1,2})\s*(?:日|号|號|일))?)?")
_YMD = re.compile(r"(?<![\d.,/-])(\d{4})\s?([-/.])\s?(\d{1,2})(?:\s?\2\s?(\d{1,2}))?(?:\.(?!\d))?(?![\d/-]|\.\d)")
_DMY = re.compile(r"(?<![\d.,/-])(\d{1,2})(\.\s|[-/.])\s?(\d{1,2})\2\s?(\d{4})(?![\d/-]|\.\d)")
# Languages that count their months: 6 tháng 7, 2025; 06 7月 2025; 7月 6, 2025.
_COUNTED = re.compile(
    r"(?<!\d)(\d{1,2})\s+(?:(?:tháng|thg)\s+(\d{1,2})|(\d{1,2})\s?[月월])(?:\s*,\s*|\s+năm\s+|\s+)(\d{4})(?!\d)"
    r"|(?<!\d)(?:(?:tháng|thg)\s+(\d{1,2})|(\d{1,2})\s?[月월])\s+(\d{1,2}),?\s+(\d{4})(?!\d)"
    r"|(?<!\d)(?:tháng|thg)\s+(\d{1,2}),?\s+(?:năm\s+)?(\d{4})(?!\d)",
    re.IGNORECASE,
)
_NUMBERED_DAY = re.compile(r"(?<![^\W_])th(?:ứ)?\s?[2-7](?![^\W_])", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<number>\d+)(?P<suffix>(?:st|nd|rd|th|er|re|ème|e|º|ª|°|:e|:a|-?án|-?én|-?i|-го|-ого|-а|-е)(?![^\W\d_]))?(?P<dot>\.)?"
    r"|(?P<word>[^\W\d_](?:[^\s\d,;:()\[\]|/@·•،、，。（）–—-]|-(?=[^\W\d_])|\u200c)*)"
    r"|(?P<mark>[.,\-–—|/@()（）·•،、，。;:\[\]])|\s+",
    re.IGNORECASE,
)
_THAI = re.compile(f"{fold_word('ที่')}$")
_APOSTROPHE = re.compile(r"['’-]")
_BUDDHIST = re.compile(r"พ\.\s?ศ\.|พุทธศักราช")
_CHRISTIAN = re.compile(r"ค\.\s?ศ\.|(?<![^\W\d_])(?:A\.?D\.?|C\.?E\.?|n\.\s?e\.|н\.\s?э\.|م)(?![^\W\d_])\.?")
_SPOKEN_IN = {"PL": "pl", "HR": "hr", "CZ": "cs"}
"""Of countries whose languages give one word to different months."""
_PAIRED = re.compile(r"(?:الموافق|corresponding to)\s*(?:لـ?\s*)?", re.IGNORECASE)


@dataclass(slots=True)
class _Found:
    """What the tokens of a text are: numbers as (value, digits, dotted), months, weekdays, other calendars' months."""

    numbers: list[tuple[int, int, bool]] = field(default_factory=list)
    months: list[Word] = field(default_factory=list)
    days: list[Word] = field(default_factory=list)
    jalali: list[int] = field(default_factory=list)
    hebrew: list[int] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Day:
    """Year, month and day as far as written; `note` says what decided where the text alone does not."""

    civil: Civil
    note: str | None = None


def read_day(text: str, locale: Locale, has_clock: bool) -> Day:
    """The day, month or year. ValueError with a reason for people: what is none, what could be two."""
    text = _PAIRED.split(text)[-1] if _PAIRED.search(text) else text
    spelt = _NUMBERED_DAY.sub(" ", calendars.spell_out(text))
    is_buddhist = bool(_BUDDHIST.search(spelt))
    spelt = _CHRISTIAN.sub(" ", _BUDDHIST.sub(" ", spelt))
    numeric = _take_numeric(spelt)
    if numeric is not None:
        match, rest = numeric
        found = _sort(rest)
        if found.numbers or found.months or found.letters or found.jalali or found.hebrew:
            raise ValueError(NO_DATE)
        day = _numeric(match, found.days, locale)
    else:
        day = _named(_sort(spelt), locale, has_clock, is_buddhist)
    calendars.check_era(text, day.civil)
    return day


def _take_numeric(text: str) -> tuple[re.Match[str], str] | None:
    for pattern in (_UNITS, _YMD, _DMY, _COUNTED):
        if match := pattern.search(text):
            return match, f"{text[: match.start()]} {text[match.end() :]}"
    return None


def _numeric(match: re.Match[str], days: list[Word], locale: Locale) -> Day:
    if match.re is _COUNTED:
        return Day(_counted([int(part) if part else None for part in match.groups()]))
    if match.re is not _DMY:
        month, day = (int(part) if part else None for part in match.groups()[-2:])
        return Day((int(match[1]), month, day))
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2].startswith(".") or first > 12 or first == second:
        return Day((year, second, first))
    if second > 12:
        return Day((year, first, second))
    if match[2] == "-" and locale.why != SHOWN:
        locale = replace(locale, day_first=None)
    return _of_two((year, second, first), (year, first, second), days, locale)


def _counted(parts: list[int | None]) -> Civil:
    """Year, month and day out of the groups of `_COUNTED`: day first, month first, month alone."""
    given = [part for part in parts if part is not None]
    if parts[0] is not None:
        return given[2], given[1], given[0]
    return (given[2], given[0], given[1]) if len(given) == 3 else (given[1], given[0], None)


def _of_two(day_first: Civil, month_first: Civil, days: list[Word], locale: Locale) -> Day:
    """The one of two readings that the weekday in the text is right for, else the one of the source's country."""
    names = {number for word in days if (number := word.day(locale.language))}
    fitting = [one for one in (day_first, month_first) if date(*_whole(one)).isoweekday() in names]
    if len(fitting) == 1:
        return Day(fitting[0])
    if locale.day_first is None or names:
        raise ValueError("day and month cannot be told apart")
    order = "the day" if locale.day_first else "the month"
    return Day(day_first if locale.day_first else month_first, f"{order} stands first, {locale.why}")


def _whole(civil: Civil) -> tuple[int, int, int]:
    return civil[0], civil[1] or 1, civil[2] or 1


def _sort(text: str) -> _Found:
    """Every token under what it is. ValueError for what is nothing that dates have."""
    found = _Found()
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(NO_DATE)
        position = match.end()
        if match["number"]:
            _flush(tokens, found)
            found.numbers.append((int(match["number"]), len(match["number"]), bool(match["dot"])))
        elif match["word"]:
            tokens.append(match["word"])
    _flush(tokens, found)
    if len(found.days) > 1 + bool(found.months and found.months[0].days):
        raise ValueError(NO_DATE)
    return found


def _flush(tokens: list[str], found: _Found) -> None:
    """Sorts the words between two numbers; some names are of two words."""
    known = words()
    while tokens:
        if len(tokens) > 1 and (two := known.get(fold_word(f"{tokens[0]} {tokens[1]}"))):
            (found.months if two.months else found.days).append(two)
            del tokens[:2]
            continue
        _place(tokens.pop(0), found)


def _place(token: str, found: _Found) -> None:
    known, folded = words(), fold_word(token)
    word = known.get(folded) or (known.get(folded[1:]) if folded[:1] in "בה" else known.get(_THAI.sub("", folded)))
    if word is not None and word.months:
        found.months.append(word)
    elif folded in FILLERS or not folded:
        return
    elif word is not None:
        found.days.append(word)
    elif folded in calendars.JALALI:
        found.jalali.append(calendars.JALALI[folded])
    elif (name := folded if folded in calendars.HEBREW else folded[1:]) in calendars.HEBREW:
        found.hebrew.append(calendars.HEBREW[name])
    elif "\u05d0" <= folded[0] <= "\u05ea":
        found.letters.append(token)
    elif len(parts := _APOSTROPHE.split(token, maxsplit=1)) == 2 and all(parts):
        for part in parts:
            _place(part, found)
    else:
        raise ValueError(NO_DATE)


def _named(found: _Found, locale: Locale, has_clock: bool, is_buddhist: bool) -> Day:
    if found.hebrew:
        return _hebrew(found)
    if found.letters:
        raise ValueError(NO_DATE)
    if found.jalali:
        return _jalali(found)
    year, day = _year_and_day(found, has_clock)
    month = _month(found, locale)
    if month is None and (day is not None or found.days):
        raise ValueError(NO_DATE)
    if is_buddhist or (year > 2300 and found.months and set(found.months[0].months) == {"th"}):
        year = calendars.from_buddhist(year)
    return Day((year, month, day))


def _month(found: _Found, locale: Locale) -> int | None:
    """The one month; a word that is a day too (mar, martes and March) is that where another month stands beside it, and
    one month may stand there under two names (نيسان / أبريل).

    `listopada` is October in Croatian and November in Polish: that is open where nothing names language or country.
    """
    months = found.months
    if len(months) == 2:
        months = [one for one in months if not one.days] or months[1:]
    if len(months) == 2 and len(found.months) == 2:
        both = set(months[0].months.values()) & set(months[1].months.values())
        if len(both) == 1:
            return both.pop()
    if len(months) > 1:
        raise ValueError(NO_DATE)
    if not months:
        return None
    spoken = set(found.days[0].days) if found.days else set(months[0].months)
    is_known = locale.language in months[0].months
    month = months[0].month(locale.language if is_known else _SPOKEN_IN.get(locale.country or ""), spoken)
    if month is None:
        raise ValueError("a month of two names")
    return month


def _year_and_day(found: _Found, has_clock: bool) -> tuple[int, int | None]:
    years = [number for number in found.numbers if number[1] == 4]
    days = [number for number in found.numbers if number[1] <= 2]
    if years and years[0][0] < 1000:
        raise ValueError("a year before 1000")
    if len(years) == 1 and len(days) == len(found.numbers) - 1 <= 1:
        return years[0][0], days[0][0] if days else None
    # RFC 822 had years of two digits, and no time zone but behind a time.
    if not years and has_clock and len(days) == len(found.numbers) == 2 and days[1][1] == 2 and found.months:
        return days[1][0] + (2000 if days[1][0] < 50 else 1900), days[0][0]
    raise ValueError("no year" if not years and found.months else NO_DATE)


def _jalali(found: _Found) -> Day:
    year, day = _year_and_day(found, has_clock=False)
    if day is None or len(found.jalali) != 1 or found.months:
        raise ValueError("a month of the Persian calendar, which lies in two of the Gregorian one")
    there = calendars.from_jalali(year, found.jalali[0], day)
    return Day((there.year, there.month, there.day), "converted from the Persian calendar")


def _hebrew(found: _Found) -> Day:
    numbers = [calendars.gematria(re.sub(r"^[הב](?=תש)", "", word)) for word in found.letters]
    numbers += [number[0] for number in found.numbers]
    days, years = [one for one in numbers if one <= 30], [one for one in numbers if one > 600]
    if len(found.hebrew) != 1 or found.months or (len(days), len(years), len(numbers)) != (1, 1, 2):
        raise ValueError("not a day of the Hebrew calendar")
    year = years[0] if years[0] > 5000 else years[0] + 5000
    there = calendars.from_hebrew(year, found.hebrew[0], days[0])
    return Day((there.year, there.month, there.day), "converted from the Hebrew calendar")
