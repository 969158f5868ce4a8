"""Reading a body costs next to nothing, whatever tags it has: no parser follows it again."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from app.articles.html import bodies
from app.articles.html.parser_model import ParserModel
from app.articles.render import body_views

pytestmark = pytest.mark.slow

COUNT = 20_000
SHAPES = {
    "void tags": "<p>x" + "<br>" * COUNT + "</p>",
    "void tags between words": "<p>" + "x<wbr>" * COUNT + "</p>",
    "pairs around void tags": "<p>a<br>b</p>" * COUNT,
    "rules": "<hr>" * COUNT,
    "pictures": "<p>" + '<img src="https://a.example/x.png" alt="a">' * COUNT + "</p>",
    "insertions": "<ins>a</ins>" * COUNT,
    "definitions": "<dl>" + "<dt>a</dt><dd>b</dd>" * COUNT + "</dl>",
    "lists": "<ul><li>a</li></ul>" * COUNT,
    "rows": "<table>" + "<tr><td>a</td></tr>" * COUNT + "</table>",
    "boxes": "<details><summary>a</summary>b</details>" * COUNT,
    "five levels": "<div><p><b><i><u>a</u></i></b></p></div>" * COUNT,
    "forty levels": ("<div>" * 40 + "a<br>b" + "</div>" * 40) * (COUNT // 40),
    "paragraphs without end": "<p>x" * COUNT,
}


def measure(work: Callable[[], object]) -> float:
    """CPU seconds, the least of three tries."""
    taken = []
    for _ in range(3):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return min(taken)


@pytest.mark.parametrize("name", SHAPES)
def test_body_is_shown_without_being_parsed(name: str) -> None:
    body = bodies.to_html("html", SHAPES[name])
    assert body_views.render_body(body) is body
    parsed = measure(ParserModel(body, whole=False).read)
    assert measure(partial(body_views.render_body, body)) < parsed / 6


@pytest.mark.parametrize("name", ["void tags", "void tags between words", "rules", "pairs around void tags", "lists"])
def test_common_tags_are_saved_without_a_look_at_each(name: str) -> None:
    parsed = measure(ParserModel(SHAPES[name], whole=False).read)
    assert measure(partial(bodies.to_html, "html", SHAPES[name])) < parsed


def test_attribute_with_void_tags_in_it_hides_no_other_attributes() -> None:
    hidden = '<p title="<br>"' + "".join(f" a{i}" for i in range(60_000)) + ">x</p>" + "<br>" * 60
    start = time.thread_time()
    bodies.to_html("html", hidden)
    assert time.thread_time() - start < 1.0
