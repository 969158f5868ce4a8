"""Works on imports that run as jobs: reads what was sent, chunk by chunk, and says of each item what became of it.

The parser stays open between chunks, so that a job is read once; another process, or this one after a restart, reads
again up to where the last chunk ended. Articles, results and progress of a chunk are committed together, so an item
is never done twice, nor counted twice.
"""

import io
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.articles import service
from app.articles.service import Saved
from app.changes import jobs, log
from app.changes.jobs import Json, Overtaken, Step, Task
from app.db import Database, refuses
from app.importers import bookmarks, detect, parts, pipeline, sources
from app.importers.document import BodyKind, Bookmark, Context, Document, Failure, Item, Remark
from app.importers.enriching import COPY
from app.importers.fetch import Fetch
from app.importers.parts import Kept
from app.importers.prepare import SENT, Prepared
from app.importers.sources import Source, Web
from app.models import ImportResult, table

RESULT = table(ImportResult)
SECONDS = 1.0
"""Longer than this a chunk is not prepared for, so that progress shows whatever the format costs."""
AT_ONCE = 4
MOST_NOTES = 50
HEAD = 65_536
PLAIN = (None, "application/octet-stream")
"""Types under which text may be sent: under another one, what is only text to us is something else gone wrong."""

Ready = Prepared | Failure
Fetcher = Callable[[], AbstractContextManager[Fetch]]


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in a job between two places: items, of which `start` came before, and whether anything follows."""

    start: int
    items: list[Document | Failure] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    bookmarks: list[tuple[int, Bookmark]] = field(default_factory=list)
    ended: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.items)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one transaction does: `items` are those of `read`, ready to be saved or not."""

    read: Read
    items: list[Ready]
    site_url: str

    def __call__(self, session: Session, task: Task) -> Step:
        if _number(task.progress, "read") != self.read.start:
            raise Overtaken
        dry = task.arguments.get("dry_run") is True
        saved = iter(self._saved(session, [one for one in self.items if isinstance(one, Prepared)], dry=dry))
        outcomes = [one.reason if isinstance(one, Failure) else next(saved) for one in self.items]
        self._note(session, task.id, outcomes)
        progress = further(task.progress, self.read, self.items, outcomes)
        for place, bookmark in self.read.bookmarks if not dry else ():
            bookmarks.keep(session, bookmark, int(time.time()))
            progress["marked"] = place
        if self.read.ended:
            parts.discard(session, task.id)
        return Step(progress, self.read.ended)

    def _saved(self, session: Session, ready: list[Prepared], *, dry: bool) -> list[Saved | str]:
        """All together, else one by one, so that only what the database refuses is not saved."""
        if dry:
            would_be = service.would_be(session.connection(), [one.manuscript for one in ready])
            return [Saved(0, 0, outcome) for outcome in would_be]
        try:
            with log.attempt(session):
                manuscripts = [one.manuscript for one in ready]
                return list(service.upsert(session, manuscripts, now=int(time.time()), site_url=self.site_url))
        except (DBAPIError, ValueError, OverflowError) as error:
            if isinstance(error, DBAPIError) and not refuses(error):
                raise  # the whole transaction is run again
            if len(ready) == 1:
                return [f"the database refuses it: {str(error).splitlines()[0]}"]
            return [saved for one in ready for saved in self._saved(session, [one], dry=dry)]

    def _note(self, session: Session, job: int, outcomes: list[Saved | str]) -> None:
        rows = [
            _row(job, number, one.where, outcome)
            for number, (one, outcome) in enumerate(zip(self.items, outcomes, strict=True), self.read.start + 1)
        ]
        if rows:
            session.connection().execute(insert(RESULT), rows)


def _row(job: int, number: int, where: str, outcome: Saved | str) -> Json:
    row: Json = {"job_id": job, "number": number, "item": where}
    if not isinstance(outcome, Saved):
        return {**row, "outcome": "failed", "article_id": None, "reason": outcome, "copy_of": None}
    copy_of = outcome.copy.of if outcome.copy else None
    return {
        **row, "outcome": outcome.outcome, "article_id": outcome.id or None, "reason": None, "copy_of": copy_of,
    }  # fmt: skip


def further(progress: Json, read: Read, items: list[Ready], outcomes: list[Saved | str]) -> Json:
    """The progress after a chunk: counts, and the commonest of what a person should know."""
    counted = Counter(one.outcome if isinstance(one, Saved) else "failed" for one in outcomes)
    counts = {name: _number(progress, name) + counted[name] for name in ("created", "updated", "unchanged", "failed")}
    ready = [one for one in items if isinstance(one, Prepared)]
    notes = cast("dict[str, list[object]]", dict(cast("Mapping[str, object]", progress.get("notes", {}))))
    said = [(note, one.where) for one in ready for note in one.notes] + [(one.text, one.where) for one in read.remarks]
    repeats = zip(items, outcomes, strict=True)
    said += [(COPY, one.where) for one, outcome in repeats if isinstance(outcome, Saved) and outcome.copy]
    for note, where in said:
        if note in notes:
            notes[note] = [cast("int", notes[note][0]) + 1, notes[note][1]]
        elif len(notes) < MOST_NOTES:
            notes[note] = [1, where]
    return {
        **progress,
        **counts,
        "done": read.end,
        "total": read.end,
        "read": read.end,
        "notes": notes,
        "unknown_fields": _tally(progress, "unknown_fields", [f for one in ready for f in one.unknown_fields]),
        "unknown_regions": _tally(progress, "unknown_regions", [r for one in ready for r in one.unknown_regions]),
    }


def _tally(progress: Json, name: str, more: list[str]) -> dict[str, int]:
    before = cast("Mapping[str, int]", progress.get(name, {}))
    return dict((Counter(before) + Counter(more)).most_common(MOST_NOTES))


def _number(progress: Json, name: str) -> int:
    value = progress.get(name, 0)
    assert isinstance(value, int)
    return value


class Reading:
    """One job as it is being read: the open parser, and what it gave last."""

    def __init__(self, items: Iterator[Item], start: int) -> None:
        """`start` of the items that are still to come have been given by a parser before this one."""
        self._items, self.last = items, Read(0)
        while self.last.end < start and not self.last.ended:
            self.last = self._next(Read(self.last.end), min(jobs.CHUNK, start - self.last.end), float("inf"))

    def after(self, place: int) -> Read | None:
        """What follows the first `place` items; None where this has gone elsewhere."""
        last = self.last
        if last.start == place and (last.items or last.ended):
            return last  # its transaction was lost
        if last.end != place or last.ended:
            return None
        self.last = self._next(Read(place), jobs.CHUNK, time.monotonic() + SECONDS)
        return self.last

    def _next(self, read: Read, most: int, until: float) -> Read:
        for item in self._items:
            if isinstance(item, Remark):
                read.remarks.append(item)
            elif isinstance(item, Bookmark):
                read.bookmarks.append((read.end, item))
            else:
                read.items.append(item)
            if len(read.items) >= most or time.monotonic() > until:
                return read
        return Read(read.start, read.items, read.remarks, read.bookmarks, ended=True)


class Importing:
    """Prepares chunks of imports, in whatever thread; holds the few jobs open that it has been at last."""

    def __init__(self, db: Database, site_url: str, fetcher: Fetcher, *, enrich: bool = True) -> None:
        """`fetcher` opens what reads addresses, for each job one of its own."""
        self._db, self._site_url, self._fetcher = db, site_url, fetcher
        self._enrich = enrich
        self._open: OrderedDict[int, Reading] = OrderedDict()

    def __call__(self, task: Task) -> Chunk:
        """As `jobs.Prepare`."""
        place = _number(task.progress, "read")
        reading = self._open.pop(task.id, None)
        read = reading.after(place) if reading else None
        if reading is None or read is None:
            reading = Reading(self._items(task), place - _number(task.progress, "marked"))
            reading.last = Read(place, ended=reading.last.ended)
            read = reading.after(place) or reading.last
        self._open[task.id] = reading
        while len(self._open) > AT_ONCE:
            self._open.popitem(last=False)
        return Chunk(read, self._ready(read, task), self._site_url)

    def _ready(self, read: Read, task: Task) -> list[Ready]:
        origin = cast("str | None", task.arguments.get("origin"))
        path = cast("str", task.arguments.get("url") or SENT)
        documents = [(path, one) for one in read.items if isinstance(one, Document)]
        ready = iter(pipeline.prepared(self._db, documents, origin, enrich=self._enrich))
        return [one if isinstance(one, Failure) else next(ready) for one in read.items]

    def _items(self, task: Task) -> Iterator[Item]:
        said = cast("Mapping[str, str]", task.arguments)
        zone = ZoneInfo(said["timezone"]) if "timezone" in said else Context().timezone
        body_kind = cast("BodyKind | None", said.get("body"))
        context = Context(said.get("origin") or SENT, zone, body_kind, charset=said.get("charset"))
        if "url" in said:
            return self._fetched(said["url"], said.get("format"), context)
        source = Source("body", SENT, lambda: io.BufferedReader(Kept(self._db, task.id), parts.PART_BYTES))
        kind = said.get("format")
        if kind is None and said.get("type") not in PLAIN:
            with source.open() as stream:
                kind = detect.detect(SENT, stream.read(HEAD))
            if kind in ("text", "markdown"):
                return iter([Failure("body", f"sent as {said.get('type')}, but it is nothing of that kind")])
        return sources.items(source, kind, context)

    def _fetched(self, url: str, kind: str | None, context: Context) -> Iterator[Item]:
        with self._fetcher() as fetch:
            for source in sources.find([url], io.BytesIO()):
                yield from sources.items(source, kind, context, Web(fetch, self._recall))

    def _recall(self, url: str) -> Mapping[str, object]:
        with self._db.snapshot() as snapshot:
            return bookmarks.recall(snapshot.connection, url)
