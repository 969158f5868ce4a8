"""A WordPress site by its REST API: finds the API, reads its posts page by page, and what they refer to.

Asks for what is public only. Never trusts a site's paging: a page that repeats, or is no list, ends the reading.
"""

from collections.abc import Generator, Iterator, Mapping

from app.importers import boundary
from app.importers.document import Bookmark, Failure, Item, ParseContext
from app.importers.formats.wordpress import rest_posts
from app.importers.records import values
from app.importers.web.fetch import Fetch, FetchedPage, FetchError
from app.importers.web.wordpress_api import WordPressApi, describe_reason, find_announced_post, open_api

Json = Mapping[str, object]
PAGE, SMALL_PAGE = 100, 10
MAX_PAGES = 100_000
_EMBEDDED = "author,wp:featuredmedia,wp:term"
_WANTED = (
    "id,date,date_gmt,guid,modified_gmt,slug,status,type,link,title,content,excerpt,author,featured_media,sticky,"
    "categories,tags,lang,yoast_head_json,_links,_embedded"
)


class _SiteRefused(Exception):
    """The site cannot be read further; the reason is for people."""


def read_site(
    url: str, page: FetchedPage, fetch: Fetch, state: Mapping[str, object], context: ParseContext
) -> Iterator[Item]:
    """Every public post of the site, the oldest first; then, the next time, those that changed since.

    The state is `{"page": n, "began": when}` while pages are missing, `{"since": when}` once all of them were read.
    """
    api = WordPressApi("", fetch, context)
    try:
        yield from _read_posts(api, url, page, state)
    except _SiteRefused as error:
        yield Failure(url, str(error))
    except FetchError as error:
        yield Failure(url, describe_reason(error))


def _read_posts(api: WordPressApi, url: str, page: FetchedPage, state: Mapping[str, object]) -> Iterator[Item]:
    began = open_api(api, page)
    if one := find_announced_post(page):
        post, _ = api.get(f"wp/v2/posts/{one}", {"_embed": _EMBEDDED})
        yield from _read_documents(api, [post_fields] if (post_fields := values.read_mapping(post)) else [])
        return
    since, before = values.read_text(state.get("since")), values.read_text(state.get("began"))
    if since:
        # What was scheduled before and went live since was not modified since.
        for what in ("modified_after", "after"):
            yield from _read_pages(api, url, {what: since})
    else:
        began = before or began
        done = state.get("page")
        # One page is read again: posts that were taken away meanwhile have moved the rest forward.
        first = max(1, done) if isinstance(done, int) and before else 1
        yield from _read_pages(api, url, {}, first, began)
    if not api.failed:
        yield Bookmark(url, {"since": began})


def _read_pages(
    api: WordPressApi, url: str, filters: Mapping[str, str], first: int = 1, began: str | None = None
) -> Iterator[Item]:
    """The posts of all pages from `first` on; behind each page a Bookmark, where `began` says since when it counts."""
    seen_posts: set[int] = set()
    for number in range(first, MAX_PAGES):
        posts, last = (None, False) if api.heavy else _read_page(api, filters, number, PAGE)
        if posts is None:
            last = yield from _read_smaller_pages(api, filters, number)
        else:
            ids = {_read_id(post) for post in posts}
            if ids and ids <= seen_posts:
                raise _SiteRefused(f"page {number} repeats what came before: the rest was not read")
            seen_posts |= ids
            yield from _read_documents(api, posts)
        if last:
            return
        if began and not api.failed:
            yield Bookmark(url, {"page": number, "began": began})
    raise _SiteRefused(f"more than {MAX_PAGES} pages")


def _read_page(api: WordPressApi, filters: Mapping[str, str], number: int, size: int) -> tuple[list[Json] | None, bool]:
    """The posts of a page, and whether it is the last; None where the site fails over a page of that size.

    Beyond its last page a site responds with 400, which is an end like any other.
    """
    query = {"per_page": size, "page": number, "orderby": "id", "order": "asc", **filters}
    try:
        payload, response = api.get("wp/v2/posts", {**query, "_embed": _EMBEDDED, "_fields": _WANTED})
    except FetchError as error:
        if error.status == 400 and number > 1:
            return [], True
        if error.status >= 500 or error.status in (0, 200):
            api.trouble = error.reason
            return None, False
        raise
    if not isinstance(payload, list):
        raise _SiteRefused("its API answered something else than a list of posts")
    # Without a count a page that is not full is the last one.
    pages = response.headers.get("x-wp-totalpages", "")
    is_counted = pages.isdecimal() and len(pages) < 10
    last = not payload or (number >= int(pages) if is_counted else len(payload) < size)
    return [post for post in map(values.read_mapping, payload) if post], last


def _read_smaller_pages(api: WordPressApi, filters: Mapping[str, str], number: int) -> Generator[Item, None, bool]:
    """A page that fails, in small ones, so that one broken post costs a few others and not a hundred; whether it is the
    last. Where all of them can be read, the usual size was too much, and is not tried again."""
    steps = PAGE // SMALL_PAGE
    lost = 0
    for small in range((number - 1) * steps + 1, number * steps + 1):
        posts, last = _read_page(api, filters, small, SMALL_PAGE)
        if posts is not None:
            yield from _read_documents(api, posts)
        else:
            api.failed, lost = True, lost + 1
            begin = (small - 1) * SMALL_PAGE + 1
            yield Failure(api.root, f"posts {begin} to {small * SMALL_PAGE}: {api.trouble}")
        if lost > 2:
            raise _SiteRefused("the site keeps failing: the rest was not read; run the import again to go on")
        if last:
            return True
    api.heavy = not lost
    return False


def _read_documents(api: WordPressApi, received: list[Json]) -> Iterator[Item]:
    """The posts of one response that no other response had, with what they refer to."""
    posts = list({id: post for post in received if (id := _read_id(post)) and id not in api.met}.values())
    for post in posts:
        api.met.add(_read_id(post))
        # What is wrong with it is told where the post itself is read.
        boundary.attempt("read", _name_place(api, post), api.known.add_embedded, post)
    for kind in ("users", "categories", "tags", "media"):
        yield from _look_up(api, kind, posts)
    for post in posts:
        where = _name_place(api, post)
        yield boundary.attempt("read", where, rest_posts.read_post, post, api.known, api.blog, where, api.context)


def _name_place(api: WordPressApi, post: Json) -> str:
    return values.read_text(post.get("link")) or f"{api.root}wp/v2/posts/{_read_id(post)}"


def _look_up(api: WordPressApi, kind: str, posts: list[Json]) -> Iterator[Item]:
    """Asks for what did not come with the posts. Many sites tell nobody who their users are: that is no failure."""
    missing = api.known.list_missing(kind, posts)
    while missing and kind not in api.silent:
        requested, missing = missing[:PAGE], missing[PAGE:]
        reply: object = []
        try:
            reply, _ = api.get(f"wp/v2/{kind}", {"include": ",".join(map(str, requested)), "per_page": PAGE})
        except FetchError as error:
            if error.status in (0, 429) or error.status >= 500:
                api.failed = True
                api.silent.add(kind)
                yield Failure(error.url, f"{error.reason}: posts have no {kind} from here on; import again to get them")
        api.known.add_entries(kind, reply if isinstance(reply, list) else [], requested)
        if kind == "categories":
            missing = missing or api.known.list_missing_parents()


def _read_id(post: Json) -> int:
    number = post.get("id")
    return number if isinstance(number, int) else 0
