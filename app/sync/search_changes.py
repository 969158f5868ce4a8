"""The changes of a saved search, as one client follows them: in place of a filter, what is known to match."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

from sqlalchemy import literal_column, select
from starlette.requests import Request

from app.articles.filters import ArticleFilter
from app.context import AppContext, RequestContext
from app.db.log_position import LogPosition
from app.db.sql import AnyOf, Prepared, prepare, read_integer
from app.errors import FieldError, FilterChanged, InvalidInput, NotFound
from app.http import auth
from app.models import Article, table
from app.search.saved_searches import changes, queries
from app.search.saved_searches.changes import SearchChange
from app.search.saved_searches.matches import MatchPosition
from app.search.saved_searches.queries import SearchPlace, SearchRow, parse_place
from app.sync import change_reader, change_rows
from app.sync.change_reader import ChangeFilter, ChangeReader, FollowParams
from app.sync.change_rows import ChangeBatch, ChangeConsumer, ChangeRow, VisibleChange
from app.sync.watch import LogWatch

A = table(Article)
_EVERYTHING = ChangeConsumer(ArticleFilter())
MATCHED_LOOK_UP = 30
"""As LOOK_UP, of the shorter ticks of what is matched."""
_LEAVES = ("withdrawn", "trashed", "purged")


@dataclass(slots=True)
class SearchChangeReader(ChangeReader):
    """A consumer on its way along the changes of a search. `article`: behind which within the row of its place; None
    behind all of it."""

    search: SearchRow
    article: int | None = None

    @property
    def drafts(self) -> bool:
        """No draft matches, whoever asks."""
        return False

    async def look(self, limit: int) -> ChangeBatch:
        """Goes on to the next `limit` changes, or as far as is matched."""
        until = find_end(await queries.load_position(self.context.db), self.view)
        after = self.place.seq, self.article
        rows = await changes.load_changes(self.context.db, self.search.query_id, after, until.seq, limit)
        shown = await load_shown(self.context, rows)
        told = tuple(one for row in rows if (one := tell(row, shown)) is not None)
        more = len(rows) == limit
        if more:
            last = rows[-1]
            mark = 0 if last.logged is None else read_integer(last.logged[1])
            self.place, self.article = self.view.head.place_behind(last.seq, mark), last.article or 0
        elif until.seq >= self.place.seq:
            self.place, self.article = until, None
        place = SearchPlace(self.place, self.search.mark, self.article)
        return ChangeBatch(told, ArticleFilter(), more, place)

    def name_place(self, told: VisibleChange) -> SearchPlace:
        """The place behind a change."""
        return name_place(self.view.head.place_behind(told.row.seq, told.row.mark), self.search.mark, told)

    def stand_behind(self, told: VisibleChange) -> SearchPlace:
        """Goes back to the place behind a change that was told."""
        place = self.name_place(told)
        self.place, self.article = place.position, place.article
        return place

    def has_card(self, told: VisibleChange) -> bool:
        """Of what has left, nothing is shown, also where it is public."""
        return told.event != "left_filter"

    async def news(self, watch: LogWatch, deadline: float) -> bool:
        """See ChangeReader. What is committed is news when it is matched: how far that has come is looked at again and
        again, whoever matches and whenever it was committed, and never concluded from the head."""
        ticks = 0
        while time.monotonic() < deadline and not watch.ending():
            matched = await watch.tick_matched()
            ticks += 1
            # The archive may be another copy long before that is matched.
            is_due = ticks % MATCHED_LOOK_UP == 0
            epoch = (await watch.tick()).epoch if is_due else self.place.epoch
            if epoch != self.place.epoch or (matched.epoch == epoch and matched.public_seq > self.place.seq):
                await self.renew()
                return True
            if is_due and await self.request.is_disconnected():
                return False
        return False

    async def renew(self) -> None:
        """See ChangeReader. NotFound where the search was removed or made private, FilterChanged where it asks
        something else."""
        self.view = await self.context.view(self.request)
        change_reader.check_place(self.request, self.view.head, self.place)
        row = await _find(self.context, self.view, self.search.slug)
        if row.mark != self.search.mark:
            raise _refuse_place(row)

    async def list_warnings(self) -> list[dict[str, str | None]]:
        """None: what a search names is shown with the search itself."""
        return []


async def begin(
    request: Request, context: AppContext, view: RequestContext, params: FollowParams, since: str
) -> ChangeReader:
    """A reader of the search that is named, or else of the filter; every way in which it may fail fails here."""
    if params.search is None:
        return await change_reader.begin(request, context, view, params, since)
    _refuse_filters(params)
    _refuse_entitlement(context)
    row = await _find(context, view, params.search)
    place, article = await _find_place(request, context, view, params, since, row)
    return SearchChangeReader(context, request, params, view, place, row, article)


async def _find(context: AppContext, view: RequestContext, slug: str) -> SearchRow:
    row = await queries.find(context.db, view.caller, slug)
    if row is None:
        raise NotFound()
    return row


def _refuse_filters(params: FollowParams) -> None:
    wrong = sorted((params.given_names & ChangeFilter.declared.specs.keys()) - {"tz"})
    if wrong:
        detail = "A saved search has filters of its own; save another one with these."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in wrong))


def _refuse_entitlement(context: AppContext) -> None:
    """What matches a search is known of the whole archive, not of the part that such a key sees."""
    if context.entitlement is not None:
        detail = "A key that sees a part of the archive follows filters; its searches are lists and feeds."
        raise InvalidInput(FieldError("invalid_value", detail, "search"))


async def _find_place(
    request: Request, context: AppContext, view: RequestContext, params: FollowParams, since: str, row: SearchRow
) -> tuple[LogPosition, int | None]:
    """Where to go on; FilterChanged for a place from before what the search asks now was matched."""
    own = parse_place(since)
    if own is not None and own[0] != row.mark:
        raise _refuse_place(row)
    as_public = view._replace(caller=auth.PUBLIC)
    place = await change_reader.find_place(context, as_public, request, since, params.tz)
    if own is None and 0 < place.seq <= row.base_seq and since != "now":
        raise _refuse_place(row)
    return place, None if own is None else own[1]


def _refuse_place(row: SearchRow) -> FilterChanged:
    detail = "This search was saved, or changed what it asks, after that place."
    wrong = FieldError(FilterChanged.code, detail, "since")
    return FilterChanged(f"{detail} Start again from /v1/searches/{row.slug}, or with since=0.", errors=[wrong])


def find_end(matched: MatchPosition, view: RequestContext) -> LogPosition:
    """The last row that is matched, as far as this request knows of the log."""
    head = view.head.public_position
    if matched.epoch != head.epoch:  # of a copy of the archive, for a moment
        return LogPosition(head.epoch, 0, 0)
    return min(head, matched.public_position, key=lambda place: place.seq)


Shown = dict[int, tuple[str, int]]
"""Slug and version of published articles."""


def name_place(behind: LogPosition, mark: str, told: VisibleChange) -> SearchPlace:
    """The place behind a change of a question, which has that mark; `behind` its row."""
    row = told.row
    is_own = row.entity == "article" and row.event != "purged"
    return SearchPlace(behind, mark, row.entity_id if is_own else 0)


async def load_shown(context: AppContext, rows: Sequence[SearchChange]) -> Shown:
    """What `tell` needs of articles that match since a row of the log which is about something else."""
    ids = sorted({row.article for row in rows if row.article is not None and row.matched and not row.is_own})
    if not ids:
        return {}
    rows_found = await context.db.reader.rows(_shown_statement(context.db.dialect), {"ids": ids})
    return {read_integer(id): (str(slug), read_integer(version)) for id, slug, version in rows_found}


@lru_cache(maxsize=4)
def _shown_statement(dialect: str) -> Prepared:
    is_public = A.c.status == literal_column("'published'")
    return prepare(select(A.c.id, A.c.slug, A.c.version).where(AnyOf(A.c.id, "ids"), is_public), dialect, ["ids"])


def tell(change: SearchChange, shown: Shown) -> VisibleChange | None:
    """What is told of a row: where an article matches, what has happened to it, else how it has left."""
    logged = None if change.logged is None else ChangeRow(*change.logged)  # type: ignore[arg-type] # as it was selected
    if change.article is None:
        return None if logged is None else change_rows.tell(_EVERYTHING, logged)
    if logged is None or not change.is_own:
        return _tell_of_other_row(change, logged, shown)
    told = change_rows.tell(_EVERYTHING, logged)
    if told is None:
        told = VisibleChange(logged, "updated", change_rows.read_public_slug(logged))
    if change.matched:
        return told
    return told if told.event in _LEAVES else replace(told, event="left_filter")


def _tell_of_other_row(change: SearchChange, logged: ChangeRow | None, shown: Shown) -> VisibleChange:
    """Of an article whose match began or ended with a row that is about something else."""
    article = cast("int", change.article)
    slug, version = shown.get(article, (None, None))
    at, mark = (0, 0) if logged is None else (logged.at, logged.mark)
    row = ChangeRow(change.seq, mark, at, "article", article, "updated", version, "[]", True, None, None)
    return VisibleChange(row, "updated" if change.matched else "left_filter", slug)
