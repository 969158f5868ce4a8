"""Up to which row the change log may be pruned: what is older than it is to be kept, and what everybody has read who
goes on from a place of their own. Reads; the place itself is moved here and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update
from sqlmodel import Session

from app.audit.entitlements import terms
from app.audit.pruning import index_positions
from app.changes import log
from app.db import audit_rows
from app.db.database import Snapshot
from app.db.log_position import LogHead
from app.db.sql import read_clock, read_integer
from app.models import ApiKey, SearchPosition, SearchQuery, Webhook, WebhookRetry, table
from app.search.saved_searches import matches
from app.settings import Settings

CHANGE, HEAD, KEY = log.CHANGE, log.HEAD, table(ApiKey)
WEBHOOK, RETRY, QUERY, POSITION = (table(model) for model in (Webhook, WebhookRetry, SearchQuery, SearchPosition))
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Hold:
    """Who needs the rows behind `seq`, in words for people."""

    name: str
    seq: int


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The row up to which the log can be pruned, and its mark. `held_by`: who needs what comes behind it, though it is
    old enough to go."""

    seq: int
    mark: int
    held_by: tuple[str, ...] = ()


def find_end(snapshot: Snapshot, settings: Settings) -> LogEnd | None:
    """None where nothing more is to be pruned than was before."""
    connection, head = snapshot.connection, log.head(snapshot)
    if not settings.log_days:
        return None
    old = _find_last_older(connection, head, settings.log_days * DAY)
    holds = [
        *find_holds(connection, head),
        *_find_own_index_holds(settings, head),
        *_find_embargo_holds(connection, head, settings.log_days, old),
    ]
    oldest_public = _find_public_row(connection, head, old)
    if oldest_public is None:
        return None
    held_by = tuple(hold.name for hold in holds if hold.seq < oldest_public[0])
    row = _find_public_row(connection, head, min([old, *(hold.seq for hold in holds)]))
    return LogEnd(*(row or (head.pruned_seq, head.pruned_mark)), held_by)


def _find_last_older(connection: Connection, head: LogHead, seconds: int) -> int:
    """The last row that is as old as that, with all before it."""
    young = CHANGE.c.at > read_clock(connection) - seconds
    first = select(CHANGE.c.seq).where(CHANGE.c.seq > head.pruned_seq, young).order_by(CHANGE.c.seq).limit(1)
    seq = connection.execute(first).scalar()
    return head.seq if seq is None else read_integer(seq) - 1


def _find_public_row(connection: Connection, head: LogHead, until: int) -> tuple[int, int] | None:
    """The last row up to there that the public sees: a place that nobody is told of before would say where drafts were
    saved."""
    shown = CHANGE.c.seq > head.pruned_seq, CHANGE.c.seq <= until, CHANGE.c.public.is_(True)
    row = connection.execute(
        select(CHANGE.c.seq, CHANGE.c.mark).where(*shown).order_by(CHANGE.c.seq.desc()).limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


def find_holds(connection: Connection, head: LogHead) -> list[Hold]:
    """Of webhooks that are switched on, of saved searches, and of the indexes of all servers."""
    own = WEBHOOK.c.off_reason.is_(None), WEBHOOK.c.epoch == head.epoch
    waiting = select(func.min(RETRY.c.seq)).where(RETRY.c.webhook_id == WEBHOOK.c.id).scalar_subquery()
    rows = connection.execute(select(WEBHOOK.c.id, WEBHOOK.c.seq, waiting).where(*own).order_by(WEBHOOK.c.id))
    holds = [Hold(f"webhook {id}", seq if retry is None else min(seq, retry - 1)) for id, seq, retry in rows]
    if connection.execute(select(QUERY.c.id).where(QUERY.c.hash.is_not(None)).limit(1)).first() is not None:
        position = matches.read_position(connection)
        if position.epoch == head.epoch:
            holds.append(Hold("saved searches", min(position.seq, position.public_seq)))
    places = index_positions.find_places(connection, head.epoch)
    holds += [Hold(f"the indexes of {server}", seq) for server, seq in places]
    return holds


def _find_own_index_holds(settings: Settings, head: LogHead) -> Iterable[Hold]:
    """Of this machine's indexes as they are at this moment."""
    for name, position in index_positions.read_places(settings):
        if position.epoch == head.epoch:
            yield Hold(f"{name} of this machine", position.seq)


def _find_embargo_holds(connection: Connection, head: LogHead, days: int, old: int) -> Iterable[Hold]:
    """Of keys that are told of changes later than the log is kept otherwise."""
    now = read_clock(connection)
    is_live = KEY.c.revoked_at.is_(None) & (KEY.c.expires_at.is_(None) | (KEY.c.expires_at > now))
    ends: dict[int, int] = {}
    rows = connection.execute(select(KEY.c.id, KEY.c.entitlement).where(is_live, KEY.c.entitlement.is_not(None)))
    for id, kept in rows.all():
        hours = terms.decode(kept).embargo_hours
        if hours is None or hours * HOUR <= days * DAY:
            continue
        if hours not in ends:
            ends[hours] = min(old, _find_last_older(connection, head, hours * HOUR))
        yield Hold(f"key {id}, with an embargo of {hours} hours", ends[hours])


def move_end(session: Session, end: LogEnd, days: int) -> bool:
    """Has readers take the log for pruned up to there, whatever is deleted when. Not where somebody needs it
    meanwhile."""
    connection = session.connection()
    # Who is put back to an earlier place waits for this, and is told that it is gone; or this sees where it is now.
    matches.lock_position(session)
    connection.execute(select(WEBHOOK.c.id).order_by(WEBHOOK.c.id).with_for_update()).all()
    head = log.head(Snapshot(connection))
    if end.seq <= head.pruned_seq or any(hold.seq < end.seq for hold in find_holds(connection, head)):
        return False
    connection.execute(update(HEAD).values(pruned_seq=end.seq, pruned_mark=end.mark))
    audit_rows.add_record(
        session, audit_rows.AuditRecord("prune", details={"of": "log", "until": end.seq, "days": days})
    )
    return True


def describe_holds(names: Sequence[str]) -> str:
    """Who needs old rows, for people; at most ten."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
