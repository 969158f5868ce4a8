"""Records in the shapes of other systems: wrapped values, several kinds of one body, names in parts."""

import io

import orjson
import pytest

from app.importers.document import Document, DocumentBody, Failure, ParseContext
from app.importers.formats import detect, markdown, ndjson
from app.importers.records import fields


def read(**record: object) -> Document:
    (result,) = ndjson.parse(io.BytesIO(orjson.dumps({"title": "A", **record})), "n", ParseContext())
    assert isinstance(result, Document)
    return result


def test_a_standfirst_in_html_is_its_words_apart() -> None:
    document = read(summary="<p>One &amp; all.</p><p>Two.</p>", body="b")
    assert document.standfirst == "One & all. Two."
    assert "summary: markup removed" in document.notes
    assert read(summary="if a < b then", body="b").standfirst == "if a < b then"


def test_of_several_kinds_of_one_body_the_html_is_read_and_all_are_kept() -> None:
    both = {"text": "x", "html": "<p>x</p>"}
    document = read(body=both)
    assert (document.body, document.extra) == (DocumentBody("html", "<p>x</p>"), {"body": both})


def test_wrapped_values_are_read_unless_they_are_behind_a_password() -> None:
    document = read(title={"rendered": "A &#8211; b"}, content={"rendered": "<p>x</p>", "protected": False})
    assert (document.title, document.body) == ("A – b", DocumentBody("html", "<p>x</p>"))
    assert read(content={"rendered": "<p>x</p>", "protected": True}).body is None


def test_authors_in_parts_are_names() -> None:
    people = [{"first_name": "Ann", "last_name": "Lee"}, {"display_name": "Bo Ek", "slug": "bo"}]
    assert read(body="b", authors=people).authors == ("Ann Lee", "Bo Ek")


def test_json_is_front_matter_in_markdown_only() -> None:
    text = b'{\n  "title": "A",\n  "tags": ["x"]\n}\n\nSome {words}.\n'
    assert (detect.detect_format("a.md", text), detect.detect_format("a.json", text)) == ("markdown", "ndjson")
    (result,) = markdown.parse(text, "a.md", ParseContext())
    assert isinstance(result, Document)
    assert (result.title, result.tags, result.body) == ("A", ("x",), DocumentBody("markdown", "Some {words}."))
    (broken,) = markdown.parse(b'{\n  "title": "A"\n  "tags": []\n}\n\nWords.\n', "a.md", ParseContext())
    assert isinstance(broken, Failure)
    assert broken.where == "a.md:3"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"type": "comment", "post": 4, "status": "approved"}, "a comment of WordPress, which is no article"),
        ({"title": {"rendered": "A"}, "type": "attachment"}, "a file of WordPress, which is no article"),
        ({"parent": 4, "slug": "4-autosave-v1"}, "a revision of WordPress, which is no article"),
        ({"parent": 4, "slug": "4-revision-v1"}, "a revision of WordPress, which is no article"),
    ],
)
def test_comments_files_and_unpublished_versions_are_no_articles(value: dict[str, object], reason: str) -> None:
    record = {"date_gmt": "2017-02-14T00:00:00", "content": {"rendered": "<p>x</p>"}, **value}
    document = fields.read_record(record, "f:1", ParseContext())
    assert isinstance(document, Failure)
    assert document.reason == reason
