"""The table of dates in many languages and shapes: each is right or refused, none invented."""

import contextlib
import re
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date
from babel.localedata import locale_identifiers
from hypothesis import given, strategies as st

from app.importers import dates
from app.importers.dates import calendars
from app.importers.document import SourceLocale

ROWS = [
    line.split(" | ")
    for line in (Path(__file__).parent / "date_strings.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
_FORMS = {"instant": "%Y-%m-%dT%H:%M:%SZ", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


def read(text: str, options: str = "") -> str:
    """The date in the notation of the table."""
    by_name = dict(one.split("=", 1) for one in options.split())
    locale = dates.find_locale(by_name.get("language"), by_name.get("address"))
    try:
        reading = dates.parse_date(text, ZoneInfo(by_name["zone"]) if "zone" in by_name else UTC, locale)
    except ValueError:
        return "-"
    moment = datetime.fromtimestamp(reading.date.instant, UTC)
    shown = moment.strftime(_FORMS[reading.date.precision].replace("%Y", f"{moment.year:04}"))
    return shown + ("!" if "time zone" in (reading.note or "") else "")


def test_the_table_has_three_hundred_strings_and_many_languages() -> None:
    assert len(ROWS) > 300


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_date_string_is_right_or_refused(row: list[str]) -> None:
    assert read(row[0], *row[2:]) == row[1]


def test_months_in_the_words_of_every_language_are_right_or_refused_without_a_locale() -> None:
    names = Path(dates.__file__).with_name("names.txt").read_text(encoding="utf-8").splitlines()
    languages = {line.split("\t")[0] for line in names if not line.startswith("#")}
    assert len(languages) > 50
    right = Counter[bool]()
    for language in sorted(languages & set(locale_identifiers())):
        for month in range(1, 13):
            for form in ("long", "medium", "d MMMM y", "d. MMMM y", "MMMM y", "d LLL y"):
                text = format_date(date(2025, month, 16), form, language)
                document = read(text)
                right[document != "-"] += 1
                assert document in ("-", f"2025-{month:02}-16", f"2025-{month:02}"), (language, text)
    assert right[True] > 0.8 * right.total()


PIECES = st.sampled_from(
    [
        *(
            "2025",
            "25",
            "6",
            "31",
            "07",
            "1404",
            "5785",
            "2568",
            "٢٠٢٥",
            "６",
            "10:30",
            "10:30:59.5",
            "3 pm",
            "10h",
            "T10:00",
        ),
        *(
            "July",
            "juli",
            "mar",
            "مارس",
            "7月",
            "年",
            "日",
            "令和",
            "民國",
            "तारीख",
            "تیر",
            "תמוז",
            'תשפ"ה',
            "tháng",
            "listopada",
        ),
        *(
            "Sun",
            "de",
            "of",
            "kl",
            "GMT",
            "UTC+2",
            "IST",
            "+0200",
            "-",
            "/",
            ".",
            ",",
            ":",
            " ",
            " ",
            "(",
            ")",
            "Z",
            "\u200f",
            "x",
        ),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=9).map(" ".join), st.lists(PIECES, max_size=9).map("".join)
)
LOCALES = st.builds(dates.find_locale, st.sampled_from([None, "en-US", "fr", "hr", "fa-IR", "en-AU"]))


@given(TEXTS, LOCALES)
def test_whatever_the_text_a_date_has_its_digits_from_it(text: str, locale: SourceLocale) -> None:
    with contextlib.suppress(ValueError):
        reading = dates.parse_date(text, UTC, locale)
        assert -62135596800 <= reading.date.instant < 7289654400
        if "converted" in (reading.note or ""):
            return
        moment = datetime.fromtimestamp(reading.date.instant, UTC)
        digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else " " for c in calendars.spell_in_digits(text))
        numbers = [int(number) for number in re.findall(r"\d+", digits)]
        near = {moment.year, moment.year + 543, moment.year - 1, moment.year + 1}  # an offset may cross New Year
        written = {
            *numbers,
            *(int(f"{number:08}"[:4]) for number in numbers),
            *(1900 + n for n in numbers),
            *(2000 + n for n in numbers),
        }
        assert near & {*written, *(int(f"{number:014}"[:4]) for number in numbers)}
        if reading.date.precision in ("day", "instant"):
            assert len("".join(re.findall(r"\d", digits))) >= 3 or "元" in text


@given(
    st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.none(), st.datetimes(), st.dates())
)
def test_any_value_is_read_or_refused_and_never_raises_otherwise(value: object) -> None:
    try:
        reading = dates.parse_date(value, UTC)
    except ValueError:
        return
    assert not isinstance(value, bool)
    assert reading.date.precision in ("instant", "day", "month", "year")
