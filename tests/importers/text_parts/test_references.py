"""Character references in plain fields: resolved once, before names are taken apart, and never in addresses' names."""

import io
import json
from collections.abc import Mapping

import pytest

from app.importers.document import Document, DocumentBody, DocumentImage, ParseContext, RelatedReference
from app.importers.formats.registry import PARSERS
from app.importers.text_parts import references


def read(kind: str, text: str) -> Document:
    [document] = PARSERS[kind](io.BytesIO(text.encode()), "f", ParseContext())
    assert isinstance(document, Document), document
    return document


def read_record(record: Mapping[str, object]) -> Document:
    return read("ndjson", json.dumps(record))


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("R&amp;D", "R&D"),
        ("O&#8217;Neil &#x2013; &eacute;t&eacute;", "O’Neil – été"),
        ("&amp;amp;", "&amp;"),
        ("&frac12; &#150;", "½ –"),
        ("e&#769;", "é"),
        ("https://x.example/?a=1&copy=2&amp;b=3", "https://x.example/?a=1&copy=2&b=3"),
        ("&notes; &unknown; AT&T; & &; &#;", "&notes; &unknown; AT&T; & &; &#;"),
    ],
)
def test_references_are_resolved_once(text: str, resolved: str) -> None:
    assert references.resolve_text(text) == resolved
    assert references.has_references(text) == (text != resolved)


def test_values_without_references_stay_the_same_objects() -> None:
    value: dict[str, object] = {"name": "A & B", "list": ["C", 1, None]}
    assert references.resolve_value(value) is value
    assert references.resolve_value({"a": ["&amp;", {"&amp;": "&lt;"}], "n": 1}) == {"a": ["&", {"&amp;": "<"}], "n": 1}


def check_names(document: Document) -> None:
    assert (document.authors, document.tags, document.sections) == (("Conor O’Neil",), ("R&D",), ("Arts & Life",))


def test_names_of_front_matter_are_resolved_before_they_are_taken_apart() -> None:
    lines = 'author: "Conor O&#8217;Neil"\ntags: ["R&amp;D"]\ncategories: ["Arts &amp; Life"]'
    document = read("markdown", f"---\ntitle: T\n{lines}\n---\nBody &amp; more.")
    check_names(document)
    assert document.body == DocumentBody("markdown", "Body &amp; more.")
    assert [note.partition(":")[0] for note in document.notes] == ["author", "tags", "categories"]


def test_names_of_tables_are_resolved_before_they_are_taken_apart() -> None:
    table = "title,author,tags,section,body\nT,Conor O&#8217;Neil,R&amp;D,Arts &amp; Life,Text &amp; more &eacute;\n"
    document = read("csv", table)
    check_names(document)
    assert document.body == DocumentBody("text", "Text &amp; more &eacute;")
    assert "body: read as plain text, character references stand as they are" in document.notes


def test_every_plain_field_of_a_line_is_resolved() -> None:
    record: Mapping[str, object] = {
        "title": "T",
        "id": "a&amp;b",
        "author": "Conor O&#8217;Neil",
        "tags": ["R&amp;D"],
        "section": "Arts &amp; Life",
        "source": {"name": "Q&amp;A", "url": "https://q.example/?a=1&amp;b=2"},
        "signature": "Q&amp;A.",
        "dateline": "K&ouml;ln, 3 May 2025",
        "related": [{"title": "X &amp; Y", "url": "https://q.example/?c=1&amp;d=2"}],
        "images": [{"url": "https://q.example/i?a=1&amp;b=2", "caption": "C &amp; D", "credit": "E &amp; F"}],
        "summary": "<p>a &lt;b&gt; c</p>",
        "note": "kept &amp; so",
    }
    document = read_record(record)
    check_names(document)
    assert (document.source, document.source_url) == ("Q&A", "https://q.example/?a=1&b=2")
    assert (document.signature, document.external_id, document.standfirst) == ("Q&A.", "a&amp;b", "a <b> c")
    assert document.dateline
    assert document.dateline.place == "Köln"
    assert document.related == (RelatedReference("X & Y", "https://q.example/?c=1&d=2"),)
    assert document.images == (DocumentImage("https://q.example/i?a=1&b=2", None, "C & D", "E & F"),)
    assert document.extra == {"note": "kept &amp; so"}


def test_a_body_that_was_called_plain_text_has_no_note() -> None:
    assert read_record({"title": "T", "body_text": "a &amp; b"}).notes == ()
    assert read_record({"title": "T", "body": {"text": "a &amp; b"}}).notes == ()


def test_tags_that_a_standfirst_speaks_of_are_words() -> None:
    document = read_record({"title": "T", "standfirst": "Use &lt;div&gt; or &lt;section&gt;?"})
    assert document.standfirst == "Use <div> or <section>?"
    assert document.notes == ("standfirst: character references resolved",)


def test_captions_of_feeds_are_resolved_once_more_than_their_xml() -> None:
    picture = '<media:content url="https://w.example/a.png" medium="image"><media:description>A &amp;amp; B'
    item = f"<item><title>T</title><description>Text</description>{picture}</media:description></media:content></item>"
    feed = f'<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>{item}</channel></rss>'
    assert [image.caption for image in read("feed", feed).images] == ["A & B"]


def test_words_of_a_table_that_this_archive_exported_stand_as_they_are() -> None:
    table = "id,slug,title,authors,version,created_at\n7,use-amp,Use &amp; in HTML,Reuters,1,2025-05-06T00:00:00Z\n"
    document = read("csv", table)
    assert (document.title, document.authors, document.notes) == ("Use &amp; in HTML", ("Reuters",), ())
