"""What is marked in a text in Latin letters is what its terms, listed one by one, say: places and budget alike."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.engine import QueryInterpretation
from app.search.highlighting import highlight, marked_spans
from app.search.highlighting.marked_spans import Marks, ReadingBudget
from app.search.query import analysis, plain_text, replacements, spelling, word_forms
from app.search.query.parser import parse

LANGUAGES = ("en", "de", "fr", "tr", "es", "hu", "fi", "ro", "und", "pl", None)
PARTS = (
    "storms", "STORMS", "storm", "Übergrößen", "œuvre", "İstanbul", "ıssız", "дождь", "Σίσυφος", "東京都",
    "cooperation", "O'Brien", "O’Brien", "U.S.", "US", "us", "10,000", "1.234,56", "3.5", "covid19", "covid-19",
    "C++", "C#", "Node.js", ".NET", "J. R. R. Tolkien", "J.R.R. Tolkien", "A. B.", "“US”", "d’Orsay", "1980s",
    "e\u0301", "_x_", "a\u00a0b", "10\u00a0000", "x" * 39, "x" * 41, "x" * 201, "😀", "—", "…", "and…so",
    "soft\u00adhyphen", "École", "l'école", "co-operation",
    "\n\n", "\x1c", "col·legi", "•", "ﬁn", "²", "m²", "½", "dying", "dies", "die", "skies", "the", "The", "THE", "São",
    "sao", "naïve", "naive", "a", "I", "red", "line", "Red Line", "red-line", "?", "A.", "b.", "x#", "a++", "7", "007",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=10)), max_size=14).map(" ".join)
joined = st.lists(st.sampled_from((*PARTS, " ", ". ", ".", ",", "-", "'")), max_size=14).map("".join)
plain_texts = st.text(st.characters(max_codepoint=0x24F) | st.sampled_from("‘’“”…–—•€\u2009"), max_size=60)
any_texts = texts | joined | plain_texts
QUERIES = (
    "storm", "storms", "us", "US", "U.S.", '"red line"', "red-line", "co-op*", "s*", "é*", "ecol*", "école", "covid19",
    "covid-19", "10000", "1234.56", "c++", "c#", "node.js", ".net", "cooperation", "co-operation", "überg*", "dying",
    "sky OR the", '"the the"', "tolkien", '"j r r tolkien"', "o'brien", "naive", "sao paulo", "soft hyphen", "m2", "京",
    "東京", "x*", "1980", "a* -b", "7", '"a b"', "collegi", "so",
)  # fmt: skip
marks = st.builds(
    lambda query, any_word: highlight.find_marks(
        QueryInterpretation(parse(query).tree, ("en", "fr", "de"), any_word=any_word), "body"
    ),
    st.sampled_from(QUERIES),
    st.booleans(),
)


def _encode(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def _compare(text: str, language: str | None, sought: Marks) -> None:
    room, expected_room = ReadingBudget(), ReadingBudget()
    expected = marked_spans.find_analysed_spans(analysis.analyse(text, language), text, sought, expected_room)
    assert marked_spans.find_spans(text, language, sought, room) == expected
    assert room == expected_room


@settings(max_examples=400)
@given(any_texts.map(_encode), st.sampled_from(LANGUAGES), marks)
def test_spans_are_those_of_the_terms(text: str, language: str | None, sought: Marks) -> None:
    _compare(text, language, sought)


@settings(max_examples=200)
@given(any_texts.map(_encode), st.sampled_from(LANGUAGES), st.data())
def test_spans_of_words_of_the_text_are_those_of_the_terms(
    text: str, language: str | None, data: st.DataObject
) -> None:
    terms = [*analysis.analyse(text, language).stems, *analysis.analyse(text, None).words, "storm"]
    some = data.draw(st.lists(st.sampled_from(terms), min_size=1, max_size=4))
    row = tuple(enumerate(some))
    _compare(text, language, Marks(frozenset(some), (), ()))
    _compare(text, language, Marks(frozenset(), tuple(term[:2] for term in some), (row, row[:1], row[:2])))


@given(any_texts.map(_encode), st.sampled_from(LANGUAGES))
def test_analysis_is_the_same(text: str, language: str | None) -> None:
    expected, quick = analysis.analyse(text, language), word_forms.analyse(text, language)
    assert list(quick.stems) == list(expected.stems)
    assert list(quick.words) == list(expected.words)
    numbers = range(len(quick.words))
    assert quick.places(numbers) == expected.places(numbers)


@settings(max_examples=400)
@given(any_texts.map(_encode))
def test_text_and_places_are_those_of_the_spelling(text: str) -> None:
    if re.search(f"[^{word_forms.PLAIN}]", text):
        return
    normalized, places = replacements.normalize(text)
    expected = spelling.normalize_with_places(text)
    assert normalized == expected.text
    for word in re.finditer(r"[^\W_]+", normalized):
        assert places.find_source(*word.span()) == expected.find_source(*word.span())


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_plain_characters_are_divided_into_words_alike(language: str | None) -> None:
    for code in range(0x2100):
        character = chr(code)
        if re.match(f"[{word_forms.PLAIN}]", character):
            for text in (f"a{character}b", f"a {character} b", f"A.{character}. x", f"1{character}0", character * 2):
                _compare(text, language, Marks(frozenset(("a", "b", "ab")), ("x", "1"), ()))


def test_a_text_that_was_read_is_read_the_same_once_its_words_are_forgotten() -> None:
    text = "Storms came. 10,000 stormy petrels of the US — an école — flew."
    plain = plain_text.read(text, "en")
    assert plain is not None
    before, number = plain.find_words(("storm", "ecole", "10000")), word_forms.get_known().number
    for start in range(0, word_forms.MOST_WORDS + 1_000, 1_000):
        assert word_forms.learn([f"w{start + n}" for n in range(1_000)], "en", is_ascii=True) is not None
    assert word_forms.get_known().number > number
    assert word_forms.get_known().size <= word_forms.MOST_WORDS
    assert plain.find_words(("storm", "ecole", "10000")) == before
    assert len(before) == 3
