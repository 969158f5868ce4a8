"""Long work in chunks, each a transaction of its own: kept in the database, taken up again by any process.

The lock on a job's row is the claim to it, and ends with the transaction of the chunk. So a process that dies holds
nothing, what its earlier chunks did stays done, and whoever looks next goes on behind them.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Protocol

import orjson
from fastapi import Depends
from pydantic import BeforeValidator
from sqlalchemy import bindparam, insert, literal_column, select, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from starlette.requests import Request

from app.changes.daemon_thread import run_in_daemon_thread
from app.db import audit_rows
from app.db.actor import Actor
from app.db.database import Database
from app.db.sql import AnyOf, Prepared, prepare, read_integer, read_into
from app.errors import DatabaseUnavailable, NotFound, Unavailable
from app.http.api_route import describe_path, read_row_id
from app.http.params.times import format_time
from app.http.schemas import JOB_ID
from app.models import Job, table

JOB = table(Job)
CHUNK = 250
"""Articles that one transaction may touch: others who write wait for no longer than that."""
SECONDS = 0.5
ELSEWHERE = 30.0
"""For how many seconds a job that another process is at is left to that one."""
PATIENCE = 4.0
"""For how many seconds a request works on its job itself before it returns 202."""
STOPPED = "stopped"
"""The error of a job that somebody has stopped."""
_UNFINISHED = JOB.c.state.in_([literal_column("'waiting'"), literal_column("'running'")])  # as the index has it
_COLUMNS = [
    JOB.c[name] for name in ("id", "kind", "state", "arguments", "progress", "error", "created_at", "updated_at")
]

Json = dict[str, object]

ACTIONS: Mapping[str, audit_rows.Action] = {
    "import": "import", "bulk_edit": "bulk_edit", "undo": "undo", "merge_tags": "tag_merge",
    "place_articles": "region_edit",
}  # fmt: skip
"""What the audit calls a job of a kind; others are a `job`."""
UNSEEN = frozenset({"import_arriving"})
"""Kinds that are no work yet: whoever makes one of them a job notes that."""
_RECORDS = ("import", "bulk_edit", "undo")
"""Kinds that the audit tells by the number of the record: of an undo, that of what is undone."""
_COUNTS = ("created", "updated", "unchanged", "failed", "done")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A job as its row has it. `progress` has `done` and `total`, and whatever the next chunk needs."""

    id: int
    kind: str
    state: str
    arguments: Json
    progress: Json
    error: str | None
    created_at: int
    updated_at: int

    @property
    def has_ended(self) -> bool:
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class Step:
    """What a chunk came to."""

    progress: Json
    finished: bool


class Overtaken(Exception):
    """Another process has gone on with the job meanwhile: the chunk is not done, and not needed."""


class Work(Protocol):
    """One chunk of a kind of job, at most CHUNK articles, in the caller's transaction.

    A chunk may run again from the start where its transaction was lost. What it raises ends the job as failed, except
    for a database that does not respond.
    """

    def __call__(self, session: Session, task: Task) -> Step: ...


class Prepare(Protocol):
    """Does what a chunk needs beside SQL, such as reading and parsing, before its transaction, in a thread which is
    left alone when the process ends. The work that it returns raises Overtaken where the job does not stand where it
    stood then."""

    def __call__(self, task: Task) -> Work: ...


def add(session: Session, kind: str, arguments: Json, total: int, by: str | None = None) -> int:
    """A new job, begun by whoever looks first; its number. `by` is what the caller's key is called. What its chunks do
    is done in the name of whoever adds it."""
    now, actor = int(time.time()), audit_rows.get_actor(session)
    named = {"kind": actor.kind, "name": actor.name, "key": actor.key, "request": actor.request}
    row = {
        "kind": kind,
        "state": "waiting",
        "arguments": orjson.dumps({**arguments, "actor": named}).decode(),
        "progress": orjson.dumps({"done": 0, "total": total}).decode(),
        "created_by": by,
        "created_at": now,
        "updated_at": now,
    }
    id: int = session.connection().execute(insert(JOB).returning(JOB.c.id), row).scalar_one()
    if kind not in UNSEEN:
        note_state(session, id, kind, "begun", arguments)
    return id


def note_state(session: Session, id: int, kind: str, state: str, arguments: Json, progress: Json | None = None) -> None:
    """Tells the audit that a job was begun, is done, has failed or was stopped, and what it has counted."""
    details: Json = {"state": state}
    if arguments.get("dry_run") is True:
        details["dry_run"] = True
    details |= {name: value for name in ("source", "target") if isinstance(value := arguments.get(name), int)}
    details |= {name: progress[name] for name in _COUNTS if name in progress} if progress else {}
    entity: audit_rows.Entity = "import" if kind in _RECORDS else "job"
    record = arguments["import"] if kind == "undo" else id
    audit_rows.add_record(
        session, audit_rows.AuditRecord(ACTIONS.get(kind, "job"), entity, read_integer(record), details=details)
    )


def _act(session: Session, task: Task) -> None:
    """From here on the transaction is that of whoever began the job; a job of an earlier version names nobody."""
    said = task.arguments.get("actor")
    actor = Actor(**said) if isinstance(said, dict) else Actor("server", f"job {task.kind}")
    origin = task.arguments.get("origin")
    context: dict[str, str | int] = {}
    if task.kind in _RECORDS:
        context[task.kind] = read_integer(task.arguments["import"] if task.kind == "undo" else task.id)
    if isinstance(origin, str):
        context["origin"] = origin
    audit_rows.set_actor(session, replace(actor, context=context))


def list_unfinished(session: Session, kind: str) -> list[Task]:
    """Jobs of a kind that are not done yet, oldest first."""
    statement = select(*_COLUMNS).where(_UNFINISHED, JOB.c.kind == kind).order_by(JOB.c.id)
    return read_into(_make_task, session.connection().execute(statement))


def advance(session: Session, works: Mapping[str, Work], id: int) -> Task | None:
    """The next chunk of a job; None where it has ended, and where another process is at it."""
    connection = session.connection()
    # On SQLite there is one writer anyhow. On PostgreSQL whoever holds the row is at the job until its commit, or is
    # dead, and then the row is free.
    mine = select(*_COLUMNS).where(_UNFINISHED, JOB.c.id == id).with_for_update(skip_locked=True)
    row = connection.execute(mine).first()
    if row is None:
        return None
    task = _make_task(*row)
    _act(session, task)
    step = works[task.kind](session, task)
    state, now = "done" if step.finished else "running", int(time.time())
    values = {"state": state, "progress": orjson.dumps(step.progress).decode(), "updated_at": now}
    connection.execute(update(JOB).where(JOB.c.id == id).values(values))
    if step.finished:
        note_state(session, id, task.kind, "done", task.arguments, step.progress)
    return replace(task, state=state, progress=step.progress, updated_at=now)


def fail(session: Session, id: int, error: str) -> None:
    """Ends a job that cannot go on; what its chunks have done stays."""
    values = {"state": "failed", "error": error, "updated_at": int(time.time())}
    ended = update(JOB).where(_UNFINISHED, JOB.c.id == id).values(values).returning(*_COLUMNS)
    row = session.connection().execute(ended).first()
    if row is not None:
        task = _make_task(*row)
        _act(session, task)
        note_state(session, id, task.kind, "failed", task.arguments, task.progress)


def get(session: Session, id: int) -> Task:
    """A job that is there, as it stands."""
    return _make_task(*session.connection().execute(select(*_COLUMNS).where(JOB.c.id == id)).one())


def stop(session: Session, id: int) -> bool:
    """Ends a job behind its last chunk; False where it has ended. What its chunks have done stays."""
    values = {"state": "failed", "error": STOPPED, "updated_at": int(time.time())}
    mine = update(JOB).where(_UNFINISHED, JOB.c.id == id).values(values)
    stopped = session.connection().execute(mine.returning(JOB.c.kind, JOB.c.arguments, JOB.c.progress)).first()
    if stopped is None:
        return False
    note_state(session, id, stopped.kind, STOPPED, orjson.loads(stopped.arguments), orjson.loads(stopped.progress))
    return True


def _make_task(
    id: int, kind: str, state: str, arguments: str, progress: str, error: str | None, created_at: int, updated_at: int
) -> Task:
    """Of the columns of `_COLUMNS`."""
    return Task(id, kind, state, orjson.loads(arguments), orjson.loads(progress), error, created_at, updated_at)


def render_task(task: Task, root_path: str) -> Json:
    """A job as clients see it, who reach the API below `root_path`."""
    result = task.arguments.get("result")
    return {
        "id": task.id,
        "kind": task.kind,
        "state": task.state,
        "done": task.progress.get("done", 0),
        "total": task.progress.get("total", 0),
        "error": task.error,
        "result": f"{root_path}{result}" if result else None,
        "created_at": format_time(task.created_at),
        "updated_at": format_time(task.updated_at),
    }


@dataclass(frozen=True, slots=True)
class Lane:
    """Jobs that wait for one another and for no others: the oldest `most` go on, chunk by chunk in turn, of `at_once` a
    chunk at the same time."""

    name: str = ""
    most: int = 100
    at_once: int = 1


class Jobs:
    """The jobs of one archive, of some kinds, and who works on them in this process. `works` by kind; `prepare` for the
    kinds whose chunks need more than SQL; `lane` says by its arguments where a job belongs."""

    def __init__(
        self,
        db: Database,
        works: Mapping[str, Work],
        prepare: Mapping[str, Prepare] | None = None,
        lane: Callable[[Json], Lane] = lambda arguments: Lane(),
    ) -> None:
        self.db, self._works, self._prepare, self._lane = db, works, prepare or {}, lane
        self._kinds = [*works, *self._prepare]
        self._taken: dict[int, Lane] = {}
        self._left: dict[int, float] = {}
        self._turns: dict[Lane, asyncio.Semaphore] = {}
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()

    async def find(self, id: int) -> Task | None:
        """None also for a job of another kind."""
        rows = await self.db.reader.rows(_by_id(self.db.dialect), {"id": id})
        task = next(iter(read_into(_make_task, rows)), None)
        return task if task and task.kind in self._kinds else None

    async def finish(self, id: int, seconds: float = PATIENCE) -> Task:
        """Works on a job in the caller's time; what is left after `seconds` is left to `run`, here or elsewhere."""
        deadline = time.monotonic() + seconds
        while True:
            task = await self._step(id)
            if task is None:
                task = await self.find(id)
                assert task is not None  # rows of jobs stay
                if not task.has_ended:
                    await asyncio.sleep(0.05)
            if task.has_ended or time.monotonic() > deadline:
                return task

    def wake(self) -> None:
        """There is a new job: `run` looks at once."""
        self._wake.set()

    async def run(self) -> None:
        """Takes up whatever is unfinished, whoever began it, each job in a task of its own."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self.db.condition.wait_until_writable()
                # What goes wrong here must not get out: it would end the group, and with it every job at work.
                try:
                    for id, lane in await self._list_ready():
                        self._taken[id] = lane
                        tasks.create_task(self._work(id, self._turns.setdefault(lane, asyncio.Semaphore(lane.at_once))))
                except DatabaseUnavailable as error:
                    log.warning("jobs wait: %s", error.detail)
                except Exception:
                    log.exception("jobs could not be looked for; trying again")
                with suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS):  # `wait_for` may lose a cancellation that comes with the wake
                        await self._wake.wait()
                self._wake.clear()

    async def _list_ready(self) -> list[tuple[int, Lane]]:
        """Those that nobody is at, the oldest first, as far as there is room in their lanes."""
        rows = await self.db.reader.rows(_waiting_statement(self.db.dialect), {"kinds": self._kinds})
        now = time.monotonic()
        self._left = {id: until for id, until in self._left.items() if until > now}
        known, used, ready = {*self._taken, *self._left}, Counter(self._taken.values()), []
        for id, lane in ((int(str(id)), self._lane(orjson.loads(str(arguments)))) for id, arguments in rows):
            if id not in known and used[lane] < lane.most:
                used[lane] += 1
                ready.append((id, lane))
        return ready

    async def _work(self, id: int, turns: asyncio.Semaphore) -> None:
        """Until the job has ended, or cannot go on here."""
        try:
            while True:
                async with turns:
                    task = await self._step(id)
                if task is None:
                    break
                if task.has_ended:
                    self.wake()  # there is room for another one
                    break
        except Unavailable as error:
            log.warning("job %s waits: %s", id, error.detail)
        except Exception:
            log.exception("job %s could not go on; trying again", id)
        finally:
            del self._taken[id]

    async def _step(self, id: int) -> Task | None:
        try:
            works = await self._prepare_works(id)
            async with self._writing:  # whoever else writes waits for one chunk, not for one of each job
                task = (await self.db.write(advance, works, id)).value
        except Unavailable:
            raise
        except Overtaken:
            task = None  # no failure: the job is left to the process that has gone on with it
        except Exception as error:
            log.exception("job %s has failed", id)
            await self.db.write(fail, id, type(error).__name__)
            return None
        if task is None and self._prepare:
            self._left[id] = time.monotonic() + ELSEWHERE  # what was prepared was for nothing
        return task

    async def _prepare_works(self, id: int) -> Mapping[str, Work]:
        """Works by kind, with that of this job's kind made for its next chunk where that has to be prepared."""
        if not self._prepare:
            return self._works
        task = await self.find(id)
        if task is None or task.has_ended:
            return self._works
        try:
            return {task.kind: await run_in_daemon_thread(self._prepare[task.kind], task)}
        except OperationalError as error:
            raise DatabaseUnavailable("The database does not answer.") from error


@lru_cache(maxsize=4)
def _by_id(dialect: str) -> Prepared:
    return prepare(select(*_COLUMNS).where(JOB.c.id == bindparam("id", type_=JOB.c.id.type)), dialect)


@lru_cache(maxsize=4)
def _waiting_statement(dialect: str) -> Prepared:
    statement = select(JOB.c.id, JOB.c.arguments).where(_UNFINISHED, AnyOf(JOB.c.kind, "kinds")).order_by(JOB.c.id)
    return prepare(statement, dialect, ["kinds"])


async def load_jobs(request: Request) -> Jobs:
    """The jobs of the application that a request came to."""
    jobs: Jobs = request.app.state.jobs
    return jobs


RunningJobs = Annotated[Jobs, Depends(load_jobs)]
JobId = Annotated[int, BeforeValidator(read_row_id), describe_path(JOB_ID)]


async def find_task(id: JobId, running: RunningJobs) -> Task:
    """NotFound where there is no job of that number."""
    task = await running.find(id)
    if task is None:
        raise NotFound()
    return task


FoundTask = Annotated[Task, Depends(find_task)]
