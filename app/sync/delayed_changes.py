"""What a key with an embargo is told of the log: what becomes public some hours late, everything else at once.

Such a consumer stands at two places. Behind the first, each row is looked at as soon as it is there: by it the articles
that the key sees have changed, or have left. Behind the second, `delayed_seq`, are the rows whose embargo is not over:
when it is, the articles that became public by them are told of, if they are still to be seen. Neither place ever goes
back, and both are in the token, so that nothing is kept of any key. Where the log is pruned, the row by which an
article became public last is there for the second, also behind later ones.

A change says that an article is there where it is so *now*: then it does not matter in which order the two places come
by, and whoever does as the changes say has in the end what the list has.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, literal_column, select

from app.articles import filters
from app.articles.filters import ArticleFacts
from app.articles.reading import queries
from app.articles.reading.entitlement.embargo import HOUR
from app.articles.reading.entitlement.visible_rows import is_entry
from app.articles.store.log_facts import from_log
from app.db.sql import AnyOf, Prepared, Value, prepare, read_integer
from app.sync import change_rows
from app.sync.change_rows import BATCH, CHANGE, EXAMINED, ChangeBatch, ChangeConsumer, ChangeRow, VisibleChange

if TYPE_CHECKING:
    from app.sync.change_reader import ChangeReader

SLACK = 10
"""Seconds. A row is dated before its commit, and an embargo may end in between: an article that is withdrawn in the
last seconds of its embargo is told as withdrawn, lest it stay in a copy that got it in just these."""


@dataclass(slots=True)
class DelayedLook:
    """One look along the log, from both places of the reader on."""

    reader: "ChangeReader"
    consumer: ChangeConsumer
    limit: int
    room: int = EXAMINED
    told: list[VisibleChange] = field(default_factory=list)

    async def run(self) -> ChangeBatch:
        """To the next `limit` changes, or the ends."""
        await _tell_entries(self)
        if not self.is_full():
            await _tell_changes(self)
        place, view = self.reader.place, self.reader.view
        more = place.seq < view.head.public_seq or (place.delayed_seq or 0) < (view.delayed_seq or 0)
        return ChangeBatch(tuple(self.told), self.consumer.filter, more, place)

    def is_full(self) -> bool:
        return len(self.told) >= self.limit or self.room <= 0

    async def find_visible(self, rows: Sequence[ChangeRow]) -> set[int]:
        """Those of the articles that the key sees now, and the filter means."""
        ids = tuple(sorted({row.entity_id for row in rows if row.entity == "article"}))
        if not ids:
            return set()
        matching = replace(self.consumer.filter, ids=ids)
        list_rows = await queries.load_page(self.reader.context.db, matching, "-published_at", len(ids))
        return {row.id for row in list_rows}

    async def read(self, after: int, until: int) -> list[ChangeRow]:
        rows = await self.reader.read_rows(after, until, min(BATCH, self.room))
        self.room -= len(rows)
        return rows


async def _tell_entries(one: DelayedLook) -> None:
    """What became public so long ago that the embargo is over."""
    reader, until = one.reader, one.reader.view.delayed_seq or 0
    while (delayed := reader.place.delayed_seq or 0) < until and not one.is_full():
        rows = await one.read(delayed, until)
        visible = await one.find_visible([row for row in rows if _enters(row)])
        for row in rows:
            reader.place = replace(reader.place, delayed_seq=row.seq)
            if _enters(row) and row.entity_id in visible:
                facts = _read_facts(row, row.after)
                one.told.append(VisibleChange(row, "published", facts.slug if facts else None, place=reader.place))
                if len(one.told) == one.limit:
                    return
        await asyncio.sleep(0)


def _enters(row: ChangeRow) -> bool:
    if row.entity != "article" or row.after is None:
        return False
    before, after = _read_facts(row, row.before), _read_facts(row, row.after)
    return after is not None and after.status == "published" and (before is None or before.status != "published")


async def _tell_changes(one: DelayedLook) -> None:
    """What has changed of what the key sees, and what has left."""
    reader, until = one.reader, one.reader.view.head.public_seq
    while reader.place.seq < until and not one.is_full():
        rows = await one.read(reader.place.seq, until)
        visible = await one.find_visible(rows)
        embargoed = await _find_embargoed(reader, rows)
        hidden = await reader.find_hidden(rows)
        superseded = await _find_superseded(one, rows, until) if reader.params.compact else set()
        for row in rows:
            behind = reader.view.head.place_behind(row.seq, row.mark)
            reader.place = replace(reader.place, seq=behind.seq, mark=behind.mark)
            if row.seq in hidden or not row.public:
                continue
            is_visible = row.entity_id in visible
            if row.entity != "article" or row.event == "purged":
                shown = change_rows.tell(one.consumer, row)
            elif is_visible and row.seq in superseded:
                shown = None
            else:
                shown = _tell_article(one.consumer, row, is_visible=is_visible, was_embargoed=row.seq in embargoed)
            if shown is not None:
                one.told.append(replace(shown, place=reader.place))
                if len(one.told) == one.limit:
                    return
        await asyncio.sleep(0)


def _tell_article(
    consumer: ChangeConsumer, row: ChangeRow, *, is_visible: bool, was_embargoed: bool
) -> VisibleChange | None:
    before, after = _read_facts(row, row.before), _read_facts(row, row.after)
    was_visible = before is not None and not was_embargoed and filters.matches(consumer.filter, before)
    event = change_rows.name_event(row, had=was_visible, has=is_visible)
    if event is None:
        return None
    known = before if was_visible else None
    shown = (after if is_visible else None) or known
    moved = is_visible and known is not None and after is not None and known.slug != after.slug
    return VisibleChange(
        row,
        event,
        shown.slug if shown else None,
        known.slug if known and moved else None,
        tuple(orjson.loads(row.changed_fields)) if known else (),
        after.replaced_by if after is not None and not is_visible else None,
    )


def _read_facts(row: ChangeRow, kept: str | None) -> ArticleFacts | None:
    return None if kept is None else from_log(row.entity_id, orjson.loads(kept))


async def _find_embargoed(reader: "ChangeReader", rows: Sequence[ChangeRow]) -> set[int]:
    """The rows, by number, whose article was still under its embargo when they were written."""
    entitlement = reader.context.entitlement
    hours = entitlement.embargo_hours if entitlement is not None else None
    assert hours is not None, "only an embargo delays anything"
    values: dict[str, Value] = {"seqs": [row.seq for row in rows], "seconds": hours * HOUR - SLACK}
    seqs = await reader.context.db.reader.rows(_embargoed_statement(reader.context.db.dialect), values, bounded=False)
    return {read_integer(seq) for (seq,) in seqs}


@lru_cache(maxsize=4)
def _embargoed_statement(dialect: str) -> Prepared:
    entry = CHANGE.alias("entry")
    is_article = literal_column("'article'", CHANGE.c.entity.type)  # a value that is bound would hide the index
    younger = entry.c.at > CHANGE.c.at - bindparam("seconds", type_=CHANGE.c.at.type)
    same = entry.c.entity == is_article, entry.c.entity_id == CHANGE.c.entity_id, entry.c.seq < CHANGE.c.seq
    entered = select(entry.c.seq).where(*same, is_entry(entry), younger).correlate(CHANGE).exists()
    statement = select(CHANGE.c.seq).where(AnyOf(CHANGE.c.seq, "seqs"), CHANGE.c.entity == is_article, entered)
    return prepare(statement, dialect, ["seqs"])


async def _find_superseded(one: DelayedLook, rows: Sequence[ChangeRow], until: int) -> set[int]:
    """The rows of articles that later rows tell of."""
    latest = await change_rows.load_later(one.reader.context.db, one.consumer, rows, until)
    return set(latest)
