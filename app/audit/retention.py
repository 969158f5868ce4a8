"""Deletes old rows of the audit where a setting says so; without one every row stays for good."""

import asyncio
import logging

from sqlmodel import Session

from app.audit import old_rows
from app.db import audit_rows
from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.errors import Unavailable

SECONDS = 3_600
PAUSE_SECONDS = 0.05
AT_ONCE = 2_000

log = logging.getLogger(__name__)


def prune(session: Session, days: int) -> int:
    """Deletes at most AT_ONCE rows that are older than so many days, the oldest first, and notes how many."""
    deleted = old_rows.delete_older(session, audit_rows.AUDIT, days, AT_ONCE)
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
