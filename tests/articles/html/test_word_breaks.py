"""Blocks whose tags no body keeps: the words in them and around them stay apart."""

import re

import pytest

from app.articles.html import bodies, word_breaks

BLOCKS = (
    "center", "article", "main", "header", "footer", "address", "fieldset", "dialog", "nav", "form", "menu", "button",
    "hgroup", "search", "legend", "option", "select", "textarea", "title", "xmp", "noframes", "marquee", "td", "th",
    "tr", "caption", "dt", "dd", "summary", "figcaption", "h1", "li",
)  # fmt: skip


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    "shape", ["one<{0}>two</{0}>six", "<b>one</b><{0}><i>two</i></{0}><u>six</u>", "<q>one<{0}>two"]
)
def test_words_are_not_glued(name: str, shape: str) -> None:
    text = bodies.to_text(bodies.to_html("html", shape.format(name)))
    words = re.sub(r"</?i>", "", text).split()  # in some of them tags are text
    assert words == ["one", "two", "six"][: len(words)]
    assert len(words) >= 2


def test_blocks_alone_are_paragraphs() -> None:
    assert bodies.to_html("html", "<article>A</article><article>B</article>") == "<p>A</p>\n<p>B</p>"


@pytest.mark.parametrize(
    "content",
    [
        "<p>a</p><center><p>b</p></center>",
        "<table><tr><td>a</td><td>b</td></tr></table>",
        "a<b>b</b><span>c</span>",
        "<article>\n<p>a</p>\n</article>",
        "<header>",
    ],
)
def test_what_stands_apart_is_left_as_it_is(content: str) -> None:
    assert word_breaks.add_breaks(content) == content


@pytest.mark.parametrize("shape", ["a<center>", "<center>", "a<td>", "<table><td>a", "</table>a<td>", "<title>a"])
def test_breaks_take_linear_time(shape: str) -> None:
    word_breaks.add_breaks(shape * 100_000)
