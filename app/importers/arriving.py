"""Imports that arrive line by line: reads, saves in batches, and says of each line what became of it.

A bad line never fails the others. What was not
answered for was not saved, unless the client went while its answer was on the way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

import orjson
from sqlalchemy import select

from app import auditing
from app.actor import acting, acting_within
from app.articles.archive import Archive
from app.articles.service import Saved
from app.auditing import Deed
from app.enrich.tags import Lexicon
from app.errors import DatabaseUnavailable
from app.head import Head
from app.importers import batches, boundary, ndjson
from app.importers.document import Context, Document, Failure
from app.importers.enriching import enrich
from app.importers.prepare import SENT, prepare
from app.importers.prepare import Prepared as Ready
from app.models import Article, table
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.sql import AnyOf, Prepared, integer
from app.sql import prepare as prepare_statement
from app.tags import lexicon as tags

A = table(Article)
Json = dict[str, object]
Line = tuple[int, bytes]

OUTCOMES = ("created", "updated", "unchanged", "failed")
MOST_NOTES = 50
"""That the summary counts; each line has its own."""

Slugs = dict[int, tuple[str, bool]]
"""By id, and whether the article is public."""


@dataclass(slots=True)
class Arriving:
    """One import on its way: what it counts, and where the log stands with it. `drafts`: whoever sends it may read
    them, so copies of drafts are told too, and articles that are not public may be updated."""

    here: Archive
    head: Head
    drafts: bool
    origin: str | None
    context: Context
    dry_run: bool
    overwrite: bool = False
    read: int = 0
    notes: dict[str, tuple[int, int]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)

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

    def summary(self) -> bytes:
        """The last line."""
        counts = {name: self.counted[name] for name in OUTCOMES}
        notes = [{"note": note, "count": count, "first": first} for note, (count, first) in self.notes.items()]
        return orjson.dumps({"summary": counts, "notes": notes, "seq": self.head.place.token})

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

    def _lexicon(self) -> Lexicon | None:
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
        with acting(acting_within(origin=self.origin)):
            written = await self.here.db.write(
                batches.save_batch,
                ready,
                site_url=self.here.settings.site_url,
                sees_hidden=self.drafts,
                overwrite=self.overwrite,
            )
        self.head = written.head
        return written.value

    async def note_end(self, *, broken_off: bool) -> None:
        """One row of the audit for the whole import, with what it has counted by now."""
        if self.dry_run or not self.read:
            return
        counts = {name: self.counted[name] for name in OUTCOMES}
        state = "broken_off" if broken_off else "done"
        with acting(acting_within(origin=self.origin)), suppress(DatabaseUnavailable):
            await self.here.db.write(auditing.note, Deed("import", details={"state": state, **counts}))

    def _preview(self, ready: Sequence[Ready]) -> list[Saved | str]:
        with self.here.db.snapshot() as snapshot:
            return batches.preview_batch(snapshot.connection, ready, sees_hidden=self.drafts, overwrite=self.overwrite)

    async def _slugs(self, ids: Sequence[int]) -> Slugs:
        if not ids:
            return {}
        rows = await self.here.db.reader.rows(_slug_statement(self.here.db.dialect), {"ids": list(ids)})
        return {integer(id): (str(slug), status == "published") for id, slug, status in rows}

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


def _read(line: bytes, origin: str | None, context: Context, atlas: Atlas, lexicon: Lexicon | None) -> Ready | str:
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
