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

from app.actor import UNKNOWN, Actor, Context
from app.models import Audit, table
from app.sql import insert_rows

AUDIT = table(Audit)
MOST_DETAILS = 1_000
"""Bytes of one row's details as JSON: the longest lists in them are left out first."""

Action = Literal[
    "create", "edit", "correct", "schedule", "unschedule", "publish", "withdraw", "unpublish", "trash", "restore",
    "purge", "link", "relink", "tag_create", "tag_edit", "tag_merge", "region_create", "region_edit", "region_load",
    "key_create", "key_revoke", "import", "undo", "bulk_edit", "job", "migrate", "server_start", "audit_prune",
]  # fmt: skip
ACTIONS: tuple[str, ...] = get_args(Action)
Entity = Literal["article", "tag", "region", "key", "import", "job"]
Details = Mapping[str, object]

_NOTED, _ACTOR = "dateline.audit", "dateline.actor"


@dataclass(frozen=True, slots=True)
class Deed:
    """One row to be written. `seq` is the row of the change log that it belongs to."""

    action: Action
    entity: Entity | None = None
    entity_id: int | None = None
    version_before: int | None = None
    version_after: int | None = None
    details: Details = field(default_factory=dict)
    seq: int | None = None


def note(session: Session, deed: Deed) -> None:
    """Notes what this transaction does beside the changes of the log, whose rows come by themselves."""
    noted(session).append(deed)


def noted(session: Session) -> list[Deed]:
    """What is noted and not yet written; whoever undoes a part of the transaction removes what that part noted."""
    deeds: list[Deed] = session.info.setdefault(_NOTED, [])
    return deeds


def attribute(session: Session, actor: Actor) -> None:
    """Says who acts in this transaction."""
    session.info[_ACTOR] = actor


def add_context(session: Session, context: Context) -> None:
    """Says what this transaction is a part of, such as an import."""
    actor = actor_of(session)
    attribute(session, replace(actor, context={**actor.context, **context}))


def actor_of(session: Session) -> Actor:
    actor = session.info.get(_ACTOR, UNKNOWN)
    assert isinstance(actor, Actor)
    return actor


def write(session: Session, deeds: Sequence[Deed]) -> None:
    """Writes rows in the order of the deeds, in one statement, dated by the database's clock."""
    actor = actor_of(session)
    insert_rows(session.connection(), AUDIT, [_row(deed, actor) for deed in deeds], clocked="at")


def _row(deed: Deed, actor: Actor) -> dict[str, object]:
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
    said, left_out = dict(details), []
    text = orjson.dumps(said)
    while len(text) > MOST_DETAILS and said:
        longest = max(said, key=lambda name: len(orjson.dumps(said[name])))
        said.pop(longest)
        left_out.append(longest[:40])
        text = orjson.dumps({**said, "left_out": left_out})
    return (text if len(text) <= MOST_DETAILS else orjson.dumps({"left_out": len(details)})).decode()


def forget_article(session: Session, id: int) -> None:
    """Clears the details of an article's rows. Who did what to it, and when, stays."""
    of = (AUDIT.c.entity == "article") & (AUDIT.c.entity_id == id) & AUDIT.c.details.is_not(None)
    session.connection().execute(update(AUDIT).where(of).values(details=None))
