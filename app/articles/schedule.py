"""Scheduled articles go live by themselves, and the bin is emptied: any process may do it, none needs to lead."""

import asyncio
import logging
import time
from functools import lru_cache

from sqlalchemy import bindparam, literal_column, select

from app.articles import service, states
from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.db.sql import Prepared, clock, prepare
from app.errors import Unavailable
from app.models import Article, table

A = table(Article)
SECONDS = 0.5
SECONDS_BETWEEN_BINS = 60
"""How often the bin is looked at, where it is emptied at all; what counts days can wait a minute."""

log = logging.getLogger(__name__)


@lru_cache(maxsize=4)
def _due_statement(dialect: str) -> Prepared:
    due = (A.c.status == literal_column("'scheduled'")) & (A.c.published_at <= clock())
    return prepare(select(A.c.id).where(due).limit(1), dialect)


@lru_cache(maxsize=4)
def _outdated_statement(dialect: str) -> Prepared:
    old = A.c.trashed_at <= clock() - bindparam("seconds", type_=A.c.trashed_at.type)
    return prepare(select(A.c.id).where(A.c.status == literal_column("'trashed'"), old).limit(1), dialect)


async def run(db: Database, trash_days: int) -> None:
    """Looks twice a second, by an index that holds scheduled articles only, and once a minute into the bin where it is
    emptied after `trash_days`; writes only when something is due by the database's clock."""
    looked_at = -float(SECONDS_BETWEEN_BINS)
    set_actor(Actor("server", "schedule"))
    while True:
        await db.condition.wait_until_writable()
        try:
            if await db.reader.rows(_due_statement(db.dialect), {}):
                published = (await db.write(service.go_live)).value
                log.info("went live: %s", published)
                if len(published) == service.AT_ONCE:
                    continue
            if trash_days and time.monotonic() - looked_at >= SECONDS_BETWEEN_BINS:
                if await _empty_bin(db, trash_days):
                    continue
                looked_at = time.monotonic()
        except Unavailable as error:
            log.warning("scheduled articles wait: %s", error.detail)
        except Exception:
            log.exception("scheduled articles could not go live, or the bin be emptied; trying again")
        await asyncio.sleep(SECONDS)


async def _empty_bin(db: Database, days: int) -> bool:
    """Removes some of what has been in the bin for so long; whether there may be more."""
    if not await db.reader.rows(_outdated_statement(db.dialect), {"seconds": days * states.DAY}):
        return False
    removed = (await db.write(states.empty_bin, days)).value
    log.info("removed from the bin for good: %s", removed)
    return len(removed) == states.EMPTIED_AT_ONCE
