"""Texts in ASCII are read by tables, a character at a time: what comes of it is what comes of any other text."""

import unicodedata

from hypothesis import example, given, strategies as st
from slugify import slugify

from app.articles.html import bodies
from app.enrich import language, near_duplicates
from app.importers.document import Document, ParseContext
from app.importers.formats import ndjson
from app.text import keys

ASCII = st.text(st.characters(max_codepoint=127), max_size=40)
PROSE = st.text("ab AB 19'-_.,&;#x/\n\t", max_size=100)
WIDE = "\u00a0"
"""Takes a text the other way, and is no part of any word."""


@given(ASCII | PROSE)
def test_words_of_ascii_are_those_of_any_text(content: str) -> None:
    assert keys.words(content) == keys.words(content + WIDE)
    assert keys.runs(content) == keys.runs(content + WIDE)


@given(ASCII | PROSE)
@example("a-b-c d'e' 'f _-_ 1,000")
def test_words_of_ascii_are_counted_like_those_of_any_text(content: str) -> None:
    assert bodies.count_words(content) == bodies.count_words(content + WIDE)


@given(ASCII | PROSE)
@example("Tom &amp; Jerry's 1,000th, and more words than a slug has room for: ".ljust(130, "x"))
def test_slug_is_what_slugify_makes(content: str) -> None:
    made = slugify(content, max_length=keys.SLUG_LENGTH, word_boundary=True, save_order=True)
    assert keys.slug(content, "a") == (f"a-{made}" if made.isdigit() else made or "a")


@given(st.text("abc ABC.,1<@", min_size=60, max_size=200))
def test_language_of_ascii_is_told_as_of_any_text(content: str) -> None:
    assert language.suggest("", content) == language.suggest("", content + WIDE)


ODD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x00\x07\t\n\x1f\x7f\x80\x9f\xa0\u0301\u0308\u0323\u0f39\ufeff\ufdd0\ufdf0\ufffe\uffff"),
        st.sampled_from(["\ud800", "\udfff", "\ud7ff", "\U0001fffe", "\U0010ffff", "\u0fbe", "é", "ﬁ", "ß", "漢"]),
    ),
    max_size=60,
)


@given(ODD)
@example("é" * 3 + "".join(map(chr, range(0x300, 0x320))))
def test_text_is_folded_character_by_character(content: str) -> None:
    decomposed = unicodedata.normalize("NFKD", content)
    expected = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    assert keys.fold(content) == expected


@given(ODD)
def test_only_texts_without_controls_are_passed_over(content: str) -> None:
    unfit = [c for c in content if unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n\r"]
    unfit += [c for c in content if ord(c) & 0xFFFE == 0xFFFE or "\ufdd0" <= c <= "\ufdef" or c == "\ufeff"]
    if unfit:
        assert keys.may_have_controls(content)
    cleaned = keys.clean(content)
    assert not set(unfit) & set(cleaned)
    if not unfit:
        lines = content.replace("\r\n", "\n").replace("\r", "\n")
        assert cleaned == unicodedata.normalize("NFC", lines)


def test_keys_of_a_text_stay_what_archives_have_kept() -> None:
    said = near_duplicates.words(
        "The ferry to Low Water leaves at nine, " * 3 + "and the last one back at four o'clock."
    )
    assert near_duplicates.keys(said) == (
        1406400627270019876, 8834279092415378196, 4476177439707307652,
        8844343348947930448, 3821306853500056702, 1958310474153498117,
    )  # fmt: skip


def test_number_of_many_digits_is_told_from_a_text_of_them() -> None:
    lines = [b'{"title":"T","n":12345678901234567890123}', b'{"title":"T","n":"12345678901234567890123"}']
    read = list(ndjson.parse(lines, "f", ParseContext()))
    assert [one.extra for one in read if isinstance(one, Document)] == [
        {"n": 12345678901234567890123},
        {"n": "12345678901234567890123"},
    ]


@given(st.lists(st.text("ab-'京", min_size=1, max_size=15)), st.sampled_from((" ", "\n", "\n\n")))
def test_a_text_in_pieces_is_the_same_text_and_has_the_same_words(words: list[str], between: str) -> None:
    content = between.join(words)
    pieces = list(keys.pieces(content, 20))
    assert "".join(pieces) == content
    assert all(len(piece) <= 40 for piece in pieces)
    assert sum(map(bodies.count_words, pieces)) == bodies.count_words(content)


@given(st.text("a", max_size=200))
def test_a_word_without_an_end_is_cut(content: str) -> None:
    pieces = list(keys.pieces(content, 20))
    assert "".join(pieces) == content
    assert all(len(piece) <= 40 for piece in pieces)
