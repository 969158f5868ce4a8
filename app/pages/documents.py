"""The HTML document of a page: it names scripts and styles, and holds nothing of the archive. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, urlencode


@dataclass(frozen=True, slots=True)
class WebPage:
    """`script` and `style` are paths of assets; `preloads` those that the script imports, which the browser would else
    learn of from it. `feeds`: whether what the page shows has a feed of its own."""

    path: str
    name: str
    script: str
    style: str
    preloads: tuple[str, ...] = ("shared/view.js",)
    feeds: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a document depends on beside its page: the path below which everything is served, what the publication is
    called, and what assets are called by path."""

    root_path: str
    site_name: str
    names: dict[str, str]

    def address(self, path: str) -> str:
        """Of something below the root. Relative where no root path is known: then the page also works behind a proxy
        that strips one and does not tell."""
        return f"{self.root_path}/{path}" if self.root_path else path

    def asset(self, path: str) -> str:
        return self.address(f"assets/{self.names[path]}")


OF_THE_PAGE = frozenset(
    {"article", "count", "cursor", "explain", "facet_limit", "facets", "fields", "format", "highlight", "include",
     "limit", "min_seq", "page", "prefix", "recency", "region_level", "sort"}
)  # fmt: skip
"""Parameters of the explorer's address that its feeds have not: how results are ordered and shown. All others narrow
both, and are called alike."""
FEEDS = (("application/atom+xml", "atom"), ("application/rss+xml", "rss"), ("application/feed+json", "json"))
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='3' fill='%230b57a4'/%3E"
    "%3Cpath d='M4 4h4a4 4 0 0 1 0 8H4z' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"
)
_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
{links}
<script type="module" src="{script}"></script>
</head>
<body>
<div id="page"><noscript><p>This page needs JavaScript. Without it, the same archive is at
<a href="{api}">{api}</a>, described in <a href="{docs}">{docs}</a>.</p></noscript></div>
</body>
</html>
"""


def render_document(page: WebPage, surroundings: Surroundings, query: str) -> str:
    """The document of a page, for the query string that it was asked with."""
    links = [f'<link rel="modulepreload" href="{escape(surroundings.asset(path))}">' for path in page.preloads]
    if page.feeds:
        links += _render_feeds(surroundings, query)
    title = surroundings.site_name or "Dateline"
    return _DOCUMENT.format(
        title=escape(f"{page.name} – {title}"),
        icon=_ICON,
        style=escape(surroundings.asset(page.style)),
        script=escape(surroundings.asset(page.script)),
        links="\n".join(links),
        api=escape(surroundings.address("v1")),
        docs=escape(surroundings.address("docs")),
    )


def _render_feeds(surroundings: Surroundings, query: str) -> Iterable[str]:
    """Feed readers look for these in the document itself and run no scripts."""
    pairs = [(name, value) for name, value in parse_qsl(query) if name not in OF_THE_PAGE]
    asked = f"?{urlencode(pairs)}" if pairs else ""
    title = "These articles" if pairs else "All articles"
    for media_type, ending in FEEDS:
        address = surroundings.address(f"feeds/articles.{ending}{asked}")
        yield f'<link rel="alternate" type="{media_type}" title="{title}" href="{escape(address)}">'
