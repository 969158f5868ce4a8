"""The pages of a site in the order of its sitemap, each fetched and read; those that have not changed are left out.

What a second run need not ask for is kept as short digests of address and `lastmod`. A page without `lastmod` is asked
for every time, but not twice in one import that was interrupted.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from app.importers import boundary, dates
from app.importers.document import Bookmark, Document, Failure, Item, ParseContext, Remark
from app.importers.formats import detect
from app.importers.formats.pages import web_page
from app.importers.web.fetch import Fetch, FetchedPage, FetchError, read_charset
from app.importers.web.sitemap_file import SitemapEntry, SitemapUnreadable, read_entries

MAX_DEPTH = 3
MAX_SITEMAPS = 2_000
GIVE_UP = 20
"""Failures in a row after which a site is left alone."""
AT_ONCE = 100
"""Pages between two bookmarks."""
_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_MAP = "application/xml, text/xml;q=0.9, */*;q=0.1"


class _TooManyFailures(Exception):
    pass


@dataclass(slots=True)
class _SitemapRun:
    """One import of a site: what it has met, what it has read, and what went wrong since something went well.

    `before` is what the last import read, `done` what this one has.
    """

    url: str
    fetch: Fetch
    context: ParseContext
    before: frozenset[str]
    done: dict[str, bool] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    unchanged: int = 0
    sitemaps: int = 1
    skipped: int = 0
    failed: int = 0
    in_a_row: int = 0
    since: int = 0

    def make_bookmark(self, finished: bool) -> Bookmark:
        """Behind the last page only what has a `lastmod` counts: the rest is asked for again next time."""
        earlier_keys = self.before if self.skipped or not finished else ()
        done_keys = [key for key, dated in self.done.items() if dated or not finished]
        self.since = 0
        return Bookmark(self.url, {"done": sorted({*earlier_keys, *done_keys})})


def read_site(
    url: str, page: FetchedPage, fetch: Fetch, state: Mapping[str, object], context: ParseContext
) -> Iterator[Item]:
    """The articles of all pages that the sitemap lists, or the sitemaps in it, up to three levels down."""
    done_before = state.get("done")
    run = _SitemapRun(
        url, fetch, context, frozenset(map(str, done_before)) if isinstance(done_before, list) else frozenset()
    )
    run.met.add(page.url)
    try:
        yield from _read_sitemap(run, page, 1)
    except _TooManyFailures:
        yield Failure(
            url, f"given up after {GIVE_UP} pages in a row that could not be read; the next import goes on here"
        )
        yield run.make_bookmark(finished=False)
        return
    if run.unchanged or run.skipped:
        yield Remark(
            url, f"not changed since they were imported: {run.unchanged} of its pages, {run.skipped} of its sitemaps"
        )
    yield run.make_bookmark(finished=True)


def _read_sitemap(run: _SitemapRun, page: FetchedPage, depth: int) -> Iterator[Item]:
    try:
        for entry in read_entries(page.body):
            if entry.url not in run.met:
                run.met.add(entry.url)
                yield from _read_nested(run, entry, depth) if entry.is_sitemap else _read_page(run, entry)
            elif entry.is_sitemap:
                yield Remark(page.url, f"it lists {entry.url}, which was read already")
            if run.since >= AT_ONCE:
                yield run.make_bookmark(finished=False)
    except SitemapUnreadable as error:
        run.failed += 1
        yield Failure(page.url, f"the sitemap: {error}")


def _read_nested(run: _SitemapRun, entry: SitemapEntry, depth: int) -> Iterator[Item]:
    """A sitemap in a sitemap; as a whole unchanged where its own `lastmod` is, if all of it could be read."""
    key = _make_key(entry)
    if entry.lastmod and key in run.before:
        run.done[key], run.skipped = True, run.skipped + 1
        return
    run.sitemaps += 1
    if depth == MAX_DEPTH or run.sitemaps > MAX_SITEMAPS:
        yield Failure(entry.url, f"not read: sitemaps are followed {MAX_DEPTH} deep, and {MAX_SITEMAPS:,} of a site")
        return
    failed = run.failed
    try:
        page = run.fetch(entry.url, accept=_MAP)
    except FetchError as error:
        yield _count_failure(run, entry.url, error.reason)
        return
    yield from _read_sitemap(run, page, depth + 1)
    if run.failed == failed and entry.lastmod:
        run.done[key] = True


def _read_page(run: _SitemapRun, entry: SitemapEntry) -> Iterator[Item]:
    key = _make_key(entry)
    if key in run.before:
        run.done[key], run.unchanged = bool(entry.lastmod), run.unchanged + 1
        return
    if run.in_a_row == GIVE_UP:
        raise _TooManyFailures
    run.since += 1
    try:
        page = run.fetch(entry.url, accept=_PAGE)
    except FetchError as error:
        yield _count_failure(run, entry.url, error.reason)
        return
    run.in_a_row = 0
    for item in _parse_page(run, entry, page):
        if isinstance(item, Document):
            run.done[key] = bool(entry.lastmod)
            yield _add_hints(item, entry, run.context)
        else:
            run.failed += 1
            yield item


def _parse_page(run: _SitemapRun, entry: SitemapEntry, page: FetchedPage) -> Iterator[Item]:
    context = replace(run.context, address=page.url, charset=read_charset(page.headers.get("content-type", "")))
    looks = detect.detect_format("", page.body[:4096])
    if "html" not in page.headers.get("content-type", "html") and looks not in ("html", "medium"):
        yield Failure(entry.url, f"no web page: {page.headers['content-type']}")
    else:
        yield from boundary.guard(entry.url, lambda: web_page.parse(io.BytesIO(page.body), entry.url, context))


def _add_hints(document: Document, entry: SitemapEntry, context: ParseContext) -> Document:
    """What the page does not say itself, as a news sitemap says it."""
    published = document.published
    try:
        if entry.published and (published is None or published.precision != "instant"):
            published = dates.read_date(
                entry.published, context.timezone, dates.find_locale(entry.language, document.url)
            )
    except ValueError:
        published = document.published
    return replace(
        document,
        title=entry.title if document.title_derived and entry.title else document.title,
        title_derived=document.title_derived and not entry.title,
        published=published,
        language=document.language or entry.language,
        source=document.source or entry.site,
        tags=document.tags or entry.keywords,
    )


def _count_failure(run: _SitemapRun, where: str, reason: str) -> Failure:
    run.failed += 1
    run.in_a_row += 1
    return Failure(where, reason)


def _make_key(entry: SitemapEntry) -> str:
    # Short, since the state of a site holds one for each of its pages.
    return hashlib.blake2b(f"{entry.url}\n{entry.lastmod or ''}".encode(), digest_size=8).hexdigest()
