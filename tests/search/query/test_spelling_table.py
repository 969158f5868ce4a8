"""A table of spellings, a line each, that have to find one another: alone, in phrases and within longer phrases; and
small archives with what queries find, in which order, and mark."""

import json
import re
from collections.abc import Iterator
from html import escape
from itertools import product
from pathlib import Path

import pytest
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.search.highlighting import highlight
from app.search.tantivy.local_engine import TantivyEngine

CASES = Path(__file__).parent.parent / "cases"


def read_lines(name: str) -> list[str]:
    """Lines of a table; characters that nobody sees are spelt in it."""
    text = (CASES / name).read_text("utf-8")
    return re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text).splitlines()


def read_line(line: str) -> tuple[str, list[str]]:
    language, _, forms = line.partition(": ")
    return language, forms.split(" | ")


LINES = read_lines("spellings.txt")
STORIES = [(line, language, form) for line in LINES for language, forms in [read_line(line)] for form in forms]


@pytest.fixture(scope="module", name="engine")
def make_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = SearchArchive(tmp_path_factory.mktemp("table"))
    archive.put(*(
        SearchStory(i, f"Story {i}", f"vorher {form.replace('&', '&amp;')} nachher", language=language)
        for i, (_, language, form) in enumerate(STORIES, 1)
    ))  # fmt: skip
    yield archive.engine()
    archive.close()


@pytest.mark.parametrize("line", LINES)
def test_spellings_of_a_line_find_one_another(engine: TantivyEngine, line: str) -> None:
    language, forms = read_line(line)
    lost = []
    for query, text in product(forms, forms):
        number = STORIES.index((line, language, text)) + 1
        for asked in (query, f'"{query}"', f'"vorher {query} nachher"', f"vorher {query}"):
            if number not in ids(ask(engine, asked, languages=(language,), limit=100)):
                lost.append(f"{asked} does not find {text}")
    assert not lost


NOT_THE_SAME = [
    ("US", "Let us pray", "en"), ("U.S.", "Tell us more", "en"), ("WHO", "The man who sold it", "en"),
    ("IT", "It works", "en"), ("C++", "C is old", "en"), ("C", "C++ is old", "en"), ("C#", "C++ is old", "en"),
    ("F#", "F is a letter", "en"), (".NET", "The net is wide", "en"), ("1999", "1,998 of them", "en"),
    ("10,000", "1,000 of them", "en"), ("👍", "👎 to that", "en"), ("🇫🇷", "🇩🇪 wins", "en"), ("京", "東の町", "ja"),
    ("\"every day\"", "everyone", "en"), ("صوت", "سوط", "ar"), ("йод", "иод", "ru"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "text", "language"), NOT_THE_SAME)
def test_what_differs_is_not_found(tmp_path: Path, query: str, text: str, language: str) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(SearchStory(1, "Story", text, language=language))
    assert ids(ask(archive.engine(), query, languages=(language,))) == []
    archive.close()


def test_capitals_tell_a_name_from_a_pronoun(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(
        SearchStory(1, "U.S. names ships", "The fleet of the U.S. grows."),
        SearchStory(2, "US names envoy", "An envoy of the US arrives."),
        SearchStory(3, "Let us remember", "It helps us all."),
        SearchStory(4, "US AND CHINA SIGN TRADE AGREEMENT", "They shook hands."),
        SearchStory(
            5, "THE HAGUE (AP) verdict", "THE HAGUE, Netherlands: the court met in The Hague and did NOT wait."
        ),
    )
    engine = archive.engine()
    for query, matches in [
        ("US", {1, 2, 4}), ("U.S.", {1, 2, 4}), ("U. S.", {1, 2, 4}), ("us", {1, 2, 3, 4}), ('"us names"', {1, 2}),
        ('"US names"', {1, 2}), ('"let us"', {3}), ("US AND CHINA SIGN TRADE AGREEMENT", {4}),
        ("US and China sign trade agreement", {4}), ('"us and china"', {4}), ('"US AND CHINA SIGN"', {4}),
        ("US NAMES ENVOY", {2}), ('"The Hague"', {5}), ('"did not wait"', {5}), ('"NAMES SHIPS"', {1}),
    ]:  # fmt: skip
        assert set(ids(ask(engine, query, languages=("en",)))) == matches, query
    archive.close()


@pytest.mark.parametrize("path", sorted(CASES.glob("*.search.json")), ids=lambda path: path.stem)
def test_small_archives_find_what_their_cases_say(tmp_path: Path, path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    stories = {
        i: SearchStory(i, article["title"], article["body"]["text"], language=article["language"])
        for i, article in enumerate(case["articles"], 1)
    }
    archive = SearchArchive(tmp_path)
    archive.put(*stories.values())
    engine = archive.engine()
    for query in case["queries"]:
        typo = query.get("params", {}).get("typo") != "off"
        page = ask(engine, query["q"], match="auto", typo=typo)
        titles = [stories[i].title for i in ids(page)]
        assert set(query["must_find"]) <= set(titles), query
        assert not set(query.get("must_not", ())) & set(titles), query
        assert titles[:1] == [query.get("first_is", titles[0])], query
        if "highlight" in query:
            marks = highlight.find_marks(page.interpretation, "title")
            shown = [highlight.mark_text(stories[i].title, stories[i].language, marks) for i in ids(page)]
            assert query["highlight"] in shown
    archive.close()


MARKED = [(language, *pair) for line in read_lines("marks.txt") for language, pair in [read_line(line)]]


@pytest.mark.parametrize(("language", "query", "expected"), MARKED)
def test_marks_surround_words_as_they_are_written(tmp_path: Path, language: str, query: str, expected: str) -> None:
    text = expected.replace("{", "").replace("}", "")
    archive = SearchArchive(tmp_path)
    archive.put(SearchStory(1, "Story", text.replace("&", "&amp;"), language=language))
    page = ask(archive.engine(), query, languages=(language,))
    archive.close()
    reading = page.interpretation
    shown = highlight.mark_text(text, language, highlight.find_marks(reading, "body"))
    marked = escape(expected).replace("{", "<mark>").replace("}", "</mark>")
    assert shown == marked


def test_words_written_as_two_are_found_as_one(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(
        SearchStory(1, "Story", "The wifi of a healthcare firm is apart."),
        SearchStory(2, "Story", "او میخواهم گفت", language="fa"),
    )
    engine = archive.engine()
    for query, number in (("wi fi", 1), ("health care", 1), ("می خواهم", 2)):
        assert ids(ask(engine, f'"{query}"', languages=("en", "fa"))) == [number]
    assert ids(ask(engine, '"a part"', languages=("en", "fa"))) == []
    archive.close()
