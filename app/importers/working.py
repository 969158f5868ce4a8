"""Works on imports that run as jobs: reads what was sent, chunk by chunk, and says of each item what became of it.

The parser stays open between chunks, so that a job is read once; another process, or this one after a restart, reads
again what was sent up to where the last chunk ended, and an address from its last bookmark on. Articles, results and
progress of a chunk are committed together, and items that were told of are not told of again.
"""

import io
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app import text
from app.articles import service
from app.articles.service import Saved
from app.changes import log
from app.changes.jobs import Json, Lane, Overtaken, Step, Task
from app.db import Database, refuses
from app.importers import bookmarks, detect, parts, pipeline, sources
from app.importers.document import BodyKind, Context, Document, Failure, Item
from app.importers.enriching import COPY
from app.importers.fetch import Fetch
from app.importers.parts import Kept
from app.importers.prepare import SENT, Prepared
from app.importers.reading import RESULT, Read, Reading, Told, skip, told
from app.importers.sources import Source, Web

SENT_HERE = Lane("sent", most=4)
FETCHED = Lane("fetched", most=4, at_once=4)
"""Reading what was sent keeps a processor busy; what is fetched is waited for most of the time."""
MOST_NOTES = 50
PLAIN = (None, "application/octet-stream")
"""Types under which text may be sent: under another one, what is only text to us is something else gone wrong."""

Ready = Prepared | Failure
Both = tuple[Ready, Saved | str]
Fetcher = Callable[[], AbstractContextManager[Fetch]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one transaction does: `items` are those of `read`, ready to be saved or not."""

    read: Read
    items: list[Ready]
    site_url: str

    def __call__(self, session: Session, task: Task) -> Step:
        if _number(task.progress, "chunks") != self.read.number:
            raise Overtaken
        dry = task.arguments.get("dry_run") is True
        saved = iter(self._saved(session, [one for one in self.items if isinstance(one, Prepared)], dry=dry))
        outcomes = [one.reason if isinstance(one, Failure) else next(saved) for one in self.items]
        known = self.read.again
        fresh = [both for place, both in enumerate(zip(self.items, outcomes, strict=True)) if place not in known]
        self._note(session, task.id, fresh)
        progress = further(task.progress, self.read, fresh)
        self._mend(session, task.id, [(row, outcomes[place]) for place, row in known.items() if row.failed], progress)
        if self._lost(outcomes):
            progress["lost"] = True
        for bookmark in [] if dry or "lost" in progress else self.read.bookmarks[-1:]:
            bookmarks.keep(session, bookmark, int(time.time()))
        if self.read.ended:
            parts.discard(session, task.id)
        return Step(progress, self.read.ended)

    def _lost(self, outcomes: Sequence[Saved | str]) -> bool:
        """Whether an item failed that its reader takes for read: a bookmark behind it would leave it out next time."""
        both = zip(self.read.items, outcomes, strict=True)
        return any(isinstance(one, Document) and isinstance(outcome, str) for one, outcome in both)

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

    def _note(self, session: Session, job: int, fresh: Sequence[Both]) -> None:
        rows = [
            {"job_id": job, "number": number, "item": text.clean(one.where), **_outcome(outcome)}
            for number, (one, outcome) in enumerate(fresh, self.read.start + 1)
        ]
        if rows:
            session.connection().execute(insert(RESULT), rows)

    def _mend(self, session: Session, job: int, again: Sequence[tuple[Told, Saved | str]], progress: Json) -> None:
        """What had failed before the job was taken up again, and has not now."""
        for row, outcome in again:
            if isinstance(outcome, Saved):
                mine = (RESULT.c.job_id == job) & (RESULT.c.number == row.number)
                session.connection().execute(update(RESULT).where(mine).values(_outcome(outcome)))
                progress["failed"] = _number(progress, "failed") - 1
                progress[outcome.outcome] = _number(progress, outcome.outcome) + 1


def _outcome(outcome: Saved | str) -> Json:
    if not isinstance(outcome, Saved):
        return {"outcome": "failed", "article_id": None, "reason": text.clean(outcome), "copy_of": None}
    copy_of = outcome.copy.of if outcome.copy else None
    return {"outcome": outcome.outcome, "article_id": outcome.id or None, "reason": None, "copy_of": copy_of}


def further(progress: Json, read: Read, fresh: Sequence[Both]) -> Json:
    """The progress after a chunk: counts, and the commonest of what a person should know."""
    counted = Counter(outcome.outcome if isinstance(outcome, Saved) else "failed" for _, outcome in fresh)
    counts = {name: _number(progress, name) + counted[name] for name in ("created", "updated", "unchanged", "failed")}
    ready = [one for one, _ in fresh if isinstance(one, Prepared)]
    notes = cast("dict[str, list[object]]", dict(cast("Mapping[str, object]", progress.get("notes", {}))))
    said = [(note, one.where) for one in ready for note in one.notes] + [(one.text, one.where) for one in read.remarks]
    said += [(note, one.where) for one, outcome in fresh if isinstance(outcome, Saved) for note in outcome.notes]
    said += [(COPY, one.where) for one, outcome in fresh if isinstance(outcome, Saved) and outcome.copy]
    for note, where in ((text.clean(note), text.clean(where)) for note, where in said):
        if note in notes:
            notes[note] = [cast("int", notes[note][0]) + 1, notes[note][1]]
        elif len(notes) < MOST_NOTES:
            notes[note] = [1, where]
    return {
        **progress,
        **counts,
        "chunks": read.number + 1,
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


def lane(arguments: Json) -> Lane:
    """Which jobs wait for one another: never what was sent for an address that does not answer."""
    return FETCHED if "url" in arguments else SENT_HERE


class Importing:
    """Prepares chunks of imports, in whatever threads; holds the few jobs open that it has been at last."""

    def __init__(self, db: Database, site_url: str, fetcher: Fetcher, *, enrich: bool = True) -> None:
        """`fetcher` opens what reads addresses, for each job one of its own."""
        self._db, self._site_url, self._fetcher = db, site_url, fetcher
        self._enrich = enrich
        self._open: OrderedDict[int, Reading] = OrderedDict()

    def __call__(self, task: Task) -> Chunk:
        """As `jobs.Prepare`."""
        number = _number(task.progress, "chunks")
        reading = self._open.pop(task.id, None)
        read = reading.chunk(number) if reading else None
        if reading is None or read is None:
            reading = self._begun(task, number)
            read = reading.chunk(number)
            assert read is not None  # the first that it is asked for
        if not read.ended:
            self._open[task.id] = reading
        while len(self._open) > SENT_HERE.most + FETCHED.most:
            self._open.popitem(last=False)
        return Chunk(read, self._ready(read, task), self._site_url)

    def _begun(self, task: Task, number: int) -> Reading:
        items, done = self._items(task), _number(task.progress, "read")
        if "url" in task.arguments:
            return Reading(items, number, done, told(self._db, task.id) if done else {})
        skip(items, done)
        return Reading(items, number, done, {})

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
        context = Context(
            said.get("origin") or SENT, zone, body_kind, charset=said.get("charset"), base_url=said.get("base_url")
        )
        if "url" in said:
            return self._fetched(said["url"], said.get("format"), context)
        source = Source("body", SENT, lambda: io.BufferedReader(Kept(self._db, task.id), parts.PART_BYTES))
        kind = said.get("format")
        if kind is None and said.get("type") not in PLAIN:
            with source.open() as stream:
                head = stream.read(detect.HEAD)
            try:
                kind = detect.choose(SENT, head, charset=context.charset)
            except detect.NotText as error:
                return iter([Failure("body", str(error))])
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
