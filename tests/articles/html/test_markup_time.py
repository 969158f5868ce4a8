"""Whatever HTML or Markdown a body has, none of its views takes time by the square of its length; depth is bounded."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

import markup_shapes as shapes
import pytest

from app.articles.html import bodies, nesting_depth
from app.articles.html.parser_model import MAX_DEPTH
from app.articles.html.tokenizer import TokenKind, tokens

pytestmark = pytest.mark.slow

MOST = 3.0
"""Twice the input may take so many times as long: 2 is linear, 4 the square."""
FLOOR = 0.01
"""Seconds of CPU below which a measurement says nothing."""
FULL = bool(os.environ.get("DATELINE_TORTURE"))


def seconds(work: Callable[[str], object], value: str, tries: int) -> float:
    """CPU seconds, the least of several tries."""
    taken = []
    for _ in range(tries):
        start = time.thread_time()
        work(value)
        taken.append(time.thread_time() - start)
    return min(taken)


def growth(work: Callable[[str], object], small: str, large: str) -> float:
    """How many times as long the large one takes; 0 where that is too little to tell."""
    after = seconds(work, large, 1)
    if after < FLOOR:
        return 0.0
    for tries in (1, 3, 7):
        factor = min(after, seconds(work, large, tries)) / max(seconds(work, small, tries), FLOOR / 4)
        if factor < MOST:
            break
    return factor


def measure_slow(work: Callable[[str], object], shape: shapes.Shape, sizes: tuple[int, ...]) -> list[str]:
    return [f"{n}: {factor:.1f} times" for n in sizes if (factor := growth(work, shape(n), shape(2 * n))) >= MOST]


def store_shape(name: str) -> shapes.Shape:
    """The shape as it is kept, which is what views are made of."""
    shape = {**shapes.NESTED, **shapes.WIDE}[name]
    return lambda n: bodies.to_html("html", shape(n))


SIZES = (5_000,) if FULL else (1_500,)
ALWAYS = (
    "<table><tr><td>",
    "<b><p>",
    "<p>fostered",
    "<table>text",
    "&amp; ",
    "<p><b x",
    "table in",
    "<font color",
    "'!['",
)


def few(names: Iterable[str]) -> list[object]:
    """All of them as parameters; but some of each kind only in the long runs."""
    return [
        pytest.param(name, id=name, marks=[] if i % 12 == 0 or name.startswith(ALWAYS) else pytest.mark.torture)
        for i, name in enumerate(names)
    ]


@pytest.mark.parametrize("name", few(shapes.WIDE))
def test_elements_beside_one_another_take_time_by_their_number(name: str) -> None:
    for what, work in shapes.GIVEN.items():
        assert not measure_slow(work, shapes.WIDE[name], SIZES), what
    for what, work in shapes.VIEWS.items() if FULL or name.startswith(("a ", "em ", "table ")) else ():
        assert not measure_slow(work, store_shape(name), SIZES), what


@pytest.mark.parametrize("name", few(shapes.NESTED))
def test_elements_within_one_another_take_time_by_their_number(name: str) -> None:
    shape = shapes.NESTED[name]
    for what, work in shapes.GIVEN.items():
        assert not measure_slow(work, shape, (nesting_depth.FEW_TAGS, *SIZES)), what
    body = bodies.to_html("html", shape(50))
    for what, work in shapes.VIEWS.items():
        assert seconds(work, body, 1) < 0.25, what
        assert FULL is False or not measure_slow(work, store_shape(name), (25, *SIZES)), what


@pytest.mark.parametrize("name", few(shapes.MARKDOWN))
def test_markdown_takes_time_by_its_length(name: str) -> None:
    assert not measure_slow(
        lambda content: bodies.to_html("markdown", content), shapes.MARKDOWN[name], (500, *SIZES) if FULL else (500,)
    )


@pytest.mark.parametrize("name", few(shapes.NESTED))
def test_what_is_kept_is_never_deeper_than_the_limit(name: str) -> None:
    for n in (25, 120, 2_000):
        body = bodies.to_html("html", shapes.NESTED[name](n))
        assert depth(body) <= MAX_DEPTH
        assert not nesting_depth.is_deep(body)


@pytest.mark.parametrize("name", [name for name in shapes.NESTED if name.endswith("in itself")])
def test_half_the_limit_is_kept_as_it_is(name: str) -> None:
    levels = 4 if name.startswith("table") else 1
    content = shapes.NESTED[name](MAX_DEPTH // 2 // levels)
    assert not bodies.convert("html", content, flatten=False).is_flattened


def depth(body: str) -> int:
    """Levels of a sanitised body, in which every element has its end."""
    deepest = level = 0
    for token in tokens(body):
        level += (token.kind is TokenKind.OPEN and token.name not in ("br", "hr", "img", "col", "wbr")) - (
            token.kind is TokenKind.CLOSE
        )
        deepest = max(deepest, level)
    return deepest


LARGE = {
    "paragraphs of a word": "".join(f"<p>w{i % 97}</p>" for i in range(300_000)),
    "links": "".join(f'<p>See <a href="https://a.example/{i}" class=x>this</a> &amp; that</p>' for i in range(40_000)),
    "one paragraph": "<p>" + "word " * 600_000 + "</p>",
    "no tags": "word\n\n" * 400_000,
    "items": "<ul>" + "<li><b>one</b> of many</li>" * 100_000 + "</ul>",
}


@pytest.mark.torture
@pytest.mark.parametrize("name", LARGE)
def test_bodies_of_megabytes_let_other_threads_run(name: str) -> None:
    """The interpreter runs one thread at a time: a single call over a whole body would hold the event loop up."""
    body = bodies.to_html("html", LARGE[name])
    work = {
        **{what: partial(made, LARGE[name]) for what, made in shapes.GIVEN.items() if what != "flattened"},
        **{what: partial(view, body) for what, view in shapes.VIEWS.items() if what != "difference"},
    }
    assert {what: gap for what, run in work.items() if (gap := min(longest_gap(run) for _ in range(3))) > 0.2} == {}


def longest_gap(work: Callable[[], object]) -> float:
    """Seconds for which this thread could not run while another did the work; of this process's time, so that other
    processes make none of them longer."""
    thread = threading.Thread(target=work)
    thread.start()
    longest, last = 0.0, time.process_time()
    while thread.is_alive():
        time.sleep(0.001)
        now = time.process_time()
        longest, last = max(longest, now - last), now
    return longest
