"""Both engines give the same of everything: articles, totals, counts, and, ties aside, their order."""

import random
from collections.abc import Iterator
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from parity import TODAY, BothEngines, make_question, make_stories, open_both
from support.search_archive import DAY, TAGS, SearchStory

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, TimeSort
from app.search import timeline
from app.search.engine import Axis, FacetName, GroupName, Matrix, Question, SearchHit, SimilaritySample
from app.search.query.parser import parse

FACETS: tuple[FacetName, ...] = ("tag", "author", "section", "region", "language", "source", "year")
GROUPS: list[tuple[GroupName, int | str]] = [*(("tag", tag) for tag in TAGS), ("region", 1), ("language", "en")]
ZONES: tuple[tzinfo, ...] = (UTC, ZoneInfo("Europe/Brussels"), ZoneInfo("Pacific/Apia"))
FIRST, LAST = TODAY - 2_000 * DAY, TODAY + DAY
ALIKE = 1e-2
"""Of a score: in an archive of some hundred articles one more document, or term, weighs so much, and words that stand
near one another several times in an article weigh a little less in the cluster."""


@pytest.fixture(scope="module", name="stories")
def make_some_stories() -> list[SearchStory]:
    return make_stories(500, seed=1)


@pytest.fixture(scope="module", name="both")
def fill_both(
    opensearch_url: str, stories: list[SearchStory], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BothEngines]:
    both = open_both(tmp_path_factory.mktemp("parity"), opensearch_url, shards=2)
    both.archive.put(*stories)
    both.follow()
    yield both
    both.archive.close()


def assert_same_order(local: tuple[SearchHit, ...], remote: tuple[SearchHit, ...], text: str | None) -> None:
    """Where they differ, the scores are equal as far as the engines' statistics are."""
    assert len(local) == len(remote), text
    for one, other in zip(local, remote, strict=True):
        assert one.score == pytest.approx(other.score, rel=ALIKE, abs=1e-3), text
        if one.id == other.id:
            assert (one.version, one.newest) == (other.version, other.newest)


@pytest.mark.parametrize("seed", range(12))
def test_random_questions_have_the_same_hits_and_totals(
    both: BothEngines, stories: list[SearchStory], seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        question = make_question(chance, stories)
        local, remote = both.local.search(question), both.remote.search(question)
        assert (local.total, local.interpretation) == (remote.total, remote.interpretation), question.text
        if "standfirst:" in (question.text or ""):
            continue  # the field that few articles have is scored by other statistics
        if question.order == "relevance":
            assert_same_order(local.hits, remote.hits, question.text)
        else:
            assert local.hits == remote.hits, question.text


def test_standing_in_a_field_scores_alike_though_statistics_of_rare_fields_differ(both: BothEngines) -> None:
    question = Question(tree=parse("standfirst:minister").tree, order="relevance", limit=100)
    local, remote = both.local.search(question), both.remote.search(question)
    assert {hit.id for hit in local.hits} == {hit.id for hit in remote.hits}


@pytest.mark.parametrize("seed", range(6))
def test_random_questions_have_the_same_counts(both: BothEngines, stories: list[SearchStory], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        question = make_question(chance, stories)
        assert both.local.count_facets(question, FACETS) == both.remote.count_facets(question, FACETS)
        of = question.filter, question.excluded
        assert both.local.count(*of) == both.remote.count(*of)
        assert both.local.count_tags(*of) == both.remote.count_tags(*of)
        assert both.local.count_regions(*of) == both.remote.count_regions(*of)
        assert both.local.count_undated(question) == both.remote.count_undated(question)
        assert both.local.count_coarse(question, "month") == both.remote.count_coarse(question, "month")
        edges = [TODAY - 10 * DAY, TODAY, TODAY + DAY]
        assert both.local.count_overview(edges, question.excluded) == both.remote.count_overview(
            edges, question.excluded
        )


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("interval", ["week", "month", "year"])
def test_timelines_have_the_same_buckets(
    both: BothEngines, stories: list[SearchStory], interval: timeline.Interval, zone: tzinfo
) -> None:
    question = make_question(random.Random(interval), stories)
    edges = timeline.compute_edges(interval, zone, (FIRST, LAST), (FIRST, LAST))
    assert both.local.count_by_date(question, edges) == both.remote.count_by_date(question, edges)
    assert both.local.count_groups_by_date(question, edges, GROUPS) == both.remote.count_groups_by_date(
        question, edges, GROUPS
    )


def _make_years(first: int | None) -> timeline.Edges:
    span = (FIRST if first is None else max(first, FIRST), LAST)
    return timeline.compute_edges("year", ZONES[1], span, span)


def _plain(matrix: Matrix) -> tuple[object, ...]:
    cells = [list(row) for row in matrix.cells]
    lines = list(matrix.rows), list(matrix.columns)
    return matrix.total, lines, cells, matrix.edges, matrix.too_coarse, matrix.undated


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (Axis("tag"), Axis("region")),
        (Axis("language"), Axis(make_edges=_make_years)),
        (Axis(make_edges=_make_years), Axis("source")),
        (Axis("tag", ids=frozenset({1, 2})), Axis("language", most=2)),
    ],
)
def test_tables_have_the_same_cells(both: BothEngines, stories: list[SearchStory], rows: Axis, columns: Axis) -> None:
    question = Question(tree=parse("trade OR minister").tree, dated="month")
    local, remote = (engine.count_matrix(question, rows, columns, 1_000) for engine in both.engines)
    assert _plain(local) == _plain(remote)


@pytest.mark.parametrize("sort", ["published_at", "-published_at", "created_at", "-updated_at"])
@pytest.mark.parametrize("kind", ["after", "before"])
def test_lists_have_the_same_rows(both: BothEngines, sort: TimeSort, kind: str) -> None:
    question = Question(tree=parse("trade OR the").tree, limit=7)
    start = both.local.find_rows(question, sort, CursorPosition())
    assert start.rows == both.remote.find_rows(question, sort, CursorPosition()).rows
    for row in start.rows[::3]:
        place = CursorPosition(kind, row.key, row.id)  # type: ignore[arg-type] # one of the two
        local, remote = (engine.find_rows(question, sort, place) for engine in both.engines)
        assert (local.rows, local.total) == (remote.rows, remote.total)


def test_cursor_by_date_meets_each_article_once(both: BothEngines) -> None:
    met: list[int] = []
    after: int | None = None
    while True:
        question = Question(order="-published_at", limit=17, after=after)
        hits = both.remote.search(question).hits
        met += [hit.id for hit in hits]
        if len(hits) < 17:
            break
        after = hits[-1].newest
    assert len(met) == len(set(met)) == both.local.count(ArticleFilter())


@pytest.mark.parametrize("text", ["minister ferry", "trade -rain", '"live stream" OR budg*', "京都", "sanctionned"])
def test_parts_of_a_score_add_up_to_it(both: BothEngines, text: str) -> None:
    question = Question(
        tree=parse(text).tree, text=text, order="relevance", match="any", typo=True, limit=5, recency="strong",
        today=TODAY,
    )  # fmt: skip
    hits = both.remote.search(question).hits
    explained = both.remote.explain(question, tuple(hit.id for hit in hits))
    assert hits
    for hit in hits:
        assert sum(part.score for part in explained[hit.id]) == pytest.approx(hit.score, rel=1e-3, abs=0.002)
        assert all(part.score > 0 for part in explained[hit.id])


def test_similar_articles_are_the_same(both: BothEngines, stories: list[SearchStory]) -> None:
    for story in stories[:40]:
        local, remote = (engine.load_profile(story.id, story.version) for engine in both.engines)
        assert local == remote
        sample = SimilaritySample(story.id, story.language, story.title, f"{story.title} {story.body}", story.tags)
        alike = [{hit.id for hit in engine.find_similar(sample, ArticleFilter(), (), 5)} for engine in both.engines]
        assert len(alike[0] & alike[1]) >= 4 or alike[0] == alike[1]
        if local is not None:
            assert both.local.measure_rarity(local.terms) == both.remote.measure_rarity(local.terms)
            others = [{one.id for one in engine.find_profiles(local, (), 10)} for engine in both.engines]
            assert len(others[0] & others[1]) >= 9 or others[0] == others[1]


def test_query_of_as_many_words_as_there_may_be_is_no_error(both: BothEngines) -> None:
    text = " ".join(f"{a}{b}{a}" for a in "bcdfghkl" for b in "aeiouyäö")
    question = Question(tree=parse(text).tree, text=text, order="relevance", match="any", typo=True, today=TODAY)
    assert both.local.search(question).total == both.remote.search(question).total


def test_page_beyond_what_the_cluster_returns_is_empty_and_keeps_the_total(both: BothEngines) -> None:
    question = Question(tree=parse("the").tree, order="relevance", offset=20_000)
    results = both.remote.search(question)
    assert (results.hits, results.total) == ((), both.local.search(question).total)
