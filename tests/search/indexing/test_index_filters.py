"""One filter, three readers: SQL, the change feed and the index mean the same articles."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.search_archive import DAY, REGIONS, SOURCES, TAGS, SearchArchive, SearchStory, random_story

from app.articles import filters
from app.articles.filters import ArticleFilter
from app.articles.reading import filter_sql, query_plan
from app.articles.reading.entitlement.visible_rows import EntitledReader, Entitlement
from app.db.database import OpenTransaction
from app.db.readers import Reader
from app.db.sql import prepare
from app.search.engine import Order, Question
from app.search.tantivy import index_schema
from app.search.tantivy.local_engine import TantivyEngine

_chance = random.Random(7)
_drawn = [random_story(number, _chance) for number in range(1, 121)]
assert _drawn[0].status == "published"  # it is what all translations and copies are of
STORIES = [replace(_drawn[0], translated=True, copied=True), *_drawn[1:]]


def _empty_postgresql(server: str) -> str:
    psycopg = pytest.importorskip("psycopg")
    name = f"dateline_index_{uuid4().hex[:8]}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.format(name)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchArchive]:
    url = _empty_postgresql(request.getfixturevalue("postgres_server")) if request.param == "postgresql" else None
    archive = SearchArchive(tmp_path_factory.mktemp("filters"), url)
    archive.put(*STORIES)
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def engine(archive: SearchArchive) -> TantivyEngine:
    return archive.engine()


def _some(values: range, most: int = 2) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


instants = st.none() | st.sampled_from([-6 * DAY, -1, 0, 1, DAY, 5 * DAY, 9 * DAY, 10 * DAY, 400 * DAY])
spans = st.tuples(instants, instants)
years = st.lists(spans.filter(lambda span: span != (None, None)), max_size=2).map(tuple)
shifts = st.sampled_from([0, 0, -DAY, 5 * 3_600, DAY])


def _shift(span: filters.Span, by: int) -> filters.Span:
    start, end = span
    return None if start is None else start + by, None if end is None else end + by


def _in_another_zone(article_filter: ArticleFilter, by: int) -> ArticleFilter:
    """As where `tz` moves periods, and dates of a day or more stay."""
    coarse = _shift(article_filter.published, by) if by else None
    years = tuple(_shift(year, by) for year in article_filter.years) if by else ()
    return replace(article_filter, coarse=coarse, coarse_years=years)


flags = st.sampled_from([False, False, False, True])
words = st.just(0) | st.lists(st.sampled_from(filters.HAS), max_size=3).map(filters.make_bits)
wanted_filters = st.builds(
    ArticleFilter,
    ids=st.none() | st.lists(st.integers(1, 130), max_size=60).map(tuple),
    external_ids=st.sampled_from([(), (), ("a",), ("a", "b,c"), ("none",)]),
    origins=st.sampled_from([(), (), ("one",), ("two", "three")]),
    languages=st.sampled_from([(), (), ("fr",), ("en", "de")]),
    sources=_some(SOURCES),
    authors=_some(TAGS),
    sections=st.just(()),
    tags=_some(TAGS, 3),
    tags_all=_some(TAGS),
    tags_not=_some(TAGS),
    regions=_some(REGIONS),
    regions_all=_some(REGIONS),
    regions_not=_some(REGIONS),
    roles=st.integers(0, 7),
    exact=st.booleans(),
    years=years,
    published=spans,
    updated=spans,
    dateline=spans,
    created=spans,
    withdrawn=st.just((None, None)) | spans,
    translation_of=st.sampled_from([None, None, 1, 2]),
    copy_of=st.sampled_from([None, None, 1, 2]),
    has=words,
    has_not=words,
    nothing=flags,
)
sparse_filters = st.fixed_dictionaries(
    {},
    optional={
        "tags": _some(TAGS, 3),
        "tags_not": _some(TAGS),
        "regions": _some(REGIONS),
        "regions_not": _some(REGIONS),
        "roles": st.integers(1, 7),
        "exact": st.booleans(),
        "published": spans,
        "dateline": spans,
        "years": years,
        "created": spans,
        "has": words,
        "has_not": words,
    },
).map(lambda chosen: ArticleFilter(**chosen))  # type: ignore[arg-type] # names and types are its own


any_filter = st.builds(_in_another_zone, wanted_filters | sparse_filters, shifts)


def by_sql(archive: SearchArchive, article_filter: ArticleFilter) -> set[object]:
    statement = prepare(
        select(filters.A.c.id).where(*filter_sql.conditions(article_filter)),
        archive.db.dialect,
        filter_sql.lists(article_filter),
    )
    with archive.db.snapshot() as snapshot:
        return {row[0] for row in snapshot.fetch(statement, filter_sql.values(article_filter))}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(article_filter=any_filter)
def test_any_filter_means_the_same_to_all_three_readers(
    archive: SearchArchive, engine: TantivyEngine, article_filter: ArticleFilter
) -> None:
    matched = {story.id for story in STORIES if filters.matches(article_filter, story.facts)}
    results = engine.search(Question(filter=article_filter, limit=200))
    assert by_sql(archive, article_filter) == matched
    assert {hit.id for hit in results.hits} == matched
    assert results.total == engine.count(article_filter) == len(matched)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(article_filter=any_filter, within=any_filter)
def test_filter_within_another_means_the_same_to_all_three_readers(
    archive: SearchArchive, engine: TantivyEngine, article_filter: ArticleFilter, within: ArticleFilter
) -> None:
    """What a key may see, to SQL as the reader of the key has it. That sees other articles as translations and copies
    as well, which a key may not ask for."""
    linked = filters.make_bits(("translation", "copy", "unresolved"))
    asked = replace(article_filter, translation_of=None, copy_of=None, has=article_filter.has & ~linked)
    asked = replace(asked, has_not=asked.has_not & ~linked)
    narrow = replace(asked, within=replace(within, ids=None, translation_of=None, copy_of=None, has=0, has_not=0))
    matched = {story.id for story in STORIES if filters.matches(narrow, story.facts)}
    results = engine.search(Question(filter=narrow, limit=200))
    assert {hit.id for hit in results.hits} == matched
    assert results.total == engine.count(narrow) == len(matched)
    assert narrow.within is not None
    statement = prepare(
        select(filters.A.c.id).where(*filter_sql.conditions(narrow)), archive.db.dialect, filter_sql.lists(narrow)
    )
    with archive.db.snapshot() as snapshot:
        # Nothing but rows is read here, which a transaction does as the readers of requests do.
        reader = cast("Reader", OpenTransaction(snapshot.connection))
        visible = EntitledReader(reader, archive.db.dialect, Entitlement(narrow.within))
        rows = asyncio.run(visible.rows(statement, filter_sql.values(narrow)))
    assert {row[0] for row in rows} == matched


def driven_ids(
    archive: SearchArchive,
    driver: query_plan.DrivingLink,
    descending: bool,
    turn: query_plan.Turn,
    place: dict[str, int | None],
) -> list[object]:
    statement = query_plan.statement(driver, turn, descending=descending != turn.startswith("before"))
    prepared = prepare(statement, archive.db.dialect, filter_sql.lists(driver.rest))
    with archive.db.snapshot() as snapshot:
        rows = snapshot.fetch(prepared, {**query_plan.values(driver, 200, 0), **place})
    return [row[0] for row in rows]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(article_filter=any_filter, place=st.sampled_from(STORIES))
def test_every_link_of_a_filter_drives_to_the_same_rows_in_order(
    archive: SearchArchive, article_filter: ArticleFilter, place: SearchStory
) -> None:
    matching = [story for story in STORIES if filters.matches(article_filter, story.facts)]
    after: query_plan.Turn
    before: query_plan.Turn
    after, before = ("after_null", "before_null") if place.published_at is None else ("after", "before")
    beyond = {"id": place.id, "key": place.published_at}
    for descending in (True, False):
        result, at = (
            sorted(_key(story, descending=descending) for story in matching),
            _key(place, descending=descending),
        )
        ahead, behind = [abs(key[2]) for key in result if key > at], [abs(key[2]) for key in result[::-1] if key < at]
        for driver in query_plan.possible(article_filter):
            read = partial(driven_ids, archive, driver, descending)
            assert read("start", {}) == [abs(key[2]) for key in result]
            assert read(after, beyond) == ahead
            assert read(before, beyond) == behind


def _key(story: SearchStory, *, descending: bool) -> tuple[bool, int, int]:
    """Sorts as a list by date: without one last, whichever way."""
    at, sign = story.published_at, -1 if descending else 1
    return at is None, sign * (at or 0), sign * story.id


def test_the_rarest_link_drives_and_few_rows_are_bounded() -> None:
    async def weigh(article_filter: ArticleFilter) -> int:
        return 9_000 if article_filter.tags == (1,) else 40 if article_filter.tags else 800_000

    def choose_driver(article_filter: ArticleFilter, sort: str = "-published_at") -> query_plan.DrivingLink | None:
        return asyncio.run(query_plan.choose(article_filter, sort, weigh))

    both = ArticleFilter(tags=(1,), authors=(7,), regions=(3,))
    assert choose_driver(both) == query_plan.DrivingLink("tag", (7,), replace(both, authors=()), bounded=True)
    common = replace(both, authors=())
    assert choose_driver(common, "published_at") == query_plan.DrivingLink(
        "tag", (1,), replace(common, tags=()), bounded=False
    )
    assert choose_driver(ArticleFilter(tags=(1,))) == query_plan.DrivingLink("tag", (1,), ArticleFilter(), bounded=True)
    assert choose_driver(both, "title") is None
    assert choose_driver(replace(both, statuses=("draft",))) is None


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(article_filter=sparse_filters)
def test_any_filter_counts_tags_and_regions_as_a_click_would(
    engine: TantivyEngine, article_filter: ArticleFilter
) -> None:
    matched = [story for story in STORIES if filters.matches(article_filter, story.facts)]
    side = 0 if article_filter.exact else 1
    tags = {tag: sum(tag in story.tags for story in matched) for tag in TAGS}
    regions = {
        region: sum(bool(story.regions.get(region, (0, 0))[side] & article_filter.roles) for story in matched)
        for region in REGIONS
    }
    assert engine.count_tags(article_filter) == {tag: count for tag, count in tags.items() if count}
    assert engine.count_regions(article_filter) == {region: count for region, count in regions.items() if count}


def test_drafts_asked_of_the_index_are_the_callers_mistake(engine: TantivyEngine) -> None:
    with pytest.raises(ValueError, match="published"):
        engine.count(ArticleFilter(statuses=("draft",)))


@pytest.mark.parametrize("article_filter", [
    ArticleFilter(ids=()),
    ArticleFilter(ids=(2**70, -(2**70))),
    ArticleFilter(tags=(2**64,)),
    ArticleFilter(published=(2**70, None)),
    ArticleFilter(updated=(2**70, -(2**70))),
])  # fmt: skip
def test_numbers_that_no_field_holds_find_nothing(engine: TantivyEngine, article_filter: ArticleFilter) -> None:
    assert engine.count(article_filter) == 0


def test_articles_named_as_withdrawn_are_in_no_response(engine: TantivyEngine) -> None:
    gone = tuple(story.id for story in STORIES if story.status == "published")[:10]
    everything = engine.search(Question(limit=200))
    rest = engine.search(Question(limit=200, excluded=gone))
    assert {hit.id for hit in everything.hits} - {hit.id for hit in rest.hits} == set(gone)
    assert everything.total - rest.total == engine.count(ArticleFilter()) - engine.count(ArticleFilter(), gone) == 10


def _backwards(engine: TantivyEngine, order: Order, last: int) -> list[int]:
    """From the last article back to the first."""
    met = [last]
    reverse: Order = "published_at" if order == "-published_at" else "-published_at"
    while page := engine.search(Question(order=reverse, undated="first", limit=7, after=met[-1])).hits:
        met += [hit.newest for hit in page]
    return met


def test_pages_by_date_meet_every_article_once(engine: TantivyEngine) -> None:
    for order in ("-published_at", "published_at"):
        met: list[int] = []
        after = None
        while page := engine.search(Question(order=order, limit=7, after=after)).hits:
            met += [hit.newest for hit in page]
            after = page[-1].newest
        down = order == "-published_at"
        assert met == sorted(met, key=lambda key: (key < index_schema.FIRST_DATED, -key if down else key))
        assert met[::-1] == _backwards(engine, order, met[-1])
        assert len(set(met)) == len(met) == engine.count(ArticleFilter())
