"""What sources call languages, read into codes."""

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.articles.input.payloads import Language
from app.importers.records import language_codes

CODES = TypeAdapter(Language)

needs_names = pytest.mark.skipif(find_spec("babel") is None, reason="the extra `importers` is not installed")


@pytest.mark.parametrize(
    ("text", "code"),
    [("en", "en"), ("pt_BR", "pt-br"), ("EN-gb", "en-gb"), (" fr ", "fr"), ("en_US.UTF-8", "en-us"), ("zxx", "zxx")],
)
def test_code_stays_what_it_is_in_small_letters(text: str, code: str) -> None:
    assert language_codes.read_code(text) == code


@needs_names
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("English", "en"), ("GERMAN", "de"), ("English (United Kingdom)", "en"), ("Deutsch", "de"), ("français", "fr"),
        ("русский", "ru"), ("日本語", "ja"), ("Serbian", "sr"), ("Swahili", "sw"), ("eng", "en"), ("ger", "de"),
        ("deu-AT", "de-at"), ("iw", "he"),
    ],
)  # fmt: skip
def test_name_and_code_of_three_letters_become_the_code_of_two(text: str, code: str) -> None:
    assert language_codes.read_code(text) == code


@pytest.mark.parametrize("text", [None, "", " ", "und", "und-Latn", "news", "unknown", "x" * 70, "en-" + "x1-" * 20])
def test_what_names_no_language_says_nothing(text: str | None) -> None:
    assert language_codes.read_code(text) is None


@given(st.text(max_size=80))
def test_what_is_read_is_a_code_that_articles_take(text: str) -> None:
    code = language_codes.read_code(text)
    assert code is None or CODES.validate_python(code) == code == code.lower()
