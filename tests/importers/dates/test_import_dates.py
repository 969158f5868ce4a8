"""Dates as sources write them: what each shape means, what is refused, and that nothing is filled in."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from app.importers import dates
from app.importers.document import SourceDate, SourceDateline

BRUSSELS = ZoneInfo("Europe/Brussels")


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc] # mypy: unpacked ints


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2025-12-03T10:00:00Z", at(2025, 12, 3, 10)),
        ("2025-12-03T10:00:00.999+01:00", at(2025, 12, 3, 9)),
        ("2014-08-15 11:00:49 -0400", at(2014, 8, 15, 15, 0, 49)),
        ("2013-11-21 8:47:00 -0400", at(2013, 11, 21, 12, 47)),
        ("20251203T101500Z", at(2025, 12, 3, 10, 15)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
        ("2025-12-03T24:00:00Z", at(2025, 12, 4)),
        ("Wed, 03 Dec 2025 10:00:00 +0100", at(2025, 12, 3, 9)),
        ("Wed, 3 Dec 2025 10:00:00 GMT (UTC)", at(2025, 12, 3, 10)),
        ("Thu, 01 Jan 04 19:48:21 GMT", at(2004, 1, 1, 19, 48, 21)),
        ("Sat Mar  9 10:22:33 EST 2013", at(2013, 3, 9, 15, 22, 33)),
        ("May 22, 2012 at 12:30 AM EST", at(2012, 5, 22, 5, 30)),
        ("le 3 décembre 2025 à 14h30", at(2025, 12, 3, 14, 30)),
        (1345035649, at(2012, 8, 15, 13, 0, 49)),
        (1345035649000, at(2012, 8, 15, 13, 0, 49)),
        (1345035649.75, at(2012, 8, 15, 13, 0, 49)),
        (datetime(2025, 12, 3, 10, tzinfo=UTC), at(2025, 12, 3, 10)),
        (datetime(2025, 12, 3, 10), at(2025, 12, 3, 10)),
    ],
)
def test_a_moment_in_any_shape_is_that_instant(written: object, instant: int) -> None:
    assert dates.read_date(written, UTC) == SourceDate(instant, "instant")


@pytest.mark.parametrize(
    ("written", "instant", "precision"),
    [
        ("2025", at(2025, 1, 1), "year"),
        (2025, at(2025, 1, 1), "year"),
        ("2025-12", at(2025, 12, 1), "month"),
        ("December 2025", at(2025, 12, 1), "month"),
        ("décembre 2025", at(2025, 12, 1), "month"),
        ("diciembre de 2025", at(2025, 12, 1), "month"),
        ("Fri Dec 2025", at(2025, 12, 1), "month"),
        ("2012-05-22", at(2012, 5, 22), "day"),
        ("2012/05/22", at(2012, 5, 22), "day"),
        (20120522, at(2012, 5, 22), "day"),
        ("22 May 2012", at(2012, 5, 22), "day"),
        ("May 22nd, 2012", at(2012, 5, 22), "day"),
        ("1er août 2025", at(2025, 8, 1), "day"),
        ("3 de diciembre de 2025", at(2025, 12, 3), "day"),
        ("Mittwoch, 3. Dezember 2025", at(2025, 12, 3), "day"),
        ("3.12.2025", at(2025, 12, 3), "day"),
        ("12/25/2025", at(2025, 12, 25), "day"),
    ],
)
def test_a_period_keeps_its_precision(written: object, instant: int, precision: str) -> None:
    assert dates.read_date(written, UTC) == SourceDate(instant, precision)  # type: ignore[arg-type] # parameters are str


@pytest.mark.parametrize(
    "written",
    [
        "2025-13-01",
        "2025-02-30",
        "0000-00-00 00:00:00",
        "2025-12-03T25:00:00Z",
        "2025-12-03T10:61:00Z",
        "2025-12-03T10:00:00+99:00",
        "1345035649",
        -1,
        12345,
        "03/12/2025",
        "202512",
        "12-05-87",
        "5 May",
        "5 May 10:00",
        "Friday",
        "10:30",
        "tomorrow",
        "²025",
        "",
        "2201",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
        "2025-12-03 or so",
        "x" * 200,
        True,
        None,
        float("nan"),
        float("inf"),
        10**30,
        1e300,
        [],
    ],
)
def test_what_is_no_date_or_could_be_two_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        dates.read_date(written, UTC)


def test_a_moment_without_offset_is_read_in_the_zone_and_says_so() -> None:
    reading = dates.parse_date("2025-07-01 12:00", BRUSSELS)
    assert reading == dates.ParsedDate(SourceDate(at(2025, 7, 1, 10), "instant"), floating=True)
    assert not dates.parse_date("2025-07-01 12:00Z", BRUSSELS).floating


def test_a_period_is_one_of_the_calendar_whatever_the_zone() -> None:
    for written in ("2025-07-01", date(2025, 7, 1), "1 July 2025"):
        assert dates.parse_date(written, BRUSSELS) == dates.ParsedDate(
            SourceDate(at(2025, 7, 1), "day"), floating=False
        )


def test_a_naive_moment_takes_the_zone_of_the_import() -> None:
    assert dates.parse_date(datetime(2025, 7, 1, 12), BRUSSELS) == dates.parse_date("2025-07-01 12:00", BRUSSELS)


def test_a_zone_that_cannot_be_told_leaves_the_day_with_a_note() -> None:
    reading = dates.parse_date("2025-12-03 10:00 XYZ", UTC)
    assert reading == dates.ParsedDate(
        SourceDate(at(2025, 12, 3), "day"), note="time zone XYZ is not known: the time of day was left out"
    )
    assert "one of several" in (dates.parse_date("3 Dec 2025 10:00 IST", UTC).note or "")


def test_the_end_of_an_embargo_waits_for_the_fraction_of_its_second() -> None:
    reading = dates.parse_date("2025-12-03T10:00:00.001Z", UTC)
    assert (reading.date.instant, reading.round_up().instant) == (at(2025, 12, 3, 10), at(2025, 12, 3, 10, 0, 1))
    assert dates.parse_date("2025-12-03T10:00:00.000Z", UTC).round_up().instant == at(2025, 12, 3, 10)


def test_a_count_of_seconds_is_read_only_where_it_is_asked_for() -> None:
    assert dates.parse_epoch(1345035649) == dates.parse_epoch(1345035649999, per_second=1000)
    for wrong in (True, float("nan"), 1e300):
        with pytest.raises(ValueError, match=r"."):
            dates.parse_epoch(wrong)


def test_a_dateline_lends_its_period() -> None:
    assert dates.parse_dateline(SourceDateline("x", "x", "2025-12", "month"), UTC) == SourceDate(
        at(2025, 12, 1), "month"
    )
    assert dates.parse_dateline(SourceDateline("GENEVA -", "GENEVA"), UTC) is None


@given(
    st.datetimes(datetime(2, 1, 1), datetime(2199, 12, 31)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["T", " "]),
)
def test_any_iso_moment_is_read_as_it_was_written(moment: datetime, minutes: int, joint: str) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert dates.read_date(aware.isoformat(joint), BRUSSELS) == SourceDate(expected, "instant")


@given(st.dates(datetime(1, 1, 2).date(), datetime(2200, 12, 31).date()), st.sampled_from(["%d %B %Y", "%B %d, %Y"]))
def test_any_day_in_words_is_that_day(day: date, form: str) -> None:
    written = day.strftime(form).replace(day.strftime("%Y"), f"{day.year:04}")
    if day.year >= 1000:
        assert dates.read_date(written, UTC) == dates.read_date(day.isoformat(), UTC)


@given(st.one_of(st.text(max_size=60), st.integers(), st.floats()))
def test_anything_is_read_or_refused_as_a_value(value: object) -> None:
    with contextlib.suppress(ValueError):
        assert -62135596800 <= dates.read_date(value, BRUSSELS).instant < 7289654400
