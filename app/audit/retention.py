"""Deletes old rows of the audit where a setting says so; without one every row stays for good."""

import asyncio
import logging

from sqlalchemy import delete, select
from sqlmodel import Session

from app.db import audit_rows
from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.db.sql import read_clock
from app.errors import Unavailable

SECONDS = 3_600
PAUSE_SECONDS = 0.05
AT_ONCE = 2_000
DAY = 86_400

log = logging.getLogger(__name__)


def prune(session: Session, days: int) -> int:
    """Deletes at most AT_ONCE rows that are older than so many days, the oldest first, and notes how many."""
    connection = session.connection()
    until = read_clock(connection) - days * DAY
    oldest = (
        select(audit_rows.AUDIT.c.id)
        .where(audit_rows.AUDIT.c.at < until)
        .order_by(audit_rows.AUDIT.c.at, audit_rows.AUDIT.c.id)
        .limit(AT_ONCE)
    )
    deleted = connection.execute(delete(audit_rows.AUDIT).where(audit_rows.AUDIT.c.id.in_(oldest))).rowcount
    if deleted:
        audit_rows.add_record(session, audit_rows.AuditRecord("audit_prune", details={"rows": deleted, "days": days}))
    return deleted


async def run(db: Database, days: int) -> None:
    """Once an hour, in small transactions; any process may do it."""
    set_actor(Actor("server", "audit retention"))
    while True:
        await db.condition.wait_until_writable()
        try:
            if (await db.write(prune, days)).value == AT_ONCE:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
        except Unavailable as error:
            log.warning("old rows of the audit wait: %s", error.detail)
        except Exception:
            log.exception("old rows of the audit could not be deleted; trying again")
        await asyncio.sleep(SECONDS)
