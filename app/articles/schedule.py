"""Scheduled articles go live by themselves: any process may do it, none needs to lead."""

import asyncio
import logging
from functools import lru_cache

from sqlalchemy import literal_column, select

from app.actor import Actor, set_actor
from app.articles import service
from app.db import Database
from app.errors import DatabaseUnavailable
from app.models import Article, table
from app.sql import Prepared, clock, prepare

A = table(Article)
SECONDS = 0.5

log = logging.getLogger(__name__)


@lru_cache(maxsize=4)
def _due(dialect: str) -> Prepared:
    due = (A.c.status == literal_column("'scheduled'")) & (A.c.published_at <= clock())
    return prepare(select(A.c.id).where(due).limit(1), dialect)


async def run(db: Database) -> None:
    """Looks twice a second, by an index that holds scheduled articles only; writes only when something is due by the
    database's clock."""
    set_actor(Actor("server", "schedule"))
    while True:
        try:
            if await db.reader.rows(_due(db.dialect), {}):
                published = (await db.write(service.go_live)).value
                log.info("went live: %s", published)
                if len(published) == service.AT_ONCE:
                    continue
        except DatabaseUnavailable as error:
            log.warning("scheduled articles wait: %s", error.detail)
        except Exception:
            log.exception("scheduled articles could not go live; trying again")
        await asyncio.sleep(SECONDS)
