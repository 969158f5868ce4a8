"""A date that is a day, month or year lies in the same period in every time zone, to SQL, the index and the feed."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select
from support.search_archive import DAY, SearchArchive, SearchStory
from test_index_filters import _empty_postgresql

from app.articles import filters
from app.articles.filters import ArticleFilter
from app.articles.reading import filter_params, filter_sql
from app.db.sql import prepare
from app.errors import InvalidInput
from app.http.params.parser import Parameters
from app.http.params.times import list_zone_names
from app.search import timeline
from app.search.engine import Question
from app.search.tantivy.local_engine import TantivyEngine

PARAMETERS = Parameters(*filter_params.FILTERS)
ODD = ("Pacific/Apia", "Pacific/Kwajalein", "Pacific/Kiritimati", "America/Juneau", "Asia/Manila", "Europe/Brussels")
EDGES = ("1993-08-21", "1994-12-31", "2011-12-30", "2025-01-01", "2025-02-01", "2025-03-01", "1969-09-30")


def _at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _stories() -> list[SearchStory]:
    """Around the ends of months and the days that zones skipped or had twice: instants, days, months and years."""
    chance, made = random.Random(3), list[SearchStory]()
    for edge in EDGES:
        for _ in range(9):
            moment = _at(edge) + chance.choice([-1, 0, 1, chance.randrange(-2 * DAY, 2 * DAY)])
            day = date(1970, 1, 1) + timedelta(days=moment // DAY)
            firsts = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
            made.append(SearchStory(len(made) + 1, published_at=moment))
            for precision, first in firsts.items():
                at = _at(first.isoformat())
                story = SearchStory(len(made) + 1, precision=precision, published_at=at, dateline=(at, at + DAY))
                made.append(story)
    return [*made, SearchStory(len(made) + 1, published_at=None)]


STORIES = _stories()
COARSE = frozenset(story.id for story in STORIES if story.precision != "instant")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchArchive]:
    url = _empty_postgresql(request.getfixturevalue("postgres_server")) if request.param == "postgresql" else None
    archive = SearchArchive(tmp_path_factory.mktemp("zones"), url)
    archive.put(*STORIES)
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def engine(archive: SearchArchive) -> TantivyEngine:
    return archive.engine()


zones = st.sampled_from([*ODD, *sorted(list_zone_names())])
periods = st.sampled_from([*EDGES, "2011-12-31", "2025-02", "2025-01", "2011-12", "2025", "2011", "1993-08"])
instants = st.sampled_from(["2025-01-31T23:30:00Z", "2025-02-01T00:00:00Z", "2011-12-30T10:00:00Z"])
queries = st.one_of(
    st.builds("published_from={}&published_to={}".format, periods | instants, periods | instants),
    st.builds("published_from={}".format, periods | instants),
    st.builds("published_to={}".format, periods | instants),
    st.builds("dateline_from={}&dateline_to={}".format, periods, periods),
    st.builds("year={}".format, st.sampled_from(["2025", "2011,2024", "1969"])),
)


def _filter(query: str, zone: str) -> ArticleFilter | None:
    try:
        read = PARAMETERS.read(f"{query}&tz={quote(zone)}".encode(), 0)
    except InvalidInput:
        return None
    return ArticleFilter(**filter_params.dates(read, 0))


def _find_by_all(archive: SearchArchive, engine: TantivyEngine, article_filter: ArticleFilter) -> set[int]:
    """The articles that all three readers find."""
    conditions = filter_sql.conditions(article_filter)
    statement = prepare(select(filters.A.c.id).where(*conditions), archive.db.dialect, filter_sql.lists(article_filter))
    with archive.db.snapshot() as snapshot:
        by_sql = {row[0] for row in snapshot.fetch(statement, filter_sql.values(article_filter))}
    by_feed = {story.id for story in STORIES if filters.matches(article_filter, story.facts)}
    by_index = {hit.id for hit in engine.search(Question(filter=article_filter, limit=1_000)).hits}
    assert by_sql == by_feed == by_index
    return by_feed


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, query=queries)
def test_coarse_dates_lie_in_the_same_period_in_every_zone(
    archive: SearchArchive, engine: TantivyEngine, zone: str, query: str
) -> None:
    there, utc = _filter(query, zone), _filter(query, "UTC")
    # A range may be empty in the one and hold some hours in the other, where an instant ends it.
    result = _find_by_all(archive, engine, there) & COARSE if there else set()
    assert result == (_find_by_all(archive, engine, utc) & COARSE if utc else set())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, interval=st.sampled_from(["day", "week", "month", "year"]), edge=st.sampled_from(EDGES))
def test_timelines_count_each_article_once_and_coarse_ones_alike_in_every_zone(
    archive: SearchArchive, engine: TantivyEngine, zone: str, interval: timeline.Interval, edge: str
) -> None:
    around = date.fromisoformat(edge)
    query = f"published_from={around - timedelta(days=3)}&published_to={around + timedelta(days=3)}"
    assert _timeline(archive, engine, query, zone, interval) == _timeline(archive, engine, query, "UTC", interval)


def _timeline(
    archive: SearchArchive, engine: TantivyEngine, query: str, zone: str, interval: timeline.Interval
) -> dict[int, int]:
    """Coarse articles by the first second of their period in the calendar."""
    read = PARAMETERS.read(f"{query}&tz={quote(zone)}".encode(), 0)
    dates = filter_params.dates(read, 0)
    vague = {"day": ("month", "year"), "week": ("month", "year"), "month": ("year",), "year": ()}[interval]
    result = _find_by_all(archive, engine, ArticleFilter(**dates))
    ids = {story.id for story in STORIES if story.precision not in vague} & result
    edges = timeline.compute_edges(interval, read.zone(), *_spans(dates))
    coarse: list[int] = []
    for part in (ids, ids & COARSE):
        coarse = engine.count_by_date(Question(filter=ArticleFilter(ids=tuple(part), **dates)), edges)
        assert sum(coarse) == len(part)
        assert len(coarse) == len(edges.calendar) - 1
    return {start: number for start, number in zip(edges.calendar, coarse, strict=False) if number}


def _spans(dates: filter_params.DateFilters) -> tuple[tuple[int, int], tuple[int, int]]:
    (start, end), (first, last) = dates["published"], dates["coarse"] or dates["published"]
    assert start is not None
    assert end is not None
    assert first is not None
    assert last is not None
    return (start, end), (first, last)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Kwajalein", "1993-08-21", 0),
        ("Pacific/Kiritimati", "1994-12-31", 0),
        ("Pacific/Kwajalein", "1969-09-30", 47),
    ],
)
def test_day_that_a_zone_skipped_is_empty_and_one_that_it_had_twice_is_long(zone: str, day: str, hours: int) -> None:
    read = PARAMETERS.read(f"published_from={day}&published_to={day}&tz={quote(zone)}".encode(), 0)
    edges = timeline.compute_edges("day", read.zone(), *_spans(filter_params.dates(read, 0)))
    assert [end - start for start, end in pairwise(edges.exact)] == [hours * 3_600]
    assert edges.calendar == (_at(day), _at(day) + DAY)
