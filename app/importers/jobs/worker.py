"""Works on imports that run as jobs: reads what was sent, chunk by chunk, and says of each item what became of it.

Each job is read by a process of its own, which stays between chunks, so that a job is read once. Another server, or
this one after a restart, reads again what was sent up to where the last chunk ended, and an address from its last
bookmark on. Articles, results and progress of a chunk are committed together, and items that were told of are not told
of again.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import insert, update
from sqlmodel import Session

from app.articles.service import Saved
from app.changes.jobs import Json, Lane, Overtaken, Step, Task
from app.db.database import Database
from app.importers import batches
from app.importers.document import BodyKind, Failure, Identity
from app.importers.enrichment import COPY
from app.importers.jobs import upload_store
from app.importers.jobs.isolated_reader import Fetcher, Isolated
from app.importers.jobs.job_items import RESULT, Read, Reading, Told, told
from app.importers.jobs.messages import Limits, Orders, Setup
from app.importers.jobs.process_pool import Children
from app.importers.prepare import Prepared
from app.importers.web import crawl_state
from app.text import keys

SENT_HERE = Lane("sent", most=4)
FETCHED = Lane("fetched", most=4, at_once=4)
"""Reading what was sent keeps a processor busy; what is fetched is waited for most of the time."""
MOST_NOTES = 50

Ready = Prepared | Failure
Both = tuple[Ready, Saved | str]


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
        saved = iter(self._saved(session, task))
        outcomes = [one.reason if isinstance(one, Failure) else next(saved) for one in self.items]
        known = self.read.again
        fresh = [both for place, both in enumerate(zip(self.items, outcomes, strict=True)) if place not in known]
        self._note(session, task.id, fresh)
        progress = further(task.progress, self.read, fresh)
        self._mend(session, task.id, [(row, outcomes[place]) for place, row in known.items() if row.failed], progress)
        if self._lost(outcomes):
            progress["lost"] = True
        for bookmark in [] if dry or "lost" in progress else self.read.bookmarks[-1:]:
            crawl_state.keep(session, bookmark, int(time.time()), task.id)
        if self.read.ended:
            upload_store.discard(session, task.id)
        return Step(progress, self.read.ended)

    def _lost(self, outcomes: Sequence[Saved | str]) -> bool:
        """Whether an item failed that its reader takes for read: a bookmark behind it would leave it out next time."""
        both = zip(self.items, outcomes, strict=True)
        return any(one.late if isinstance(one, Failure) else isinstance(outcome, str) for one, outcome in both)

    def _saved(self, session: Session, task: Task) -> list[Saved | str]:
        ready = [one for one in self.items if isinstance(one, Prepared)]
        sees_hidden, overwrite = upload_store.sees_hidden(task.arguments), task.arguments.get("overwrite") is True
        if task.arguments.get("dry_run") is True:
            connection = session.connection()
            return batches.preview_batch(connection, ready, sees_hidden=sees_hidden, overwrite=overwrite)
        return batches.save_batch(
            session,
            ready,
            site_url=self.site_url,
            sees_hidden=sees_hidden,
            overwrite=overwrite,
            record=task.id,
        )

    def _note(self, session: Session, job: int, fresh: Sequence[Both]) -> None:
        rows = [
            {"job_id": job, "number": number, "item": keys.clean(one.where), **_outcome(outcome)}
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
        return {"outcome": "failed", "article_id": None, "reason": keys.clean(outcome), "copy_of": None}
    copy_of = outcome.copy.of if outcome.copy else None
    return {"outcome": outcome.outcome, "article_id": outcome.id or None, "reason": None, "copy_of": copy_of}


def further(progress: Json, read: Read, fresh: Sequence[Both]) -> Json:
    """The progress after a chunk: counts, and the commonest of what a person should know."""
    counted = Counter(outcome.outcome if isinstance(outcome, Saved) else "failed" for _, outcome in fresh)
    counts = {name: _number(progress, name) + counted[name] for name in ("created", "updated", "unchanged", "failed")}
    ready = [one for one, _ in fresh if isinstance(one, Prepared)]
    notes = cast("dict[str, list[object]]", dict(cast("Mapping[str, object]", progress.get("notes", {}))))
    items = [(one, outcome) for one, outcome in fresh if isinstance(one, Prepared)]
    said = [(note, one.where) for one, outcome in items for note in batches.collect_notes(one, outcome)]
    said += [(one.text, one.where) for one in read.remarks]
    said += [(COPY, one.where) for one, outcome in fresh if isinstance(outcome, Saved) and outcome.copy]
    for note, where in ((keys.clean(note), keys.clean(where)) for note, where in said):
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

    def __init__(
        self,
        db: Database,
        site_url: str,
        fetcher: Fetcher,
        *,
        enrich: bool = True,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fetcher` opens what reads addresses, for each job one of its own; `limits` are those of an item; `clock`
        tells how long a chunk has taken."""
        self._db, self._site_url, self._fetcher, self._clock = db, site_url, fetcher, clock
        self.children = Children(Setup(limits or Limits(), enrich))
        self._open: OrderedDict[int, Reading] = OrderedDict()

    def __call__(self, task: Task) -> Chunk:
        """As `jobs.Prepare`."""
        number = _number(task.progress, "chunks")
        reading = self._open.pop(task.id, None)
        read = reading.chunk(number) if reading else None
        if reading is None or read is None:
            if reading is not None:
                reading.close()
            reading = self._begun(task, number)
            read = reading.chunk(number)
            assert read is not None  # the first that it is asked for
        if not read.ended:
            self._open[task.id] = reading
        while len(self._open) > SENT_HERE.most + FETCHED.most:
            self._open.popitem(last=False)[1].close()
        items = batches.refuse_strangers(self._db, read.items, sees_hidden=upload_store.sees_hidden(task.arguments))
        return Chunk(read, items, self._site_url)

    def close(self) -> None:
        """Ends the processes that read."""
        while self._open:
            self._open.popitem()[1].close()
        self.children.close()

    def _begun(self, task: Task, number: int) -> Reading:
        done = _number(task.progress, "read")
        orders = replace(_orders(task.arguments), now=self._db.read_time())
        known = told(self._db, task.id) if done and orders.url is not None else {}
        orders = orders if orders.url is not None else replace(orders, skip=done)
        source = Isolated(self._db, task.id, orders, self._fetcher, self.children)
        return Reading(source, number, done, known, self._clock)


def _orders(arguments: Json) -> Orders:
    said = cast("Mapping[str, str]", arguments)
    return Orders(
        url=said.get("url"),
        format=said.get("format"),
        media_type=said.get("type"),
        origin=said.get("origin"),
        timezone=said.get("timezone"),
        body=cast("BodyKind | None", said.get("body")),
        charset=said.get("charset"),
        identity=cast("Identity | None", said.get("identity")),
        base_url=said.get("base_url"),
        overwrite=arguments.get("overwrite") is True,
        source_dates=arguments.get("source_dates") is True,
    )
