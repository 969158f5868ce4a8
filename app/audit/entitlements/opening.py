"""The archive as keys with an entitlement see it: kept for the next request of such a key, as long as nothing moves."""

from collections import OrderedDict
from dataclasses import replace

from app.articles.reading.entitlement.embargo import EmbargoEnds
from app.articles.reading.entitlement.visible_rows import EntitledReader, Entitlement
from app.articles.reading.item_cache import Items
from app.articles.reading.log_memo import LogMemo
from app.audit.entitlements import terms
from app.context import AppContext, RequestContext
from app.errors import EntitlementUnused
from app.search.index import EngineIndex

MOST_OPEN = 64
"""Archives that are kept, of different entitlements."""
ITEM_BYTES = 500_000
"""Memory for items of each of them, an tenth of what is there for the public."""


class OpenedArchives:
    """Implements `context.Entitlements`, for one archive."""

    def __init__(self) -> None:
        self._ends = EmbargoEnds()
        self._opened: OrderedDict[tuple[str, Entitlement], AppContext] = OrderedDict()

    async def open(self, context: AppContext, view: RequestContext) -> tuple[AppContext, RequestContext]:
        if context.settings.public_reads:
            raise EntitlementUnused("This key sees a part of the archive, but this server lets everybody read all.")
        stored = view.caller.entitlement or ""
        asked = terms.decode(stored)
        read = await terms.resolve(context, view, asked)
        delayed_seq = None
        if asked.embargo_hours is not None:
            delayed_seq = await self._ends.find(context.db, view.head, asked.embargo_hours)
        left_out = frozenset(asked.without)
        entitlement = Entitlement(read.filter, left_out, asked.embargo_hours, delayed_seq, read.tags)
        return self._get(context, stored, entitlement), view._replace(delayed_seq=delayed_seq)

    def _get(self, context: AppContext, stored: str, entitlement: Entitlement) -> AppContext:
        key = stored, entitlement
        opened = self._opened.pop(key, None) or narrow(context, entitlement)
        # Of one entitlement the latest alone: an embargo ends for one article after the other.
        for other in [one for one in self._opened if one[0] == stored]:
            del self._opened[other]
        self._opened[key] = opened
        if len(self._opened) > MOST_OPEN:
            self._opened.popitem(last=False)
        return opened


def narrow(context: AppContext, entitlement: Entitlement) -> AppContext:
    """The archive without what an entitlement does not show, with memory of its own."""
    assert isinstance(context.index, EngineIndex)
    db = context.db.with_reader(EntitledReader(context.db.reader, context.db.dialect, entitlement))
    return replace(
        context,
        db=db,
        index=context.index.narrow(db, entitlement),
        cards=context.cards.narrow(db, entitlement.left_out),
        list_search=None,
        items=Items(ITEM_BYTES),
        memo=LogMemo(),
        entitlements=None,
        entitlement=entitlement,
    )
