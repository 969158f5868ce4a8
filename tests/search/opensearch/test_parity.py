"""Both engines give the same of everything: articles, totals, counts, and, ties aside, their order."""

import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from itertools import pairwise

import comparison
import pytest
from comparison import FIRST, INTERVALS, LAST, SORTS, ZONES
from parity import NAMES, PLAIN, RARE, TODAY, BothEngines, make_question, make_stories, open_both
from support.search_archive import SearchStory

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import TimeSort
from app.search import timeline
from app.search.engine import Axis, Match, Question, SimilaritySample
from app.search.query.parser import MAX_CHARACTERS, parse
from bench.opensearch_nodes import run_cluster

QUESTIONS = int(os.environ.get("PARITY_QUESTIONS", "10000"))
SEED = int(os.environ.get("PARITY_SEED", "0"))


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


@pytest.mark.parametrize("seed", range(12))
def test_random_questions_have_the_same_hits_and_totals(
    both: BothEngines, stories: list[SearchStory], seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        comparison.compare_hits(both, make_question(chance, stories))


@pytest.mark.parametrize("seed", range(6))
def test_random_questions_have_the_same_counts(both: BothEngines, stories: list[SearchStory], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        comparison.compare_counts(both, make_question(chance, stories))


@pytest.mark.torture
def test_many_questions_have_the_same_of_everything_on_three_nodes(
    stories: list[SearchStory], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """PARITY_QUESTIONS says how many, PARITY_SEED which."""
    chance = random.Random(1_000 + SEED)
    with run_cluster(3) as nodes:
        both = open_both(tmp_path_factory.mktemp("parity"), ",".join(node.url for node in nodes), shards=3, replicas=1)
        both.archive.put(*stories)
        both.follow()
        for _ in range(QUESTIONS):
            comparison.compare_all(both, make_question(chance, stories), chance.choice(stories), chance)
        both.archive.close()


@pytest.mark.parametrize("seed", range(3))
def test_words_that_are_read_for_good_are_the_same(both: BothEngines, stories: list[SearchStory], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        comparison.compare_fixed(both, make_question(chance, stories))


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("interval", INTERVALS)
def test_timelines_have_the_same_buckets(
    both: BothEngines, stories: list[SearchStory], interval: timeline.Interval, zone: tzinfo
) -> None:
    comparison.compare_timelines(both, make_question(random.Random(interval), stories), interval, zone)


def _make_years(first: int | None) -> timeline.Edges:
    span = (FIRST if first is None else max(first, FIRST), LAST)
    return timeline.compute_edges("year", ZONES[1], span, span)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (Axis("tag"), Axis("region")),
        (Axis("language"), Axis(make_edges=_make_years)),
        (Axis(make_edges=_make_years), Axis("source")),
        (Axis("tag", ids=frozenset({1, 2})), Axis("language", most=2)),
    ],
)
def test_tables_have_the_same_cells(both: BothEngines, rows: Axis, columns: Axis) -> None:
    question = Question(tree=parse("trade OR minister").tree, dated="month")
    comparison.compare_tables(both, question, rows, columns)


@pytest.mark.parametrize("sort", SORTS)
def test_lists_have_the_same_rows(both: BothEngines, sort: TimeSort) -> None:
    comparison.compare_lists(both, Question(tree=parse("trade OR the").tree, limit=7), sort)


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
    assert both.remote.search(question).hits
    comparison.check_explanations(both, question)


def test_similar_articles_are_the_same(both: BothEngines, stories: list[SearchStory]) -> None:
    for story in stories[:40]:
        comparison.compare_similar(both, story)


def test_similar_articles_are_the_same_whoever_else_asks(both: BothEngines, stories: list[SearchStory]) -> None:
    def find(story: SearchStory) -> list[int]:
        sample = SimilaritySample(story.id, story.language, story.title, f"{story.title} {story.body}", story.tags)
        return [hit.id for hit in both.remote.find_similar(sample, ArticleFilter(), (), 5)]

    one_by_one = [find(story) for story in stories[:40]]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(find, stories[:40])) == one_by_one


@pytest.mark.parametrize(
    "text",
    [
        "tag:budget trade",
        "region:brussels author:minister",
        "standfirst:3.5",
        'title:"budget vote"',
        "body:10,000",
        '"bank bank"',
    ],
)
def test_rows_of_words_and_names_score_alike_however_few_articles_have_them(both: BothEngines, text: str) -> None:
    question = Question(
        tree=parse(text).tree, text=text, order="relevance", limit=100, match="all", today=TODAY, names=NAMES
    )
    comparison.compare_hits(both, question)


def test_query_of_as_many_words_as_there_may_be_is_no_error(both: BothEngines) -> None:
    text = " ".join(f"{a}{b}{a}" for a in "bcdfghkl" for b in "aeiouyäö")
    question = Question(tree=parse(text).tree, text=text, order="relevance", match="any", typo=True, today=TODAY)
    assert both.local.search(question).total == both.remote.search(question).total


@pytest.mark.parametrize("match", ["any", "all"])
def test_as_many_words_as_there_may_be_that_articles_have_are_no_error(both: BothEngines, match: Match) -> None:
    text = " ".join(dict.fromkeys([*PLAIN, *RARE]))
    text = " ".join(text.split()[:64])
    question = Question(
        tree=parse(text).tree, text=text, order="relevance", match=match, typo=True, today=TODAY,
        languages=("en", "fr", "de"),
    )  # fmt: skip
    comparison.compare_hits(both, question)
    comparison.compare_counts(both, question)


def _join_many(parts: Iterable[str], between: str = " ") -> str:
    """As many as a query may hold."""
    text = ""
    for part in list(parts)[:30]:
        longer = f"{text}{between}{part}" if text else part
        text = longer if len(longer) <= MAX_CHARACTERS else text
    return text


@pytest.mark.parametrize(
    "text",
    [
        _join_many(f"{word[:6]}*" for word in RARE[:15]),
        _join_many(f"title:{word}" for word in PLAIN),
        _join_many((f'"{one} {other}"' for one, other in pairwise(PLAIN)), " OR "),
        _join_many(["New Zealand", "Brussels"] * 10),
        _join_many(["((((((trade))))))", *(f"-{word}" for word in PLAIN)]),
    ],
    ids=["beginnings", "titles", "phrases", "places", "excluded"],
)
def test_largest_queries_of_each_kind_are_no_error(both: BothEngines, text: str) -> None:
    question = Question(
        tree=parse(text).tree, text=text, order="relevance", match="any", typo=True, today=TODAY, recency="strong",
        languages=("en", "fr", "de", "ru", "ar"), names=NAMES,
    )  # fmt: skip
    assert both.local.search(question).total == both.remote.search(question).total


def test_page_beyond_what_the_cluster_returns_is_empty_and_keeps_the_total(both: BothEngines) -> None:
    question = Question(tree=parse("the").tree, order="relevance", offset=20_000)
    results = both.remote.search(question)
    assert (results.hits, results.total) == ((), both.local.search(question).total)
