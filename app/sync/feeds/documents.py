"""From the rows of a feed to its document: entries, what links it to other documents, what has left it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import select

from app.articles.reading.body_cache import EncodedEntry
from app.articles.reading.queries import ListRow
from app.changes import log
from app.context import AppContext
from app.db.sql import Prepared, prepare, read_integer
from app.http.params.times import format_time
from app.sync.feeds import atom, json_feed, pages, rss, search_departures
from app.sync.feeds.departures import DepartureLog
from app.sync.feeds.entries import EntryForm, load_entries
from app.sync.feeds.model import NO_DEPARTURES, Departures, Feed, Frame
from app.sync.feeds.pages import NEWEST, OLDEST, FeedSource
from app.sync.feeds.params import IN_ARCHIVE, UNDATED, Format
from app.text.addresses import Addresses

_URI = "%&=+,:;/?@!$'()*~-._|[]"
_PLACES = ("cursor", "archive")
UNNAMED = "Articles"
"""The title of feeds of a publication that no setting names."""
_NOISE = ("gclid", "fbclid")


class FeedFormat(NamedTuple):
    """How a document of a format is written, and its media type."""

    media_type: str
    make_frame: Callable[[Feed], Frame]


FORMS: Mapping[Format, FeedFormat] = {
    "rss": FeedFormat(rss.MEDIA_TYPE, rss.make_frame),
    "atom": FeedFormat(atom.MEDIA_TYPE, atom.make_frame),
    "json": FeedFormat(json_feed.MEDIA_TYPE, json_feed.make_frame),
}


@dataclass(frozen=True, slots=True)
class FeedName:
    """What a feed is called: `path` in its address, such as `tags/nato`; `label` for people, None for all articles."""

    path: str
    label: str | None = None


ARTICLES = FeedName("articles")


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A document that is written; `links` are addresses by relation, `ids` the articles in it."""

    body: bytes
    links: Mapping[str, str]
    ids: Sequence[int]


@dataclass(slots=True)
class _Links:
    """The addresses of other documents of the same feed."""

    addresses: Addresses
    name: FeedName
    format: Format
    query: bytes
    by_relation: dict[str, str] = field(default_factory=dict)

    def add(self, relation: str, place: str | None = None, *, within: bool = False) -> None:
        """To the document that `place` (`cursor=…`, `archive=…`) leads to, the first one without; `within` the archive
        that this one is in."""
        dropped = _PLACES[:1] if within else _PLACES
        pairs = [pair for pair in _list_pairs(self.query) if _find_name(pair) not in dropped]
        address = self.addresses.feed(self.name.path, self.format, "&".join([*pairs, *([place] if place else [])]))
        self.by_relation[relation] = address

    def add_self(self) -> None:
        address = self.addresses.feed(self.name.path, self.format, "&".join(_list_pairs(self.query)))
        self.by_relation["self"] = address


@lru_cache(maxsize=256)
def _list_pairs(query: bytes) -> Sequence[str]:
    """What a query string says, in ASCII and in the order of its names, which no feed depends on; without what sites
    add to follow their visitors."""
    pairs = sorted(quote(query, safe=_URI).split("&"), key=_find_name)
    kept = (pair for pair in pairs if pair and not pair.startswith("utm_") and _find_name(pair) not in _NOISE)
    return tuple(kept)


def _find_name(pair: str) -> str:
    return pair.partition("=")[0]


async def load_document(
    source: FeedSource, name: FeedName, form: EntryForm, query: bytes, departures: DepartureLog
) -> FeedDocument:
    """The document that the parameters mean, written; `query` as it was sent."""
    params, context, view = source.params, source.context, source.view
    addresses, month = context.addresses_for(view), params.archive
    limit = params.limit if month is None or "limit" in params.given_names else IN_ARCHIVE
    article_filter = source.filter if month is None else pages.cut_to_archive(source.filter, month)
    place = pages.read_place(params, name.path)
    rows = await source.load_rows(article_filter, params.sort, limit + 1, place)
    entries, is_cut = await load_entries(context, view, rows[:limit], form)
    links = _Links(addresses, name, form.format, query)
    links.add_self()
    if params.cursor is not None:
        links.add("first", within=True)
    last = _find_last(rows, entries, limit, is_cut=is_cut)
    if last is not None:
        links.add("next", f"cursor={pages.make_cursor(params, name.path, last)}", within=True)
    if params.sort == NEWEST and month is None and params.cursor is None and last is None and source.search is None:
        _link_known_month(rows, links, pages.format_month(view.now))
    elif params.sort == NEWEST:
        await _link_archive(source, links, month)
    is_first = month is None and params.cursor is None
    if is_first and (hub := context.settings.websub_hub):
        links.by_relation["hub"] = hub
    # RSS has no way to tell of them.
    departed = NO_DEPARTURES
    if is_first and form.format != "rss":
        departed = await _find_departures(source, entries, departures)
    updated = max([departed.updated, *(entry.updated for _, entry in entries)])
    feed = Feed(
        id=addresses.name_thing(f"feed/{name.path}{_identify(source)}"),
        title=_make_title(source, name),
        publisher=context.settings.site_name or None,
        home=addresses.home_page,
        updated=updated or await _find_beginning(context),
        language=source.filter.languages[0] if len(source.filter.languages) == 1 else None,
        links=tuple(links.by_relation.items()),
        is_archive=month is not None,
        departures=departed,
    )
    body = _make_frame(form.format, feed).fill(entry.data for _, entry in entries)
    return FeedDocument(body, links.by_relation, [row.id for row, _ in entries])


@lru_cache(maxsize=64)
def _make_frame(format: Format, feed: Feed) -> Frame:
    """Kept, because it takes as long as all the rest of a document whose entries are in memory."""
    return FORMS[format].make_frame(feed)


def _find_last(
    rows: Sequence[ListRow], entries: Sequence[tuple[ListRow, EncodedEntry]], limit: int, *, is_cut: bool
) -> ListRow | None:
    """The row behind which the next document begins; None where there is none."""
    if is_cut and entries:
        return entries[-1][0]
    return rows[limit - 1] if len(rows) > limit else None


def _identify(source: FeedSource) -> str:
    """What tells feeds with one name apart: their filters and words."""
    pairs = [name for name in source.params.given_names if source.params.declared.specs[name].signs]
    return f"/{source.params.signature}" if pairs else ""


def _make_title(source: FeedSource, name: FeedName) -> str:
    context = source.context
    publication = context.settings.site_name or context.addresses.site_host or UNNAMED
    parts = [publication, name.label, source.params.q if source.search else None]
    return " · ".join(part for part in parts if part)


def _link_known_month(rows: Sequence[ListRow], links: _Links, current: str) -> None:
    """The latest month that has ended, of a feed that is in one document: no query is needed, which for a filter that
    matches next to nothing would look through the whole archive again."""
    start = pages.find_start(current)
    latest = max((row.key for row in rows if isinstance(row.key, int) and row.key < start), default=None)
    previous = None if latest is None else pages.format_month(latest)
    if previous is None and any(row.key is None for row in rows):
        previous = UNDATED
    if previous is not None:
        links.add("prev-archive", f"archive={previous}")


async def _link_archive(source: FeedSource, links: _Links, month: str | None) -> None:
    """Links the months around a document that have articles and have ended: only these stay as they are."""
    current = pages.format_month(source.view.now)
    if month is None:
        previous = await _find_newest_month(source, current)
    else:
        links.add("current")
        previous = None if month == UNDATED else await _find_month_before(source, month)
        later = source.filter if month == UNDATED else pages.cut_after(source.filter, month)
        following = await source.find_month(later, OLDEST)
        if following is not None and following < current:
            links.add("next-archive", f"archive={following}")
    if previous is not None:
        links.add("prev-archive", f"archive={previous}")


async def _find_newest_month(source: FeedSource, current: str) -> str | None:
    """The latest month that has ended. Known for as long as nothing is committed; of a search the index says it."""
    if source.search is not None:
        return await _find_month_before(source, current)
    memo, key = source.context.memo, ("feed month", source.filter, current)
    known = memo.get(source.view.head, key)
    if isinstance(known, str):
        return known or None
    month = await _find_month_before(source, current)
    memo.put(source.view.head, key, month or "")
    return month


async def _find_month_before(source: FeedSource, month: str) -> str | None:
    """The month before, of those that have articles; behind the first one comes what has no date."""
    previous = await source.find_month(pages.cut_before(source.filter, month), NEWEST)
    if previous is not None or not source.filter.takes_undated:
        return previous
    return UNDATED if await source.load_rows(pages.cut_to_archive(source.filter, UNDATED), NEWEST, 1) else None


async def _find_departures(
    source: FeedSource, entries: Sequence[tuple[ListRow, EncodedEntry]], departures: DepartureLog
) -> Departures:
    """Those that the caller may know of. Of a key with an embargo the log does not tell which it has seen."""
    entitlement, article_filter = source.context.entitlement, source.filter
    if entitlement is not None and entitlement.embargo_hours is not None:
        return NO_DEPARTURES
    if entitlement is not None:
        article_filter = replace(article_filter, within=entitlement.filter)
    present = {row.id for row, _ in entries}
    if source.saved is not None:
        return await search_departures.find(source.context, source.view, source.saved, present, departures)
    return await departures.find(article_filter, source.view.head, present)


async def _find_beginning(context: AppContext) -> str:
    """The time of the first change that the log has: since when a feed without articles has been so, at the least."""
    rows = await context.db.reader.rows(_first_statement(context.db.dialect), {})
    return format_time(read_integer(rows[0][0]) if rows else 0)


@lru_cache(maxsize=4)
def _first_statement(dialect: str) -> Prepared:
    public = select(log.CHANGE.c.at).where(log.CHANGE.c.public.is_(True))
    return prepare(public.order_by(log.CHANGE.c.seq).limit(1), dialect)
