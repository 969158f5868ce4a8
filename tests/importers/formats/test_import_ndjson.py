"""NDJSON: lines, arrays and objects, every field under its names, and what is kept of what cannot be read."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.articles.manuscript import ExportedRow
from app.importers.document import (
    BodyKind,
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    NameReference,
    ParseContext,
    RelatedReference,
    SourceDate,
    SourceDateline,
)
from app.importers.formats import ndjson
from app.importers.formats.registry import PARSERS


def parse(data: bytes, context: ParseContext | None = None) -> list[Document | Failure]:
    items = list(ndjson.parse(ndjson.read_lines(io.BytesIO(data)), "f", context or ParseContext()))
    matches = [item for item in items if isinstance(item, Document | Failure)]
    assert len(matches) == len(items)
    return matches


def read(record: Mapping[str, object], context: ParseContext | None = None) -> Document:
    (item,) = parse(json.dumps(record).encode(), context)
    assert isinstance(item, Document), item
    return item


OWN = {
    "id": 42,
    "external_id": "x-1",
    "origin": "press.example",
    "slug": "ferries",
    "status": "published",
    "language": "en",
    "version": 3,
    "title": "Ferries",
    "standfirst": None,
    "dateline": {
        "text": "Ostend, May 2025.",
        "place": "Ostend",
        "region": "be",
        "date": "2025-05",
        "precision": "month",
    },
    "body": "<p>Body.</p>",
    "authors": [{"slug": "ann-lee", "name": "Ann Lee"}],
    "tags": [{"slug": "sea", "name": "Sea", "kind": "topic"}, {"slug": "world", "name": "World", "kind": "section"}],
    "regions": [{"slug": "belgium", "name": "Belgium", "level": "country", "roles": ["about", "dateline"]}],
    "related": [
        {"position": 1, "kind": "editorial", "status": "unresolved", "title": "Quay", "url": None, "article": None},
        {"position": 2, "kind": "editorial", "title": None, "article": {"title": "Tide", "url": "https://x.example/t"}},
        {"position": 3, "kind": "similar", "status": "linked", "title": "Computed", "url": None},
    ],
    "images": [
        {"url": "https://x.example/i.png", "alt": "A", "caption": None, "credit": "C", "width": 12, "height": 8}
    ],
    "corrections": [{"at": "2025-05-03T00:00:00Z", "text": "Fixed.", "version": 2}],
    "source": {"slug": "press", "name": "Press", "url": "https://press.example"},
    "signature": "Press. / Press.",
    "translation_of": None,
    "seo": {"title": "S", "description": None, "canonical_url": "https://c.example/f"},
    "word_count": 1,
    "reading_minutes": 1,
    "published_at": "2025-05-01T00:00:00Z",
    "published_precision": "month",
    "first_published_at": "2025-05-01T00:00:00Z",
    "updated_at": "2025-05-02T00:00:00Z",
    "created_at": "2025-05-01T09:00:00Z",
    "url": "https://x.example/ferries",
}


def test_an_exported_article_is_read_back_whole() -> None:
    document = read(OWN)
    assert isinstance(document, Document)
    assert {"title", "tags", "status", "corrections", "seo"} <= {*(document.stated or ())}
    assert document.known_article == ExportedRow(42, "ferries", 1746090000, 3, "press.example")
    assert replace(document, stated=None, format="", known_article=None) == Document(
        where="f:1",
        external_id="x-1",
        origin="press.example",
        url="https://x.example/ferries",
        canonical_url="https://c.example/f",
        slug="ferries",
        title="Ferries",
        dateline=SourceDateline("Ostend, May 2025.", "Ostend", "2025-05", "month"),
        body=DocumentBody("html", "<p>Body.</p>"),
        authors=("Ann Lee",),
        author_refs=(NameReference("Ann Lee", "ann-lee"),),
        tags=("Sea", "World"),
        tag_refs=(NameReference("Sea", "sea", "topic"), NameReference("World", "world", "section")),
        regions=("Belgium",),
        region_refs=(NameReference("Belgium", "belgium", None, ("about", "dateline")),),
        language="en",
        source="Press",
        source_url="https://press.example",
        signature="Press. / Press.",
        related=(RelatedReference("Quay"), RelatedReference("Tide", "https://x.example/t")),
        images=(DocumentImage("https://x.example/i.png", "A", None, "C", 12, 8),),
        published=SourceDate(1746057600, "month"),
        updated=SourceDate(1746144000, "instant"),
        status="published",
        extra={
            "corrections": OWN["corrections"],
            "seo": {"title": "S"},
            "first_published_at": "2025-05-01T00:00:00Z",
        },
    )


def test_the_number_of_another_archive_is_no_external_id() -> None:
    assert read({**OWN, "external_id": None}).external_id is None
    assert read({"id": 42, "title": "T"}).external_id == "42"


def test_the_first_name_in_the_table_wins_and_the_others_are_kept() -> None:
    document = read({"summary": "b", "standfirst": "a", "deck": "c", "title": "T", "guid": "g", "id": 7})
    assert (document.standfirst, document.external_id) == ("a", "7")
    assert document.extra == {"summary": "b", "deck": "c", "guid": "g"}


def test_names_are_told_in_any_way_of_writing() -> None:
    assert read({"headline": "T", "datePublished": "2025"}).published == SourceDate(1735689600, "year")
    assert read({"headline": "T", "pubDate": "2025"}).published == SourceDate(1735689600, "year")


def test_an_empty_value_hides_no_other_name() -> None:
    document = read({"title": "", "headline": "T", "standfirst": None, "excerpt": "E", "tags": []})
    assert (document.title, document.standfirst, document.extra) == ("T", "E", {})


def test_unknown_fields_are_kept_under_their_names() -> None:
    assert read({"title": "T", "Split": "TRAIN", "deep": {"a": [1, None]}}).extra == {
        "Split": "TRAIN",
        "deep": {"a": [1, None]},
    }


@pytest.mark.parametrize(
    ("record", "kind", "content"),
    [
        ({"body": "One\ntwo\n    Three"}, "text", "One two\n\nThree"),
        ({"body": "<p>One</p>"}, "html", "<p>One</p>"),
        ({"body": "Oil firm <BR> rose, <P.TO> fell"}, "text", "Oil firm <BR> rose, <P.TO> fell"),
        ({"body": "<P>One</P>"}, "html", "<P>One</P>"),
        ({"body": "# One\n\n*two*", "body_format": "Markdown"}, "markdown", "# One\n\n*two*"),
        ({"body": {"markdown": "*two*"}}, "markdown", "*two*"),
        ({"body": {"text": "a < b"}}, "text", "a < b"),
        ({"body": ["One", "Two"]}, "text", "One\n\nTwo"),
        ({"body_html": "no tags"}, "html", "no tags"),
        ({"content_text": "<p>shown</p>"}, "text", "<p>shown</p>"),
        ({"body_markdown": "*x*"}, "markdown", "*x*"),
        ({"text": "<p>One</p>"}, "html", "<p>One</p>"),
    ],
)
def test_a_body_has_the_kind_that_was_said_or_shows(record: dict[str, object], kind: BodyKind, content: str) -> None:
    assert read(record).body == DocumentBody(kind, content)


def test_the_import_may_say_the_kind_of_bodies() -> None:
    assert read({"body": "*x*"}, ParseContext(body_kind="markdown")).body == DocumentBody("markdown", "*x*")


@pytest.mark.parametrize(
    ("given_authors", "names"),
    [
        ("By Ann Lee and Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Ann Lee, Bo Ek & Cy Fox", ("Ann Lee", "Bo Ek", "Cy Fox")),
        ("par Ann Lee et Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Von Ann Lee und Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Ann Lee, Jr.", ("Ann Lee, Jr.",)),
        ("Sandy Anders", ("Sandy Anders",)),
        (["Lee, Ann", {"name": "Bo Ek"}, "Lee, Ann"], ("Lee, Ann", "Bo Ek")),
        ({"name": "Ann Lee"}, ("Ann Lee",)),
    ],
)
def test_authors_come_as_bylines_lists_and_objects(given_authors: object, names: tuple[str, ...]) -> None:
    assert read({"title": "T", "author": given_authors}).authors == names


def test_lists_come_as_text_too() -> None:
    document = read({"title": "T", "keywords": "sea, law; ports", "section": "Arts, Culture", "places": ["usa", 7]})
    assert (document.tags, document.sections, document.regions) == (
        ("sea", "law", "ports"),
        ("Arts, Culture",),
        ("usa", "7"),
    )


def test_a_missing_title_is_the_first_words_of_the_body() -> None:
    words = "word " * 30
    assert read({"body": f"<p>{words}</p><p>x</p>"}).title == "word " * 15 + "word…"
    document = read({"body_markdown": "## A [link](http://x.example) *here*"})
    assert (document.title, document.title_derived) == ("A link here", True)
    assert read({"body": "<p><img src='x'></p>", "slug": "the-picture"}).title == "the picture"


def test_a_date_that_is_none_is_kept_with_a_note() -> None:
    document = read({"title": "T", "published_at": "2025-02-30", "modified": "03/04/2025"})
    assert (document.published, document.updated) == (None, None)
    assert document.extra == {"published_at": "2025-02-30", "modified": "03/04/2025"}
    assert document.notes == (
        "published_at: '2025-02-30' is no date: day is out of range for month",
        "modified: '03/04/2025' is no date: day and month cannot be told apart",
    )


def test_a_date_that_could_be_two_is_told_by_its_country_or_by_the_rest_of_the_file() -> None:
    payload = {"title": "T", "date": "03/04/2025"}
    assert read(payload | {"url": "https://news.example.co.uk/x"}).published == SourceDate(1743638400, "day")
    assert read(payload | {"language": "en-US"}).published == SourceDate(1741046400, "day")
    lines = "".join(json.dumps(one) + "\n" for one in (payload, payload | {"date": "25/12/2024"}))
    first, *_ = PARSERS["ndjson"](io.BytesIO(lines.encode()), "f", ParseContext())
    assert isinstance(first, Document)
    assert first.published == SourceDate(1743638400, "day")


def test_numbers_are_dates_where_they_can_be_nothing_else() -> None:
    assert read({"title": "T", "date": 1345035649}).published == SourceDate(1345035649, "instant")
    for number in (True, 12345, -1, 1.5):
        assert read({"title": "T", "date": number}).published is None


def test_what_waits_for_its_time_waits_for_the_fraction_of_the_second() -> None:
    payload = {"title": "T", "date": "2099-12-03T10:00:00.25Z"}
    dates = [read(payload | {"status": status}).published for status in ("published", "scheduled")]
    assert [date.instant for date in dates if date] == [4099975200, 4099975201]


def test_a_date_without_offset_is_read_in_the_zone_with_a_note() -> None:
    document = read({"title": "T", "date": "2025-07-01 12:00"}, ParseContext(timezone=ZoneInfo("Europe/Brussels")))
    assert document.published == SourceDate(1751364000, "instant")
    assert document.notes == ("date: no time zone given, read as Europe/Brussels",)


def test_a_dateline_field_takes_its_year_from_the_publication() -> None:
    record = {"title": "T", "dateline": "    NEW YORK, Dec 31 -", "date": "1988-01-01"}
    assert read(record).dateline == SourceDateline("NEW YORK, Dec 31 -", "NEW YORK", "1987-12-31", "day")


def test_a_dateline_object_with_an_impossible_date_keeps_the_rest() -> None:
    given_dateline = {"text": "Ostend, May.", "place": "Ostend", "date": "2025-99"}
    document = read({"title": "T", "dateline": given_dateline})
    assert (document.dateline, document.extra) == (
        SourceDateline("Ostend, May.", "Ostend"),
        {"dateline": given_dateline},
    )
    assert len(document.notes) == 1


def test_values_of_the_wrong_shape_are_kept_with_a_note() -> None:
    record: dict[str, object] = {
        "title": "T",
        "slug": ["a"],
        "tags": [{"x": 1}],
        "image": {"alt": "A"},
        "body": {"a": 1},
    }
    document = read(record)
    assert document.extra == {key: value for key, value in record.items() if key != "title"}
    assert len(document.notes) == 5
    assert (document.status, document.notes[-1]) == ("draft", "its text could not be read: kept as a draft")


def test_a_draft_is_a_status() -> None:
    assert read({"title": "T", "draft": True}).status == "draft"
    assert read({"title": "T", "draft": False}).status is None
    assert read({"title": "T", "draft": True, "status": "Published"}).status == "draft"
    assert read({"title": "T", "draft": False, "status": "Published"}).status == "published"


def test_bad_lines_fail_alone_with_place_and_reason() -> None:
    items = parse(
        b'{"title": "A"}\n\n{"title": "B",}\n[1]\n{"standfirst": "x"}\n{"title": "C", "n": NaN}\n{"title": "D"}'
    )
    assert [item.where for item in items] == ["f:1", "f:3", "f:4", "f:5", "f:6", "f:7"]
    assert [item.reason for item in items if isinstance(item, Failure)] == [
        "not valid JSON: Expecting property name enclosed in double quotes at column 15",
        "not a JSON object",
        "neither a title nor a body",
        "not valid JSON: NaN is no number",
    ]


def test_a_bad_first_line_fails_alone() -> None:
    assert [type(item) for item in parse(b'{"title": "A\n{"title": "B"}')] == [Failure, Document]
    assert [type(item) for item in parse(b'{"title": "A\nnothing\n{"title": "B"}')] == [Failure, Failure, Document]
    assert [type(item) for item in parse(b'[1, 2]\n{"title": "B"}')] == [Failure, Document]


def test_an_array_and_a_wide_object_are_read_whole() -> None:
    array = json.dumps([{"title": "A"}, {"title": "B"}, 3], indent=1).encode()
    assert [item.where for item in parse(b"\xef\xbb\xbf\n" + array)] == ["f#1", "f#2", "f#3"]
    (item,) = parse(json.dumps({"title": "A", "body": "x"}, indent=2).encode())
    assert isinstance(item, Document)
    assert (item.where, item.title) == ("f", "A")
    (failure,) = parse(array[:-5])
    assert isinstance(failure, Failure)
    assert "at line" in failure.reason


def test_the_last_line_of_an_export_is_checked() -> None:
    assert len(parse(b'{"title": "A"}\n{"end": true, "count": 1}\n')) == 1
    cut = parse(b'{"title": "A"}\n{"end": true, "count": 2}\n')[1]
    assert cut == Failure("f:2", "the file ends with a count of 2, but 1 lines were read")


def test_odd_characters_are_repaired_with_a_note() -> None:
    def repair_line(line: bytes) -> tuple[str | None, tuple[str, ...]]:
        (item,) = parse(line)
        assert isinstance(item, Document), item
        return item.title, item.notes

    assert repair_line(b'{"title": "A\\ud800B"}') == ("A\ufffdB", ("lone surrogates replaced",))
    assert repair_line(b'{"title": "\\ud83d\\ude00"}') == ("😀", ())
    assert repair_line(b'{"title": "A\\u0000B"}') == ("AB", ("control characters removed",))
    assert repair_line(b'{"title": "A\x01B"}') == ("AB", ("control characters removed",))
    assert repair_line(b'{"title": "Caf\xe9 \x96"}') == ("Café –", ("not valid UTF-8, read as Windows-1252",))
    assert repair_line(b'{"title": "it\\u0092s"}') == ("it’s", ("Windows-1252 characters repaired",))
    assert repair_line(b'\xef\xbb\xbf{"title": "Cafe\\u0301"}\r\n') == ("Café", ())


def test_long_numbers_stay_exact() -> None:
    assert read({"id": 123456789012345678901234567890, "title": "T"}).external_id == "123456789012345678901234567890"


def test_a_line_that_is_too_long_fails_alone() -> None:
    long = b'{"title": "' + b"x" * ndjson.MAX_LINE + b'"}\n'
    assert [type(item) for item in parse(b'{"title": "A"}\n' + long + b'{"title": "B"}\n')] == [
        Document,
        Failure,
        Document,
    ]


def test_deep_nesting_fails_and_nothing_else_does() -> None:
    assert "nested" in str(parse(b'{"title": "T", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}")[0])
    assert "nested" in str(parse(b'{"title": "T", "x": ' + b"[" * 500_000)[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "id",
        "title",
        "body",
        "date",
        "published_at",
        "tags",
        "author",
        "regions",
        "dateline",
        "related",
        "image",
        "source",
        "seo",
        "draft",
        "slug",
        "aliases",
        "version",
        "published_precision",
        "section",
        "url",
        "x",
    ]
)


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_any_object_gives_one_item(record: dict[str, object]) -> None:
    assert len(parse(json.dumps(record).encode())) == (0 if record.get("end") is True else 1)


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_a_title_is_enough_for_any_object(record: dict[str, object]) -> None:
    assert read({**record, "title": "T"}).title == "T"


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=6))
def test_any_bytes_give_items_and_no_error(lines: list[bytes]) -> None:
    assert all(item.where.startswith("f") for item in parse(b"\n".join(lines)))


def test_related_entry_for_a_hidden_article_brings_only_what_the_editors_said() -> None:
    hidden = {"status": "draft", "title": "Nobody knows", "url": "https://news.example/nobody-knows"}
    values = [
        {"title": "Nobody knows", "url": None, "article": hidden},
        {"title": "The editors' words", "article": hidden},
        {"title": "Nobody knows", "url": "https://a.example/b", "article": hidden, "unlinked": True},
    ]
    document = read({"title": "T", "related": values}).related
    assert document == (
        RelatedReference("The editors' words"),
        RelatedReference(None, "https://a.example/b", unlinked=True),
    )
