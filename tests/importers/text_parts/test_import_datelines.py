"""Datelines at the head of a paragraph and in fields: taken whole, dated only as far as they say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from app.importers.document import SourceDate, SourceDateline
from app.importers.text_parts.datelines import read_dateline, split_dateline

REST = "Ministers met on Tuesday to settle what had been open since the spring, officials said."


def day(year: int, month: int, number: int) -> SourceDate:
    return SourceDate(int(datetime(year, month, number, tzinfo=UTC).timestamp()), "instant")


@pytest.mark.parametrize(
    ("text", "place", "date", "precision"),
    [
        ("Brussels, December 2025.", "Brussels", "2025-12", "month"),
        ("BRUSSELS, Dec. 3, 2025 —", "BRUSSELS", "2025-12-03", "day"),
        ("Paris, 3 December 2025.", "Paris", "2025-12-03", "day"),
        ("Bruxelles, décembre 2025.", "Bruxelles", "2025-12", "month"),
        ("Paris, le 1er août 2025 –", "Paris", "2025-08-01", "day"),
        ("Berlin, 3. Dezember 2025.", "Berlin", "2025-12-03", "day"),
        ("Berlin, 03.12.2025 -", "Berlin", "2025-12-03", "day"),
        ("Madrid, 3 de diciembre de 2025.-", "Madrid", "2025-12-03", "day"),
        ("The Hague, 2025-12-03:", "The Hague", "2025-12-03", "day"),
        ("WASHINGTON, D.C., December 3, 2025 —", "WASHINGTON, D.C.", "2025-12-03", "day"),
        ("LONDON, Wednesday, Dec. 3, 2025 —", "LONDON", "2025-12-03", "day"),
        ("PARIS, 3 December 2025 (AFP) -", "PARIS", "2025-12-03", "day"),
        ("Frankfurt am Main, Mai 2025.", "Frankfurt am Main", "2025-05", "month"),
        ("St. Petersburg, June 2024.", "St. Petersburg", "2024-06", "month"),
        ("Kyiv, Ukraine, 2025.", "Kyiv, Ukraine", "2025", "year"),
        ("NEW YORK, April 7 -", "NEW YORK", None, None),
        ("GENEVA (AP) -", "GENEVA", None, None),
        ("GENEVA —", "GENEVA", None, None),
        ("HONG KONG -", "HONG KONG", None, None),
    ],
)
def test_a_dateline_is_taken_out_as_it_stood(text: str, place: str, date: str | None, precision: str | None) -> None:
    dateline, rest = split_dateline(f"{text} {REST}")
    assert dateline == SourceDateline(text, place, date, precision)  # type: ignore[arg-type] # parameters are str
    assert rest == REST


@pytest.mark.parametrize(
    "paragraph",
    [
        f"In March 2025. {REST}",
        f"On Monday, December 3, 2025, {REST}",
        f"NATO — {REST}",
        f"BREAKING — {REST}",
        f"Brussels – the capital – {REST}",
        f"Acme Corp (ACME) - {REST}",
        f"She said, May 5. {REST}",
        f"Moscow, December 2025 {REST}",
        "LONDON GOLD CLOSE - 452.10",
        "NYSE INDEX AT 1530",
        "",
        REST,
    ],
)
def test_other_openings_stay_in_the_paragraph(paragraph: str) -> None:
    assert split_dateline(paragraph) == (None, paragraph)


def test_a_dateline_may_be_the_whole_paragraph() -> None:
    assert split_dateline("Brussels, December 2025.")[1] == ""


@pytest.mark.parametrize(
    ("text", "published", "date"),
    [
        ("NEW YORK, April 7 -", day(1987, 4, 8), "1987-04-07"),
        ("NEW YORK, Dec 31 -", day(1988, 1, 1), "1987-12-31"),
        ("NEW YORK, Jan 1 -", day(1987, 12, 31), "1988-01-01"),
        ("NEW YORK, Feb 29 -", day(1988, 3, 1), "1988-02-29"),
        ("NEW YORK, Feb 29 -", day(1987, 3, 1), None),
        ("NEW YORK, Dec 7 -", SourceDate(day(1987, 1, 1).instant, "year"), "1987-12-07"),
        ("NEW YORK, Feb 30 -", day(1987, 3, 1), None),
        ("NEW YORK, April 7 -", None, None),
    ],
)
def test_a_missing_year_is_the_nearest_one(text: str, published: SourceDate | None, date: str | None) -> None:
    dateline = read_dateline(text, published)
    assert (dateline.place, dateline.date) == ("NEW YORK", date)
    assert (dateline.precision == "day") is (date is not None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("WOODBRIDGE, N.J. -", "WOODBRIDGE, N.J."),
        ("NEW YORK, Marhc 3 -", "NEW YORK"),
        ("****LONDON, March 5 -", "LONDON"),
        ("April 7 -", None),
        ("--", None),
    ],
)
def test_a_field_that_is_no_usual_dateline_gives_what_it_can(text: str, place: str | None) -> None:
    dateline = read_dateline(text, day(1987, 4, 8))
    assert (dateline.text, dateline.place) == (text, place)


@given(st.text(max_size=200))
def test_no_character_is_lost_between_dateline_and_rest(paragraph: str) -> None:
    dateline, rest = split_dateline(paragraph)
    assert "".join(((dateline.text if dateline else "") + rest).split()) == "".join(paragraph.split())
