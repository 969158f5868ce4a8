"""Imports that arrive line by line: reads, saves in batches, and says of each line what became of it.

A bad line never fails the others. What was not
answered for was not saved, unless the client went while its answer was on the way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import orjson
from sqlalchemy import select
from sqlmodel import Session

from app.actor import act_as, acting_within
from app.articles.service import Saved
from app.bulk import records
from app.context import AppContext
from app.db.log_position import LogHead
from app.db.sql import AnyOf, Prepared, read_integer
from app.db.sql import prepare as prepare_statement
from app.enrich.tags import TagLexicon
from app.errors import DatabaseUnavailable
from app.importers import batches, boundary
from app.importers.document import Context, Document, Failure
from app.importers.enrichment import enrich
from app.importers.formats import ndjson
from app.importers.prepare import SENT, prepare
from app.importers.prepare import Prepared as Ready
from app.models import Article, table
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.tags import lexicon as tags

A = table(Article)
Json = dict[str, object]
Line = tuple[int, bytes]

MOST_NOTES = 50
"""That the summary counts; each line has its own."""

Slugs = dict[int, tuple[str, bool]]
"""By id, and whether the article is public."""


@dataclass(slots=True)
class Arriving:
    """One import on its way: what it counts, and where the log stands with it. `by` is what the key of its sender is
    called, `record` the number of its record once a batch is saved. `drafts`: whoever sends it may read them, so copies
    of drafts are told too, and articles that are not public may be updated."""

    here: AppContext
    head: LogHead
    drafts: bool
    origin: str | None
    context: Context
    dry_run: bool
    overwrite: bool = False
    by: str | None = None
    record: int | None = None
    read: int = 0
    notes: dict[str, tuple[int, int]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    async def take(self, lines: Sequence[Line]) -> list[bytes]:
        """One transaction for all of these lines; a result for each, in order."""
        atlas = await regions.current(self.here.db, self.head.epoch, self.head.names_seq)
        read = await asyncio.to_thread(self._prepared, lines, atlas)
        ready = {number: one for number, one in read.items() if isinstance(one, Ready)}
        saved = await self._saved(ready)
        slugs = await self._slugs(list(_named(saved.values())))
        results = []
        for number, one in read.items():
            outcome = saved.get(number, one)
            notes = batches.collect_notes(one, outcome) if isinstance(one, Ready) and isinstance(outcome, Saved) else ()
            self._count(notes, number)
            results.append(orjson.dumps({**self._result(number, outcome, slugs), "notes": notes}))
        return results

    def _count(self, notes: Sequence[str], line: int) -> None:
        for note in notes:
            count, first = self.notes.get(note, (0, line))
            if note in self.notes or len(self.notes) < MOST_NOTES:
                self.notes[note] = (count + 1, first)

    async def end(self, error: str | None = None) -> None:
        """Ends the import's record, also where no line could be saved; nothing where it has ended."""
        if self.ended or self.dry_run:
            return
        self.ended = True
        counts = {name: self.counted[name] for name in records.OUTCOMES}
        with act_as(acting_within(origin=self.origin)):
            await self.here.db.write(self._end, {**counts, "read": sum(counts.values())}, error)

    def _end(self, session: Session, progress: Json, error: str | None) -> None:
        self.record = self.record or self._begin(session)
        records.end(session, self.record, progress, error)

    def _begin(self, session: Session) -> int:
        given: Json = {"format": "ndjson", "origin": self.origin, "overwrite": self.overwrite}
        return records.begin(session, records.STREAM, "request", {n: v for n, v in given.items() if v}, self.by)

    def summary(self) -> bytes:
        """The last line, with the number of the import's record; null where nothing was to be changed."""
        counts = {name: self.counted[name] for name in records.OUTCOMES}
        notes = [{"note": note, "count": count, "first": first} for note, (count, first) in self.notes.items()]
        shown = {"summary": counts, "import": self.record, "notes": notes, "seq": self.head.position.token}
        return orjson.dumps(shown)

    def _prepared(self, lines: Sequence[Line], atlas: Atlas) -> dict[int, Ready | str]:
        """Each line as something to save, or the reason why it is none. A last line with the count is neither."""
        found: dict[int, Ready | str] = {}
        lexicon = self._lexicon()
        for number, line in lines:
            count = _end(line)
            if count is None:
                self.read += 1
                found[number] = _read(line, self.origin, self.context, atlas, lexicon)
            elif count != self.read:
                found[number] = f"the body ends with a count of {count}, but {self.read} lines were read"
        return found

    def _lexicon(self) -> TagLexicon | None:
        if not self.here.settings.enrich:
            return None
        with self.here.db.snapshot() as snapshot:
            return tags.current(snapshot)

    async def _saved(self, ready: dict[int, Ready]) -> dict[int, Saved | str]:
        """In one transaction, of which only what cannot be saved is missing."""
        if not ready:
            return {}
        try:
            return dict(zip(ready, await self._write(list(ready.values())), strict=True))
        except DatabaseUnavailable as error:
            return dict.fromkeys(ready, error.detail)

    async def _write(self, ready: Sequence[Ready]) -> list[Saved | str]:
        if self.dry_run:
            return await asyncio.to_thread(self._preview, ready)
        with act_as(acting_within(origin=self.origin)):
            written = await self.here.db.write(self._save, ready)
        self.head = written.head
        self.record, outcomes = written.value
        return outcomes

    def _save(self, session: Session, ready: Sequence[Ready]) -> tuple[int, list[Saved | str]]:
        """The record's number too: the first batch begins it, in the same transaction."""
        record = self.record or self._begin(session)
        outcomes = batches.save_batch(
            session,
            ready,
            site_url=self.here.settings.site_url,
            sees_hidden=self.drafts,
            overwrite=self.overwrite,
            record=record,
        )
        return record, outcomes

    def _preview(self, ready: Sequence[Ready]) -> list[Saved | str]:
        with self.here.db.snapshot() as snapshot:
            return batches.preview_batch(snapshot.connection, ready, sees_hidden=self.drafts, overwrite=self.overwrite)

    async def _slugs(self, ids: Sequence[int]) -> Slugs:
        if not ids:
            return {}
        rows = await self.here.db.reader.rows(_slug_statement(self.here.db.dialect), {"ids": list(ids)})
        return {read_integer(id): (str(slug), status == "published") for id, slug, status in rows}

    def _result(self, number: int, outcome: Saved | Ready | str, slugs: Slugs) -> Json:
        if not isinstance(outcome, Saved):
            self.counted["failed"] += 1
            failed = {"line": number, "outcome": "failed", "id": None, "slug": None}
            return {**failed, "reason": str(outcome), "copy_of": None}
        self.counted[outcome.outcome] += 1
        slug, _ = slugs.get(outcome.id, (None, False))
        saved = {"line": number, "outcome": outcome.outcome, "id": outcome.id or None, "slug": slug}
        of = outcome.copy.of if outcome.copy else 0
        _, public = slugs.get(of, (None, False))
        return {**saved, "reason": None, "copy_of": of if public or (of and self.drafts) else None}


def _named(saved: Iterable[Saved | str]) -> Iterator[int]:
    """All articles that results tell of."""
    for one in saved:
        if isinstance(one, Saved):
            yield from (id for id in (one.id, one.copy.of if one.copy else 0) if id)


def _read(line: bytes, origin: str | None, context: Context, atlas: Atlas, lexicon: TagLexicon | None) -> Ready | str:
    if line.lstrip()[:1] == b"[":
        return "not a JSON object"
    [item] = ndjson.parse([line], "line", context)
    if not isinstance(item, Document):
        return item.reason
    item = replace(item, format="ndjson", base=item.base or context.base_url)
    ready = boundary.attempt("prepare", item.where, prepare, item, SENT, origin, atlas)
    if isinstance(ready, Failure):
        return ready.reason
    return ready if lexicon is None else enrich(ready, item, atlas, lexicon)


def _end(line: bytes) -> int | None:
    """The count of a last line `{"end": true, "count": N}`, which exports have."""
    if len(line) > 200 or b'"end"' not in line:
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or value.get("end") is not True or set(value) != {"end", "count"}:
        return None
    count = value["count"]
    return count if isinstance(count, int) else None


@lru_cache(maxsize=4)
def _slug_statement(dialect: str) -> Prepared:
    return prepare_statement(select(A.c.id, A.c.slug, A.c.status).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])
