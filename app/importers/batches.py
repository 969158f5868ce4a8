"""Saves what imports have prepared, a batch at a time: one way for the command, for lines that arrive and for jobs.

One rule says whose fault a failure is: what the database says again of the same row is the item's, and so is whatever
saving raises; a database that is busy, full or away is nobody's, and its error is raised for the whole batch.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.articles import service
from app.articles.service import Saved
from app.bulk import records
from app.changes import log
from app.db.database import Database, is_permanent_refusal, is_taken
from app.errors import DatabaseUnavailable, DatelineError
from app.importers.document import Failure
from app.importers.prepare import Prepared

logger = logging.getLogger(__name__)

HIDDEN = "the article of this origin and id is not public: to import it anew a key needs the scope read_drafts"
"""Says the same of every state, and no more than that the identity is taken, which a refusal cannot hide."""
Batch = Sequence[Prepared]
Strangers = Mapping[tuple[str, str], int | None]
T = TypeVar("T")


def save_batch(
    session: Session,
    ready: Batch,
    *,
    site_url: str,
    sees_hidden: bool = True,
    overwrite: bool = False,
    record: int | None = None,
) -> list[Saved | str]:
    """What became of each, or the reason why it is not saved. All in one transaction, which is the caller's. Without
    `sees_hidden` what meets an article that is not public is refused. `overwrite`: as `service.upsert` has it. `record`
    is the import that is told of it."""

    def save(batch: Batch) -> list[Saved | str]:
        with log.attempt(session):
            manuscripts = [one.manuscript for one in batch]
            return list(service.upsert(session, manuscripts, site_url=site_url, overwrite=overwrite))

    def save_visible(batch: Batch) -> list[Saved | str]:
        with log.attempt(session):
            hidden = service.find_hidden(session.connection(), [one.manuscript for one in batch], lock=True)
            return _without(hidden, batch, save)

    outcomes = _divide(ready, save) if sees_hidden else _divide(ready, save_visible)
    if record is not None:
        records.note_outcomes(session, record, outcomes, (one.manuscript.origin for one in ready))
    return outcomes


def preview_batch(
    connection: Connection, ready: Batch, *, sees_hidden: bool = True, overwrite: bool = False
) -> list[Saved | str]:
    """What `save_batch` would do with each; changes nothing."""

    def preview(batch: Batch) -> list[Saved | str]:
        with connection.begin_nested():
            return list(service.preview(connection, [one.manuscript for one in batch], overwrite=overwrite))

    def preview_visible(batch: Batch) -> list[Saved | str]:
        with connection.begin_nested():
            hidden = service.find_hidden(connection, [one.manuscript for one in batch])
            return _without(hidden, batch, preview)

    return _divide(ready, preview) if sees_hidden else _divide(ready, preview_visible)


def collect_notes(one: Prepared, outcome: Saved | str) -> tuple[str, ...]:
    """What people should know of an item and of what became of it. That it is kept as a draft is left out where its
    article keeps a state of its own."""
    if isinstance(outcome, str):
        return one.notes
    notes = [note for note in one.notes if note != one.marker or not outcome.is_kept]
    return (*notes, *outcome.notes)


def _without(hidden: Collection[int], batch: Batch, work: Callable[[Batch], list[Saved | str]]) -> list[Saved | str]:
    """Does the work for those that are not at hidden places; the others are refused, each in its place."""
    visible = [one for place, one in enumerate(batch) if place not in hidden]
    done = iter(work(visible) if visible else [])
    return [HIDDEN if place in hidden else next(done) for place in range(len(batch))]


def refuse_strangers(
    db: Database, found: Sequence[Prepared | Failure], *, sees_hidden: bool = True
) -> list[Prepared | Failure]:
    """A file that would overwrite an article that has nothing in common with it but the file's name fails."""
    ready = [one for one in found if isinstance(one, Prepared)]

    def look_up(batch: Batch) -> list[Strangers | str]:
        with connection.begin_nested():
            manuscripts = [one.manuscript for one in batch]
            return [service.find_identity_conflicts(connection, manuscripts, sees_hidden=sees_hidden)] * len(batch)

    with db.snapshot() as snapshot:
        connection = snapshot.connection
        strange = iter(_divide(ready, look_up))
    return [one if isinstance(one, Failure) else _refuse(one, next(strange)) for one in found]


def _refuse(one: Prepared, strange: Strangers | str) -> Prepared | Failure:
    if isinstance(strange, str):
        return Failure(one.where, strange, late=True)
    name = (one.manuscript.origin, one.manuscript.identity or "")
    if name not in strange:
        return one
    known = "another article" if (id := strange[name]) is None else f"article {id}, which is another one,"
    reason = f"{known} came from a file of this name; give this one an origin of its own: --origin"
    return Failure(one.where, reason, late=True)


def _divide(ready: Batch, work: Callable[[Batch], Sequence[T | str]]) -> list[T | str]:
    """Halves a batch that fails until the items are alone whose fault it is."""
    if not ready:
        return []
    try:
        return list(work(ready))
    except Exception as error:
        if not is_items_fault(error):
            raise
        if len(ready) > 1:
            half = len(ready) // 2
            return [*_divide(ready[:half], work), *_divide(ready[half:], work)]
        return [_repeat(ready, work, error)]


def _repeat(ready: Batch, work: Callable[[Batch], Sequence[T | str]], error: Exception) -> T | str:
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
    return not isinstance(error, DatabaseUnavailable | MemoryError)


def _explain(where: str, error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database refuses it: {str(error.orig or error).splitlines()[0]}"
    if isinstance(error, DatelineError):
        return error.detail
    logger.error("%s could not be saved", where, exc_info=error)
    return "it could not be saved; the log says why"
