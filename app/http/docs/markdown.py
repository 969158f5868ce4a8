"""From a page of the documentation to HTML: headings get the anchors that GitHub gives them, links lead to where the
page they name is served. Pure; HTML within Markdown stays text, so that a page can hold no script."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_EXTERNAL = ("https://", "http://", "mailto:", "#")

Resolve = Callable[[str], str | None]
"""From the path of a link, relative to its page, to an address; None where nothing is served for it."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """`title` is text, not HTML."""

    title: str
    html: str


def render_page(text: str, resolve: Resolve) -> RenderedPage:
    """A link whose target is not served keeps its text only."""
    tokens = _PARSER.parse(text)
    titles = _add_anchors(tokens)
    for token in tokens:
        _resolve_links(token.children or (), resolve)
    return RenderedPage(titles[0] if titles else "", _PARSER.renderer.render(tokens, _PARSER.options, {}))


def _add_anchors(tokens: Sequence[Token]) -> list[str]:
    """Gives every heading its `id`; returns the texts of the headings."""
    titles: list[str] = []
    taken: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            title = "".join(part.content for part in inline.children or () if part.type in ("text", "code_inline"))
            anchor = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            times = taken[anchor] = taken.get(anchor, -1) + 1
            opening.attrSet("id", f"{anchor}-{times}" if times else anchor)
            titles.append(title)
    return titles


def _resolve_links(parts: Sequence[Token], resolve: Resolve) -> None:
    is_served = True
    for part in parts:
        if part.type == "link_open":
            href = str(part.attrGet("href") or "")
            is_served = href.startswith(_EXTERNAL) or _resolve_link(part, href, resolve)
        if part.type in ("link_open", "link_close") and not is_served:
            part.tag = "span"


def _resolve_link(part: Token, href: str, resolve: Resolve) -> bool:
    path, _, heading = href.partition("#")
    address = resolve(path)
    part.attrs = {"href": address + (f"#{heading}" if heading else "")} if address else {}
    return address is not None
