"""Works on imports that run as jobs: reads what was sent, chunk by chunk, and says of each item what became of it.

Each job is read by a process of its own, which stays between chunks, so that a job is read once. Another server, or
this one after a restart, reads again what was sent up to where the last chunk ended, and an address from its last
bookmark on. Articles, results and progress of a chunk are committed together, and items that were told of are not told
of again.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import insert, update
from sqlmodel import Session

from app.articles.bulk.findings import add_findings
from app.articles.service import Saved
from app.changes.jobs import Json, Lane, Overtaken, Step, Task
from app.db.database import Database
from app.importers import batches
from app.importers.document import Failure
from app.importers.jobs import upload_store
from app.importers.jobs.isolated_reader import Fetcher, IsolatedReader
from app.importers.jobs.job_items import (
    RESULT,
    JobChunk,
    JobReader,
    StoredResult,
    load_stored_results,
)
from app.importers.jobs.messages import ImportOrders, ItemLimits, ProcessSetup
from app.importers.jobs.process_pool import ProcessPool
from app.importers.prepare import PreparedItem
from app.importers.web import crawl_state
from app.text import keys

SENT_HERE = Lane("sent", most=4)
FETCHED = Lane("fetched", most=4, at_once=4)
"""Reading what was sent keeps a processor busy; what is fetched is waited for most of the time."""

Ready = PreparedItem | Failure
Both = tuple[Ready, Saved | str]


@dataclass(frozen=True, slots=True)
class ChunkWork:
    """What one transaction does: `items` are those of `read`, ready to be saved or not."""

    read: JobChunk
    items: list[Ready]
    site_url: str

    def __call__(self, session: Session, task: Task) -> Step:
        # Chunks are prepared outside of transactions: another server may have saved this one meanwhile.
        if _read_number(task.progress, "chunks") != self.read.number:
            raise Overtaken
        dry = task.arguments.get("dry_run") is True
        saved = iter(self._save_items(session, task))
        outcomes = [one.reason if isinstance(one, Failure) else next(saved) for one in self.items]
        stored = self.read.again
        fresh = [both for index, both in enumerate(zip(self.items, outcomes, strict=True)) if index not in stored]
        self._record_results(session, task.id, fresh)
        progress = advance_progress(task.progress, self.read, fresh)
        self._correct_results(
            session, task.id, [(row, outcomes[index]) for index, row in stored.items() if row.failed], progress
        )
        if self._has_lost_item(outcomes):
            progress["lost"] = True
        for bookmark in [] if dry or "lost" in progress else self.read.bookmarks[-1:]:
            crawl_state.save_state(session, bookmark, int(time.time()), task.id)
        if self.read.ended:
            upload_store.delete_parts(session, task.id)
        return Step(progress, self.read.ended)

    def _has_lost_item(self, outcomes: Sequence[Saved | str]) -> bool:
        """Whether an item failed that its reader takes for read: a bookmark behind it would leave it out next time."""
        both = zip(self.items, outcomes, strict=True)
        return any(one.late if isinstance(one, Failure) else isinstance(outcome, str) for one, outcome in both)

    def _save_items(self, session: Session, task: Task) -> list[Saved | str]:
        prepared = [one for one in self.items if isinstance(one, PreparedItem)]
        sees_hidden, overwrite = upload_store.sees_hidden(task.arguments), task.arguments.get("overwrite") is True
        if task.arguments.get("dry_run") is True:
            connection = session.connection()
            return batches.preview_batch(connection, prepared, sees_hidden=sees_hidden, overwrite=overwrite)
        return batches.save_batch(
            session,
            prepared,
            site_url=self.site_url,
            sees_hidden=sees_hidden,
            overwrite=overwrite,
            record=task.id,
        )

    def _record_results(self, session: Session, job: int, fresh: Sequence[Both]) -> None:
        rows = [
            {"job_id": job, "number": number, "item": keys.clean(one.where), **_render_outcome(outcome)}
            for number, (one, outcome) in enumerate(fresh, self.read.start + 1)
        ]
        if rows:
            session.connection().execute(insert(RESULT), rows)

    def _correct_results(
        self, session: Session, job: int, again: Sequence[tuple[StoredResult, Saved | str]], progress: Json
    ) -> None:
        """What had failed before the job was taken up again, and has not now."""
        for row, outcome in again:
            if isinstance(outcome, Saved):
                is_row = (RESULT.c.job_id == job) & (RESULT.c.number == row.number)
                session.connection().execute(update(RESULT).where(is_row).values(_render_outcome(outcome)))
                progress["failed"] = _read_number(progress, "failed") - 1
                progress[outcome.outcome] = _read_number(progress, outcome.outcome) + 1


def _render_outcome(outcome: Saved | str) -> Json:
    if not isinstance(outcome, Saved):
        return {"outcome": "failed", "article_id": None, "reason": keys.clean(outcome), "copy_of": None}
    copy_of = outcome.copy.of if outcome.copy else None
    return {"outcome": outcome.outcome, "article_id": outcome.id or None, "reason": None, "copy_of": copy_of}


def advance_progress(progress: Json, chunk: JobChunk, fresh: Sequence[Both]) -> Json:
    """The progress after a chunk: counts, and the commonest of what a person should know."""
    counted = Counter(outcome.outcome if isinstance(outcome, Saved) else "failed" for _, outcome in fresh)
    counts = {
        name: _read_number(progress, name) + counted[name] for name in ("created", "updated", "unchanged", "failed")
    }
    items = [(one, outcome) for one, outcome in fresh if isinstance(one, PreparedItem)]
    findings = batches.collect_findings([one for one, _ in items], [outcome for _, outcome in items])
    remarks = ((one.text, one.where) for one in chunk.remarks)
    progress = add_findings(progress, replace(findings, notes=(*findings.notes, *remarks)))
    return {
        **progress,
        **counts,
        "chunks": chunk.number + 1,
        "done": chunk.end,
        "total": chunk.end,
        "read": chunk.end,
    }


def _read_number(progress: Json, name: str) -> int:
    value = progress.get(name, 0)
    assert isinstance(value, int)
    return value


def choose_queue(arguments: Json) -> Lane:
    """Which jobs wait for one another: never what was sent for an address that does not respond."""
    return FETCHED if "url" in arguments else SENT_HERE


class ImportWorker:
    """Prepares chunks of imports, in whatever threads; holds the few jobs open that it has been at last."""

    def __init__(
        self,
        db: Database,
        site_url: str,
        fetcher: Fetcher,
        *,
        enrich: bool = True,
        limits: ItemLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fetcher` opens what reads addresses, for each job one of its own; `limits` are those of an item; `clock`
        tells how long a chunk has taken."""
        self._db, self._site_url, self._fetcher, self._clock = db, site_url, fetcher, clock
        self.children = ProcessPool(ProcessSetup(limits or ItemLimits(), enrich))
        self._open: OrderedDict[int, JobReader] = OrderedDict()

    def __call__(self, task: Task) -> ChunkWork:
        """As `jobs.Prepare`."""
        number = _read_number(task.progress, "chunks")
        reading = self._open.pop(task.id, None)
        chunk = reading.read_chunk(number) if reading else None
        if reading is None or chunk is None:
            if reading is not None:
                reading.close()
            reading = self._open_reader(task, number)
            chunk = reading.read_chunk(number)
            assert chunk is not None  # the first that it is asked for
        if not chunk.ended:
            self._open[task.id] = reading
        while len(self._open) > SENT_HERE.most + FETCHED.most:
            self._open.popitem(last=False)[1].close()
        items = batches.refuse_mismatches(self._db, chunk.items, sees_hidden=upload_store.sees_hidden(task.arguments))
        return ChunkWork(chunk, items, self._site_url)

    def close(self) -> None:
        """Ends the processes that read."""
        while self._open:
            self._open.popitem()[1].close()
        self.children.close()

    def _open_reader(self, task: Task, number: int) -> JobReader:
        done_chunks = _read_number(task.progress, "read")
        orders = replace(_make_orders(task.arguments), now=self._db.read_time())
        stored = load_stored_results(self._db, task.id) if done_chunks and orders.url is not None else {}
        orders = orders if orders.url is not None else replace(orders, skip=done_chunks)
        source = IsolatedReader(self._db, task.id, orders, self._fetcher, self.children)
        return JobReader(source, number, done_chunks, stored, self._clock)


def _make_orders(arguments: Json) -> ImportOrders:
    """As submitted; what does not concern reading is passed over."""
    names = ("url", "format", "origin", "timezone", "body", "charset", "identity", "base_url", "overwrite")
    chosen = {name: arguments[name] for name in (*names, "source_dates") if name in arguments}
    return _orders_adapter().validate_python({**chosen, "media_type": arguments.get("type")})


@cache
def _orders_adapter() -> TypeAdapter[ImportOrders]:
    """Built when the first import is read."""
    return TypeAdapter(ImportOrders)
