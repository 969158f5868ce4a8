"""What makes an article similar, in numbers: words by rarity and frequency, tags by rarity, regions and dates."""

from collections.abc import Iterator
from dataclasses import replace
from math import exp, log

import pytest
from support.search_archive import SearchArchive, SearchStory

from app.articles.filters import ArticleFilter
from app.search import similar_ranking
from app.search.engine import SimilaritySample
from app.search.similar_ranking import Profile
from app.search.tantivy import more_like_this
from app.search.tantivy.local_engine import TantivyEngine

YEAR = 365 * 86_400

STORIES = [
    SearchStory(1, "Harbour", "Barges wait below the lock.", tags=(1, 3)),
    SearchStory(2, "Harbour", "Barges wait for the tide.", tags=(1, 2)),
    SearchStory(3, "Market", "Barges of grain wait.", tags=(1,)),
    SearchStory(4, "Market", "Prices of grain rise.", tags=(1, 2)),
    *(SearchStory(number, "Weather", "Sun.", tags=(1,)) for number in range(5, 21)),
]
COUNT = len(STORIES) + 1
"""Documents of the index: one holds its position in the log."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = SearchArchive(tmp_path_factory.mktemp("weights"))
    archive.put(*STORIES)
    yield archive.engine()
    archive.close()


def _weights(engine: TantivyEngine, title: str, text: str) -> dict[str, float]:
    return dict(more_like_this.select_terms(engine.view(), SimilaritySample(99, "en", title, text)))


def _weight(times: int, having: int) -> float:
    return times / (times + 2) * log(1 + COUNT / having)


def test_word_weighs_by_how_often_the_sample_and_how_rarely_the_archive_has_it(engine: TantivyEngine) -> None:
    weights = _weights(engine, "", "Barges, barges and grain.")
    assert weights == pytest.approx({"barg": _weight(2, 3), "grain": _weight(1, 2)})
    assert weights["barg"] > weights["grain"]  # said twice, though known by more


def test_word_of_the_title_weighs_like_three_in_the_text(engine: TantivyEngine) -> None:
    assert _weights(engine, "Grain", "") == pytest.approx({"grain": _weight(3, 2)})
    assert _weights(engine, "Grain", "Grain.") == pytest.approx({"grain": _weight(4, 2)})


def test_words_that_tell_nothing_have_no_weight(engine: TantivyEngine) -> None:
    # One article alone has "tide", nearly all have "sun", "of" is short, and nobody has "zebra".
    assert _weights(engine, "", "Tide, sun, of, zebra, 1987.") == {}


def test_telling_words_are_the_heaviest_first_and_no_more_than_are_asked_for(engine: TantivyEngine) -> None:
    terms = more_like_this.select_terms(engine.view(), SimilaritySample(99, "en", "", "Grain grain grain barges wait."))
    assert [word for word, _ in terms] == ["grain", "barg", "wait"]


@pytest.mark.parametrize(("tag", "having", "alike"), [(2, 2, {2, 4}), (1, 20, set(range(1, 21)))])
def test_tag_scores_by_its_rarity(engine: TantivyEngine, tag: int, having: int, alike: set[int]) -> None:
    hits = engine.find_similar(SimilaritySample(99, "en", "", "", (tag,)), ArticleFilter(), (), 30)
    assert {hit.id for hit in hits} == alike
    assert [hit.score for hit in hits] == pytest.approx([1.5 * log(1 + COUNT / (having + 1))] * len(alike), rel=1e-3)


def test_rare_tag_goes_before_a_common_one_and_words_before_none(engine: TantivyEngine) -> None:
    by_tag = engine.find_similar(SimilaritySample(99, "en", "", "", (2, 1)), ArticleFilter(), (), 30)
    assert {hit.id for hit in by_tag[:2]} == {2, 4}
    by_word = engine.find_similar(SimilaritySample(99, "en", "Grain", "", (1,)), ArticleFilter(), (), 30)
    assert {hit.id for hit in by_word[:2]} == {3, 4}


SAMPLE = Profile(1, 1, 0.0, "Sample", "", frozenset({7}), 10 * YEAR)


def _make_other(id: int, score: float, *, regions: tuple[int, ...] = (), published_at: int | None = None) -> Profile:
    return Profile(id, 1, score, f"Other {id}", f"text of {id} alone", frozenset(regions), published_at)


def _scores(*others: Profile, sample: Profile = SAMPLE) -> dict[int, float]:
    return {one.id: score for one, score in similar_ranking.rank(sample, others, 10)}


def test_score_is_a_share_of_the_best_with_something_for_a_region_and_for_closeness_in_time() -> None:
    scores = _scores(
        _make_other(2, 8.0),
        _make_other(3, 4.0, regions=(7, 8)),
        _make_other(4, 4.0, published_at=10 * YEAR),
        _make_other(5, 4.0, published_at=11 * YEAR),
        _make_other(6, 4.0, published_at=9 * YEAR, regions=(7,)),
    )
    near = 0.1 * exp(-1)
    expected = {2: 1.0, 3: 0.65, 4: 0.6, 5: 0.5 + near, 6: 0.65 + near}
    assert scores == pytest.approx(expected, abs=1e-4)
    assert list(scores) == [2, 6, 3, 4, 5]


def test_without_a_date_nothing_is_close_in_time() -> None:
    dated = _make_other(2, 1.0, published_at=10 * YEAR)
    assert _scores(dated) == {2: 1.1}
    assert _scores(dated, sample=replace(SAMPLE, published_at=None)) == {2: 1.0}


def test_what_is_hardly_alike_is_left_out_and_equals_stand_by_id() -> None:
    others = (
        _make_other(5, 10.0),
        _make_other(2, 10.0),
        _make_other(3, 4.0),
        _make_other(4, 3.9),
        _make_other(6, 3.0, regions=(7,)),
    )
    assert list(_scores(*others).items()) == [(2, 1.0), (5, 1.0), (6, 0.45), (3, 0.4)]
    assert _scores() == {}
    assert _scores(_make_other(2, 0.0, regions=(7,), published_at=10 * YEAR)) == {}
