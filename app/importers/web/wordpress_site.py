"""A WordPress site by its REST API: finds the API, reads its posts page by page, and what they refer to.

Asks for what is public only. Never trusts a site's paging: a page that repeats, or is no list, ends the reading.
"""

from collections.abc import Generator, Iterator, Mapping

from app.importers import boundary
from app.importers.document import Bookmark, Context, Failure, Item
from app.importers.formats.wordpress import rest_posts
from app.importers.records import values
from app.importers.web.fetch import Fetch, Fetched, FetchError
from app.importers.web.wordpress_api import Api, announced_post, open_api, reason

Json = Mapping[str, object]
PAGE, SMALL_PAGE = 100, 10
MAX_PAGES = 100_000
_EMBEDDED = "author,wp:featuredmedia,wp:term"
_WANTED = (
    "id,date,date_gmt,guid,modified_gmt,slug,status,type,link,title,content,excerpt,author,featured_media,sticky,"
    "categories,tags,lang,yoast_head_json,_links,_embedded"
)


class _Refused(Exception):
    """The site cannot be read further; the reason is for people."""


def read(url: str, page: Fetched, fetch: Fetch, state: Mapping[str, object], context: Context) -> Iterator[Item]:
    """Every public post of the site, the oldest first; then, the next time, those that changed since.

    The state is `{"page": n, "began": when}` while pages are missing, `{"since": when}` once all of them were read.
    """
    api = Api("", fetch, context)
    try:
        yield from _posts(api, url, page, state)
    except _Refused as error:
        yield Failure(url, str(error))
    except FetchError as error:
        yield Failure(url, reason(error))


def _posts(api: Api, url: str, page: Fetched, state: Mapping[str, object]) -> Iterator[Item]:
    began = open_api(api, page)
    if one := announced_post(page):
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


def _pages(api: Api, url: str, filters: Mapping[str, str], first: int = 1, began: str | None = None) -> Iterator[Item]:
    """The posts of all pages from `first` on; behind each page a Bookmark, where `began` says since when it counts."""
    seen: set[int] = set()
    for number in range(first, MAX_PAGES):
        posts, last = (None, False) if api.heavy else _page(api, filters, number, PAGE)
        if posts is None:
            last = yield from _smaller(api, filters, number)
        else:
            ids = {_id(post) for post in posts}
            if ids and ids <= seen:
                raise _Refused(f"page {number} repeats what came before: the rest was not read")
            seen |= ids
            yield from _read(api, posts)
        if last:
            return
        if began and not api.failed:
            yield Bookmark(url, {"page": number, "began": began})
    raise _Refused(f"more than {MAX_PAGES} pages")


def _page(api: Api, filters: Mapping[str, str], number: int, size: int) -> tuple[list[Json] | None, bool]:
    """The posts of a page, and whether it is the last; None where the site fails over a page of that size.

    Beyond its last page a site answers 400, which is an end like any other.
    """
    query = {"per_page": size, "page": number, "orderby": "id", "order": "asc", **filters}
    try:
        reply, answer = api.get("wp/v2/posts", {**query, "_embed": _EMBEDDED, "_fields": _WANTED})
    except FetchError as error:
        if error.status == 400 and number > 1:
            return [], True
        if error.status >= 500 or error.status in (0, 200):
            api.trouble = error.reason
            return None, False
        raise
    if not isinstance(reply, list):
        raise _Refused("its API answered something else than a list of posts")
    pages = answer.headers.get("x-wp-totalpages", "")
    told = pages.isdecimal() and len(pages) < 10
    last = not reply or (number >= int(pages) if told else len(reply) < size)
    return [post for post in map(values.mapping, reply) if post], last


def _smaller(api: Api, filters: Mapping[str, str], number: int) -> Generator[Item, None, bool]:
    """A page that fails, in small ones, so that one broken post costs a few others and not a hundred; whether it is the
    last. Where all of them can be read, the usual size was too much, and is not tried again."""
    steps = PAGE // SMALL_PAGE
    lost = 0
    for small in range((number - 1) * steps + 1, number * steps + 1):
        posts, last = _page(api, filters, small, SMALL_PAGE)
        if posts is not None:
            yield from _read(api, posts)
        else:
            api.failed, lost = True, lost + 1
            begin = (small - 1) * SMALL_PAGE + 1
            yield Failure(api.root, f"posts {begin} to {small * SMALL_PAGE}: {api.trouble}")
        if lost > 2:
            raise _Refused("the site keeps failing: the rest was not read; run the import again to go on")
        if last:
            return True
    api.heavy = not lost
    return False


def _read(api: Api, given: list[Json]) -> Iterator[Item]:
    """The posts of one answer that no other answer had, with what they refer to."""
    posts = list({id: post for post in given if (id := _id(post)) and id not in api.met}.values())
    for post in posts:
        api.met.add(_id(post))
        # What is wrong with it is told where the post itself is read.
        boundary.attempt("read", _place(api, post), api.known.embedded, post)
    for kind in ("users", "categories", "tags", "media"):
        yield from _look_up(api, kind, posts)
    for post in posts:
        where = _place(api, post)
        yield boundary.attempt("read", where, rest_posts.read, post, api.known, api.blog, where, api.context)


def _place(api: Api, post: Json) -> str:
    return values.text(post.get("link")) or f"{api.root}wp/v2/posts/{_id(post)}"


def _look_up(api: Api, kind: str, posts: list[Json]) -> Iterator[Item]:
    """Asks for what did not come with the posts. Many sites tell nobody who their users are: that is no failure."""
    missing = api.known.missing(kind, posts)
    while missing and kind not in api.silent:
        asked, missing = missing[:PAGE], missing[PAGE:]
        reply: object = []
        try:
            reply, _ = api.get(f"wp/v2/{kind}", {"include": ",".join(map(str, asked)), "per_page": PAGE})
        except FetchError as error:
            if error.status in (0, 429) or error.status >= 500:
                api.failed = True
                api.silent.add(kind)
                yield Failure(error.url, f"{error.reason}: posts have no {kind} from here on; import again to get them")
        api.known.keep(kind, reply if isinstance(reply, list) else [], asked)
        if kind == "categories":
            missing = missing or api.known.parents_missing()


def _id(post: Json) -> int:
    number = post.get("id")
    return number if isinstance(number, int) else 0
