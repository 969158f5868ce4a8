"""Prunes once a day beside a server. What nobody has asked to be removed is little: results of old imports and old
attempts of webhooks, of which the file of the archive stays as it is."""

import asyncio
import logging
import threading

from app.audit.pruning.run import Pruning, PruningElsewhere, RoundStopped
from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.errors import Unavailable
from app.settings import Settings

FIRST_SECONDS = 60
"""After the start: by then the indexes have caught up, or they would hold the log."""
SECONDS = 86_400

log = logging.getLogger(__name__)


async def run(db: Database, settings: Settings, first_seconds: float = FIRST_SECONDS) -> None:
    """For ever. Any server of an archive may do it; of several one at a time does."""
    set_actor(Actor("server", "retention"))
    await asyncio.sleep(first_seconds)
    while True:
        await db.condition.wait_until_writable()
        try:
            await _prune(db, settings)
        except PruningElsewhere:
            log.info("another process prunes this archive")
        except Unavailable as error:
            log.warning("what is not kept waits: %s", error.detail)
        except Exception:
            log.exception("what is not kept could not be removed; trying again in a day")
        await asyncio.sleep(SECONDS)


async def _prune(db: Database, settings: Settings) -> None:
    """Ends between two portions when it is cancelled: the database is closed after it, and not before."""
    ended = threading.Event()
    pruning = Pruning(db, settings, ended.is_set, gives_space_back=settings.keeps_not_all)
    work = asyncio.create_task(asyncio.to_thread(pruning.run))
    try:
        report = await asyncio.shield(work)
    except asyncio.CancelledError:
        ended.set()
        await asyncio.wait({work})
        if not work.cancelled() and not isinstance(work.exception(), RoundStopped | None):
            log.error("pruning has failed", exc_info=work.exception())
        raise
    log.info("pruned: %s", report)
