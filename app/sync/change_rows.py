"""Rows of the change log as the feed reads them, and what a consumer with a filter is told of each. Pure but for the
statement; knows no request.

An event is told where the article matches the filter, or did so until this change. Matching takes in the status, so
that a consumer who may not see drafts is told nothing of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import orjson
from sqlalchemy import ColumnElement, bindparam, literal_column, select, true

from app.articles import filters
from app.articles.store.log_facts import from_log
from app.changes import log
from app.db.database import Database
from app.db.log_position import LogHead, LogPosition
from app.db.sql import AnyOf, Prepared, Value, prepare, read_integer, read_into
from app.models import Change, table

CHANGE = table(Change)

Event = Literal[
    "published", "updated", "corrected", "withdrawn", "trashed", "restored", "purged", "left_filter", "linked",
    "tag_renamed", "region_renamed",
]  # fmt: skip
BATCH = 100
"""Rows that are looked at without giving others their turn: 2 ms."""
EXAMINED = 2_000
"""How many rows one response looks at, 0.04 s; a narrow filter over a long log takes several responses."""
_RENAMES: dict[str, Event] = {
    "tag_renamed": "tag_renamed",
    "region_renamed": "region_renamed",
    log.REGION_FILLED: "region_renamed",
}
_KEPT: dict[str, Event] = {
    event: event
    for event in ("updated", "corrected", "linked", "withdrawn", "published", "trashed", "restored")
}  # fmt: skip
_ENTERS = ("published", "trashed", "restored")
"""Events that keep their name for a consumer whose filter did not match before."""
_LEAVES: dict[str, Event] = {"withdrawn": "withdrawn", "trashed": "trashed"}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A row of the log; `before` and `after` are JSON, None where there was or is nothing."""

    seq: int
    mark: int
    at: int
    entity: str
    entity_id: int
    event: str
    version: int | None
    changed_fields: str
    public: bool
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class VisibleChange:
    """What a consumer learns of one row. `slug` and `previous_slug` are None where they were never its to know; of a
    tag `previous_slug` is shown only where the tag is."""

    row: ChangeRow
    event: Event
    slug: str | None = None
    previous_slug: str | None = None
    changed_fields: tuple[str, ...] = ()
    replaced_by: int | None = None
    """The article that readers are sent to instead of one that is withdrawn."""
    place: LogPosition | None = None
    """Behind this change, where that is not behind its row: see `delayed_changes`."""


class Place(Protocol):
    """Where a consumer stands."""

    @property
    def token(self) -> str:
        """Good for `since`."""


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """What one look found: the changes told, the filter as it was read, whether more is there, and the place behind
    everything examined."""

    told: tuple[VisibleChange, ...]
    filter: filters.ArticleFilter
    more: bool
    place: Place


@dataclass(frozen=True, slots=True)
class ChangeConsumer:
    """Who follows: the filter, and whether rows that the public may not see are for them. A filter that has another one
    `within` is that of a key with an entitlement."""

    filter: filters.ArticleFilter
    drafts: bool = False


def tell(consumer: ChangeConsumer, row: ChangeRow) -> VisibleChange | None:
    """What the consumer is told of a row; None where it is not for them."""
    if not (row.public or consumer.drafts):
        return None
    if row.entity != "article":
        renamed = _RENAMES.get(row.event)
        changed_fields = tuple(orjson.loads(row.changed_fields))
        return VisibleChange(row, renamed, None, _read_slug(row), changed_fields) if renamed else None
    before, after = _facts(row, row.before), _facts(row, row.after)
    event = _event(consumer, row, before, after)
    if event is None and after is not None and consumer.filter.within is None and _is_redirected(before, after):
        # Readers are sent elsewhere from now on. Whoever had the article has it no more, so that it matches no filter.
        return VisibleChange(row, "withdrawn", replaced_by=after.replaced_by)
    if event is None:
        return None
    # The state before a first publication is nobody's business but the editors'.
    known = before if before is not None and (consumer.drafts or before.status == "published") else None
    shown = after or known
    moved = known is not None and after is not None and known.slug != after.slug
    return VisibleChange(
        row,
        event,
        shown.slug if shown else None,
        known.slug if known and moved else None,
        tuple(orjson.loads(row.changed_fields)) if known else (),
        after.replaced_by if after is not None else None,
    )


def _read_slug(row: ChangeRow) -> str | None:
    """The slug that a tag had before this change of it."""
    return None if row.before is None else orjson.loads(row.before).get("slug")


def read_public_slug(row: ChangeRow) -> str | None:
    """The slug of an article that is public behind the row, or was before it."""
    facts = [_facts(row, row.after), _facts(row, row.before)]
    return next((one.slug for one in facts if one is not None and one.status == "published"), None)


def _is_redirected(before: filters.ArticleFacts | None, after: filters.ArticleFacts) -> bool:
    """Whether another article, or none any more, replaces one that was gone before."""
    if before is None or "published" in (before.status, after.status):
        return False
    return before.replaced_by != after.replaced_by


def _facts(row: ChangeRow, kept: str | None) -> filters.ArticleFacts | None:
    return None if kept is None else from_log(row.entity_id, orjson.loads(kept))


def _event(
    consumer: ChangeConsumer, row: ChangeRow, before: filters.ArticleFacts | None, after: filters.ArticleFacts | None
) -> Event | None:
    if row.event == "purged":
        return "purged"  # whatever the filter: the article is to go from every copy, also from old ones
    had = before is not None and filters.matches(consumer.filter, before)
    has = after is not None and filters.matches(consumer.filter, after)
    if had and has and row.event == log.PLACED:
        return None  # its card has nothing of what its regions lie in
    return name_event(row, had=had, has=has)


def name_event(row: ChangeRow, *, had: bool, has: bool) -> Event | None:
    """What a row is called to a consumer who saw the article before it, or sees it after it."""
    if has:
        return _KEPT.get(row.event, "updated") if had or row.event in _ENTERS else "updated"
    if had:
        return _LEAVES.get(row.event, "left_filter")
    return None


async def read(db: Database, head: LogHead, after: int, until: int, limit: int) -> list[ChangeRow]:
    """The rows behind `after` up to `until`, at most `limit`. LogBroken for a hole among them, but where the log is
    pruned: there it is whole with `find_superseded`. PlacePruned where rows behind `after` went after `head` was read,
    or are missing altogether."""
    values: dict[str, Value] = {"after": after, "until": until, "limit": limit}
    rows = read_into(ChangeRow, await db.reader.rows(_statement(db.dialect), values))
    if rows and rows[0].seq > max(after, head.pruned_seq) + 1:
        raise PlacePruned
    try:
        log.check_order(after, (row.seq for row in rows), head.pruned_seq)
    except log.LogBroken:
        [[pruned_seq]] = await db.reader.rows(_pruned_statement(db.dialect), {})
        if read_integer(pruned_seq) != head.pruned_seq:
            raise PlacePruned from None
        raise
    return rows


class PlacePruned(Exception):
    """What follows a place in the log is not kept any more."""


@lru_cache(maxsize=4)
def _pruned_statement(dialect: str) -> Prepared:
    return prepare(select(log.HEAD.c.pruned_seq), dialect)


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    seq = CHANGE.c.seq
    after, until = (bindparam(name, type_=seq.type) for name in ("after", "until"))
    columns = [CHANGE.c[name] for name in ChangeRow.__slots__]
    statement = select(*columns).where(seq > after, seq <= until).order_by(seq).limit(bindparam("limit"))
    return prepare(statement, dialect)


@lru_cache(maxsize=4)
def first_facts_statement(dialect: str, drafts: bool) -> Prepared:
    """The facts before and after, as JSON, of the first row `after` a place that has any."""
    seq, public = CHANGE.c.seq, true() if drafts else CHANGE.c.public.is_(true())
    is_told = CHANGE.c.before.is_not(None) | CHANGE.c.after.is_not(None)
    statement = select(CHANGE.c.before, CHANGE.c.after).where(seq > bindparam("after", type_=seq.type), public, is_told)
    return prepare(statement.order_by(seq).limit(literal_column("1")), dialect)


def drop_superseded(
    consumer: ChangeConsumer, rows: Sequence[ChangeRow], latest: Mapping[int, ChangeRow]
) -> list[ChangeRow]:
    """The rows that a copy needs. `latest` has the latest row that the consumer may see of the article of each row, by
    the row's number, where that is later.

    Where the latest row is told, it says all. Where it is not, the article has left the filter before it: the rows by
    which it left are told, and whatever says that it matched is not.
    """
    told = {row.seq: tell(consumer, row) is not None for row in latest.values()}
    return [
        row
        for row in rows
        if row.seq not in latest or not (told[latest[row.seq].seq] or _has_matching_article(consumer, row))
    ]


def _has_matching_article(consumer: ChangeConsumer, row: ChangeRow) -> bool:
    after = _facts(row, row.after)
    return after is not None and filters.matches(consumer.filter, after)


async def load_latest(
    db: Database, consumer: ChangeConsumer, rows: Sequence[ChangeRow], until: int
) -> dict[int, ChangeRow]:
    """What `drop_superseded` needs for these successive rows, as of the row `until`; in two statements, or four."""
    if not rows:
        return {}
    latest = await load_later(db, consumer, rows, until)
    passed_over = {seq for seq, row in latest.items() if _is_passed_over(consumer, row)}
    if not passed_over:
        return latest
    # The article matches, and the latest row does not say so: one before it does.
    before = await load_later(db, consumer, rows, until, placed=False)
    kept = {seq: row for seq, row in latest.items() if seq not in passed_over}
    return kept | {seq: row for seq, row in before.items() if seq in passed_over}


def _is_passed_over(consumer: ChangeConsumer, row: ChangeRow) -> bool:
    return row.event == log.PLACED and _has_matching_article(consumer, row) and tell(consumer, row) is None


async def load_later(
    db: Database, consumer: ChangeConsumer, rows: Sequence[ChangeRow], until: int, *, placed: bool = True
) -> dict[int, ChangeRow]:
    """The latest row of the article of each row, by the row's number, where that is later."""
    values: dict[str, Value] = {"first": rows[0].seq, "last": rows[-1].seq, "until": until}
    pairs = await db.reader.rows(_latest_numbers(db.dialect, consumer.drafts, placed), values)
    numbers = {read_integer(seq): read_integer(latest) for seq, latest in pairs if latest is not None}
    numbers = {seq: latest for seq, latest in numbers.items() if latest > seq}
    rows_by_seq = {row.seq: row for row in rows}
    missing = sorted({*numbers.values()} - rows_by_seq.keys())
    if missing:
        more = read_into(ChangeRow, await db.reader.rows(_by_numbers(db.dialect), {"seqs": missing}))
        rows_by_seq |= {row.seq: row for row in more}
    return {seq: rows_by_seq[latest] for seq, latest in numbers.items() if latest in rows_by_seq}


async def find_superseded(db: Database, rows: Sequence[ChangeRow], pruned_seq: int) -> set[int]:
    """The rows, by number, that are as good as pruned: a later one up to `pruned_seq` says what has become of their
    article. Some stay for others to look up, and some are deleted a while later; no reader is told of any, so that it
    does not matter when."""
    if not rows or rows[0].seq > pruned_seq:
        return set()
    # As pruning does: what only moves an article's regions says too little to stand for the rows before it.
    values: dict[str, Value] = {"first": rows[0].seq, "last": min(rows[-1].seq, pruned_seq), "until": pruned_seq}
    pairs = await db.reader.rows(_latest_numbers(db.dialect, True, False), values)
    return {
        read_integer(seq) for seq, latest in pairs if latest is not None and read_integer(latest) > read_integer(seq)
    }


@lru_cache(maxsize=8)
def _latest_numbers(dialect: str, drafts: bool, placed: bool) -> Prepared:
    later = CHANGE.alias("later")
    is_article: ColumnElement[str] = literal_column("'article'")  # a value that is bound would hide the index
    first, last, until = (bindparam(name, type_=CHANGE.c.seq.type) for name in ("first", "last", "until"))
    seen = true() if drafts else later.c.public.is_(true())
    of_event = true() if placed else later.c.event != log.PLACED
    same = later.c.entity == is_article, later.c.entity_id == CHANGE.c.entity_id, later.c.seq <= until, seen, of_event
    latest = select(later.c.seq).where(*same).order_by(later.c.seq.desc()).limit(1).correlate(CHANGE).scalar_subquery()
    own = CHANGE.c.seq >= first, CHANGE.c.seq <= last, CHANGE.c.entity == is_article
    return prepare(select(CHANGE.c.seq, latest).where(*own), dialect)


@lru_cache(maxsize=4)
def _by_numbers(dialect: str) -> Prepared:
    columns = [CHANGE.c[name] for name in ChangeRow.__slots__]
    return prepare(select(*columns).where(AnyOf(CHANGE.c.seq, "seqs")), dialect, ["seqs"])


def place(epoch: int, rows: Sequence[ChangeRow]) -> LogPosition:
    """Behind the last of the rows."""
    return LogPosition(epoch, rows[-1].seq, rows[-1].mark)
