"""The REST API of a WordPress site: where it is, what the site says of itself there, and asking it for JSON.

Asks for what is public only.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import orjson

from app.importers.document import ParseContext
from app.importers.formats.wordpress.posts import WordPressBlog, strip_markup
from app.importers.formats.wordpress.rest_posts import RestReferences
from app.importers.records import values
from app.importers.web.fetch import Fetch, FetchedPage, FetchError

_MARGIN = timedelta(minutes=5)
"""Clocks of a site's machines differ, and its caches respond with an older one: what is asked for twice costs
little."""

_REL = "https://api.w.org/"
_HEADER = re.compile(r"<([^<>]+)>\s*;[^,<>]*\brel=[\"']?https://api\.w\.org/")
_LINK = re.compile(r"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_HREF = re.compile(r"\bhref=[\"']?([^\"'\s>]+)", re.IGNORECASE)
_LANG = re.compile(r"<html\b[^<>]{0,500}?\slang=[\"']?([\w-]+)", re.IGNORECASE)
_POST = re.compile(r"/wp/v2/posts/(\d+)")
_CLOSED = (401, 403)


@dataclass(slots=True)
class WordPressApi:
    """The API of a site, what was learnt from it, and which posts were met.

    `heavy`: pages of the usual size are too much for it. `trouble` is the reason of its last failure; `failed` says
    that something is missing that another run may bring; `silent` are kinds of entries that it failed over.
    """

    root: str
    fetch: Fetch
    context: ParseContext
    blog: WordPressBlog = field(default_factory=WordPressBlog)
    known: RestReferences = field(default_factory=RestReferences)
    met: set[int] = field(default_factory=set)
    heavy: bool = False
    failed: bool = False
    silent: set[str] = field(default_factory=set)
    trouble: str = ""

    def get(self, route: str, query: Mapping[str, object] | None = None) -> tuple[object, FetchedPage]:
        """The JSON of a route such as `wp/v2/posts`, and the response that it came in. FetchError, also for HTML."""
        separator = "&" if "?" in self.root else "?"
        url = self.root + route + (separator + urlencode(dict(query), safe=",:") if query else "")
        response = self.fetch(url, accept="application/json")
        try:
            # RFC 8259, section 8.1: none may be written, and a reader may pass over it.
            return orjson.loads(response.body.removeprefix(b"\xef\xbb\xbf")), response
        except orjson.JSONDecodeError:
            looks = "HTML" if b"<" in response.body[:500] else "something else"
            raise FetchError(url, f"answered {looks} instead of JSON (a firewall, a login page?)", 200) from None


def open_api(api: WordPressApi, page: FetchedPage) -> str:
    """Finds the API and learns what the site is called; the site's time, to ask from the next time."""
    refusals: list[FetchError] = []
    for root in _list_roots(page):
        api.root = root
        try:
            index, response = api.get("")
        except FetchError as error:
            refusals.append(error)
            continue
        fields = values.read_mapping(index)
        if fields is not None and "namespaces" in fields:
            home = values.read_text(fields.get("home")) or values.read_text(fields.get("url")) or page.url
            language = _LANG.search(page.body[:65_536].decode("utf-8", "replace"))
            api.blog = WordPressBlog(
                strip_markup(values.read_text(fields.get("name")) or "") or None,
                home,
                language[1] if language else None,
            )
            return _read_clock(response)
        refusals.append(FetchError(root, "is not the API of a WordPress site", 404))
    raise next((error for error in refusals if error.status in _CLOSED), refusals[0])


def _list_roots(page: FetchedPage) -> Iterator[str]:
    """Where the API may be: as the site announces it, then where it usually is."""
    roots = [match[1] for match in _HEADER.finditer(page.headers.get("link", ""))]
    head = page.body[:262_144].decode("utf-8", "replace")
    links = (link[0] for link in _LINK.finditer(head) if _REL in link[0])
    roots += [html.unescape(href[1]) for link in links if (href := _HREF.search(link))]
    home = page.url if page.url.endswith("/") else f"{page.url}/"
    host = "{0.scheme}://{0.netloc}/".format(urlsplit(page.url))
    for base in dict.fromkeys((home, host)):
        # The second works where a site has no pretty addresses, and so no `wp-json`.
        roots += [urljoin(base, "wp-json/"), urljoin(base, "?rest_route=/")]
    address = page.url.partition("/wp-json")
    if address[1]:
        roots.insert(0, f"{address[0]}/wp-json/")
    joined = (_join_url(page.url, root) for root in roots)
    yield from dict.fromkeys(root for root in joined if root)


def _join_url(base: str, root: str) -> str | None:
    try:
        url = urljoin(base, root)
    except ValueError:
        return None
    return url if url.endswith("/") else f"{url}/"


def find_announced_post(page: FetchedPage) -> str | None:
    """The number of the post, where the address is not a site's but that of one of its posts."""
    head = page.body[:262_144].decode("utf-8", "replace")
    links = [link[0] for link in _LINK.finditer(head)] + page.headers.get("link", "").split(",")
    posts = (_POST.search(unquote(link)) for link in links if "alternate" in link and "application/json" in link)
    return next((post[1] for post in posts if post), None)


def _read_clock(response: FetchedPage) -> str:
    """The site's own time, a little earlier, as RFC 3339."""
    try:
        now = parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        now = datetime.now(UTC)
    return f"{now - _MARGIN:%Y-%m-%dT%H:%M:%SZ}"


def describe_reason(error: FetchError) -> str:
    if error.status in _CLOSED:
        return f"its API is closed to the public ({error.status}): import an export file or its feed instead"
    if error.status == 404:
        return "no API of WordPress was found there"
    return error.reason
