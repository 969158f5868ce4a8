"""What the feed of a saved search tells of deletions: what has left it, by words too, and what was purged anywhere."""

from collections.abc import Set

from app.articles.filters import ArticleFilter
from app.context import AppContext, RequestContext
from app.http.params.times import format_time
from app.search.saved_searches import queries
from app.search.saved_searches.departures import load_left
from app.search.saved_searches.queries import SearchRow
from app.sync.feeds.departures import MOST_TOLD, DepartureLog
from app.sync.feeds.model import NO_DEPARTURES, Departure, Departures, name_article

_NOTHING = ArticleFilter(ids=())
"""Nothing can leave it, so that of the log only what was purged is told."""


async def find(
    context: AppContext, view: RequestContext, row: SearchRow, present: Set[int], purged: DepartureLog
) -> Departures:
    """The latest MOST_TOLD, without those that are `present`: a document may be a moment ahead of what is matched, or
    behind it."""
    matched = await queries.load_position(context.db)
    if matched.epoch != view.head.epoch:  # of a copy of the archive, for a moment
        return NO_DEPARTURES
    within = None if context.entitlement is None else context.entitlement.filter
    # As of the log itself: what was pruned is told no more.
    span = view.head.pruned_seq, min(matched.public_seq, view.head.public_seq)
    left = await load_left(context.db, row.query_id, span, MOST_TOLD, within)
    told = [
        Departure(name_article(context.addresses, one.id), format_time(one.at)) for one in left if one.id not in present
    ]
    if within is None:
        # Of what was purged no match is kept.
        told += (await purged.find(_NOTHING, view.head, present)).told
    if not told:
        return NO_DEPARTURES
    return _share(context, view, row, sorted(told, key=lambda one: one.when, reverse=True)[:MOST_TOLD])


def _share(context: AppContext, view: RequestContext, row: SearchRow, told: list[Departure]) -> Departures:
    """The object of the document before this one, where it told the same: documents are kept by it."""
    key = ("search departures", row.query_id, context.entitlement is None)
    known = context.memo.get(view.head, key)
    if isinstance(known, Departures) and known.told == told:
        return known
    made = Departures.of(told)
    context.memo.put(view.head, key, made)
    return made
