"""Reads webhooks, what waits for them, and the log of attempts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import orjson
from sqlalchemy import ColumnElement, Text, bindparam, case, cast, func, literal_column, select, true

from app.articles.bulk.queries import read_position
from app.changes.log import HEAD
from app.db.database import Database
from app.db.leases import LEASE
from app.db.sql import Prepared, Value, clock, prepare, read_integer, read_into
from app.http import paging
from app.http.params.typed import Params
from app.models import SavedSearch, Webhook, WebhookAttempt, WebhookRetry, table
from app.sync.change_rows import CHANGE, ChangeRow
from app.sync.webhooks.backlog import BacklogItem, Key
from app.sync.webhooks.service import LEASE_PREFIX

WEBHOOK, RETRY, ATTEMPT, SEARCH = table(Webhook), table(WebhookRetry), table(WebhookAttempt), table(SavedSearch)
BATCH = 100
"""Rows of one article, tag or region that are looked at at once."""


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook as its row has it; `search` is the slug of the search that it follows. `waiting` counts what is
    tried again later, `due` is when the first of it is.
    `holder` sends for it, until `held_until`; `now` is the database's time."""

    id: int
    name: str
    url: str
    filter: str
    search_id: int | None
    include: str
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_until: int | None
    version: int
    created_at: int
    updated_at: int
    off_reason: str | None
    off_at: int | None
    epoch: int
    seq: int
    failures: int
    pauses: int
    failing_since: int | None
    next_try: int | None
    search: str | None
    waiting: int
    due: int | None
    holder: str | None
    held_until: int | None
    now: int

    @property
    def has_filter(self) -> bool:
        """Whether it follows a filter, not a search that is there or was removed."""
        return self.search_id is None and self.off_reason != "search_removed"

    @property
    def filter_values(self) -> dict[str, object]:
        """The filter as it was sent."""
        values: dict[str, object] = orjson.loads(self.filter)
        return values

    @property
    def include_names(self) -> list[str]:
        names: list[str] = orjson.loads(self.include)
        return names

    def list_secrets(self, now: int) -> list[str]:
        """The secrets that are good at this time by the database's clock, the newest first."""
        is_rotating = self.previous_secret is not None and (self.previous_until or 0) > now
        return [self.secret, self.previous_secret] if is_rotating and self.previous_secret else [self.secret]


_OWN = [column.name for column in WEBHOOK.c]


async def load_all(db: Database, *, on: bool = False) -> list[WebhookRow]:
    """All webhooks by their numbers; `on`: those that are not switched off."""
    return read_into(WebhookRow, await db.reader.rows(_select(db.dialect, on, one=False), {}))


async def find(db: Database, id: int) -> WebhookRow | None:
    return next(
        iter(read_into(WebhookRow, await db.reader.rows(_select(db.dialect, False, one=True), {"id": id}))), None
    )


@lru_cache(maxsize=8)
def _select(dialect: str, on: bool, *, one: bool) -> Prepared:
    of = RETRY.c.webhook_id == WEBHOOK.c.id
    waiting = select(func.count()).select_from(RETRY).where(of).correlate(WEBHOOK).scalar_subquery()
    due = select(func.min(RETRY.c.next_try)).where(of).correlate(WEBHOOK).scalar_subquery()
    name: ColumnElement[str] = literal_column(f"'{LEASE_PREFIX}'", Text) + cast(WEBHOOK.c.id, Text)
    columns = [WEBHOOK.c[column] for column in _OWN]
    statement = (
        select(*columns, SEARCH.c.slug, waiting, due, LEASE.c.holder, LEASE.c.until, clock())
        .select_from(WEBHOOK)
        .outerjoin(SEARCH, SEARCH.c.id == WEBHOOK.c.search_id)
        .outerjoin(LEASE, LEASE.c.name == name)
        .order_by(WEBHOOK.c.id)
    )
    if on:
        statement = statement.where(WEBHOOK.c.off_reason.is_(None))
    if one:
        statement = statement.where(WEBHOOK.c.id == bindparam("id", type_=WEBHOOK.c.id.type))
    return prepare(statement, dialect)


async def count_lags(db: Database) -> dict[int, int]:
    """Rows of the log that each webhook that is on has yet to be told of, or to pass over, by its number."""
    return {read_integer(id): read_integer(lag) for id, lag in await db.reader.rows(_lags(db.dialect), {})}


@lru_cache(maxsize=4)
def _lags(dialect: str) -> Prepared:
    behind = HEAD.c.public_seq - WEBHOOK.c.seq
    lag = case((behind > literal_column("0"), behind), else_=literal_column("0"))
    statement = select(WEBHOOK.c.id, lag).select_from(WEBHOOK).join(HEAD, true())
    return prepare(statement.where(WEBHOOK.c.off_reason.is_(None)).order_by(WEBHOOK.c.id), dialect)


async def has_version(db: Database, id: int, version: int) -> bool:
    """Whether a webhook is as it was read, and switched on: asked before each request."""
    rows = await db.reader.rows(_version(db.dialect), {"id": id})
    return bool(rows) and rows[0] == (version, None)


@lru_cache(maxsize=4)
def _version(dialect: str) -> Prepared:
    statement = select(WEBHOOK.c.version, WEBHOOK.c.off_reason)
    return prepare(statement.where(WEBHOOK.c.id == bindparam("id", type_=WEBHOOK.c.id.type)), dialect)


async def load_retries(db: Database, id: int) -> list[BacklogItem]:
    """What an endpoint did not take, one for each article, tag or region."""
    rows = await db.reader.rows(_retries(db.dialect), {"id": id})
    return [
        BacklogItem((str(entity), read_integer(of)), read_integer(seq), read_integer(tries), read_integer(at), True)
        for entity, of, seq, tries, at in rows
    ]


@lru_cache(maxsize=4)
def _retries(dialect: str) -> Prepared:
    columns = [RETRY.c[name] for name in ("entity", "entity_id", "seq", "attempts", "next_try")]
    own = RETRY.c.webhook_id == bindparam("id", type_=RETRY.c.webhook_id.type)
    return prepare(select(*columns).where(own).order_by(RETRY.c.seq), dialect)


async def find_change(db: Database, seq: int) -> ChangeRow | None:
    """A row of the log as it is now: a purge empties it."""
    return next(iter(read_into(ChangeRow, await db.reader.rows(_change(db.dialect), {"seq": seq}))), None)


@lru_cache(maxsize=4)
def _change(dialect: str) -> Prepared:
    columns = [CHANGE.c[name] for name in ChangeRow.__slots__]
    return prepare(select(*columns).where(CHANGE.c.seq == bindparam("seq", type_=CHANGE.c.seq.type)), dialect)


async def find_change_of(
    db: Database, key: Key, after: int, until: int, is_told: Callable[[ChangeRow], bool]
) -> int | None:
    """The next row of one article, tag or region behind `after` up to `until` that is told."""
    while rows := await _load_changes_of(db, key, after, until, BATCH):
        for row in rows:
            if is_told(row):
                return row.seq
        after = rows[-1].seq
    return None


async def _load_changes_of(db: Database, key: Key, after: int, until: int, limit: int) -> list[ChangeRow]:
    values: dict[str, Value] = {"id": key[1], "after": after, "until": until, "limit": limit}
    # Of articles there is an index; the others are few, and so are their rows.
    return read_into(
        ChangeRow, await db.reader.rows(_changes_of(db.dialect, key[0]), values, bounded=key[0] == "article")
    )


@lru_cache(maxsize=8)
def _changes_of(dialect: str, entity: str) -> Prepared:
    columns, seq = [CHANGE.c[name] for name in ChangeRow.__slots__], CHANGE.c.seq
    after, until = (bindparam(name, type_=seq.type) for name in ("after", "until"))
    of = CHANGE.c.entity == literal_column(f"'{entity}'"), CHANGE.c.entity_id == bindparam("id", type_=seq.type)
    statement = select(*columns).where(*of, seq > after, seq <= until, CHANGE.c.public.is_(True))
    return prepare(statement.order_by(seq).limit(bindparam("limit")), dialect)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt as its row has it."""

    id: int
    at: int
    message: str
    type: str
    entity: str | None
    entity_id: int | None
    number: int
    status: int | None
    error: str | None
    ms: int
    next_try: int | None


async def page_attempts(
    db: Database, webhook: int, params: Params, limit: int, cursor: str | None, *, failed: bool
) -> tuple[list[AttemptRow], paging.PageInfo]:
    """The newest first; `failed`: only those that did not succeed."""
    signature = f"attempts {webhook} {params.signature}"
    before = read_position(cursor, signature, 2**63 - 1)
    values: dict[str, Value] = {"webhook": webhook, "before": before, "limit": limit + 1}
    rows = await db.reader.rows(_attempts(db.dialect, failed), values, bounded=not failed)
    attempts = read_into(AttemptRow, rows[:limit])
    following = paging.encode(paging.Cursor("after", id=attempts[-1].id), signature) if len(rows) > limit else None
    return attempts, paging.PageInfo(limit, next=following)


@lru_cache(maxsize=4)
def _attempts(dialect: str, failed: bool) -> Prepared:
    columns = [ATTEMPT.c[name] for name in AttemptRow.__slots__]
    own = ATTEMPT.c.webhook_id == bindparam("webhook", type_=ATTEMPT.c.id.type)
    statement = select(*columns).where(own, ATTEMPT.c.id < bindparam("before", type_=ATTEMPT.c.id.type))
    if failed:
        statement = statement.where(ATTEMPT.c.error.is_not(None))
    return prepare(statement.order_by(ATTEMPT.c.id.desc()).limit(bindparam("limit")), dialect)
