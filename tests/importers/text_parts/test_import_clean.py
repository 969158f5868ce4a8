"""Text made fit for storage: what is changed is said, and what is fit stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importers.formats import detect
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


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])))
def test_what_is_fit_changes_in_form_only(source: str) -> None:
    notes: list[str] = []
    assert clean.scrub(source, notes.append) == unicodedata.normalize("NFC", source)
    assert notes == []


@given(st.binary())
def test_any_bytes_are_text(data: bytes) -> None:
    assert isinstance(clean.decode(data)[0], str)


def test_stray_byte_in_utf8_alone_is_read_as_another_encoding() -> None:
    data = "Été, déjà vu, ".encode() + b"Caf\xe9"
    assert clean.decode(data) == ("Été, déjà vu, Café", (clean.NOTE_STRAY,))
    assert clean.decode("Été, déjà vu, Café".encode("cp1252")) == ("Été, déjà vu, Café", (clean.NOTE_BYTES,))
    assert clean.decode("Порт открыт".encode() + b"\xff")[0] == "Порт открытÿ"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "iso8859-7", "cp1255", "gb18030"])
def test_letters_of_no_western_language_are_refused(encoding: str) -> None:
    text = {"iso8859-7": "Το λιμάνι άνοιξε", "cp1255": "הנמל נפתח", "gb18030": "港口今天重新开放了"}.get(encoding)
    data = (text or "Порт открыт").encode(encoding)
    with pytest.raises(detect.NotText, match="save it as UTF-8"):
        detect.choose_parser("a.txt", data)
    assert detect.choose_parser("a.txt", data.decode(encoding).encode()) == "text"
    assert detect.choose_parser("a.txt", data, charset=encoding) == "text"
    assert detect.choose_parser("a.txt", "Où ça? Ångström, naïve Øresund".encode("cp1252")) == "text"


@pytest.mark.parametrize("line", ["··········", "¯¯¯¯¯¯", "»»»»»»", "××××××", "×÷×÷×÷", "ßßßßßß", "····É····"])
@pytest.mark.parametrize("text", ["A port opens", "Un port animé"])
def test_lines_of_western_signs_are_no_foreign_letters(line: str, text: str) -> None:
    assert detect.choose_parser("a.txt", f"{text}\n\n{line}\n\n{text}".encode("cp1252")) == "text"


@pytest.mark.parametrize("text", ["東京では今日、雨が降りました。カタカナもある", "항구가 오늘 다시 열렸습니다"])
def test_letters_of_east_asia_are_refused(text: str) -> None:
    with pytest.raises(detect.NotText, match="save it as UTF-8"):
        detect.choose_parser("a.txt", text.encode("euc_jp" if "は" in text else "euc_kr"))
