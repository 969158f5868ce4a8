"""Reading and writing points in time, with nothing but the standard library to compare with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidRange, InvalidValue, OffsetRequired
from app.http.params.times import (
    EARLIEST,
    LATEST,
    Instant,
    Period,
    Range,
    format_time,
    make_range,
    read_time,
    read_zone,
)

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = int(datetime(2025, 3, 31, 12, 0, tzinfo=UTC).timestamp())


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-01T10:00:00Z",
        "2025-12-01t10:00:00z",
        "2025-12-01T11:00:00+01:00",
        "2025-12-01T11:00:00 01:00",
        "2025-12-01T04:30:00-05:30",
        "2025-12-01T10:00:00.999Z",
        "2025-12-01 10:00:00Z",
    ],
)
def test_time_with_an_offset_is_an_instant(text: str) -> None:
    assert read_time(text, BRUSSELS, NOW) == Instant(at("2025-12-01T10:00:00+00:00"))


@pytest.mark.parametrize(
    ("text", "start", "end", "precision"),
    [
        ("2025-03-30", "2025-03-30T00:00+01:00", "2025-03-31T00:00+02:00", "day"),
        ("2025-10", "2025-10-01T00:00+02:00", "2025-11-01T00:00+01:00", "month"),
        ("2025-12", "2025-12-01T00:00+01:00", "2026-01-01T00:00+01:00", "month"),
        ("2024", "2024-01-01T00:00+01:00", "2025-01-01T00:00+01:00", "year"),
        ("2024-02-29", "2024-02-29T00:00+01:00", "2024-03-01T00:00+01:00", "day"),
    ],
)
def test_date_is_the_whole_period_of_its_zone(text: str, start: str, end: str, precision: str) -> None:
    time = read_time(text, BRUSSELS, NOW)
    assert isinstance(time, Period)
    assert (time.start, time.end, time.precision) == (at(start), at(end), precision)


def test_midnight_that_the_clocks_skip_is_the_first_second_of_the_day() -> None:
    time = read_time("2018-11-04", ZoneInfo("America/Sao_Paulo"), NOW)
    assert isinstance(time, Period)
    assert time.start == at("2018-11-04T03:00:00+00:00")
    assert time.end - time.start == 23 * 3600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2025-03-31T12:00:00+00:00"),
        ("now-6h", "2025-03-31T06:00:00+00:00"),
        ("now-1d", "2025-03-30T12:00:00+00:00"),
        ("now-2w", "2025-03-17T12:00:00+00:00"),
        ("now-1M", "2025-02-28T12:00:00+00:00"),
        ("now-13M", "2024-02-29T12:00:00+00:00"),
        ("now-1y", "2024-03-31T12:00:00+00:00"),
    ],
)
def test_relative_time_counts_back_by_the_calendar(text: str, expected: str) -> None:
    assert read_time(text, UTC, NOW) == Instant(at(expected), uses_now=True)


def test_relative_month_keeps_the_hour_of_the_zone() -> None:
    assert read_time("now-1M", BRUSSELS, NOW) == Instant(at("2025-02-28T14:00:00+01:00"), uses_now=True)


@pytest.mark.parametrize("text", ["2025-12-01T10:00:00", "2025-12-01T10:00", "2025-12-01 10:00:00"])
def test_time_without_an_offset_asks_for_one(text: str) -> None:
    with pytest.raises(OffsetRequired):
        read_time(text, BRUSSELS, NOW)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2025-13", "2025-02-30", "2025-2-3", "20250203", "0000", "2201", "-2025", "２０２５"),
        *("2025-12-01T24:00:00Z", "2025-12-01T10:00:60Z", "2025-12-01T10:00:00+24:00", "2025-12-01T10:00:00+01"),
        *("now+1d", "now 1d", "now-1m", "now-d", "now-1.5d", "now-3000y", "NOW", "2025\n", "2025-W10"),
        *("0001-01-01T00:00:00+01:00", "2200-12-31T23:59:59-01:00", "now-" + "9" * 30 + "d"),
    ],
)
def test_nonsense_is_an_invalid_value(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_time(text, BRUSSELS, NOW)


def test_first_and_last_year_reach_to_the_edges() -> None:
    first, last = read_time("0001", UTC, NOW), read_time("2200", UTC, NOW)
    assert isinstance(first, Period)
    assert isinstance(last, Period)
    assert (first.start, last.end) == (EARLIEST, LATEST + 1)
    assert (format_time(EARLIEST), format_time(LATEST)) == ("0001-01-01T00:00:00Z", "2200-12-31T23:59:59Z")
    # RFC 3339 has the year 0, a leap year, where the first days east of Greenwich begin.
    before = [format_time(EARLIEST - seconds) for seconds in (1, 366 * 86_400)]
    assert before == ["0000-12-31T23:59:59Z", "0000-01-01T00:00:00Z"]


def test_range_takes_in_the_period_at_its_end_but_not_the_instant() -> None:
    day, noon = read_time("2025-12-01", UTC, NOW), read_time("2025-12-01T12:00:00Z", UTC, NOW)
    for pair, start, end in (
        ((day, day), "2025-12-01T00:00+00:00", "2025-12-02T00:00+00:00"),
        ((day, noon), "2025-12-01T00:00+00:00", "2025-12-01T12:00+00:00"),
    ):
        assert make_range(*pair) == Range(at(start), at(end), calendar=(at(start), at(end)))
    assert make_range(None, noon) == Range(None, noon.at, calendar=(None, noon.at))  # type: ignore[union-attr] # an instant


def test_dates_are_compared_with_the_period_in_utc_and_instants_with_that_of_the_zone() -> None:
    day = read_time("2025-12-01", BRUSSELS, NOW)
    result = make_range(day, day)
    assert (result.from_, result.to) == (at("2025-11-30T23:00+00:00"), at("2025-12-01T23:00+00:00"))
    assert result.calendar == (at("2025-12-01T00:00+00:00"), at("2025-12-02T00:00+00:00"))


def test_day_that_a_zone_skipped_is_one_of_the_calendar() -> None:
    skipped = read_time("2011-12-30", read_zone("Pacific/Apia"), NOW)
    result = make_range(skipped, skipped)
    assert result.from_ == result.to
    assert result.calendar == (at("2011-12-30T00:00+00:00"), at("2011-12-31T00:00+00:00"))


def test_range_that_nothing_fits_in_is_refused() -> None:
    noon = Instant(at("2025-12-01T12:00+00:00"))
    with pytest.raises(InvalidRange):
        make_range(noon, noon)


def test_range_says_whether_it_moves_with_the_clock() -> None:
    assert make_range(Instant(1), None).uses_now is False
    assert make_range(Instant(1), Instant(2, uses_now=True)).uses_now is True


@pytest.mark.parametrize("name", ["Mars/Olympus", "europe/brussels", "../etc/passwd", "Europe", "", "localtime"])
def test_unknown_zone_is_an_invalid_value(name: str) -> None:
    with pytest.raises(InvalidValue):
        read_zone(name)


@given(st.integers(EARLIEST, LATEST))
def test_written_time_reads_back_as_itself(moment: int) -> None:
    assert read_time(format_time(moment), BRUSSELS, NOW) == Instant(moment)


@given(
    st.dates(date(1, 1, 2), date(2200, 12, 30)),
    st.sampled_from(["UTC", "Europe/Brussels", "America/New_York", "Asia/Kathmandu"]),
)
def test_days_of_a_zone_follow_each_other_without_a_gap(day: date, name: str) -> None:
    zone = read_zone(name)
    time = read_time(day.isoformat(), zone, NOW)
    following = read_time((day + timedelta(days=1)).isoformat(), zone, NOW)
    assert isinstance(time, Period)
    assert isinstance(following, Period)
    assert time.start < time.end == following.start


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_an_error_of_ours(text: str) -> None:
    try:
        time = read_time(text, BRUSSELS, NOW)
    except (InvalidValue, OffsetRequired):
        return
    assert isinstance(time, Instant | Period)
