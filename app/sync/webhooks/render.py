"""From rows to what clients see of webhooks and attempts. Never a secret."""

from collections.abc import Mapping, Sequence

from app.db.log_position import LogHead, LogPosition
from app.http.params.times import format_time
from app.sync.webhooks.queries import AttemptRow, WebhookRow

Json = dict[str, object]


def render_webhook(
    row: WebhookRow, head: LogHead, place: LogPosition, warnings: Sequence[Mapping[str, object]]
) -> Json:
    """`place` is that of the row of the log that the webhook stands at."""
    is_on = row.off_reason is None
    next_try = None if row.due is None else max(row.due, row.next_try or 0)
    is_rotating = row.previous_until is not None and row.previous_until > row.now
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "filter": row.filter_values if row.has_filter else None,
        "search": row.search,
        "include": row.include_names,
        "enabled": is_on,
        "state": "off" if not is_on else "failing" if row.failures else "on",
        "off": None if is_on else {"reason": row.off_reason, "at": _format(row.off_at)},
        "place": place.token,
        "behind": max(0, head.public_seq - row.seq) if row.epoch == head.epoch else 0,
        "waiting": row.waiting,
        "failing_since": _format(row.failing_since),
        "next_try": _format(next_try) if is_on else None,
        "rotating_until": _format(row.previous_until) if is_rotating else None,
        "version": row.version,
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
        "warnings": list(warnings),
    }


def render_attempt(row: AttemptRow) -> Json:
    return {
        "id": row.id,
        "at": format_time(row.at),
        "message": row.message,
        "type": row.type,
        "target": None if row.entity is None else {"entity": row.entity, "id": row.entity_id},
        "number": row.number,
        "delivered": row.error is None,
        "status": row.status,
        "error": row.error,
        "ms": row.ms,
        "next_try": _format(row.next_try),
    }


def _format(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
