"""Imports that arrive line by line: reads, saves in batches, and says of each line what became of it.

A bad line never fails the others. A line without a result was not saved, unless the client went while the result was
on the way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import orjson
from sqlalchemy import select
from sqlmodel import Session

from app.articles.bulk import records
from app.articles.bulk.findings import add_findings, read_progress
from app.articles.service import Saved
from app.context import AppContext
from app.db.actor import act_as, acting_within
from app.db.log_position import LogHead
from app.db.sql import AnyOf, Prepared, read_integer
from app.db.sql import prepare as prepare_statement
from app.enrich.tags import TagLexicon
from app.errors import Unavailable
from app.importers import batches, boundary
from app.importers.document import Document, Failure, ParseContext
from app.importers.enrichment import COPY, enrich
from app.importers.formats import ndjson
from app.importers.prepare import SENT, prepare
from app.importers.prepare import PreparedItem as Ready
from app.models import Article, table
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.tags import lexicon as tags

A = table(Article)
Json = dict[str, object]
PLACE = "body:"
"""Before the number of a line, where the record of an import names an item: as in that of the same lines as a job."""
Line = tuple[int, bytes]

Slugs = dict[int, tuple[str, bool]]
"""By id, and whether the article is public."""


@dataclass(slots=True)
class NdjsonImport:
    """One import on its way: what it counts and finds, and where the log stands with it. `by` is what the key of its
    sender is called, `record` the number of its record once a batch is saved. `drafts`: whoever sends it may read them,
    so copies of drafts are told too, and articles that are not public may be updated."""

    context_of_app: AppContext
    head: LogHead
    drafts: bool
    origin: str | None
    context: ParseContext
    dry_run: bool
    overwrite: bool = False
    by: str | None = None
    record: int | None = None
    read: int = 0
    findings: Json = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    async def save_lines(self, lines: Sequence[Line]) -> list[bytes]:
        """One transaction for all of these lines; a result for each, in order."""
        atlas = await regions.current(self.context_of_app.db, self.head.epoch, self.head.names_seq)
        prepared_lines = await asyncio.to_thread(self._prepare_lines, lines, atlas)
        prepared_items = {number: one for number, one in prepared_lines.items() if isinstance(one, Ready)}
        saved = await self._save_items(prepared_items)
        slugs = await self._load_slugs(list(_list_ids(saved.values())))
        results = []
        for number, one in prepared_lines.items():
            outcome = saved.get(number, one)
            notes = batches.collect_notes(one, outcome) if isinstance(one, Ready) and isinstance(outcome, Saved) else ()
            results.append(orjson.dumps({**self._render_result(number, outcome, slugs), "notes": notes}))
        batch_findings = batches.collect_findings(
            list(prepared_items.values()), [saved[number] for number in prepared_items]
        )
        self.findings = add_findings(self.findings, batch_findings)
        return results

    async def end(self, error: str | None = None) -> None:
        """Ends the import's record, also where no line could be saved; nothing where it has ended."""
        if self.ended or self.dry_run:
            return
        self.ended = True  # before the write: it is called again where a client goes while this waits
        counts = {name: self.counted[name] for name in records.OUTCOMES}
        with act_as(acting_within(origin=self.origin)):
            await self.context_of_app.db.write(self._end, {**counts, "read": sum(counts.values())}, error)

    def _end(self, session: Session, progress: Json, error: str | None) -> None:
        self.record = self.record or self._begin(session)
        records.end(session, self.record, progress, error)

    def _begin(self, session: Session) -> int:
        arguments: Json = {"format": "ndjson", "origin": self.origin, "overwrite": self.overwrite}
        return records.begin(session, records.STREAM, "request", {n: v for n, v in arguments.items() if v}, self.by)

    def render_summary(self) -> bytes:
        """The last line, with the number of the import's record; null where nothing was to be changed."""
        findings = read_progress(self.findings)
        notes = [
            {"note": note, "count": count, "first": int(first.removeprefix(PLACE))}
            for note, (count, first) in findings.get("notes", {}).items()
            # That there is a copy is told by lines to whom they may, and here to whoever may read drafts.
            if note != COPY or self.drafts
        ]
        return orjson.dumps(
            {
                "summary": {name: self.counted[name] for name in records.OUTCOMES},
                "import": self.record,
                "notes": notes,
                "unknown_fields": findings.get("unknown_fields", {}),
                "unknown_regions": findings.get("unknown_regions", {}),
                "seq": self.head.position.token,
            }
        )

    def _prepare_lines(self, lines: Sequence[Line], atlas: Atlas) -> dict[int, Ready | str]:
        """Each line as something to save, or the reason why it is none. A last line with the count is neither."""
        by_line: dict[int, Ready | str] = {}
        lexicon = self._load_lexicon()
        for number, line in lines:
            count = _parse_end(line)
            if count is None:
                self.read += 1
                by_line[number] = _prepare_line(number, line, self.origin, self.context, atlas, lexicon)
            elif count != self.read:
                by_line[number] = f"the body ends with a count of {count}, but {self.read} lines were read"
        return by_line

    def _load_lexicon(self) -> TagLexicon | None:
        if not self.context_of_app.settings.enrich:
            return None
        with self.context_of_app.db.snapshot() as snapshot:
            return tags.current(snapshot)

    async def _save_items(self, prepared_items: dict[int, Ready]) -> dict[int, Saved | str]:
        """In one transaction, of which only what cannot be saved is missing."""
        if not prepared_items:
            return {}
        try:
            return dict(zip(prepared_items, await self._write(list(prepared_items.values())), strict=True))
        except Unavailable as error:
            return dict.fromkeys(prepared_items, error.detail)

    async def _write(self, prepared_items: Sequence[Ready]) -> list[Saved | str]:
        if self.dry_run:
            return await asyncio.to_thread(self._preview, prepared_items)
        with act_as(acting_within(origin=self.origin)):
            written = await self.context_of_app.db.write(self._save, prepared_items)
        self.head = written.head
        self.record, outcomes = written.value
        return outcomes

    def _save(self, session: Session, prepared_items: Sequence[Ready]) -> tuple[int, list[Saved | str]]:
        """The record's number too: the first batch begins it, in the same transaction."""
        record = self.record or self._begin(session)
        outcomes = batches.save_batch(
            session,
            prepared_items,
            site_url=self.context_of_app.settings.site_url,
            sees_hidden=self.drafts,
            overwrite=self.overwrite,
            record=record,
        )
        return record, outcomes

    def _preview(self, prepared_items: Sequence[Ready]) -> list[Saved | str]:
        with self.context_of_app.db.snapshot() as snapshot:
            return batches.preview_batch(
                snapshot.connection, prepared_items, sees_hidden=self.drafts, overwrite=self.overwrite
            )

    async def _load_slugs(self, ids: Sequence[int]) -> Slugs:
        if not ids:
            return {}
        rows = await self.context_of_app.db.reader.rows(
            _slug_statement(self.context_of_app.db.dialect), {"ids": list(ids)}
        )
        return {read_integer(id): (str(slug), status == "published") for id, slug, status in rows}

    def _render_result(self, number: int, outcome: Saved | Ready | str, slugs: Slugs) -> Json:
        if not isinstance(outcome, Saved):
            self.counted["failed"] += 1
            reason = str(outcome)
            return {"line": number, "outcome": "failed", "id": None, "slug": None, "reason": reason, "copy_of": None}
        self.counted[outcome.outcome] += 1
        slug, _ = slugs.get(outcome.id, (None, False))
        of = outcome.copy.of if outcome.copy else 0
        _, public = slugs.get(of, (None, False))
        return {
            "line": number,
            "outcome": outcome.outcome,
            "id": outcome.id or None,  # 0 in a preview, which makes no article
            "slug": slug,
            "reason": None,
            # That an article which is not public has the same text is for those who may read drafts only.
            "copy_of": of if public or (of and self.drafts) else None,
        }


def _list_ids(saved: Iterable[Saved | str]) -> Iterator[int]:
    """All articles that results tell of."""
    for one in saved:
        if isinstance(one, Saved):
            yield from (id for id in (one.id, one.copy.of if one.copy else 0) if id)


def _prepare_line(
    number: int, line: bytes, origin: str | None, context: ParseContext, atlas: Atlas, lexicon: TagLexicon | None
) -> Ready | str:
    if line.lstrip()[:1] == b"[":  # which the parser takes for a file of one list, with an item for each entry
        return "not a JSON object"
    [item] = ndjson.parse([line], "line", context)
    if not isinstance(item, Document):
        return item.reason
    where = f"{PLACE}{number}"
    item = replace(item, where=where, format="ndjson", base=item.base or context.base_url)
    prepared = boundary.attempt("prepare", item.where, prepare, item, SENT, origin, atlas)
    if isinstance(prepared, Failure):
        return prepared.reason
    return prepared if lexicon is None else enrich(prepared, item, atlas, lexicon)


def _parse_end(line: bytes) -> int | None:
    """The count of a last line `{"end": true, "count": N}`, which exports have."""
    # Nearly every line is an article: those are told apart without parsing them twice.
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
