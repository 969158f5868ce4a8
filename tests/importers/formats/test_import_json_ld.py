"""Files of JSON-LD that others have written: which articles they hold, and what is read of each."""

import io
import json
from typing import Any

import pytest

from app.importers.document import (
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    Item,
    ParseContext,
    SourceDate,
    SourceDateline,
)
from app.importers.formats import detect
from app.importers.formats.registry import PARSERS

ARTICLE: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Ferry returns",
    "description": "A boat that was thought lost.",
    "dateline": "OSLO",
    "datePublished": "2025-03",
    "dateModified": "2025-03-02T10:00:00Z",
    "author": [{"@type": "Person", "name": "Ann Lee"}, {"@type": "Person", "name": "Bo Ek"}],
    "publisher": {"@type": "Organization", "name": "Wire"},
    "articleSection": "World",
    "keywords": ["boats", "harbours"],
    "contentLocation": {"@type": "Country", "name": "Norway"},
    "image": {"@type": "ImageObject", "url": "https://x.example/1.jpg", "width": 1200, "caption": "At dusk."},
    "inLanguage": "en-GB",
    "url": "https://wire.example/1",
    "identifier": {"@type": "PropertyValue", "propertyID": "wire", "value": "w-1"},
    "articleBody": "The ferry came back on Sunday.\n\nIt stays.",
    "creditText": "Wire 2025",
    "isBasedOn": {"@type": "NewsArticle", "headline": "Another article", "articleBody": "No."},
    "copyrightYear": 2025,
}


def read(value: object, name: str = "file.json") -> list[Item]:
    content = json.dumps(value).encode()
    kind = detect.choose_parser(name, content[: detect.HEAD])
    assert kind == "jsonld"
    return list(PARSERS[kind](io.BytesIO(content), name, ParseContext()))


def read_titles(value: object, name: str = "file.json") -> list[str | None]:
    return [item.title for item in read(value, name) if isinstance(item, Document)]


def test_article_of_another_is_read_with_every_part() -> None:
    [document] = read(ARTICLE)
    assert isinstance(document, Document)
    assert document.title == "Ferry returns"
    assert document.standfirst == "A boat that was thought lost."
    assert document.body == DocumentBody("text", "The ferry came back on Sunday.\n\nIt stays.")
    assert document.dateline == SourceDateline("OSLO", "OSLO") or document.dateline is not None
    assert document.published == SourceDate(1740787200, "month")
    assert document.updated == SourceDate(1740909600, "instant")
    assert document.authors == ("Ann Lee", "Bo Ek")
    assert (document.source, document.sections, document.tags) == ("Wire", ("World",), ("boats", "harbours"))
    assert (document.regions, document.external_id) == (("Norway",), "w-1")
    assert document.images == (DocumentImage("https://x.example/1.jpg", None, "At dusk.", None, 1200, None),)
    assert (document.url, document.signature, document.is_own) == ("https://wire.example/1", "Wire 2025", False)
    assert document.extra == {"jsonld": {"isBasedOn": ARTICLE["isBasedOn"], "copyrightYear": 2025}}


@pytest.mark.parametrize(
    "value",
    [
        {"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": "Wire"}, ARTICLE, ARTICLE]},
        {"@type": "ItemList", "@context": "http://schema.org/",
         "itemListElement": [{"@type": "ListItem", "item": ARTICLE}, {"@type": "ListItem", "item": ARTICLE}]},
        [ARTICLE, ARTICLE],
        [{"@context": "https://schema.org", "@graph": [ARTICLE]}, ARTICLE],
    ],
)  # fmt: skip
def test_articles_of_lists_and_graphs_are_read_and_not_those_that_they_name(value: object) -> None:
    assert read_titles(value) == ["Ferry returns", "Ferry returns"]


def test_lines_are_articles() -> None:
    content = b"\n".join(json.dumps({**ARTICLE, "headline": f"No. {n}"}).encode() for n in range(3))
    assert detect.choose_parser("x.json", content) == "jsonld"
    items = list(PARSERS["jsonld"](io.BytesIO(content), "x.json", ParseContext()))
    assert [item.title for item in items if isinstance(item, Document)] == ["No. 0", "No. 1", "No. 2"]


def test_node_that_an_article_names_by_its_id_is_found_in_the_graph() -> None:
    graph = [{**ARTICLE, "author": {"@id": "#ann"}}, {"@id": "#ann", "@type": "Person", "name": "Ann Lee"}]
    [document] = read({"@context": "https://schema.org", "@graph": graph})
    assert isinstance(document, Document)
    assert document.authors == ("Ann Lee",)


def test_draft_and_expired_articles_are_not_published() -> None:
    [draft, expired] = read([{**ARTICLE, "creativeWorkStatus": "Draft"}, {**ARTICLE, "expires": "2020-01-01"}])
    assert isinstance(draft, Document)
    assert isinstance(expired, Document)
    assert (draft.status, expired.status) == ("draft", "draft")


def test_json_ld_without_an_article_is_a_failure() -> None:
    [failure] = read({"@context": "https://schema.org", "@type": "Person", "name": "Ann"})
    assert isinstance(failure, Failure)
    assert "describes none" in failure.reason


@pytest.mark.parametrize("rest", ["", "[1]", "{", '{"title": 5}', "null", '"x"', '{"id": "x", "version": "y"}'])
def test_rest_of_a_record_that_somebody_has_spoilt_is_no_crash(rest: str) -> None:
    mark = {"@type": "MediaObject", "name": "dateline", "encodingFormat": "application/json", "text": rest}
    [item] = read({**ARTICLE, "encoding": [mark]})
    assert isinstance(item, Document | Failure)


def test_deep_and_wide_graphs_are_read_in_bounded_time() -> None:
    deep: dict[str, Any] = ARTICLE
    for _ in range(200):
        deep = {"@context": "https://schema.org", "@graph": [deep]}
    assert read_titles(deep) == ["Ferry returns"]
    wide = {"@context": "https://schema.org", "@graph": [ARTICLE] * 3_000}
    assert len(read_titles(wide)) == 3_000


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "content": "x"}', "ndjson"),
        (b'{"title": "x", "schema": {"@context": "https://schema.org", "@type": "NewsArticle"}}', "ndjson"),
        (b'{"@type": "NewsArticle", "@context": {"@vocab": "http://schema.org/"}, "headline": "x"}', "jsonld"),
        (b'[\n {"@context":"https:\\/\\/schema.org","@type":"Article"}]', "jsonld"),
    ],
)
def test_json_ld_is_told_at_the_outermost_level(content: bytes, expected: str) -> None:
    assert detect.detect_format("x.json", content) == expected
    assert detect.detect_format("x.jsonld", b'{"headline": "x"}') in ("ndjson", "jsonld")


def test_updates_of_a_live_blog_are_in_its_text() -> None:
    dated = {"@type": "BlogPosting", "headline": "Fog & mist", "articleBody": "One.", "datePublished": "2024-01-01"}
    updates = [dated, {"@type": "BlogPosting", "articleBody": "<p>Two.</p>"}]
    node = {"@type": "LiveBlogPosting", "headline": "Storm", "articleBody": "Intro.", "liveBlogUpdate": updates}
    [document] = read({"@context": "https://schema.org", **node})
    assert isinstance(document, Document)
    assert document.body == DocumentBody(
        "html", "<p>Intro.</p><p><time>2024-01-01</time></p><h3>Fog &amp; mist</h3><p>One.</p><p>Two.</p>"
    )


@pytest.mark.parametrize("text", ["Intro. One. Two.", "Two. One.", "<p>Two.</p><p>One.</p>"])
def test_updates_of_a_live_blog_that_its_text_has_are_not_there_twice(text: str) -> None:
    updates = [{"@type": "BlogPosting", "articleBody": one} for one in ("One.", "Two.")]
    node = {"@type": "LiveBlogPosting", "headline": "Storm", "articleBody": text, "liveBlogUpdate": updates}
    [document] = read({"@context": "https://schema.org", **node})
    assert isinstance(document, Document)
    assert document.body is not None
    assert document.body.content == text
