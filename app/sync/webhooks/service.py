"""Changes webhooks: what their owners ask for, and what their sender has got done. Plain functions, session first;
never commits. Every change of a webhook itself is in the audit, without its address and its secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson
from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session

from app.audit import old_rows
from app.changes import log
from app.db import audit_rows
from app.db.audit_rows import Action, AuditRecord
from app.db.leases import LEASE
from app.db.log_position import LogPosition
from app.db.sql import read_clock, split_chunks
from app.errors import FieldError, InvalidInput, NotFound, PreconditionFailed
from app.models import Article, Webhook, WebhookAttempt, WebhookRetry, table
from app.search.saved_searches import followers
from app.sync.change_rows import PlacePruned
from app.sync.webhooks import signing
from app.sync.webhooks.backlog import BacklogItem, Key

WEBHOOK, RETRY, ATTEMPT, A = table(Webhook), table(WebhookRetry), table(WebhookAttempt), table(Article)
MOST = 50
"""Webhooks of an archive: each has connections of its own."""
ROTATION_SECONDS = 86_400
"""For how long the secret before the last rotation signs too."""
PURGED = "article.purged"
LEASE_PREFIX = "webhook:"
"""Before the number of a webhook, in the name of the lease of who sends for it."""

OffReason = Literal["asked", "gone", "failing", "archive_replaced", "place_expired", "search_removed"]
_HEALTHY: Mapping[str, int | None] = {"failures": 0, "pauses": 0, "failing_since": None, "next_try": None}


@dataclass(frozen=True, slots=True)
class WebhookEdit:
    """What is to change; None leaves it as it is. `filter` and `include` are JSON, `search` is the number of a saved
    search. Of the two the one that is given takes the place of the other."""

    name: str | None = None
    url: str | None = None
    filter: str | None = None
    search: int | None = None
    include: str | None = None
    enabled: bool | None = None


def create(session: Session, edit: WebhookEdit) -> tuple[int, str]:
    """A new webhook, which is told of what is committed from now on; its number, and its secret, which is shown once.
    InvalidInput where there are MOST already, or the search was removed meanwhile."""
    connection = session.connection()
    _lock_search(session, edit)
    if connection.execute(select(func.count()).select_from(WEBHOOK)).scalar_one() >= MOST:
        detail = f"There are {MOST} webhooks, which is as many as an archive may have; delete one first."
        raise InvalidInput(FieldError("invalid_value", detail))
    epoch, seq = _read_head(session)
    secret, now = signing.make_secret(), read_clock(connection)
    is_off = edit.enabled is False
    row = {
        "name": edit.name, "url": edit.url, "include": edit.include, "secret": secret, **_choose(edit),
        "version": 1, "created_at": now, "updated_at": now, "epoch": epoch, "seq": seq,
        "off_reason": "asked" if is_off else None, "off_at": now if is_off else None, **_HEALTHY,
    }  # fmt: skip
    id: int = connection.execute(insert(WEBHOOK).returning(WEBHOOK.c.id), row).scalar_one()
    _note(session, "webhook_create", id, 1, {"name": edit.name})
    return id, secret


def _lock_search(session: Session, edit: WebhookEdit) -> None:
    """InvalidInput where the search that is to be followed is gone."""
    if edit.search is not None and not followers.lock_search(session, edit.search):
        raise InvalidInput(FieldError("invalid_value", "This search was removed just now.", pointer="/search"))


def _choose(edit: WebhookEdit) -> dict[str, object]:
    """Columns of what is followed, if that is to change."""
    if edit.search is not None:
        return {"filter": "{}", "search_id": edit.search}
    return {} if edit.filter is None else {"filter": edit.filter, "search_id": None}


def _read_head(session: Session) -> tuple[int, int]:
    """Epoch and number of the last change that was committed."""
    epoch, seq = session.connection().execute(select(log.HEAD.c.epoch, log.HEAD.c.seq)).one()
    return epoch, seq


def revise(session: Session, id: int, edit: WebhookEdit, versions: frozenset[int] | None = None) -> None:
    """NotFound; PreconditionFailed where it has none of these versions. Switched on again, it goes on where it stood,
    and what waited is tried at once; in an archive that is another copy it begins with what comes from now on.
    InvalidInput where the search is gone that it follows, or is to follow."""
    connection = session.connection()
    _lock_search(session, edit)
    columns = [WEBHOOK.c[name] for name in ("version", "off_reason", "epoch", "seq")]
    statement = select(*columns).where(WEBHOOK.c.id == id)
    row = connection.execute(statement.with_for_update()).first()
    if row is None:
        raise NotFound()
    if versions is not None and row.version not in versions:
        raise PreconditionFailed(row.version, named=versions)
    now = read_clock(connection)
    values: dict[str, object] = {
        name: value for name in ("name", "url", "include") if (value := getattr(edit, name)) is not None
    }
    chosen = _choose(edit)
    fields = sorted([*values, *(name for name in ("filter", "search") if getattr(edit, name) is not None)])
    values |= chosen
    if row.off_reason == "search_removed":
        if chosen:
            values["off_reason"] = "asked"
        elif edit.enabled:
            detail = "The search that it followed was removed. Name another one, or a filter."
            raise InvalidInput(FieldError("invalid_value", detail, pointer="/search"))
    if edit.enabled is not None and edit.enabled != (row.off_reason is None):
        fields.append("enabled")
        values |= {"off_reason": None, "off_at": None} if edit.enabled else {"off_reason": "asked", "off_at": now}
        if edit.enabled:
            values |= _restart(session, id, row.epoch, row.seq, now)
    if "url" in values:  # another endpoint has failed
        values |= _HEALTHY
        _hurry(session, id, now)
    if not fields:
        return
    values |= {"version": row.version + 1, "updated_at": now}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id).values(values))
    _note(session, "webhook_edit", id, row.version + 1, {"fields": fields})


def _restart(session: Session, id: int, followed: int, place: int, now: int) -> dict[str, object]:
    """Columns of a webhook that is switched on again: of one that is on, pruning leaves what it has yet to be told."""
    connection, (epoch, seq) = session.connection(), _read_head(session)
    if epoch != followed:
        connection.execute(delete(RETRY).where(RETRY.c.webhook_id == id))
        return {**_HEALTHY, "epoch": epoch, "seq": seq}
    pruned_seq = connection.execute(select(log.HEAD.c.pruned_seq)).scalar_one()
    waiting = connection.execute(select(func.min(RETRY.c.seq)).where(RETRY.c.webhook_id == id)).scalar()
    # Of what it did not take, the rows that came next may be gone.
    if 0 < place < pruned_seq or (waiting is not None and waiting <= pruned_seq):
        return {"off_reason": "place_expired", "off_at": now}
    _hurry(session, id, now)
    return dict(_HEALTHY)


def _hurry(session: Session, id: int, now: int) -> None:
    session.connection().execute(update(RETRY).where(RETRY.c.webhook_id == id).values(next_try=now))


def remove(session: Session, id: int) -> None:
    """NotFound where there is none. What waited, and the log of attempts, are gone with it."""
    connection = session.connection()
    connection.execute(delete(LEASE).where(LEASE.c.name == f"{LEASE_PREFIX}{id}"))
    for own in (RETRY, ATTEMPT):  # SQLite checks foreign keys, and deletes through them, where it is told to
        connection.execute(delete(own).where(own.c.webhook_id == id))
    gone = connection.execute(delete(WEBHOOK).where(WEBHOOK.c.id == id).returning(WEBHOOK.c.version)).first()
    if gone is None:
        raise NotFound()
    audit_rows.add_record(session, AuditRecord("webhook_delete", "webhook", id, gone.version))


def rotate(session: Session, id: int) -> tuple[str, int]:
    """A new secret, and until when the one before it signs too. NotFound where there is none."""
    connection = session.connection()
    secret, until = signing.make_secret(), read_clock(connection) + ROTATION_SECONDS
    values = {"previous_secret": WEBHOOK.c.secret, "previous_until": until, "secret": secret}
    version = _move_version(session, id, values)
    _note(session, "webhook_rotate", id, version)
    return secret, until


def replay(session: Session, id: int, place: LogPosition) -> None:
    """Everything behind that place of the log is told again. InvalidInput where nothing behind it has been told yet;
    PlacePruned where the log was pruned since the place was looked up."""
    connection, epoch, seq = session.connection(), place.epoch, place.seq
    row = connection.execute(select(WEBHOOK.c.epoch, WEBHOOK.c.seq).where(WEBHOOK.c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound()
    # Behind the lock on the row, which pruning takes before it looks how far webhooks are.
    pruned_seq, pruned_mark = connection.execute(select(log.HEAD.c.pruned_seq, log.HEAD.c.pruned_mark)).one()
    if 0 < seq < pruned_seq and place.mark != pruned_mark:
        raise PlacePruned
    if row.epoch == epoch and seq >= row.seq:
        detail = "Nothing behind that place has been told yet: what follows it is sent anyway."
        raise InvalidInput(FieldError("invalid_value", detail, "since"))
    connection.execute(delete(RETRY).where(RETRY.c.webhook_id == id, RETRY.c.seq > (seq if row.epoch == epoch else 0)))
    version = _move_version(session, id, {"epoch": epoch, "seq": seq})
    _note(session, "webhook_replay", id, version, {"seq": seq})


def switch_off(session: Session, id: int, version: int, reason: OffReason) -> None:
    """By the server itself; nothing happens where the webhook has changed since."""
    connection = session.connection()
    now, same = read_clock(connection), (WEBHOOK.c.id == id) & (WEBHOOK.c.version == version)
    off = {"off_reason": reason, "off_at": now, "version": version + 1, "updated_at": now}
    if connection.execute(update(WEBHOOK).where(same).values(off)).rowcount:
        _note(session, "webhook_off", id, version + 1, {"reason": reason})


def _move_version(session: Session, id: int, values: Mapping[str, object]) -> int:
    connection = session.connection()
    moved = {**values, "version": WEBHOOK.c.version + 1, "updated_at": read_clock(connection)}
    row = connection.execute(
        update(WEBHOOK).where(WEBHOOK.c.id == id).values(moved).returning(WEBHOOK.c.version)
    ).first()
    if row is None:
        raise NotFound()
    return int(row[0])


def _note(session: Session, action: Action, id: int, version: int, details: Mapping[str, object] | None = None) -> None:
    """In the audit, where this is the version now."""
    audit_rows.add_record(session, AuditRecord(action, "webhook", id, version - 1 or None, version, details or {}))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that was made. `key` is what it was about, None for a test; `at` and `next_try` are times of the
    database's clock."""

    at: int
    message: str
    type: str
    key: Key | None
    number: int
    status: int | None
    error: str | None
    ms: int
    next_try: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a sender has got done since it last said so: from row `before` of the log on, `seq` is settled."""

    before: int
    seq: int
    failures: int
    pauses: int
    failing_since: int | None
    next_try: int | None
    retries: Mapping[Key, BacklogItem | None]
    attempts: Sequence[Attempt]


def save_progress(session: Session, id: int, version: int, progress: Progress) -> bool:
    """Whether the webhook is still what it was when it was read. What was done is kept all the same, unless it was put
    back to another place meanwhile or is gone: then nothing but the attempts counts."""
    connection = session.connection()
    columns = (WEBHOOK.c.version, WEBHOOK.c.seq)
    row = connection.execute(select(*columns).where(WEBHOOK.c.id == id).with_for_update()).first()
    if row is None:
        return False
    values = {"seq": progress.seq}
    if row.version == version:
        values |= {name: getattr(progress, name) for name in _HEALTHY}
    is_same_place = row.seq == progress.before
    if is_same_place:
        connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id).values(values))
        _save_retries(session, id, progress.retries)
    add_attempts(session, id, progress.attempts)
    return bool(row.version == version and is_same_place)


def _save_retries(session: Session, id: int, retries: Mapping[Key, BacklogItem | None]) -> None:
    connection = session.connection()
    for entity in {entity for entity, _ in retries}:
        for some in split_chunks([of for kind, of in retries if kind == entity]):
            own = (RETRY.c.webhook_id == id) & (RETRY.c.entity == entity)
            connection.execute(delete(RETRY).where(own, RETRY.c.entity_id.in_(some)))
    rows = [
        {
            "webhook_id": id, "entity": entity, "entity_id": of, "seq": item.seq, "attempts": item.attempts,
            "next_try": item.next_try,
        }
        for (entity, of), item in retries.items() if item is not None
    ]  # fmt: skip
    if rows:
        connection.execute(insert(RETRY), rows)


def add_attempts(session: Session, id: int, attempts: Sequence[Attempt]) -> None:
    """To the log of attempts. Of an article that was purged meanwhile there is no trace, but that it was purged."""
    connection = session.connection()
    articles = {one.key[1] for one in attempts if one.key is not None and one.key[0] == "article"}
    known: set[int] = set()
    for some in split_chunks(articles):
        known |= set(connection.execute(select(A.c.id).where(A.c.id.in_(some))).scalars())
    rows = [
        {
            "webhook_id": id, "at": one.at, "message": one.message, "type": one.type,
            "entity": one.key[0] if one.key else None, "entity_id": one.key[1] if one.key else None,
            "number": one.number, "status": one.status, "error": one.error, "ms": one.ms, "next_try": one.next_try,
        }
        for one in attempts
        if one.key is None or one.key[0] != "article" or one.key[1] in known or one.type == PURGED
    ]  # fmt: skip
    if rows:
        connection.execute(insert(ATTEMPT), rows)


def encode(value: object) -> str:
    """JSON as rows keep it."""
    return orjson.dumps(value).decode()


def prune_attempts(session: Session, days: int, limit: int) -> int:
    """Deletes at most `limit` attempts that are older than so many days; how many."""
    return old_rows.delete_older(session, ATTEMPT, days, limit)
