"""Webhooks that follow a saved search, where it is removed. Plain functions; never commits."""

from sqlalchemy import select, update
from sqlmodel import Session

from app.db import audit_rows
from app.db.audit_rows import AuditRecord
from app.db.sql import read_clock
from app.models import SavedSearch, Webhook, table

SEARCH, WEBHOOK = table(SavedSearch), table(Webhook)
REASON = "search_removed"
"""Why such a webhook is off, until it is given something else to follow."""


def lock_search(session: Session, id: int) -> bool:
    """Whether the search is there; then it is until the commit. To be asked before a webhook is locked."""
    known = select(SEARCH.c.id).where(SEARCH.c.id == id).with_for_update(read=True, key_share=True)
    return session.connection().execute(known).first() is not None


def switch_off(session: Session, search: int) -> None:
    """The webhooks that follow a search which is about to be removed, also those that are off for another reason:
    switched on again they would have nothing to follow."""
    connection = session.connection()
    # Whoever lets a webhook follow it waits for this, or this for them.
    connection.execute(select(SEARCH.c.id).where(SEARCH.c.id == search).with_for_update())
    now = read_clock(connection)
    values = {"search_id": None, "off_reason": REASON, "off_at": now, "updated_at": now}
    following = update(WEBHOOK).where(WEBHOOK.c.search_id == search)
    moved = following.values(**values, version=WEBHOOK.c.version + 1).returning(WEBHOOK.c.id, WEBHOOK.c.version)
    for id, version in connection.execute(moved).all():
        record = AuditRecord("webhook_off", "webhook", id, version - 1, version, {"reason": REASON})
        audit_rows.add_record(session, record)
