"""The terms that the index is given of a text are those that tantivy makes of it, one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.query import analysis, spelling, stop_words, word_cache
from app.search.query.word_cache import MOST_WORDS, WordCache

LANGUAGES = ("en", "de", "fr", "tr", "ru", "el", "ar", "hu", "ta", "und")
PARTS = (
    "storms", "STORMS", "Übergrößen", "œuvre", "İstanbul", "дождь", "Σίσυφος", "مدينة", "हिन्दी", "東京都", "한국어",
    "co-operation", "O'Brien", "U.S.", "10,000", "covid19", "C++", "“US”", "d’Orsay", "１２", "ﬁn", "①", "e\u0301",
    "_x_", "a\u00a0b", "x" * 60, "x" * 201, "😀", "—", "\n\n", "\u2028", "\x1c",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=12)), max_size=12).map(" ".join)


def _list_terms(tokenized: analysis.TokenizedText) -> list[str]:
    return [
        term
        for piece in tokenized.stems
        for term in (piece.split() if isinstance(piece, str) else [token.text for token in piece.tokens])
    ]


@given(texts.filter(lambda text: not spelling.is_spaceless(spelling.normalize(text))), st.sampled_from(LANGUAGES))
def test_terms_are_those_of_the_analyzer(text: str, language: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert _list_terms(analysis.tokenize(text, language)) == list(analysis.analyse(text, language).stems)


@given(texts, st.sampled_from(LANGUAGES))
def test_a_second_time_they_are_the_same(text: str, language: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    first, second = (analysis.tokenize(text, language) for _ in range(2))
    assert _list_terms(first) == _list_terms(second)
    assert analysis.list_variants([first]) == analysis.list_variants([second])


@pytest.mark.parametrize("text", ["x" * 201 + " b", "東京 b"])
def test_places_that_do_not_follow_from_the_order_come_with_tokens(text: str) -> None:
    [piece] = analysis.tokenize(text, "en").stems
    assert not isinstance(piece, str)
    assert piece.tokens[-1].position > 0


def _make_cache() -> WordCache[str]:
    return WordCache(lambda words: [word.upper() for word in words])


def test_cache_is_bounded() -> None:
    cache = _make_cache()
    first = [f"w{n}" for n in range(MOST_WORDS - 5)]
    assert cache.find_all(first)[-1] == f"W{MOST_WORDS - 6}"
    assert len(cache) == len(first)
    assert cache.find_all([*first[:2], *"abcdefg", "w0"]) == ["W0", "W1", *"ABCDEFG", "W0"]
    assert len(cache) == 7
    assert cache.find_all([f"v{n}" for n in range(MOST_WORDS + 5)])[-1] == f"V{MOST_WORDS + 4}"
    assert len(cache) == 0
    assert cache.find_all(["a", "x" * 31]) == ["A", "X" * 31]
    assert len(cache) == 1


def test_process_that_indexes_remembers_more_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "_limits", [MOST_WORDS])
    cache = _make_cache()
    words = [f"w{n}" for n in range(MOST_WORDS + 1)]
    cache.find_all(words)
    assert len(cache) == 0
    word_cache.raise_limit()
    cache.find_all(words)
    assert len(cache) == len(words)


@given(st.lists(st.lists(st.text(max_size=2) | st.just("x" * 31), max_size=9), max_size=9))
def test_cache_has_the_value_of_every_word_in_order(rows: list[list[str]]) -> None:
    cache = _make_cache()
    assert [cache.find_all(words) for words in rows] == [[word.upper() for word in words] for words in rows]


@given(texts, st.sampled_from(LANGUAGES))
def test_terms_one_by_one_are_those_of_the_pieces(text: str, language: str) -> None:
    tokenized = analysis.tokenize(text.encode("utf-8", "ignore").decode(), language)
    for piece, terms in zip(tokenized.stems, tokenized.terms, strict=True):
        assert list(terms) == (piece.split() if isinstance(piece, str) else [])


@given(texts, st.sampled_from(LANGUAGES))
def test_stop_words_of_a_text_are_those_of_its_words(text: str, language: str) -> None:
    stems = [*_list_terms(analysis.tokenize(text.encode("utf-8", "ignore").decode(), language)), "the", "und", "les"]
    tag = stop_words.find_language(language)
    stopped = [stem for stem in stems if stop_words.is_stop_word(stem, (language,))]
    assert stop_words.list_stop_words(stems, tag) == stopped


@given(texts)
def test_whether_a_text_is_shouted_is_a_matter_of_its_letters(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    mostly = 2 * sum(map(str.isupper, text)) > sum(map(str.isalpha, text))
    assert mostly or not spelling.is_shouted(text)
    assert not mostly or spelling.is_shouted(text + " ABCDE")


def test_folding_a_character_again_changes_nothing() -> None:
    """Characters are folded one after the other where few of a text are."""
    for code in [*range(0xD800), *range(0xE000, 0x30000)]:
        folded = spelling.fold_character(chr(code))
        assert "".join(map(spelling.fold_character, folded)) == folded, hex(code)
