"""Plain text articles, with all their parts and with any of them missing; and the tail of related posts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importers.document import Document, DocumentBody, Failure, ParseContext, RelatedReference, SourceDateline
from app.importers.formats import text
from app.importers.text_parts import prose
from app.importers.text_parts.related_block_text import HEADINGS, is_signature, split_related

FULL = """\
Harbour towns vote on the new ferry line

A short vote ended a long quarrel.

Ostend, December 2025. The councils agreed
on a timetable.

Nobody was surprised.

Slow boats, sure boats. / Slow boats, sure boats.

Related posts

The ferry that never came

Who pays for the quay? <https://news.example/quay>
"""


def read(source: str | bytes) -> Document:
    data = source.encode() if isinstance(source, str) else source
    (item,) = text.parse(data, "a.txt", ParseContext())
    assert isinstance(item, Document)
    return item


def test_every_part_of_an_article_is_told_apart() -> None:
    assert read(FULL) == Document(
        where="a.txt",
        title="Harbour towns vote on the new ferry line",
        standfirst="A short vote ended a long quarrel.",
        dateline=SourceDateline("Ostend, December 2025.", "Ostend", "2025-12", "month"),
        language="en",
        body=DocumentBody("text", "The councils agreed on a timetable.\n\nNobody was surprised."),
        signature="Slow boats, sure boats. / Slow boats, sure boats.",
        related=(
            RelatedReference("The ferry that never came"),
            RelatedReference("Who pays for the quay?", "https://news.example/quay"),
        ),
    )


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    assert read(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()) == read(FULL)


def test_without_a_standfirst_the_dateline_follows_the_title() -> None:
    document = read("Title\n\nOstend, December 2025. Body.\n\nMore.")
    assert (document.standfirst, document.dateline and document.dateline.place) == (None, "Ostend")


def test_without_a_dateline_all_is_body() -> None:
    document = read("Title\n\nFirst.\n\nSecond.\n\nThird.")
    assert (document.standfirst, document.body) == (None, DocumentBody("text", "First.\n\nSecond.\n\nThird."))


def test_a_dateline_alone_in_its_paragraph_leaves_the_body_whole() -> None:
    document = read("Title\n\nOstend, December 2025.\n\nBody.")
    assert (document.dateline and document.dateline.date, document.body) == ("2025-12", DocumentBody("text", "Body."))


def test_a_byline_gives_authors() -> None:
    document = read("Title\n\nBy Ann Lee and Bo Ek\n\nStandfirst here.\n\nOstend, December 2025. Body.")
    assert (document.authors, document.standfirst) == (("Ann Lee", "Bo Ek"), "Standfirst here.")
    assert read("Title\n\nBy noon it rained.\n\nMore.").authors == ()


def test_a_lone_sentence_is_body_with_a_derived_title() -> None:
    document = read("It rained all day.")
    assert (document.title, document.title_derived, document.body) == (
        "It rained all day.",
        True,
        DocumentBody("text", "It rained all day."),
    )


def test_a_lone_line_is_a_title() -> None:
    document = read("Rain")
    assert (document.title, document.title_derived, document.body) == ("Rain", False, None)


def test_a_long_first_paragraph_is_no_title() -> None:
    document = read("word " * 100 + "\n\nSecond.")
    assert document.title == "word " * 15 + "word…"
    assert document.body
    assert document.body.content.count("word") == 100


@pytest.mark.parametrize("data", [b"", b" \n\n\t\n", b"\xef\xbb\xbf", b"\x00\x01"])
def test_a_file_without_text_fails(data: bytes) -> None:
    assert list(text.parse(data, "a.txt", ParseContext())) == [Failure("a.txt", "the file holds no text")]


def test_windows_bytes_and_controls_are_repaired_with_a_note() -> None:
    document = read("Caf\xe9 \x93open\x94\n\nA\x00b.".encode("latin-1"))
    assert (document.title, document.body) == ("Café “open”", DocumentBody("text", "Ab."))
    assert document.notes == ("not valid UTF-8, read as Windows-1252", "control characters removed")


def test_text_is_in_nfc() -> None:
    assert read("Cafe\u0301\n\nBody.").title == "Caf\xe9"


def test_indented_lines_begin_paragraphs() -> None:
    assert prose.join_paragraphs("One\ntwo.\n    Three\nfour.\n\n\n five") == ["One two.", "Three four.", "five"]


@given(st.text())
def test_paragraphs_keep_every_character(source: str) -> None:
    assert "".join("".join(prose.join_paragraphs(source)).split()) == "".join(source.split())


@given(st.text(), st.integers(2, 90))
def test_first_words_stay_within_the_limit(source: str, limit: int) -> None:
    words = prose.cut_title(source, limit)
    assert len(words) <= limit
    assert " ".join(source.split()).startswith(words.removesuffix("…"))


@given(st.binary(max_size=400))
def test_any_bytes_give_one_article_or_one_failure(data: bytes) -> None:
    assert len(list(text.parse(data, "x", ParseContext()))) == 1


@pytest.mark.parametrize(
    "heading",
    [
        "Related posts",
        "RELATED ARTICLES:",
        "See also",
        "Read more",
        "À lire aussi :",
        "A lire aussi",
        "Articles liés",
        "Artículos relacionados",
        "Lea también",
        "Lesen Sie auch:",
        "Verwandte Artikel",
        "Mehr zum Thema",
        "## Related",
    ],
)
def test_a_heading_in_any_language_opens_the_list(heading: str) -> None:
    assert split_related(["Body.", heading, "One", "Two"]) == (
        ["Body."],
        (RelatedReference("One"), RelatedReference("Two")),
    )


def test_entries_come_with_bullets_links_and_addresses() -> None:
    lines = "See also\n- One\n2. [Two](https://x.example/2)\n* Three <https://x.example/3>\nhttps://x.example/4"
    assert split_related(["Body.", lines])[1] == (
        RelatedReference("One"),
        RelatedReference("Two", "https://x.example/2"),
        RelatedReference("Three", "https://x.example/3"),
        RelatedReference(None, "https://x.example/4"),
    )


@pytest.mark.parametrize(
    "blocks",
    [
        ["Body.", "Read more"],
        ["Read more", "One"],
        ["Body.", "See also", "Prose " * 80],
        ["Body.", "See also the report of May.", "One"],
    ],
)
def test_what_may_be_prose_stays_body(blocks: list[str]) -> None:
    assert split_related(blocks) == (blocks, ())


@pytest.mark.parametrize(
    "line",
    [
        "News, plainly. / News, plainly.",
        "© 2025 The Example",
        "(c) Example Press",
        "— Example News",
        "-- Ann Lee",
        "AFP",
        "(Reuters)",
        "Reuters/AP",
        "(Reporting by Ann Lee; Editing by Bo Ek)",
    ],
)
def test_a_signature_is_known(line: str) -> None:
    assert is_signature(line)


@pytest.mark.parametrize(
    "line",
    [
        "The vote is on Monday.",
        "And / or.",
        "— We shall see, she said.",
        "- a point on a list",
        "Yes / No",
        "- - -",
        "",
        "/",
        " / ",
        "© " + "x" * 120,
        "A. / A.\nB.",
    ],
)
def test_an_ordinary_last_line_is_no_signature(line: str) -> None:
    assert not is_signature(line)


def test_the_documented_headings_are_known() -> None:
    assert {"related posts", "a lire aussi", "lea tambien", "mehr zum thema"} <= HEADINGS


@pytest.mark.parametrize(
    "tail",
    [
        "See also\n\nThe committee will meet again on Monday.",
        "Read more\n\nThe committee will meet again\non Monday in the town hall",
        "Related stories\n\nOne thing\n\nCorrection: an earlier version named another day",
        "Related stories\n\nOne thing\n\nReporting by Ann Lee; editing by Bo Ek",
        "Further reading\n\nRoe, J. (2020). The Book of Fog. London: Press.",
        "関連記事\n\nFog is no mist and stays all day。",
    ],
)
def test_prose_below_a_heading_of_related_posts_stays_text(tail: str) -> None:
    [document] = text.parse(f"Fog\n\nIt lay on the water.\n\n{tail}\n".encode(), "f", ParseContext())
    assert isinstance(document, Document)
    assert document.related == ()
    assert document.body is not None
    assert document.body.content.endswith(" ".join(tail.split("\n\n")[-1].split("\n")))


@pytest.mark.parametrize(
    "tail", ["One thing\n\nIs it over?", "One thing\nMayor of U.S.", "- Fog came in by night.", "It is over."]
)
def test_titles_below_a_heading_are_related_posts(tail: str) -> None:
    [document] = text.parse(f"Fog\n\nIt lay on the water.\n\nRelated posts\n\n{tail}\n".encode(), "f", ParseContext())
    assert isinstance(document, Document)
    assert [one.title for one in document.related] == [line.strip("- ") for line in tail.split("\n") if line]
