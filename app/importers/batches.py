"""Saves what imports have prepared, a batch at a time: one way for the command, for lines that arrive and for jobs.

One rule says whose fault a failure is: what the database says again of the same row is the item's, and so is whatever
saving raises; a database that is busy, full or away is nobody's, and its error is raised for the whole batch.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.articles import service
from app.articles.service import Saved
from app.changes import log
from app.db import Database, is_taken, refuses
from app.errors import DatabaseUnavailable, DatelineError
from app.importers.document import Failure
from app.importers.prepare import Prepared

logger = logging.getLogger(__name__)

Batch = Sequence[Prepared]
T = TypeVar("T")


def save_batch(
    session: Session, ready: Batch, *, now: int, site_url: str, overwrite: bool = False
) -> list[Saved | str]:
    """What became of each, or the reason why it is not saved. All in one transaction, which is the caller's.
    `overwrite`: as `service.upsert` has it."""

    def save(batch: Batch) -> list[Saved | str]:
        with log.attempt(session):
            manuscripts = [one.manuscript for one in batch]
            return list(service.upsert(session, manuscripts, now=now, site_url=site_url, overwrite=overwrite))

    return _divide(ready, save)


def preview_batch(connection: Connection, ready: Batch, *, now: int, overwrite: bool = False) -> list[Saved | str]:
    """What `save_batch` would do with each; changes nothing."""

    def preview(batch: Batch) -> list[Saved | str]:
        with connection.begin_nested():
            return list(service.preview(connection, [one.manuscript for one in batch], now=now, overwrite=overwrite))

    return _divide(ready, preview)


def refuse_strangers(db: Database, found: Sequence[Prepared | Failure]) -> list[Prepared | Failure]:
    """A file that would overwrite an article that has nothing in common with it but the file's name fails."""
    ready = [one for one in found if isinstance(one, Prepared)]

    def look_up(batch: Batch) -> list[Mapping[tuple[str, str], str] | str]:
        with connection.begin_nested():
            return [service.strangers(connection, [one.manuscript for one in batch])] * len(batch)

    with db.snapshot() as snapshot:
        connection = snapshot.connection
        strange = iter(_divide(ready, look_up))
    return [one if isinstance(one, Failure) else _refuse(one, next(strange)) for one in found]


def _refuse(one: Prepared, strange: Mapping[tuple[str, str], str] | str) -> Prepared | Failure:
    if isinstance(strange, str):
        return Failure(one.where, strange, late=True)
    title = strange.get((one.manuscript.origin, one.manuscript.identity or ""))
    if title is None:
        return one
    reason = f"another article came from a file of this name ({title!r}); give this one an origin of its own: --origin"
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
        return refuses(error) or is_taken(error)
    return not isinstance(error, DatabaseUnavailable | MemoryError)


def _explain(where: str, error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database refuses it: {str(error.orig or error).splitlines()[0]}"
    if isinstance(error, DatelineError):
        return error.detail
    logger.error("%s could not be saved", where, exc_info=error)
    return "it could not be saved; the log says why"
