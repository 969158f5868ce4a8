"""A WordPress site by its REST API: finds the API, reads its posts page by page, and what they refer to.

Asks for what is public only. Never trusts a site's paging: a page that repeats, or is no list, ends the reading.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import orjson

from app.importers import values, wordpress
from app.importers.document import Bookmark, Context, Failure, Item
from app.importers.fetch import Fetch, Fetched, FetchError
from app.importers.wordpress import Known
from app.importers.wordpress_posts import Blog, words

Json = Mapping[str, object]
PAGE, SMALL_PAGE = 100, 10
MAX_PAGES = 100_000
_MARGIN = timedelta(minutes=5)
"""Clocks of a site's machines differ, and its caches answer with an older one: what is asked for twice costs little."""

_REL = "https://api.w.org/"
_HEADER = re.compile(r"<([^<>]+)>\s*;[^,<>]*\brel=[\"']?https://api\.w\.org/")
_LINK = re.compile(r"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_HREF = re.compile(r"\bhref=[\"']?([^\"'\s>]+)", re.IGNORECASE)
_LANG = re.compile(r"<html\b[^<>]{0,500}?\slang=[\"']?([\w-]+)", re.IGNORECASE)
_POST = re.compile(r"/wp/v2/posts/(\d+)")
_CLOSED = (401, 403)
_EMBEDDED = "author,wp:featuredmedia,wp:term"
_WANTED = (
    "id,date,date_gmt,guid,modified_gmt,slug,status,type,link,title,content,excerpt,author,featured_media,sticky,"
    "categories,tags,lang,yoast_head_json,_links,_embedded"
)


class _Refused(Exception):
    """The site cannot be read further; the reason is for people."""


@dataclass(slots=True)
class _Api:
    """The API of a site, what was learnt from it, and how many posts were met."""

    root: str
    fetch: Fetch
    context: Context
    blog: Blog = field(default_factory=Blog)
    known: Known = field(default_factory=Known)
    met: set[int] = field(default_factory=set)
    failed: bool = False

    def get(self, route: str, query: Mapping[str, object] | None = None) -> tuple[object, Fetched]:
        """The JSON of a route such as `wp/v2/posts`, and the answer that it came in. FetchError, also for HTML."""
        asked = "&" if "?" in self.root else "?"
        url = self.root + route + (asked + urlencode(dict(query), safe=",:") if query else "")
        answer = self.fetch(url, accept="application/json")
        try:
            return orjson.loads(answer.body.removeprefix(b"\xef\xbb\xbf")), answer
        except orjson.JSONDecodeError:
            looks = "HTML" if b"<" in answer.body[:500] else "something else"
            raise FetchError(url, f"answered {looks} instead of JSON (a firewall, a login page?)") from None


def read(url: str, page: Fetched, fetch: Fetch, state: Mapping[str, object], context: Context) -> Iterator[Item]:
    """Every public post of the site, the oldest first; then, the next time, those that changed since.

    The state is `{"page": n, "began": when}` while pages are missing, `{"since": when}` once all of them were read.
    """
    api = _Api("", fetch, context)
    try:
        yield from _posts(api, url, page, state)
    except _Refused as error:
        yield Failure(url, str(error))
    except FetchError as error:
        yield Failure(url, _reason(error))


def _posts(api: _Api, url: str, page: Fetched, state: Mapping[str, object]) -> Iterator[Item]:
    began = _open(api, page)
    if one := _announced_post(page):
        post, _ = api.get(f"wp/v2/posts/{one}", {"_embed": _EMBEDDED})
        yield from _read(api, [said] if (said := values.mapping(post)) else [])
        return
    since, before = values.text(state.get("since")), values.text(state.get("began"))
    if since:
        # What was scheduled before and went live since was not modified since.
        for what in ("modified_after", "after"):
            yield from _pages(api, url, {what: since})
    else:
        began = before or began
        done = state.get("page")
        # One page is read again: posts that were taken away meanwhile have moved the rest forward.
        first = max(1, done) if isinstance(done, int) and before else 1
        yield from _pages(api, url, {}, first, began)
    if not api.failed:
        yield Bookmark(url, {"since": began})


def _open(api: _Api, page: Fetched) -> str:
    """Finds the API and learns what the site is called; the site's time, to ask from the next time."""
    refusals: list[FetchError] = []
    for root in _roots(page):
        api.root = root
        try:
            index, answer = api.get("")
        except FetchError as error:
            refusals.append(error)
            continue
        said = values.mapping(index)
        if said is not None and "namespaces" in said:
            home = values.text(said.get("home")) or values.text(said.get("url")) or page.url
            language = _LANG.search(page.body[:65_536].decode("utf-8", "replace"))
            api.blog = Blog(words(values.text(said.get("name")) or "") or None, home, language[1] if language else None)
            return _clock(answer)
        refusals.append(FetchError(root, "is not the API of a WordPress site", 404))
    raise next((error for error in refusals if error.status in _CLOSED), refusals[0])


def _roots(page: Fetched) -> Iterator[str]:
    """Where the API may be: as the site announces it, then where it usually is."""
    found = [match[1] for match in _HEADER.finditer(page.headers.get("link", ""))]
    head = page.body[:262_144].decode("utf-8", "replace")
    links = (link[0] for link in _LINK.finditer(head) if _REL in link[0])
    found += [html.unescape(href[1]) for link in links if (href := _HREF.search(link))]
    home = page.url if page.url.endswith("/") else f"{page.url}/"
    host = "{0.scheme}://{0.netloc}/".format(urlsplit(page.url))
    for base in dict.fromkeys((home, host)):
        found += [urljoin(base, "wp-json/"), urljoin(base, "?rest_route=/")]
    given = page.url.partition("/wp-json")
    if given[1]:
        found.insert(0, f"{given[0]}/wp-json/")
    joined = (_joined(page.url, root) for root in found)
    yield from dict.fromkeys(root for root in joined if root)


def _joined(base: str, root: str) -> str | None:
    try:
        url = urljoin(base, root)
    except ValueError:
        return None
    return url if url.endswith("/") else f"{url}/"


def _announced_post(page: Fetched) -> str | None:
    """The number of the post, where the address is not a site's but that of one of its posts."""
    head = page.body[:262_144].decode("utf-8", "replace")
    links = [link[0] for link in _LINK.finditer(head)] + page.headers.get("link", "").split(",")
    posts = (_POST.search(unquote(link)) for link in links if "alternate" in link and "application/json" in link)
    return next((post[1] for post in posts if post), None)


def _clock(answer: Fetched) -> str:
    """The site's own time, a little earlier, as RFC 3339."""
    try:
        now = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        now = datetime.now(UTC)
    return f"{now - _MARGIN:%Y-%m-%dT%H:%M:%SZ}"


def _pages(api: _Api, url: str, filters: Mapping[str, str], first: int = 1, began: str | None = None) -> Iterator[Item]:
    """The posts of all pages from `first` on; behind each page a Bookmark, where `began` says since when it counts."""
    seen: set[int] = set()
    for number in range(first, MAX_PAGES):
        posts, last = _page(api, filters, number, PAGE)
        if posts is None:
            yield from _smaller(api, filters, number)
            continue
        ids = {_id(post) for post in posts}
        if ids and ids <= seen:
            raise _Refused(f"page {number} repeats what came before: the rest was not read")
        seen |= ids
        yield from _read(api, posts)
        if not posts or last:
            return
        if began and not api.failed:
            yield Bookmark(url, {"page": number, "began": began})
    raise _Refused(f"more than {MAX_PAGES} pages")


def _page(api: _Api, filters: Mapping[str, str], number: int, size: int) -> tuple[list[Json] | None, bool]:
    """The posts of a page, and whether it is the last; None where the site fails over a page of that size.

    Beyond its last page a site answers 400, which is an end like any other.
    """
    query = {"per_page": size, "page": number, "orderby": "id", "order": "asc", **filters}
    try:
        reply, answer = api.get("wp/v2/posts", {**query, "_embed": _EMBEDDED, "_fields": _WANTED})
    except FetchError as error:
        if error.status == 400 and number > 1:
            return [], True
        if error.status >= 500 or error.status == 0:
            return None, False
        raise
    if not isinstance(reply, list):
        raise _Refused("its API answered something else than a list of posts")
    pages = answer.headers.get("x-wp-totalpages", "")
    last = number >= int(pages) if pages.isdecimal() and len(pages) < 10 else len(reply) < size
    return [post for post in map(values.mapping, reply) if post], last


def _smaller(api: _Api, filters: Mapping[str, str], number: int) -> Iterator[Item]:
    """A page that fails, in small ones: one broken post then costs a few others and not a hundred."""
    steps = PAGE // SMALL_PAGE
    lost = 0
    for small in range((number - 1) * steps + 1, number * steps + 1):
        posts, last = _page(api, filters, small, SMALL_PAGE)
        if posts is not None:
            yield from _read(api, posts)
        else:
            api.failed, lost = True, lost + 1
            begin = (small - 1) * SMALL_PAGE + 1
            yield Failure(api.root, f"posts {begin} to {small * SMALL_PAGE}: the site answers with an error")
        if lost > 2:
            raise _Refused("the site keeps failing: the rest was not read; run the import again to go on")
        if last:
            return


def _read(api: _Api, given: list[Json]) -> Iterator[Item]:
    """The posts of one answer that no other answer had, with what they refer to."""
    posts = list({id: post for post in given if (id := _id(post)) and id not in api.met}.values())
    for post in posts:
        api.met.add(_id(post))
        api.known.embedded(post)
    for kind in ("users", "categories", "tags", "media"):
        _look_up(api, kind, posts)
    for post in posts:
        where = values.text(post.get("link")) or f"{api.root}wp/v2/posts/{_id(post)}"
        yield wordpress.read(post, api.known, api.blog, where, api.context)


def _look_up(api: _Api, kind: str, posts: list[Json]) -> None:
    """Asks for what did not come with the posts; many sites tell nobody who their users are."""
    missing = api.known.missing(kind, posts)
    while missing:
        asked, missing = missing[:PAGE], missing[PAGE:]
        try:
            reply, _ = api.get(f"wp/v2/{kind}", {"include": ",".join(map(str, asked)), "per_page": PAGE})
        except FetchError:
            reply = []
        found = reply if isinstance(reply, list) else []
        api.known.keep(kind, found, asked)
        if kind == "categories":
            missing = missing or api.known.parents_missing()


def _id(post: Json) -> int:
    number = post.get("id")
    return number if isinstance(number, int) else 0


def _reason(error: FetchError) -> str:
    if error.status in _CLOSED:
        return f"its API is closed to the public ({error.status}): import an export file or its feed instead"
    if error.status == 404:
        return "no API of WordPress was found there"
    return error.reason
