"""Saves what imports have prepared, a batch at a time: one way for the command, for lines that arrive and for jobs.

One rule says whose fault a failure is: what the database says again of the same row is the item's, and so is whatever
saving raises; a database that is busy, full or away is nobody's, and its error is raised for the whole batch.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.articles import service
from app.articles.bulk import records
from app.articles.bulk.findings import Findings
from app.articles.manuscript import Manuscript
from app.changes import log
from app.db.database import Database
from app.db.readers import is_permanent_refusal, is_taken
from app.errors import DatelineError, Unavailable
from app.importers.document import Failure
from app.importers.enrichment import COPY
from app.importers.prepare import PreparedItem
from app.importers.records import visibility

logger = logging.getLogger(__name__)

HIDDEN = "the article of this origin and id is not public: to import it anew a key needs the scope read_drafts"
"""Says the same of every state, and no more than that the identity is taken, which a refusal cannot hide."""
Batch = Sequence[PreparedItem]
Strangers = Mapping[tuple[str, str], int | None]
T = TypeVar("T")


def save_batch(
    session: Session,
    items: Batch,
    *,
    site_url: str,
    sees_hidden: bool = True,
    overwrite: bool = False,
    record: int | None = None,
) -> list[service.Saved | str]:
    """What became of each, or the reason why it is not saved. All in one transaction, which is the caller's. Without
    `sees_hidden` what meets an article that is not public is refused. `overwrite`: as `service.upsert` has it. `record`
    is the import that is told of it."""

    def upsert(manuscripts: Sequence[Manuscript]) -> Sequence[service.Saved]:
        return service.upsert(session, manuscripts, site_url=site_url, overwrite=overwrite)

    def save(batch: Batch) -> list[service.Saved | str]:
        # A savepoint, which takes the rows of the log back too: what fails leaves nothing of its batch behind.
        with log.attempt(session):
            # Locked, so that what is public when it is looked at is so when it is saved.
            return _run_visible(batch, upsert, session.connection(), sees_hidden=sees_hidden, lock=True)

    outcomes = _divide(items, save)
    if record is not None:
        origins = (one.manuscript.origin for one in items)
        records.note_outcomes(session, record, outcomes, origins, collect_findings(items, outcomes))
    return outcomes


def preview_batch(
    connection: Connection, ready: Batch, *, sees_hidden: bool = True, overwrite: bool = False
) -> list[service.Saved | str]:
    """What `save_batch` would do with each; changes nothing."""

    work = partial(service.preview, connection, overwrite=overwrite)

    def preview(batch: Batch) -> list[service.Saved | str]:
        # PostgreSQL refuses every statement after one that failed, up to the savepoint before it.
        with connection.begin_nested():
            return _run_visible(batch, work, connection, sees_hidden=sees_hidden, lock=False)

    return _divide(ready, preview)


def collect_notes(one: PreparedItem, outcome: service.Saved | str) -> tuple[str, ...]:
    """What people should know of an item and of what became of it. That it is kept as a draft, or is scheduled, is left
    out where its article keeps a state of its own."""
    if isinstance(outcome, str):
        return one.notes
    notes = [note for note in one.notes if not (outcome.is_kept and visibility.is_of_state(note))]
    return (*notes, *outcome.notes)


def collect_findings(items: Batch, outcomes: Sequence[service.Saved | str]) -> Findings:
    """What a person should know of these items together."""
    pairs = list(zip(items, outcomes, strict=True))
    notes = [(note, one.where) for one, outcome in pairs for note in collect_notes(one, outcome)]
    copies = [(COPY, one.where) for one, outcome in pairs if isinstance(outcome, service.Saved) and outcome.copy]
    return Findings(
        (*notes, *copies),
        tuple(name for one in items for name in one.unknown_fields),
        tuple(name for one in items for name in one.unknown_regions),
    )


def _run_visible(
    batch: Batch,
    work: Callable[[Sequence[Manuscript]], Sequence[service.Saved]],
    connection: Connection,
    *,
    sees_hidden: bool,
    lock: bool,
) -> list[service.Saved | str]:
    """Does the work for those whose article may be seen; the others are refused, each in its place."""
    manuscripts = [one.manuscript for one in batch]
    hidden = set() if sees_hidden else service.find_hidden(connection, manuscripts, lock=lock)
    visible = [one for index, one in enumerate(manuscripts) if index not in hidden]
    results = iter(work(visible) if visible else [])
    return [HIDDEN if index in hidden else next(results) for index in range(len(batch))]


def refuse_mismatches(
    db: Database, items: Sequence[PreparedItem | Failure], *, sees_hidden: bool = True
) -> list[PreparedItem | Failure]:
    """A file that would overwrite an article that has nothing in common with it but the file's name fails."""
    prepared = [one for one in items if isinstance(one, PreparedItem)]

    def look_up(batch: Batch) -> list[Strangers | str]:
        with connection.begin_nested():
            manuscripts = [one.manuscript for one in batch]
            return [service.find_identity_conflicts(connection, manuscripts, sees_hidden=sees_hidden)] * len(batch)

    with db.snapshot() as snapshot:
        connection = snapshot.connection
        strange = iter(_divide(prepared, look_up))
    return [one if isinstance(one, Failure) else _refuse_item(one, next(strange)) for one in items]


def _refuse_item(one: PreparedItem, strange: Strangers | str) -> PreparedItem | Failure:
    if isinstance(strange, str):
        return Failure(one.where, strange, late=True)
    name = (one.manuscript.origin, one.manuscript.identity or "")
    if name not in strange:
        return one
    other_article = "another article" if (id := strange[name]) is None else f"article {id}, which is another one,"
    reason = f"{other_article} came from a file of this name; give this one an origin of its own: --origin"
    return Failure(one.where, reason, late=True)


def _divide(ready: Batch, work: Callable[[Batch], Sequence[T | str]]) -> list[T | str]:
    """Halves a batch that fails until the items are alone whose fault it is."""
    if not ready:
        return []
    # Halving finds one bad item among 500 in nine rounds, each of which saves what is good in its half.
    try:
        return list(work(ready))
    except Exception as error:
        if not is_items_fault(error):
            raise
        if len(ready) > 1:
            half = len(ready) // 2
            return [*_divide(ready[:half], work), *_divide(ready[half:], work)]
        return [_try_again(ready, work, error)]


def _try_again(ready: Batch, work: Callable[[Batch], Sequence[T | str]], error: Exception) -> T | str:
    """A value that another transaction took first is there to be seen by a second look."""
    if isinstance(error, DBAPIError) and is_taken(error):
        try:
            return work(ready)[0]
        except Exception as again:
            if not is_items_fault(again):
                raise
            error = again
    return _explain(ready[0].where, error)


def is_items_fault(error: Exception) -> bool:
    """Whether an item has failed, and not the database or the machine."""
    if isinstance(error, DBAPIError):
        return is_permanent_refusal(error) or is_taken(error)
    return not isinstance(error, Unavailable | MemoryError)


def _explain(where: str, error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database refuses it: {str(error.orig or error).splitlines()[0]}"
    if isinstance(error, DatelineError):
        return error.detail
    logger.error("%s could not be saved", where, exc_info=error)
    return "it could not be saved; the log says why"
