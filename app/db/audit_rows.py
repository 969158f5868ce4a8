"""The audit's rows: noted during a transaction and written with its commit. Reads nothing, and never commits.

A row holds no text of an article, neither title nor slug: what was changed is told by names of fields. So a purge finds
nothing here but the details, which it clears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import orjson
from sqlalchemy import update
from sqlmodel import Session

from app.db.actor import UNKNOWN, Actor, Context
from app.db.sql import make_insert
from app.models import Audit, table

AUDIT = table(Audit)
MOST_DETAILS = 1_000
"""Bytes of one row's details as JSON: the longest lists in them are left out first."""

Action = Literal[
    "create", "edit", "correct", "schedule", "unschedule", "publish", "withdraw", "unpublish", "trash", "restore",
    "purge", "link", "relink", "tag_create", "tag_edit", "tag_merge", "region_create", "region_edit", "region_load",
    "key_create", "key_revoke", "import", "undo", "bulk_edit", "job", "migrate", "server_start", "audit_prune",
    "webhook_create", "webhook_edit", "webhook_delete", "webhook_rotate", "webhook_replay", "webhook_off",
    "search_create", "search_edit", "search_delete", "prune", "suggestion_accept", "suggestion_refuse",
]  # fmt: skip
ACTIONS: tuple[str, ...] = get_args(Action)
Entity = Literal["article", "tag", "region", "key", "import", "job", "webhook", "search"]
Details = Mapping[str, object]

_NOTED, _ACTOR = "dateline.audit", "dateline.actor"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One row to be written. `seq` is the row of the change log that it belongs to."""

    action: Action
    entity: Entity | None = None
    entity_id: int | None = None
    version_before: int | None = None
    version_after: int | None = None
    details: Details = field(default_factory=dict)
    seq: int | None = None


def add_record(session: Session, deed: AuditRecord) -> None:
    """Notes what this transaction does beside the changes of the log, whose rows come by themselves."""
    list_pending(session).append(deed)


def list_pending(session: Session) -> list[AuditRecord]:
    """What is noted and not yet written; whoever undoes a part of the transaction removes what that part noted."""
    deeds: list[AuditRecord] = session.info.setdefault(_NOTED, [])
    return deeds


def set_actor(session: Session, actor: Actor) -> None:
    """Says who acts in this transaction."""
    session.info[_ACTOR] = actor


def add_context(session: Session, context: Context) -> None:
    """Says what this transaction is a part of, such as an import."""
    actor = get_actor(session)
    set_actor(session, replace(actor, context={**actor.context, **context}))


def get_actor(session: Session) -> Actor:
    actor = session.info.get(_ACTOR, UNKNOWN)
    assert isinstance(actor, Actor)
    return actor


def write_records(session: Session, deeds: Sequence[AuditRecord]) -> None:
    """Writes rows in the order of the deeds, in one statement, dated by the database's clock."""
    actor = get_actor(session)
    rows = [_render_row(deed, actor) for deed in deeds]
    if rows:
        connection = session.connection()
        connection.exec_driver_sql(*make_insert(connection.dialect, AUDIT, rows, clock_column="at"))


def _render_row(deed: AuditRecord, actor: Actor) -> dict[str, object]:
    details = {**deed.details, **actor.context} if actor.context else deed.details
    return {
        "action": deed.action,
        "actor_kind": actor.kind,
        "key_id": actor.key,
        "actor": actor.name,
        "request_id": actor.request,
        "entity": deed.entity,
        "entity_id": deed.entity_id,
        "version_before": deed.version_before,
        "version_after": deed.version_after,
        "seq": deed.seq,
        "details": encode_details(details) if details else None,
    }


def encode_details(details: Details) -> str:
    """JSON of at most MOST_DETAILS bytes: what is too long is named under `left_out` instead."""
    encoded, left_out = dict(details), []
    text = orjson.dumps(encoded)
    # What is left is whole: text that is cut off could not be read back as JSON.
    while len(text) > MOST_DETAILS and encoded:
        longest = max(encoded, key=lambda name: len(orjson.dumps(encoded[name])))
        encoded.pop(longest)
        left_out.append(longest[:40])
        text = orjson.dumps({**encoded, "left_out": left_out})
    return (text if len(text) <= MOST_DETAILS else orjson.dumps({"left_out": len(details)})).decode()


def forget_article(session: Session, id: int) -> None:
    """Clears the details of an article's rows. Who did what to it, and when, stays."""
    of = (AUDIT.c.entity == "article") & (AUDIT.c.entity_id == id) & AUDIT.c.details.is_not(None)
    session.connection().execute(update(AUDIT).where(of).values(details=None))
