"""Texts that editors of rich text keep as trees of nodes: read whole, and nothing of them lost in silence."""

import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.articles.html import bodies
from app.importers.document import Document, ParseContext
from app.importers.formats import ndjson
from app.importers.records import rich_text


def read(record: object) -> Document:
    (document,) = ndjson.parse(io.BytesIO(orjson.dumps(record)), "n", ParseContext())
    assert isinstance(document, Document)
    return document


def node(kind: str, *content: object, **data: object) -> dict[str, object]:
    """As Contentful has it."""
    return {"nodeType": kind, "data": data, "content": list(content)}


def words(value: str, *marks: str) -> dict[str, object]:
    return {"nodeType": "text", "value": value, "marks": [{"type": mark} for mark in marks]}


def span(text: str, *marks: str) -> dict[str, object]:
    return {"_type": "span", "text": text, "marks": list(marks)}


def block(*children: object, **fields: object) -> dict[str, object]:
    return {"_type": "block", "style": "normal", "children": list(children), **fields}


CONTENTFUL = node(
    "document",
    node("heading-3", words("Ten bridges")),
    node(
        "paragraph",
        words("All "),
        words("held", "bold", "italic"),
        node("hyperlink", words(", see"), uri="https://x.example/"),
    ),
    node("unordered-list", node("list-item", node("paragraph", words("one")))),
    node("hr"),
    node("embedded-asset-block", target={"fields": {"title": "The first", "file": {"url": "//i.example/a.jpg"}}}),
)
PORTABLE = [
    block(span("Ten bridges"), style="h3"),
    block(
        span("All "),
        span("held", "strong", "k"),
        markDefs=[{"_key": "k", "_type": "link", "href": "https://x.example/"}],
    ),
    block(span("one"), listItem="bullet", level=1),
    block(span("below"), listItem="bullet", level=2),
    block(span("first"), listItem="number", level=1),
    block(span("after")),
]
TIPTAP = {
    "type": "doc",
    "content": [
        {"type": "heading", "attrs": {"level": 3}, "content": [{"type": "text", "text": "Ten bridges"}]},
        {"type": "paragraph", "content": [
            {"type": "text", "text": "All held", "marks": [{"type": "link", "attrs": {"href": "https://x.example/"}}]},
            {"type": "hardBreak"},
            {"type": "text", "text": "a < b", "marks": [{"type": "strike"}]},
        ]},
        {"type": "taskList", "content": [
            {"type": "taskItem", "attrs": {"checked": True}, "content": [{"type": "text", "text": "one"}]},
        ]},
    ],
}  # fmt: skip
STRAPI = [
    {"type": "heading", "level": 3, "children": [{"type": "text", "text": "Ten bridges"}]},
    {"type": "paragraph", "children": [
        {"type": "text", "text": "All held", "bold": True},
        {"type": "link", "url": "https://x.example/", "children": [{"type": "text", "text": ", see"}]},
    ]},
    {"type": "list", "format": "ordered", "children": [{"type": "list-item", "children": [{"text": "one"}]}]},
    {"type": "image", "image": {"url": "https://i.example/a.jpg", "alternativeText": "A bridge"}, "children": []},
]  # fmt: skip
LEXICAL = {"root": {"type": "root", "children": [
    {"type": "heading", "tag": "h3", "children": [{"type": "text", "text": "Ten bridges", "format": 0}]},
    {"type": "paragraph", "children": [
        {"type": "text", "text": "All held", "format": 3},
        {"type": "link", "fields": {"url": "https://x.example/"}, "children": [{"type": "text", "text": ", see"}]},
    ]},
]}}  # fmt: skip
EDITOR_JS = {"time": 1, "blocks": [
    {"type": "header", "data": {"text": "Ten bridges", "level": 3}},
    {"type": "paragraph", "data": {"text": "All <b>held</b>"}},
    {"type": "list", "data": {"style": "ordered", "items": ["one", {"content": "two", "items": ["below"]}]}},
    {"type": "table", "data": {"withHeadings": True, "content": [["Name", "Year"], ["Iron", "1779"]]}},
]}  # fmt: skip

READ = [
    (
        CONTENTFUL,
        '<h3>Ten bridges</h3><p>All <em><strong>held</strong></em><a href="https://x.example/">, see</a></p>'
        '<ul><li><p>one</p></li></ul><hr><figure><img src="https://i.example/a.jpg" alt="">'
        "<figcaption>The first</figcaption></figure>",
    ),
    (
        PORTABLE,
        '<h3>Ten bridges</h3><p>All <a href="https://x.example/"><strong>held</strong></a></p>'
        "<ul><li>one</li><ul><li>below</li></ul></ul><ol><li>first</li></ol><p>after</p>",
    ),
    (
        TIPTAP,
        '<h3>Ten bridges</h3><p><a href="https://x.example/">All held</a><br><s>a &lt; b</s></p>'
        "<ul><li>☑ one</li></ul>",
    ),
    (
        STRAPI,
        '<h3>Ten bridges</h3><p><strong>All held</strong><a href="https://x.example/">, see</a></p>'
        '<ol><li>one</li></ol><figure><img src="https://i.example/a.jpg" alt="A bridge"></figure>',
    ),
    (
        LEXICAL,
        '<h3>Ten bridges</h3><p><em><strong>All held</strong></em><a href="https://x.example/">, see</a></p>',
    ),
    (
        EDITOR_JS,
        "<h3>Ten bridges</h3><p>All <b>held</b></p><ol><li>one</li><li>two<ol><li>below</li></ol></li></ol>"
        "<table><tr><th>Name</th><th>Year</th></tr><tr><td>Iron</td><td>1779</td></tr></table>",
    ),
]


@pytest.mark.parametrize(("tree", "html"), READ)
@pytest.mark.parametrize("is_text", [False, True])
def test_tree_is_read_whole(tree: object, html: str, is_text: bool) -> None:
    body = orjson.dumps(tree).decode() if is_text else tree  # a cell of a table has it as text
    document = read({"id": "1", "title": "Bridges", "body": body})
    assert document.body is not None
    assert (document.body.kind, document.body.content) == ("html", html)
    assert (document.notes, document.status, "body" in document.extra) == ((), None, False)


def test_part_of_an_unknown_kind_is_kept_as_its_words_or_told_of() -> None:
    tree = node(
        "document",
        node("callout", node("paragraph", words("Mind the gap."))),
        node("embedded-entry-block", target={"sys": {"id": "5"}}),
        node("embedded-asset-block", target={"sys": {"id": "6"}}),
    )
    document = read({"title": "Bridges", "body": tree})
    assert document.body is not None
    assert document.body.content == "<div><p>Mind the gap.</p></div>"
    assert document.notes == (
        "body: a part of the kind 'callout' is kept as its words",
        "body: a part of the kind 'embedded-entry-block' has no words here",
        "body: a picture has no address here, and is left out",
    )
    assert document.extra["body"] == tree


@pytest.mark.parametrize(
    "text", ['[{"type": "paragraph"}]', "[Brussels] It rains.", '{"title": "JSON"}', "[1, 2]", '["a"]']
)
def test_other_text_in_brackets_is_the_text(text: str) -> None:
    assert rich_text.find_tree(text) is None


@pytest.mark.parametrize("body", [{"fields": {"blocks": 3}}, 17, [{"kind": "paragraph", "lines": ["Words."]}]])
def test_article_whose_text_cannot_be_read_is_a_draft(body: object) -> None:
    document = read({"title": "Bridges", "body": body, "status": "published"})
    assert (document.status, document.extra["body"]) == ("draft", body)
    assert document.notes[-1] == "its text could not be read: kept as a draft"


LEAVES = st.text(alphabet="abc <&", min_size=1).map(lambda text: {"type": "text", "text": f"w{text}"})
KINDS = st.sampled_from(
    ["paragraph", "heading", "list", "listItem", "quote", "table", "tableRow", "tableCell", "link", "other"]
)


@given(
    st.recursive(
        LEAVES,
        lambda inner: st.builds(
            lambda kind, name, children: {"type": kind, name: children},
            KINDS,
            st.sampled_from(["children", "content"]),
            st.lists(inner, min_size=1, max_size=4),
        ),
        max_leaves=20,
    )
)
def test_no_word_of_a_tree_is_lost(tree: dict[str, Any]) -> None:
    html = rich_text.convert([tree], lambda _: None)
    shown = "".join(bodies.to_text(bodies.to_html("html", html)).split())
    stack, expected = [tree], []
    while stack:
        one = stack.pop()
        expected += ["".join(str(one["text"]).split())] if "text" in one else []
        stack += reversed(one.get("children") or one.get("content") or [])
    assert sorted(shown) == sorted("".join(expected))


def test_tree_of_which_nothing_is_read_makes_a_draft() -> None:
    tree = node("document", node("paragraph", words("")), node("embedded-entry-block", target={"sys": {"id": "5"}}))
    document = read({"title": "Bridges", "body": tree, "status": "published"})
    assert (document.status, document.extra["body"]) == ("draft", tree)


@pytest.mark.parametrize(
    "tree",
    [
        [{"type": "list", "format": {"a": [1]}, "tag": ["ol"], "children": [{"type": ["x"], "text": "a < b"}]}],
        [{"type": "paragraph", "children": ["a < b", None, 5, ["x"]]}],
        [block({"_type": "span", "text": "a < b", "marks": [[], {}, None, 3]}, style=[], markDefs=[{"_key": []}, 3])],
        [{"type": "list", "data": {"style": {}, "items": [3, None, [], {"content": "a &lt; b", "items": {}}]}}],
        [{"type": "table", "data": {"content": [3, ["a &lt; b", 1779, None, {}], None]}}],
        {"type": "doc", "content": [{"type": "image", "attrs": [], "image": {"url": 3}, "children": ["a < b"]}]},
    ],
)  # fmt: skip
def test_values_of_the_wrong_shape_break_nothing(tree: object) -> None:
    nodes = rich_text.find_tree(tree)
    assert nodes is not None
    assert "a &lt; b" in rich_text.convert(nodes, lambda _: None)


def test_text_with_many_marks_is_marked_once() -> None:
    """Each mark around all others would take time by the square of their number."""
    marks = [{"type": "bold"}, {"type": "link", "attrs": {"href": "https://x.example/"}}] * 20_000
    html = rich_text.convert([{"type": "paragraph", "content": [{"type": "text", "text": "a", "marks": marks}]}], str)
    assert html == '<p><a href="https://x.example/"><strong>a</strong></a></p>'


def test_deep_tree_is_read() -> None:
    tree: dict[str, object] = {"type": "text", "text": "deep"}
    for _ in range(5_000):
        tree = {"type": "quote", "children": [tree]}
    assert "deep" in rich_text.convert([tree], lambda _: None)
