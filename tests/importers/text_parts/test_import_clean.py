"""Text made fit for storage: what is changed is said, and what is fit stays."""

import unicodedata

from hypothesis import given, strategies as st

from app.importers.text_parts import clean


def test_utf16_is_told_by_its_mark() -> None:
    assert clean.decode("Café".encode("utf-16")) == ("Café", ("read as UTF-16",))


def test_line_ends_become_one_kind() -> None:
    assert clean.scrub("a\r\nb\rc\fd", print) == "a\nb\nc\nd"


@given(st.text(st.characters(codec=None)))
def test_scrubbed_text_can_be_stored(source: str) -> None:
    notes: list[str] = []
    text = clean.scrub(source, notes.append)
    text.encode("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert not any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in text)
    assert clean.scrub(text, notes.append) == text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_what_is_fit_changes_in_form_only(source: str) -> None:
    notes: list[str] = []
    assert clean.scrub(source, notes.append) == unicodedata.normalize("NFC", source)
    assert notes == []


@given(st.binary())
def test_any_bytes_are_text(data: bytes) -> None:
    assert isinstance(clean.decode(data)[0], str)
