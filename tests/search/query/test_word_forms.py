"""Texts in Latin letters are analysed as all others are, term by term and place by place, only sooner."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.search.query import analysis, spelling, word_forms

PLAIN = re.compile(f"[{word_forms.PLAIN}]")
LANGUAGES = ("en", "de", "fr", "tr", "fi", "ar", "ja", None)
PIECES = (
    "U.S.", "US", "10,000.50", "covid19", "Wi-Fi", "CO₂", "C++", ".NET", "l’école", "Müller", "Straße", "İzmir",
    "col·lecció", "7 a.m.", "J. K. Rowling",
    "\u00ad", "’", "“", "🎺", "京都", "дом", "the", "harbours", "harbour", "x" * 45,
    "y" * 210, "e\u0301", " ", "\n", "-", "_",
)  # fmt: skip


def _assert_same(text: str, language: str | None) -> None:
    expected, actual = analysis.analyse(text, language), word_forms.analyse(text, language)
    assert list(actual.stems) == list(expected.stems)
    assert list(actual.words) == list(expected.words)
    numbers = range(len(expected.stems))
    assert actual.places(numbers) == expected.places(numbers)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=24), st.sampled_from(LANGUAGES))
def test_terms_and_places_are_those_of_the_analysis(parts: list[str], language: str | None) -> None:
    _assert_same("".join(parts), language)
    _assert_same(" ".join(parts), language)


def test_each_plain_character_divides_words_as_the_index_does() -> None:
    for character in filter(PLAIN.fullmatch, map(chr, range(0x10000))):
        text = f"ab{character}cd {character}x y{character}"
        assert len(text.lower()) == len(text)
        words = word_forms.WORD.findall(text.lower())
        assert [analysis.list_terms(word, None) for word in words] == [
            [term] for term in analysis.list_terms(text, None)
        ]


def test_places_lead_back_through_all_that_was_replaced() -> None:
    text = "In the U.S. 10,000 of covid19 “cases” at 7 a.m. cost $1,234.56"
    normalized = spelling.normalize(text)
    expected, actual = (
        spelling.normalize_with_places(text).find_source,
        word_forms.find_sources(text, normalized),
    )
    spans = [match.span() for match in re.finditer(r"\w+", normalized)]
    assert [actual(*span) for span in spans] == [expected(*span) for span in spans]


def test_more_words_than_are_kept_change_nothing() -> None:
    for start in range(0, 2 * word_forms.MOST_WORDS, 8_000):
        text = " ".join(f"{chr(97 + n % 26)}word{'abcdefghij'[n % 10]}{n}ing" for n in range(start, start + 8_000))
        assert list(word_forms.analyse(text, "en").words)[:2] == list(analysis.analyse(text, "en").words)[:2]
    assert word_forms.count_known() <= word_forms.MOST_WORDS
    _assert_same("harbours and harbour", "en")
