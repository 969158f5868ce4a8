"""What makes an article similar, in numbers: words by rarity and frequency, tags by rarity, regions and dates."""

from collections.abc import Iterator
from dataclasses import replace
from math import exp, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.search_archive import SearchArchive, SearchStory

from app.articles.filters import ArticleFilter
from app.search.engine import SimilaritySample
from app.search.query import analysis
from app.search.similar import profile, ranking
from app.search.similar.profile import Profile
from app.search.similar.ranking import REGION, TIME, SimilarityCandidate
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


def _make_profile(
    id: int,
    texts: tuple[str, str],
    tags: tuple[int, ...] = (),
    regions: tuple[int, ...] = (),
    published_at: int | None = None,
    language: str = "en",
) -> Profile:
    tokenized = [analysis.tokenize(text, language) for text in texts]
    return profile.build_profile(id, 1, tokenized, tags, regions, published_at)


SAMPLE = _make_profile(1, ("Sample", "grain waits at the lock"), (), (7,), 10 * YEAR)


def _make_other(
    id: int, cosine: float, *, regions: tuple[int, ...] = (), published_at: int | None = None
) -> SimilarityCandidate:
    texts = (f"Other {id}", f"text of {id} alone")
    return SimilarityCandidate(_make_profile(id, texts, (), regions, published_at), cosine)


def _scores(*others: SimilarityCandidate, sample: Profile = SAMPLE) -> dict[int, float]:
    return {one.profile.id: one.score for one in ranking.rank(sample, sample.regions, others, 10)}


def test_score_is_a_share_of_the_best_with_something_for_a_region_and_for_closeness_in_time() -> None:
    scores = _scores(
        _make_other(2, 0.8),
        _make_other(3, 0.4, regions=(7, 8)),
        _make_other(4, 0.4, published_at=10 * YEAR),
        _make_other(5, 0.4, published_at=11 * YEAR),
        _make_other(6, 0.4, published_at=9 * YEAR, regions=(7,)),
    )
    near = TIME * exp(-1)
    expected = {2: 1.0, 3: 0.5 + REGION, 4: 0.5 + TIME, 5: 0.5 + near, 6: 0.5 + REGION + near}
    assert scores == pytest.approx(expected, abs=1e-4)
    assert next(iter(scores)) == 2


def test_without_a_date_nothing_is_close_in_time() -> None:
    dated = _make_other(2, 1.0, published_at=10 * YEAR)
    assert _scores(dated) == {2: 1.0 + TIME}
    assert _scores(dated, sample=replace(SAMPLE, published_at=None)) == {2: 1.0}


def test_what_is_hardly_alike_fills_the_list_up_and_equals_stand_by_id() -> None:
    others = [_make_other(5, 1.0), _make_other(2, 1.0), _make_other(3, 0.4), _make_other(4, 0.39), _make_other(6, 0.0)]
    ranked = ranking.rank(SAMPLE, SAMPLE.regions, others, 10)
    shown = [(one.profile.id, one.score, one.below_threshold) for one in ranked]
    assert shown == [(2, 1.0, False), (5, 1.0, False), (3, 0.4, False), (4, 0.39, True), (6, 0.0, True)]
    assert len(ranking.rank(SAMPLE, SAMPLE.regions, others, 4)) == 4
    assert ranking.rank(SAMPLE, SAMPLE.regions, [], 10) == []


def test_a_copy_neither_shows_nor_sets_the_threshold() -> None:
    copy = SimilarityCandidate(replace(SAMPLE, id=2), 9.0)
    assert _scores(copy, _make_other(3, 1.0), _make_other(4, 0.5)) == {3: 1.0, 4: 0.5}
    assert ranking.rank(SAMPLE, SAMPLE.regions, [copy], 10) == []


def test_cosine_is_that_of_the_article_words_by_rarity_with_all_words_of_the_other() -> None:
    sample = _make_profile(1, ("Grain", "grain ports"), (4,))
    other = _make_profile(2, ("", "ports ports tides"), (4,))
    query_weights = ranking.weigh_terms(sample, {"grain": 2.0, "port": 3.0, "#4": 1.5})
    assert query_weights == pytest.approx({"grain": 4 / 6.73, "port": 3 / 6.73, "#4": 4.5 / 6.73}, rel=1e-3)
    [candidate] = ranking.measure_cosines(query_weights, [other])
    weights = {"port": 1 + log(2), "tide": 1.0, "#4": 1 + log(3)}
    length = sqrt(sum(weight**2 for weight in weights.values()))
    assert candidate.cosine == pytest.approx((3.0 * weights["port"] + 4.5 * weights["#4"]) / 6.727 / length, rel=1e-3)


def test_words_of_the_likest_count_by_half() -> None:
    likest = _make_profile(2, ("", "ports ports tides"), ())
    nearest = ranking.sum_nearest([likest] * 20)
    assert ranking.sum_nearest([likest]) == {}  # which would find itself
    assert nearest["tide"] == pytest.approx(ranking.NEAREST * likest.scale)
    expanded = ranking.add_nearest({"port": 1.0}, {"port": 3.0, "tide": 2.0}, {"port": 1.0, "tide": 2.0})
    assert expanded == pytest.approx({"port": 1.0 + 0.5 * 3 / 5, "tide": 0.5 * 4 / 5})


@given(
    st.text(),
    st.text(),
    st.sampled_from(["en", "ja", "xx", "tr"]),
    st.none() | st.integers(-(2**40), 2**40),
)
def test_any_text_has_a_profile_that_is_read_back(
    title: str, text: str, language: str, published_at: int | None
) -> None:
    own = _make_profile(1, (title, text), (1,), (3, 2), published_at, language)
    packed = profile.pack_profile(own)
    read = profile.unpack_profile(1, 1, packed)
    assert profile.pack_profile(read) == packed
    assert (list(read.terms), list(read.runs), read.counts) == (list(own.terms), list(own.runs), own.counts)
    assert (read.tags, read.regions, read.published_at) == ((1,), (3, 2), published_at)
    assert len(read.terms) == len(read.counts)
    query_weights = ranking.weigh_terms(read, dict.fromkeys(read.terms, 1.0))
    [candidate] = ranking.measure_cosines(query_weights, [read])
    assert candidate.cosine > 0


def test_profile_of_a_long_text_is_small() -> None:
    long = _make_profile(1, ("Title", " ".join(f"{number} {number % 70}" for number in range(20_000))))
    assert len(long.terms) == profile.MOST_TERMS
    assert len(profile.pack_profile(long)) < 2_000
    assert "69" in long.terms  # it is there more than once


def test_copies_of_long_texts_are_told_by_samples_of_their_runs() -> None:
    words = [f"w{number * number % 7919}" for number in range(2_000)]
    long = _make_profile(1, ("", " ".join(words)))
    part = _make_profile(2, ("", " ".join(words[300:900])))
    half = _make_profile(3, ("", " ".join([*words[:450], *(f"x{number}" for number in range(450))])))
    candidates = [SimilarityCandidate(one, 0.5) for one in (part, half)]
    assert [one.profile.id for one in ranking.rank(long, (), candidates, 5)] == [3]
    assert [one.profile.id for one in ranking.rank(part, (), [SimilarityCandidate(long, 0.5)], 5)] == []


def test_index_has_the_profile_of_the_version_that_it_holds(engine: TantivyEngine) -> None:
    own = engine.load_profile(2, 1)
    assert own is not None
    assert own.tags == (1, 2)
    assert {"harbour", "barg", "tide", "#1", "#2"} <= set(own.terms)
    assert engine.load_profile(2, 2) is None
    assert engine.load_profile(99, 1) is None


def test_candidates_share_words_or_tags_and_none_is_left_out_but_those_excluded(engine: TantivyEngine) -> None:
    sample = engine.load_profile(4, 1)
    assert sample is not None
    candidates = [one.id for one in engine.find_profiles(sample, (), 30)]
    assert sorted(candidates) == [number for number in range(1, 21) if number != 4]
    assert set(candidates[:2]) == {2, 3}
    few, many = (2,), (2, *range(1_000, 1_200))
    assert [one.id for one in engine.find_profiles(sample, few, 30)] == [id for id in candidates if id != 2]
    assert [one.id for one in engine.find_profiles(sample, many, 30)] == [id for id in candidates if id != 2]
    assert [one.id for one in engine.find_profiles(sample, few, 1)] == [3]
