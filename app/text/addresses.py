"""The one place where public addresses are built: of pages on the web site, of resources of the API, of feeds, sitemaps
and images. Pure; never asks whether anybody is there.

Addresses on the web site begin with `DATELINE_SITE_URL`. Those of the API begin with `DATELINE_API_URL`; without it
they are paths, which a client resolves against the address that it has asked: so a response never repeats a `Host`
header that anybody may have made up. A path begins with the request's root path, below which a proxy serves the API.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

from app.settings import Settings
from app.text.urls import safe_or_none

NO_HOST = "localhost"
"""Who names what an archive has, where no setting says which host that is."""
THIS_MACHINE = ("127.0.0.1", "::1")
"""Hosts that name nobody: what they are called here has to be the same wherever a server listens."""
SINCE = "2025"
"""RFC 4151: a year in which the host belonged to whoever names things by it."""


def page_address(site_url: str, slug: object) -> str | None:
    """Of an article's page on the web site; None where no site shows the articles."""
    return f"{site_url}/articles/{slug}" if site_url else None


def image_address(stored: object) -> str | None:
    """Of an image as an article has it, whole and harmless in any markup; None for what is no address."""
    return safe_or_none(stored)


@dataclass(frozen=True, slots=True)
class Addresses:
    """`site_url` and `api_url` without a slash at the end, empty where they are not set. `root_path` is that of one
    request, and empty where `api_url` says all."""

    site_url: str
    api_url: str
    root_path: str = ""
    site_host: str = field(init=False)
    """Of the web site, such as `news.example`; empty where there is none."""
    _naming: str = field(init=False)
    """What all names for good begin with."""

    def __post_init__(self) -> None:
        # Once: feeds ask for them in each document, and name each article.
        object.__setattr__(self, "site_host", _find_host(self.site_url))
        host = _find_host(self.api_url or self.site_url) or NO_HOST
        host = NO_HOST if host in THIS_MACHINE else host
        object.__setattr__(self, "_naming", f"tag:{host},{SINCE}:")

    @classmethod
    def read(cls, settings: Settings) -> Self:
        return cls(settings.site_url.rstrip("/"), settings.api_url.rstrip("/"))

    def below(self, root_path: str) -> "Addresses":
        """Those of a request with this root path; the same ones where no address changes by it."""
        return _lay_below(self, root_path) if root_path and not self.api_url else self

    @property
    def home_page(self) -> str:
        """Where people begin: the web site, else the API."""
        return self.site_url or self.on_api("/")

    def page(self, slug: object) -> str | None:
        """Of an article's page on the web site; None where no site shows the articles."""
        return page_address(self.site_url, slug)

    def on_site(self, path: str) -> str:
        """Of a path on the web site, else on the API. Sitemaps and `robots.txt` lie there: they speak for one host."""
        return self.site_url + path if self.site_url else self.on_api(path)

    def on_api(self, path: str, query: str = "") -> str:
        """Of a path of the API, such as `/v1/articles`, with a query that is encoded already."""
        address = f"{self.api_url or self.root_path}{path}"
        return f"{address}?{query}" if query else address

    def article(self, ref: object) -> str:
        """Of an article as the API has it, by its id or slug."""
        return self.on_api(f"/v1/articles/{ref}")

    def article_to_read(self, slug: object) -> str:
        """Where a reader of an article is sent: its page, or the API's article where no site shows it."""
        return self.page(slug) or self.article(slug)

    def tag(self, slug: object) -> str:
        return self.on_api(f"/v1/tags/{slug}")

    def region(self, slug: object) -> str:
        return self.on_api(f"/v1/regions/{slug}")

    def feed(self, name: str, format: str, query: str = "") -> str:
        """Of a feed: `articles`, or such as `tags/nato`; `format` is `rss`, `atom` or `json`."""
        return self.on_api(f"/feeds/{name}.{format}", query)

    def sitemap(self, name: str) -> str:
        """Of a file of the sitemap, such as `2025-12.xml`."""
        return self.on_site(f"/sitemaps/{name}")

    @property
    def sitemap_index(self) -> str:
        return self.on_site("/sitemap.xml")

    def name_thing(self, thing: str) -> str:
        """A name for good of what has no address that lasts, such as `article/42`, whose slug may change: a tag URI
        (RFC 4151) of the API's host, else of the web site's."""
        return self._naming + thing


@lru_cache(maxsize=64)
def _lay_below(addresses: Addresses, root_path: str) -> Addresses:
    return replace(addresses, root_path=root_path)


def _find_host(url: str) -> str:
    return urlsplit(url).hostname or ""
