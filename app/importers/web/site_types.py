"""Addresses that stand for many pages: which reader takes over from the page that is there.

Never asks the web anything itself; what a reader needs it fetches through what it is given.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Protocol

from app.importers import boundary
from app.importers.document import Document, Failure, Item, ParseContext
from app.importers.web.fetch import Fetch, FetchedPage

_HEAD = 65_536
_WORDPRESS = re.compile(rb"""<link\b[^>]{0,500}\brel=["']?https://api\.w\.org/""", re.IGNORECASE)
_SITEMAP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:\w+:)?(?:urlset|sitemapindex)\b", re.DOTALL
)


class SiteReader(Protocol):
    """Reads a whole site, page by page, and yields items as they come, so that memory holds a page and not a site.

    `page` is the response of the address, read already. `state` is that of the last Bookmark which this address got,
    `{}` the first time: a reader yields `Bookmark(url, state)` behind what that state accounts for, so that an
    interrupted import goes on there and the next one asks only for what is new. Never raises for any response of a
    site: a page that cannot be read is a Failure, and the rest is read where that makes sense."""

    def __call__(
        self, url: str, page: FetchedPage, fetch: Fetch, state: Mapping[str, object], context: ParseContext
    ) -> Iterator[Item]: ...


@dataclass(frozen=True, slots=True)
class SiteType:
    """A kind of site: the module below `app.importers.web` whose `read_site` is a SiteReader, and how a response shows
    it."""

    module: str
    is_announced: Callable[[FetchedPage], bool]


def _is_wordpress(page: FetchedPage) -> bool:
    """Announced in the `Link` header or the head of every page, unless a site hides it."""
    return "https://api.w.org/" in page.headers.get("link", "") or bool(_WORDPRESS.search(page.body[:_HEAD]))


def _is_sitemap(page: FetchedPage) -> bool:
    return bool(_SITEMAP.match(page.body[:_HEAD])) or page.url.lower().endswith((".xml.gz", "sitemap.txt"))


SITES: Mapping[str, SiteType] = {
    "wordpress": SiteType("wordpress_site", _is_wordpress),
    "sitemap": SiteType("sitemap", _is_sitemap),
}


def detect_site(page: FetchedPage) -> str | None:
    """The name of the kind of site that the response belongs to; None for an address that is an article or a file."""
    return next((name for name, site in SITES.items() if site.is_announced(page)), None)


def read_site(
    name: str, url: str, page: FetchedPage, fetch: Fetch, state: Mapping[str, object], context: ParseContext
) -> Iterator[Item]:
    """What the reader of that name yields; one clear Failure where its libraries are missing."""
    try:
        reader: SiteReader = import_module(f"app.importers.web.{SITES[name].module}").read_site
    except ModuleNotFoundError as error:
        yield Failure(url, f"this needs {error.name}: pip install 'dateline[importers]'")
        return
    for item in boundary.guard(url, lambda: reader(url, page, fetch, state, context)):
        yield replace(item, format=name) if isinstance(item, Document) else item
