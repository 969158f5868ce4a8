"""HTML from anywhere as a tree, whatever it is: what no parser reads in linear time is made flat before."""

import re
from collections.abc import Callable
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.articles.html import nesting_depth

_IFRAME = re.compile(r"(<iframe\b[^<>]*>)(.*?)(?=</iframe|(<iframe\b)|\Z)", re.IGNORECASE | re.DOTALL)
MOST_FALLBACK = 300
"""Characters of markup in an iframe that are taken for what browsers without iframes show."""
FEW = 2 * nesting_depth.FEW_TAGS
MOST_KEPT = 1_000_000
"""Characters of a text of which it is kept how deep it is."""


def parse_html(content: str) -> LexborHTMLParser:
    """The tree of a page or a piece of one; of elements nested beyond measure the outer ones."""
    return LexborHTMLParser(_close_iframes(flatten(content)))


def _close_iframes(content: str) -> str:
    """Closes the iframes that nobody closed: to a parser the rest of the article is text in them."""

    def close(tag: re.Match[str]) -> str:
        start, inside, another = tag.groups()
        closed = another is None and tag.end() < len(content)
        return tag[0] if closed and len(inside) <= MOST_FALLBACK else f"{start}</iframe>{inside}"

    return _IFRAME.sub(close, content)


def parse_fragment(content: str) -> LexborNode | None:
    """The same, for pieces of a page."""
    return parse_html(content).body


def flatten(content: str, note: Callable[[str], object] = lambda _: None) -> str:
    """The content with no more levels than a parser takes; `note` is called where it had more."""
    if content.count("<") <= FEW and len(content) <= nesting_depth.FEW_CHARACTERS:
        return content
    measured = _measure(content) if len(content) <= MOST_KEPT else nesting_depth.measure_page(content)
    if measured.is_deep:
        note(nesting_depth.FLATTENED)
    return measured.html


@lru_cache(maxsize=4)
def _measure(content: str) -> nesting_depth.MeasuredBody:
    """A body is looked at by one step of an import after the other, most of which change nothing of it."""
    return nesting_depth.measure_page(content)
