"""Which changes a webhook is told of that follows a saved search, and what it is told: what `/v1/changes?search=` tells
a client without a key.

Of each article there is one row, its latest change, which moves on with the article. So what is told of an item is that
row as it is when it is sent; where it stands further on by then, the item is passed over, since it is met there.
"""

from dataclasses import dataclass, field

from app.articles.filters import ArticleFilter
from app.context import AppContext, RequestContext
from app.db.log_position import LogPosition
from app.search.saved_searches import changes
from app.search.saved_searches.changes import SearchChange
from app.search.saved_searches.queries import SearchPlace, SearchRow
from app.sync import change_rows, render, search_changes
from app.sync.change_reader import ChangeParts
from app.sync.change_rows import ChangeBatch, ChangeConsumer, ChangeRow, VisibleChange
from app.sync.webhooks import queries
from app.sync.webhooks.backlog import Key, LogPart

_EVERYTHING = ChangeConsumer(ArticleFilter())


@dataclass(slots=True)
class SearchSelection:
    """The changes of a search up to `end`, as far as they are matched, and how they are shown."""

    context: AppContext
    params: ChangeParts
    view: RequestContext
    search: SearchRow
    end: LogPosition
    drafts: bool = field(default=False, init=False)

    def name_place(self, told: VisibleChange) -> SearchPlace:
        """The place behind a change. It names the message too, which keeps its name when the log is pruned."""
        behind = change_rows.place(self.view.head.epoch, [told.row])
        return search_changes.name_place(behind, self.search.mark, told)

    def stand_behind(self, told: VisibleChange) -> SearchPlace:
        """The same: of one change, all fits."""
        return self.name_place(told)

    def has_card(self, told: VisibleChange) -> bool:
        """Of what has left, nothing is shown, also where it is public."""
        return told.event != "left_filter"

    async def read(self, after: int, article: int | None, limit: int) -> LogPart:
        """The next changes. PlacePruned where what follows is not kept any more."""
        db = self.context.db
        await change_rows.read(db, self.view.head, after, self.end.seq, 1)
        rows = await changes.load_changes(db, self.search.query_id, (after, article), self.end.seq, limit)
        told = [(key, row.seq) for row in rows if (key := _name_key(row)) is not None]
        purged = [key for row in rows if row.article is None and (key := _name_key(row)) and key[0] == "article"]
        if len(rows) == limit:
            return LogPart(told, purged, rows[-1].seq, rows[-1].article or 0, more=True)
        return LogPart(told, purged, max(after, self.end.seq), None, more=False)

    async def find(self, key: Key, seq: int) -> VisibleChange | None:
        """What is told of a change that was met; None where there is nothing, or it is told further on."""
        change = await self._find_match(key)
        if change is None:
            row = await queries.find_change(self.context.db, seq)
            is_its_own = row is not None and (row.entity, row.entity_id) == key
            return _tell_all(row) if row is not None and is_its_own else None
        if change.seq > seq or _is_emptied(change):
            return None
        return search_changes.tell(change, await search_changes.load_shown(self.context, [change]))

    async def _find_match(self, key: Key) -> SearchChange | None:
        if key[0] != "article":
            return None
        return await changes.find_change(self.context.db, self.search.query_id, key[1])

    async def find_later(self, key: Key, after: int, until: int) -> int | None:
        """The row of the next change of an article, tag or region."""
        change = await self._find_match(key)
        if change is not None and after < change.seq <= until:
            return change.seq
        return await queries.find_change_of(self.context.db, key, after, until, lambda row: _tell_all(row) is not None)

    async def render(self, told: VisibleChange) -> bytes:
        """The change as JSON, with the card of its article as of now."""
        batch = ChangeBatch((told,), ArticleFilter(), False, self.name_place(told))
        [rendered], _ = await render.render_changes(self, batch)
        return rendered


def _name_key(change: SearchChange) -> Key | None:
    """What a change is about; None where nothing is told of it."""
    if change.article is not None:
        return "article", change.article
    row = None if change.logged is None else ChangeRow(*change.logged)  # type: ignore[arg-type] # as it was selected
    return None if row is None or _tell_all(row) is None else (row.entity, row.entity_id)


def _tell_all(row: ChangeRow) -> VisibleChange | None:
    """What is told of a row whatever is followed."""
    if row.entity == "article" and row.event != "purged":
        return None
    return change_rows.tell(_EVERYTHING, row)


def _is_emptied(change: SearchChange) -> bool:
    """Whether the article was purged, which is told further on."""
    row = ChangeRow(*change.logged) if change.is_own and change.logged else None  # type: ignore[arg-type] # as selected
    return row is not None and row.before is None and row.after is None
