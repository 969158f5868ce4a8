"""Facets, timelines, explanations, similar articles and trends: counts and reasons beside the hits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from support.search_archive import DAY, SearchArchive, SearchStory, ask, ids

from app.articles.filters import ArticleFilter
from app.errors import TooManyBuckets
from app.search import timeline
from app.search.engine import NamedRegion, NameKind, Question, SimilaritySample
from app.search.query.parser import parse
from app.search.render import trending
from app.search.tantivy.local_engine import TantivyEngine


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


STORIES = [
    SearchStory(1, "Nato meets", "Deterrence in the east.", tags=(1, 2), regions={1: (1, 1), 2: (0, 1)}, source=1,
          published_at=at("2023-12-31")),
    SearchStory(2, "Nato leaves", "Deterrence in the west.", tags=(1, 3), regions={2: (4, 4)}, source=2, language="fr",
          published_at=at("2024-01-01")),
    SearchStory(3, "Weather", "Sun in the east.", tags=(2,), regions={3: (2, 2)}, published_at=at("2024-02-29")),
    SearchStory(4, "Nato in Kyiv", "Deterrence again.", tags=(2, 3), published_at=at("1969-12-31")),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = SearchArchive(tmp_path_factory.mktemp("counts"))
    archive.put(*STORIES)
    yield archive.engine()
    archive.close()


NATO = Question(tree=parse("nato").tree, order="relevance")


def test_facets_count_the_hits(engine: TantivyEngine) -> None:
    facets = engine.count_facets(NATO, ("tag", "region", "language", "source", "year"))
    assert facets == {
        "tag": {1: 2, 2: 2, 3: 2},
        "region": {1: 1, 2: 2},
        "language": {"en": 2, "fr": 1},
        "source": {1: 1, 2: 1},
        "year": {2023: 1, 2024: 1, 1969: 1},
    }


def test_facet_leaves_out_its_own_filter_only(engine: TantivyEngine) -> None:
    requested = replace(NATO, filter=ArticleFilter(tags=(1,), languages=("fr",)))
    facets = engine.count_facets(requested, ("tag", "language"))
    assert facets["tag"] == {1: 1, 3: 1}
    assert facets["language"] == {"en": 1, "fr": 1}
    assert (
        facets["tag"][3] == engine.search(replace(requested, filter=ArticleFilter(tags=(3,), languages=("fr",)))).total
    )


def test_facets_with_more_values_than_a_guess_would_see_are_exact(tmp_path_factory: pytest.TempPathFactory) -> None:
    archive = SearchArchive(tmp_path_factory.mktemp("many"))
    archive.put(*[SearchStory(i, source=1 + i % 3, published_at=(i % 60) * 366 * DAY) for i in range(1, 241)])
    years = archive.engine().count_facets(Question(), ("year",))["year"]
    assert sum(years.values()) == 240
    assert len(years) == 60
    archive.close()


def test_histogram_is_calendar_true_in_its_zone(engine: TantivyEngine) -> None:
    brussels = ZoneInfo("Europe/Brussels")
    edges = edges_of("month", brussels, at("2023-12-15"), at("2024-03-01"))
    assert edges.exact[0] == at("2023-11-30T23:00:00")
    assert engine.count_by_date(NATO, edges) == [1, 1, 0, 0]
    assert engine.count_by_date(NATO, edges_of("month", UTC, at("2023-12-15"), at("2024-03-01"))) == [1, 1, 0]
    assert engine.count_by_date(Question(), edges, ("tag", 2)) == [1, 0, 1, 0]
    assert engine.count_by_date(Question(), edges, ("region", 3)) == [0, 0, 0, 0]
    assert engine.count_by_date(Question(), edges, ("language", "fr")) == [0, 1, 0, 0]
    assert engine.count_by_date(NATO, edges_of("year", UTC, at("1969-06-01"), at("1970-06-01"))) == [1, 0]
    assert engine.count_by_date(NATO, timeline.Edges()) == []


def edges_of(interval: timeline.Interval, zone: tzinfo, start: int, end: int) -> timeline.Edges:
    """Of instants and of dates, from and to the same second."""
    return timeline.compute_edges(interval, zone, (start, end), (start, end))


def test_weeks_begin_on_monday_and_days_survive_summer_time() -> None:
    assert edges_of("week", UTC, at("2024-01-03"), at("2024-01-08")).exact == (at("2024-01-01"), at("2024-01-08"))
    days = edges_of("day", ZoneInfo("Europe/Brussels"), at("2024-03-30"), at("2024-04-01"))
    assert [b - a for a, b in pairwise(days.exact)] == [DAY, DAY - 3600, DAY]


@pytest.mark.parametrize("interval", ["day", "week", "month", "year"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "UTC"])
def test_edges_hold_any_instant_and_stay_under_the_limit(interval: timeline.Interval, zone: str) -> None:
    for start in (-62_135_596_800, -1, 0, 7_289_654_398):
        edges = edges_of(interval, ZoneInfo(zone), start, start + 1)
        assert edges.exact[-1] > start
        assert edges.exact[0] <= start or start < -62_135_596_800 + DAY
    with pytest.raises(TooManyBuckets):
        edges_of(interval, ZoneInfo(zone), -62_135_596_800, 7_289_654_399)
    assert edges_of(interval, ZoneInfo(zone), 5, 5) == timeline.Edges()


def test_buckets_share_out_the_total() -> None:
    buckets = timeline.render_buckets([0, 10, 20], [1, 3], 4)
    assert [(b["start"], b["count"], b["share"]) for b in buckets] == [
        ("1970-01-01T00:00:00Z", 1, 0.25), ("1970-01-01T00:00:10Z", 3, 0.75),
    ]  # fmt: skip
    assert timeline.render_buckets([0, 1], [0], 0)[0]["share"] == 0


def test_explanations_name_the_words_and_recency(engine: TantivyEngine) -> None:
    question = Question(
        tree=parse("nato deterrence -sun").tree, order="relevance", recency="normal", today=at("2024-01-02")
    )
    explanations = engine.explain(question, (1, 4))
    assert [(part.name, part.field) for part in explanations[1]] == [
        ("nato", "text"), ("nato", "title"), ("nato", "words"), ("deterrence", "text"), ("deterrence", "words"),
        ("recency", "date"),
    ]  # fmt: skip
    assert {part.name for part in explanations[4]} == {"nato", "deterrence"}
    hits = {hit.id: hit.score for hit in engine.search(question).hits}
    for id, parts in explanations.items():
        assert sum(part.score for part in parts) == pytest.approx(hits[id], abs=0.001)
    assert engine.explain(question, ()) == {}
    assert engine.explain(Question(), (1,)) == {}


def test_similar_articles_share_words_or_tags_and_leave_out_the_sample(engine: TantivyEngine) -> None:
    sample = SimilaritySample(1, "en", "Nato meets", "Deterrence in the east.", (1, 2))
    everywhere = ArticleFilter()
    assert {hit.id for hit in engine.find_similar(sample, everywhere, (), 10)} == {2, 3, 4}
    assert [hit.id for hit in engine.find_similar(sample, everywhere, (2, 4), 10)] == [3]
    assert [hit.id for hit in engine.find_similar(sample, ArticleFilter(languages=("fr",)), (), 10)] == [2]
    assert engine.find_similar(SimilaritySample(9, "en", "", "", ()), everywhere, (), 10) == ()
    assert engine.find_similar(SimilaritySample(9, "xx", "Nothing shared whatsoever", "", ()), everywhere, (), 10) == ()


class FewNames:
    """A vocabulary of two tags, an author and a region."""

    def find_named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        known = {
            ("tag", "alliance"): (1,),
            ("author", "smith"): (3,),
            ("region", "belgium"): (2,),
            ("tag", "sun"): (1,),
        }
        return known.get((kind, text.lower()), ())

    def find_regions(self, words: tuple[str, ...]) -> tuple[NamedRegion, ...]:
        return (NamedRegion(1, "the-west", "The West", holds_others=True),) if words == ("the", "west") else ()

    def find_begun(self, kind: NameKind, text: str) -> tuple[int, ...]:
        return self.find_named(kind, text)

    def find_begun_regions(self, text: str) -> tuple[NamedRegion, ...]:
        return self.find_regions((text.lower(),))

    def list_near_words(self, word: str, edits: int) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize(("text", "result"), [
    ("alliance", [1, 2]),
    ("tag:alliance", [1, 2]),
    ("tag:nato", []),
    ("author:smith", [2, 4]),
    ("region:belgium", [1, 2]),
    ("-region:belgium nato", [4]),
    ("smith", []),
    ("sun", [1, 2, 3]),
    ("alliance west", [2]),
])  # fmt: skip
def test_names_of_tags_find_their_articles(engine: TantivyEngine, text: str, result: list[int]) -> None:
    assert sorted(ids(ask(engine, text, names=FewNames()))) == result


def test_what_rises_has_more_than_its_own_past() -> None:
    recent, past = {1: 30, 2: 30, 3: 5, 4: 1}, {1: 120, 2: 8, 4: 0}
    rising = trending.find_rising(recent, past, 100, 400, 10)
    assert [trend.id for trend in rising] == [2, 3]
    assert rising[0].count == 30
    assert rising[0].expected == pytest.approx(2.12, abs=0.01)
    assert trending.split_spans(1_000, 100) == ((900, 1_000), (500, 900))
    assert trending.find_rising({}, {}, 0, 0, 5) == []


def test_coarse_dates_are_counted(engine: TantivyEngine) -> None:
    assert engine.count_coarse(NATO, "month") == 0
