"""Which changes a webhook is told of, and what it is told: the one place that decides both, of a saved search with
`search_selection`. What `/v1/changes` tells a client without a key of the same filter or search.

A filter is kept by the names that it was given, and read anew whenever something is committed: so it follows renames
and merges as lists do. While one of its tags is being merged, nothing is told: in the middle of it some articles have
the one tag and some the other, and the filter would seem to lose those that have moved.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, get_args

import orjson
from sqlalchemy import literal_column, select

from app.articles.input import filter_payload
from app.articles.reading import filter_params
from app.articles.reading.filter_params import FilterParams
from app.articles.reading.filter_warnings import Warning
from app.articles.render import article_json
from app.context import AppContext, RequestContext
from app.db.log_position import LogPosition
from app.db.sql import Prepared, prepare
from app.http import auth
from app.models import Job, table
from app.search.saved_searches import queries as searches
from app.sync import change_reader, change_rows, render, search_changes
from app.sync.change_reader import ChangeFilter, ChangeParts
from app.sync.change_rows import ChangeBatch, ChangeConsumer, Place, VisibleChange
from app.sync.webhooks import queries
from app.sync.webhooks.backlog import Key, LogPart
from app.sync.webhooks.queries import WebhookRow
from app.sync.webhooks.search_selection import SearchSelection
from app.tags import merges

JOB = table(Job)
INCLUDES = article_json.INCLUDES
_RENAMES = {"tag_renamed": "tag.renamed", "region_renamed": "region.renamed"}
TYPES = tuple(sorted({_RENAMES.get(event, f"article.{event}") for event in get_args(change_rows.Event)}))
"""Types of messages by the event of the change. Those of the bin are for keys that may read drafts, so never sent."""


class WebhookFilter(FilterParams):
    """What the filter of a webhook may name: what lists without a key filter by."""


class DeliveryParams(ChangeFilter, ChangeParts):
    """The same, with how changes are shown."""


def read_filter(values: Mapping[str, object], now: int) -> WebhookFilter:
    """InvalidInput with pointers into `/filter` for what cannot be read, and for times that move with the clock."""
    with filter_payload.point_into_body():
        params = WebhookFilter.parse(filter_payload.encode_query(values), now)
        change_reader.refuse_relative(params)
    return params


async def check(context: AppContext, values: Mapping[str, object], now: int) -> None:
    """InvalidInput with pointers for regions and years that do not exist."""
    with filter_payload.point_into_body():
        await change_reader.resolve(context, await context.view_as(auth.PUBLIC, now), read_params(values, (), now))


def read_params(values: Mapping[str, object], include: Sequence[str], now: int) -> DeliveryParams:
    """What was checked when it was stored, as the change feed takes it, with the article's card."""
    return DeliveryParams.parse(filter_payload.encode_query({**values, "include": ["article", *include]}), now)


async def list_warnings(context: AppContext, webhook: WebhookRow) -> list[Warning]:
    """What the filter says of itself now: names that are not there, or lead elsewhere, as lists say it to clients
    without a key; and merges that are under way. Of a search nothing: that is shown with the search itself."""
    if not webhook.has_filter:
        return []
    values = webhook.filter_values
    now = int(time.time())
    view = await context.view_as(auth.PUBLIC, now)
    params = WebhookFilter.parse(filter_payload.encode_query(values), now)
    resolved = await filter_params.resolve(context, view, params)
    tag_ids = _list_tags(await change_reader.resolve(context, view, read_params(values, (), now)))
    merging = [job for job, ids in (await _list_merges(context)).items() if tag_ids & ids]
    return resolved.warnings + [
        {
            "code": "merge_in_progress",
            "parameter": "tag",
            "detail": f"A tag is being merged (/v1/jobs/{job}); what is due is sent when that is done.",
        }
        for job in merging
    ]


class Selection(Protocol):
    """What a webhook is told of, up to the public head of `view`."""

    @property
    def view(self) -> RequestContext: ...

    async def read(self, after: int, article: int | None, limit: int) -> LogPart:
        """Looks at the next `limit` rows behind a place: row `after`, or `article` within it. PlacePruned where they
        are not kept any more."""
        ...

    async def find(self, key: Key, seq: int) -> VisibleChange | None:
        """What the webhook is told of a change that was met; None where it is not for it."""
        ...

    async def find_later(self, key: Key, after: int, until: int) -> int | None:
        """The row of the next change of an article, tag or region, among those that were read."""
        ...

    def name_place(self, told: VisibleChange) -> Place:
        """The place behind a change."""
        ...

    async def render(self, told: VisibleChange) -> bytes:
        """The change as JSON, with the card of its article as of now."""
        ...


@dataclass(slots=True)
class FilterSelection:
    """A webhook's part of the log up to the public head of `view`, and how it is shown."""

    context: AppContext
    params: DeliveryParams
    view: RequestContext
    consumer: ChangeConsumer
    drafts: bool = field(default=False, init=False)

    def name_place(self, told: VisibleChange) -> LogPosition:
        """The place behind a change."""
        return change_rows.place(self.view.head.epoch, [told.row])

    def stand_behind(self, told: VisibleChange) -> LogPosition:
        """The same: of one change, all fits."""
        return self.name_place(told)

    def has_card(self, told: VisibleChange) -> bool:
        """Whether its article may be shown, where it matches."""
        return True

    async def read(self, after: int, article: int | None, limit: int) -> LogPart:
        """See Selection. A row is one change, so that none is ever read in part."""
        head = self.view.head
        rows = await change_rows.read(self.context.db, head, after, head.public_seq, limit)
        superseded = await change_rows.find_superseded(self.context.db, rows, head.pruned_seq)
        told = [
            ((row.entity, row.entity_id), row.seq)
            for row in rows
            if row.seq not in superseded and change_rows.tell(self.consumer, row)
        ]
        purged = [(row.entity, row.entity_id) for row in rows if row.event == "purged"]
        return LogPart(told, purged, rows[-1].seq if rows else after, None, more=len(rows) == limit)

    async def find(self, key: Key, seq: int) -> VisibleChange | None:
        """See Selection."""
        row = await queries.find_change(self.context.db, seq)
        # What waits may be of a search that was followed before, whose changes stand at rows about something else.
        if row is None or (row.entity, row.entity_id) != key:
            return None
        return change_rows.tell(self.consumer, row)

    async def find_later(self, key: Key, after: int, until: int) -> int | None:
        """See Selection."""
        return await queries.find_change_of(
            self.context.db, key, after, until, lambda row: change_rows.tell(self.consumer, row) is not None
        )

    async def render(self, told: VisibleChange) -> bytes:
        """See Selection."""
        batch = ChangeBatch((told,), self.consumer.filter, False, self.name_place(told))
        [rendered], _ = await render.render_changes(self, batch)
        return rendered


async def load(context: AppContext, webhook: WebhookRow) -> Selection | None:
    """As of now; None while one of the filter's tags is being merged, or where the search was removed just now."""
    if webhook.search_id is not None:
        return await _load_search(context, webhook.search_id, webhook.include_names)
    return await _load_filter(context, webhook)


async def _load_search(context: AppContext, id: int, include: Sequence[str]) -> SearchSelection | None:
    now = int(time.time())
    # The place first: what moves while this is read stands behind it.
    matched = await searches.load_position(context.db)
    view = await context.view_as(auth.PUBLIC, now)
    search = await searches.load(context.db, id)
    if search is None:
        return None
    return SearchSelection(context, read_params({}, include, now), view, search, search_changes.find_end(matched, view))


async def _load_filter(context: AppContext, webhook: WebhookRow) -> FilterSelection | None:
    now = int(time.time())
    params = read_params(webhook.filter_values, webhook.include_names, now)
    until = await context.view_as(auth.PUBLIC, now)
    merging = await _list_merges(context) if any(filter_params.list_tag_refs(params).values()) else {}
    # Read again behind the merges: of one that has begun before `until` and is done by now the filter then knows, and
    # what one moves that begins later is behind `until`.
    view = await context.view_as(auth.PUBLIC, now)
    article_filter = await change_reader.resolve(context, view, params)
    tags = _list_tags(article_filter)
    if any(tags & ids for ids in merging.values()):
        return None
    return FilterSelection(context, params, view._replace(head=until.head), ChangeConsumer(article_filter))


def _list_tags(article_filter: object) -> set[int]:
    names = ("authors", "sections", "tags", "tags_all", "tags_not")
    return {id for name in names for id in getattr(article_filter, name)}


async def _list_merges(context: AppContext) -> dict[int, set[int]]:
    """The two tags of each merge that is not done yet, by the number of its job."""
    rows = await context.db.reader.rows(_merges(context.db.dialect), {})
    arguments = ((int(str(id)), orjson.loads(str(text))) for id, text in rows)
    return {id: {said["source"], said["target"]} for id, said in arguments}


@lru_cache(maxsize=4)
def _merges(dialect: str) -> Prepared:
    unfinished = JOB.c.state.in_([literal_column("'waiting'"), literal_column("'running'")])  # as the index has it
    statement = select(JOB.c.id, JOB.c.arguments).where(unfinished, JOB.c.kind == literal_column(f"'{merges.KIND}'"))
    return prepare(statement, dialect)


def name_type(told: VisibleChange) -> str:
    """The `type` of a message, in parts with full stops as Standard Webhooks asks for."""
    return _RENAMES.get(told.event, f"article.{told.event}")
