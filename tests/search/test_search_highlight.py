"""Fragments: what is marked in them is what matched, and nothing else in them is markup."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.engine import QueryInterpretation
from app.search.highlighting import highlight
from app.search.query.parser import parse
from app.search.query.tree import Near


def marks(text: str, part: highlight.PartName = "body", *, any_word: bool = False) -> highlight.Marks:
    return highlight.find_marks(QueryInterpretation(parse(text).tree, ("en", "fr"), any_word=any_word), part)


@pytest.mark.parametrize(("query", "text", "language", "shown"), [
    ("sanctions", "They sanctioned it", "en", "They <mark>sanctioned</mark> it"),
    ("munchen", "In München heute", "de", "In <mark>München</mark> heute"),
    ("ecole", "L'école <b>", "fr", "L&#x27;<mark>école</mark> &lt;b&gt;"),
    ("nat*", "NATO & national", "en", "<mark>NATO</mark> &amp; <mark>national</mark>"),
    ('"red line"', "A red line, no line in red", "en", "A <mark>red</mark> <mark>line</mark>, no line in red"),
    ("co-op", "A co-op or a co or an op", "en", "A <mark>co-op</mark> or a co or an op"),
    ("北京", "今天北京大学", "zh", "今天<mark>北京</mark>大学"),
    ("北京大学", "今天北京大学生", "zh", "今天<mark>北京大学</mark>生"),
    ("京", "今天北京大学", "zh", "今天北<mark>京</mark>大学"),
    ("محمد", "قال مُحَمَّد", "ar", "قال <mark>مُحَمَّد</mark>"),
    ("sun -rain", "Sun and rain", "en", "<mark>Sun</mark> and rain"),
    ("body:sun rain", "Sun and rain", "en", "<mark>Sun</mark> and <mark>rain</mark>"),
    ("title:sun rain", "Sun and rain", "en", "Sun and <mark>rain</mark>"),
    ("trump's", "Trump’s trump", "en", "<mark>Trump</mark>’s <mark>trump</mark>"),
])  # fmt: skip
def test_words_that_matched_are_marked(query: str, text: str, language: str, shown: str) -> None:
    assert highlight.mark_text(text, language, marks(query)) == shown
    assert highlight.find_fragments(text, language, marks(query)) == [shown]


def test_text_without_a_match_shows_nothing() -> None:
    assert highlight.mark_text("Sun", "en", marks("rain")) is None
    assert highlight.find_fragments("Sun", "en", marks("rain")) == []
    assert highlight.find_fragments("Sun", "en", marks("")) == []
    assert highlight.find_fragments("", "en", marks("rain")) == []


def test_corrected_words_are_marked() -> None:
    reading = QueryInterpretation(Near("sanctons", ("sanctions",)), ("en",))
    assert (
        highlight.mark_text("New sanctions", "en", highlight.find_marks(reading, "title"))
        == "New <mark>sanctions</mark>"
    )


def test_relaxed_query_marks_no_stop_words_and_every_word_of_a_phrase() -> None:
    expected = marks('the "red line"', any_word=True)
    assert highlight.mark_text("the line", "en", expected) == "the <mark>line</mark>"


def test_long_text_gives_the_fragments_with_most_words() -> None:
    text = "\n\n".join([*["Nothing of note happened here at all."] * 20, "The sun alone.", *["Filler goes on."] * 30,
                        "The sun and the rain met.", *["And more of the same."] * 40])  # fmt: skip
    shown = highlight.find_fragments(text, "en", marks("sun OR rain"))
    assert len(shown) == 2
    assert "<mark>sun</mark> and the <mark>rain</mark>" in shown[1]
    assert all(len(re.sub("</?mark>", "", fragment)) <= 260 for fragment in shown)


def test_very_long_text_shows_its_only_match_wherever_it_stands() -> None:
    filler = "Nothing of note happened here at all. " * 300
    for text in (f"{filler}\n\nThe sun alone.\n\n{filler}", f"{filler}The sun alone. {filler}", "字" * 14_000 + " sun"):
        [shown] = highlight.find_fragments(text, "en", marks("sun"))
        assert "<mark>sun</mark>" in shown


def test_very_long_text_is_read_no_further_than_three_fragments_take() -> None:
    begun = "\n\n".join(["The sun alone.", "Filler goes on. " * 20] * 3 + ["Filler goes on and on."] * 400)
    shown = highlight.find_fragments(begun + "\n\nThe sun and the rain.", "en", marks("sun OR rain"))
    assert len(shown) == 3
    assert not any("rain" in fragment for fragment in shown)


words = st.sampled_from(
    ["sun", "suns", "rain", "<b>", "&amp;", "<mark>", "北京", "é", "\u0301", "İ", "ﬁ", '"', "\n\n", "sun’s"]
)
texts = st.lists(words, max_size=80).map(" ".join) | st.text(max_size=200)


@given(text=texts, query=st.sampled_from(["sun", '"sun rain"', "su*", "北京", "sun OR é", "<b>", "i*"]))
def test_any_text_comes_back_escaped_and_unchanged(text: str, query: str) -> None:
    for shown in highlight.find_fragments(text, "en", marks(query)):
        plain = shown.replace("<mark>", "").replace("</mark>", "")
        assert "<mark>" in shown
        assert "<" not in plain
        assert ">" not in plain
        bare = unescape(plain).removeprefix("… ").removesuffix(" …")
        assert " ".join(bare.split()) in " ".join(text.split())
