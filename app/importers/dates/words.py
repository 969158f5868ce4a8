"""The day in a text, without its time: numbers in any order that has one meaning, and names of months in any language
of the lexicon.

Never skips a word or a digit that it does not understand: then there is no date.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from app.importers.dates import calendars
from app.importers.dates.calendars import Civil
from app.importers.dates.lexicon import FILLERS, DateWord, fold_word, load_words
from app.importers.dates.locale import SHOWN
from app.importers.document import SourceLocale

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
class _DateTokens:
    """What the tokens of a text are: numbers as (value, digits, dotted), months, weekdays, other calendars' months."""

    numbers: list[tuple[int, int, bool]] = field(default_factory=list)
    months: list[DateWord] = field(default_factory=list)
    days: list[DateWord] = field(default_factory=list)
    jalali: list[int] = field(default_factory=list)
    hebrew: list[int] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ParsedDay:
    """Year, month and day as far as written; `note` says what decided where the text alone does not."""

    civil: Civil
    note: str | None = None


def read_day(text: str, locale: SourceLocale, has_clock: bool) -> ParsedDay:
    """The day, month or year. ValueError with a reason for people: what is none, what could be two."""
    text = _PAIRED.split(text)[-1] if _PAIRED.search(text) else text
    spelt = _NUMBERED_DAY.sub(" ", calendars.spell_in_digits(text))
    is_buddhist = bool(_BUDDHIST.search(spelt))
    spelt = _CHRISTIAN.sub(" ", _BUDDHIST.sub(" ", spelt))
    numeric = _take_numeric(spelt)
    if numeric is not None:
        match, rest = numeric
        tokens = _sort_tokens(rest)
        if tokens.numbers or tokens.months or tokens.letters or tokens.jalali or tokens.hebrew:
            raise ValueError(NO_DATE)
        day = _read_numeric(match, tokens.days, locale)
    else:
        day = _read_named(_sort_tokens(spelt), locale, has_clock, is_buddhist)
    calendars.check_era(text, day.civil)
    return day


def _take_numeric(text: str) -> tuple[re.Match[str], str] | None:
    for pattern in (_UNITS, _YMD, _DMY, _COUNTED):
        if match := pattern.search(text):
            return match, f"{text[: match.start()]} {text[match.end() :]}"
    return None


def _read_numeric(match: re.Match[str], days: list[DateWord], locale: SourceLocale) -> ParsedDay:
    if match.re is _COUNTED:
        return ParsedDay(_order_parts([int(part) if part else None for part in match.groups()]))
    if match.re is not _DMY:
        month, day = (int(part) if part else None for part in match.groups()[-2:])
        return ParsedDay((int(match[1]), month, day))
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2].startswith(".") or first > 12 or first == second:
        return ParsedDay((year, second, first))
    if second > 12:
        return ParsedDay((year, first, second))
    # With hyphens machines write as well, which do not ask what a country's people do.
    if match[2] == "-" and locale.why != SHOWN:
        locale = replace(locale, day_first=None)
    return _choose_reading((year, second, first), (year, first, second), days, locale)


def _order_parts(parts: list[int | None]) -> Civil:
    """Year, month and day out of the groups of `_COUNTED`: day first, month first, month alone."""
    present = [part for part in parts if part is not None]
    if parts[0] is not None:
        return present[2], present[1], present[0]
    return (present[2], present[0], present[1]) if len(present) == 3 else (present[1], present[0], None)


def _choose_reading(day_first: Civil, month_first: Civil, days: list[DateWord], locale: SourceLocale) -> ParsedDay:
    """The one of two readings that the weekday in the text is right for, else the one of the source's country."""
    names = {number for word in days if (number := word.find_weekday(locale.language))}
    fitting = [one for one in (day_first, month_first) if date(*_fill_day(one)).isoweekday() in names]
    if len(fitting) == 1:
        return ParsedDay(fitting[0])
    if locale.day_first is None or names:
        raise ValueError("day and month cannot be told apart")
    order = "the day" if locale.day_first else "the month"
    return ParsedDay(day_first if locale.day_first else month_first, f"{order} stands first, {locale.why}")


def _fill_day(civil: Civil) -> tuple[int, int, int]:
    return civil[0], civil[1] or 1, civil[2] or 1


def _sort_tokens(text: str) -> _DateTokens:
    """Every token under what it is. ValueError for what is nothing that dates have."""
    sorted_tokens = _DateTokens()
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(NO_DATE)
        position = match.end()
        if match["number"]:
            _flush_words(tokens, sorted_tokens)
            sorted_tokens.numbers.append((int(match["number"]), len(match["number"]), bool(match["dot"])))
        elif match["word"]:
            tokens.append(match["word"])
    _flush_words(tokens, sorted_tokens)
    if len(sorted_tokens.days) > 1 + bool(sorted_tokens.months and sorted_tokens.months[0].days):
        raise ValueError(NO_DATE)
    return sorted_tokens


def _flush_words(tokens: list[str], sorted_tokens: _DateTokens) -> None:
    """Sorts the words between two numbers; some names are of two words."""
    by_form = load_words()
    while tokens:
        if len(tokens) > 1 and (two := by_form.get(fold_word(f"{tokens[0]} {tokens[1]}"))):
            (sorted_tokens.months if two.months else sorted_tokens.days).append(two)
            del tokens[:2]
            continue
        _place_token(tokens.pop(0), sorted_tokens)


def _place_token(token: str, sorted_tokens: _DateTokens) -> None:
    by_form, folded = load_words(), fold_word(token)
    # Hebrew writes "in" and "the" in one with the word, Thai "on".
    word = by_form.get(folded) or (
        by_form.get(folded[1:]) if folded[:1] in "בה" else by_form.get(_THAI.sub("", folded))
    )
    if word is not None and word.months:
        sorted_tokens.months.append(word)
    elif folded in FILLERS or not folded:
        return
    elif word is not None:
        sorted_tokens.days.append(word)
    elif folded in calendars.JALALI:
        sorted_tokens.jalali.append(calendars.JALALI[folded])
    elif (name := folded if folded in calendars.HEBREW else folded[1:]) in calendars.HEBREW:
        sorted_tokens.hebrew.append(calendars.HEBREW[name])
    elif "\u05d0" <= folded[0] <= "\u05ea":
        sorted_tokens.letters.append(token)
    elif len(parts := _APOSTROPHE.split(token, maxsplit=1)) == 2 and all(parts):
        for part in parts:
            _place_token(part, sorted_tokens)
    else:
        raise ValueError(NO_DATE)


def _read_named(tokens: _DateTokens, locale: SourceLocale, has_clock: bool, is_buddhist: bool) -> ParsedDay:
    if tokens.hebrew:
        return _read_hebrew(tokens)
    if tokens.letters:
        raise ValueError(NO_DATE)
    if tokens.jalali:
        return _read_jalali(tokens)
    year, day = _choose_year_and_day(tokens, has_clock)
    month = _choose_month(tokens, locale)
    if month is None and (day is not None or tokens.days):
        raise ValueError(NO_DATE)
    # The Thai calendar counts 543 years more.
    if is_buddhist or (year > 2300 and tokens.months and set(tokens.months[0].months) == {"th"}):
        year = calendars.convert_buddhist(year)
    return ParsedDay((year, month, day))


def _choose_month(tokens: _DateTokens, locale: SourceLocale) -> int | None:
    """The one month; a word that is a day too (mar, martes and March) is that where another month stands beside it, and
    one month may stand there under two names (نيسان / أبريل).

    `listopada` is October in Croatian and November in Polish: that is open where nothing names language or country.
    """
    months = tokens.months
    if len(months) == 2:
        months = [one for one in months if not one.days] or months[1:]
    if len(months) == 2 and len(tokens.months) == 2:
        both = set(months[0].months.values()) & set(months[1].months.values())
        if len(both) == 1:
            return both.pop()
    if len(months) > 1:
        raise ValueError(NO_DATE)
    if not months:
        return None
    spoken = set(tokens.days[0].days) if tokens.days else set(months[0].months)
    is_known = locale.language in months[0].months
    month = months[0].find_month(locale.language if is_known else _SPOKEN_IN.get(locale.country or ""), spoken)
    if month is None:
        raise ValueError("a month of two names")
    return month


def _choose_year_and_day(tokens: _DateTokens, has_clock: bool) -> tuple[int, int | None]:
    years = [number for number in tokens.numbers if number[1] == 4]
    days = [number for number in tokens.numbers if number[1] <= 2]
    if years and years[0][0] < 1000:
        raise ValueError("a year before 1000")
    if len(years) == 1 and len(days) == len(tokens.numbers) - 1 <= 1:
        return years[0][0], days[0][0] if days else None
    # RFC 822 had years of two digits, and no time zone but behind a time.
    if not years and has_clock and len(days) == len(tokens.numbers) == 2 and days[1][1] == 2 and tokens.months:
        # RFC 2822, section 4.3, says which century is meant.
        return days[1][0] + (2000 if days[1][0] < 50 else 1900), days[0][0]
    raise ValueError("no year" if not years and tokens.months else NO_DATE)


def _read_jalali(tokens: _DateTokens) -> ParsedDay:
    year, day = _choose_year_and_day(tokens, has_clock=False)
    if day is None or len(tokens.jalali) != 1 or tokens.months:
        raise ValueError("a month of the Persian calendar, which lies in two of the Gregorian one")
    gregorian = calendars.convert_jalali(year, tokens.jalali[0], day)
    return ParsedDay((gregorian.year, gregorian.month, gregorian.day), "converted from the Persian calendar")


def _read_hebrew(tokens: _DateTokens) -> ParsedDay:
    numbers = [calendars.parse_gematria(re.sub(r"^[הב](?=תש)", "", word)) for word in tokens.letters]
    numbers += [number[0] for number in tokens.numbers]
    days, years = [one for one in numbers if one <= 30], [one for one in numbers if one > 600]
    if len(tokens.hebrew) != 1 or tokens.months or (len(days), len(years), len(numbers)) != (1, 1, 2):
        raise ValueError("not a day of the Hebrew calendar")
    year = years[0] if years[0] > 5000 else years[0] + 5000
    gregorian = calendars.convert_hebrew(year, tokens.hebrew[0], days[0])
    return ParsedDay((gregorian.year, gregorian.month, gregorian.day), "converted from the Hebrew calendar")
