"""Pages by relevance are those of the whole query, bands of age and all, whichever way they are found."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_archive import DAY, TAGS, SearchArchive, SearchStory

from app.articles.filters import ArticleFilter
from app.search.engine import Match, Question, Recency
from app.search.query.parser import parse
from app.search.tantivy import matches, relevance
from app.search.tantivy.local_engine import TantivyEngine

WORDS = ("barge", "basin", "bridge", "cargo", "canal", "delta", "dredge", "ferry", "flood", "harbour", "the", "island")
TODAY = 1_700_006_400 // DAY * DAY
AGES = (-900, -1, 0, 1, 6, 7, 8, 29, 30, 31, 200, 364, 365, 366, 900, 2_000, 4_000)
"""Days before the archive's today: on both sides of each band's edge."""


def _story(number: int, chance: random.Random) -> SearchStory:
    age = chance.choice(AGES) * DAY + chance.choice((-1, 0, 1, 5_000))
    return SearchStory(
        number,
        " ".join(chance.choices(WORDS, k=3)),
        # Short and much alike, so that many have one score.
        " ".join(chance.choices(WORDS, weights=range(len(WORDS), 0, -1), k=chance.choice((4, 4, 4, 9, 30)))),
        standfirst=chance.choice((None, None, "delta island")),
        tags=tuple(chance.sample(TAGS, 2)),
        language=chance.choice(("en", "en", "fr")),
        published_at=chance.choice((TODAY - age, TODAY - age, TODAY - chance.randrange(4_000) * DAY, None)),
        printed_dateline=chance.choice(("", "", "FERRY HARBOUR")),
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    """Several segments, with articles that were replaced or withdrawn."""
    chance = random.Random(11)
    archive = SearchArchive(tmp_path_factory.mktemp("recency"))
    for start in (1, 501, 801):
        archive.put(*(_story(number, chance) for number in range(start, start + 300)))
        archive.index()
    archive.put(*(_story(number, chance) for number in range(401, 460)))
    archive.withdraw(*range(520, 540))
    yield archive.engine()
    archive.close()


@pytest.fixture(scope="module")
def common_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    """Half of the articles have one word, few have the two others; some were replaced or withdrawn."""
    chance = random.Random(12)
    archive = SearchArchive(tmp_path_factory.mktemp("common"))
    for start in (1, 601):
        stories = []
        for number in range(start, start + 600):
            words = chance.choices(WORDS[:6], k=6) + ["ferry"] * chance.choice((0, 1, 1, 3))
            words += chance.choice((*[[]] * 10, ["lagoon"] * chance.choice((1, 2)), ["turbine", "lagoon"]))
            chance.shuffle(words)
            age = chance.choice(AGES) * DAY
            language = chance.choice(("en", "en", "fr"))
            stories.append(SearchStory(number, "Delta", " ".join(words), published_at=TODAY - age, language=language))
        archive.put(*stories)
        archive.index()
    archive.put(*(SearchStory(number, "Ferry", "ferry and turbine") for number in range(580, 600)))
    archive.withdraw(*range(610, 650))
    yield archive.engine()
    archive.close()


QUERIES = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    st.lists(st.sampled_from(WORDS), min_size=9, max_size=20).map(" ".join),
    st.sampled_from(('"canal delta"', "barge OR ferry", "harb*", "bridge -flood", "title:canal cargo", "zebra")),
)


@given(
    text=QUERIES,
    match=st.sampled_from(("auto", "all", "any")),
    recency=st.sampled_from(("off", "normal", "strong")),
    limit=st.integers(0, 60),
    offset=st.sampled_from((0, 0, 0, 1, 20, 137, 600, 1_200)),
    today=st.sampled_from((TODAY, TODAY, TODAY + 3_600, TODAY - 400 * DAY, TODAY + 2_000 * DAY)),
    tags=st.sampled_from(((), (), (1,), (2, 3))),
    excluded=st.sampled_from(((), (1, 2, 3))),
)
@settings(max_examples=300)
@pytest.mark.slow
def test_a_page_has_the_hits_and_scores_of_the_whole_query(
    engine: TantivyEngine,
    text: str,
    match: Match,
    recency: Recency,
    limit: int,
    offset: int,
    today: int,
    tags: tuple[int, ...],
    excluded: tuple[int, ...],
) -> None:
    question = Question(
        ArticleFilter(tags=tags), parse(text).tree, order="relevance", match=match, typo=True, recency=recency,
        limit=limit, offset=offset, today=today, excluded=excluded,
    )  # fmt: skip
    page, view = engine.search(question), engine.view()
    hits, total = relevance.find_scored(view, matches.build_query(view, question), question)
    assert ([hit.id for hit in page.hits], page.total) == ([hit.id for hit in hits], total)
    assert [hit.score for hit in page.hits] == pytest.approx([hit.score for hit in hits], rel=1e-5)


@given(
    text=st.permutations(("ferry", "lagoon", "turbine")).map(" ".join),
    limit=st.integers(0, 40),
    offset=st.sampled_from((0, 0, 1, 20, 60, 300)),
    recency=st.sampled_from(("normal", "strong")),
)
@settings(max_examples=60)
@pytest.mark.slow
def test_articles_with_nothing_but_a_common_word_are_counted_behind_those_with_another(
    common_engine: TantivyEngine, text: str, limit: int, offset: int, recency: Recency
) -> None:
    question = Question(
        tree=parse(text).tree, order="relevance", match="any", recency=recency, limit=limit, offset=offset, today=TODAY
    )
    page, view = common_engine.search(question), common_engine.view()
    assert matches.build_rare_words(view, question, page.interpretation) is not None
    hits, total = relevance.find_scored(view, matches.build_query(view, question), question)
    assert ([hit.id for hit in page.hits], page.total) == ([hit.id for hit in hits], total)
    assert [hit.score for hit in page.hits] == pytest.approx([hit.score for hit in hits], rel=1e-5)


def test_the_youngest_of_many_like_hits_are_found_behind_those_that_were_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    archive = SearchArchive(tmp_path_factory.mktemp("youngest"))
    old = TODAY - 3_000 * DAY
    archive.put(*(SearchStory(n, "Ferry", "ferry", published_at=old) for n in range(1, 250)))
    archive.put(*(SearchStory(n, "Barge", "barge", published_at=old) for n in range(300, 600)))
    archive.put(SearchStory(250, "Ferry", "ferry among other things", published_at=TODAY - DAY))
    question = Question(tree=parse("ferry").tree, order="relevance", recency="strong", limit=2, today=TODAY)
    assert [hit.id for hit in archive.engine().search(question).hits] == [250, 1]
    archive.close()
