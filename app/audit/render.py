"""Rows of the audit as people and clients see them. Pure."""

from collections.abc import Mapping

import orjson

from app.audit.queries import AuditEntry
from app.http.params.times import format_time

Slugs = Mapping[tuple[str, int], str]
"""By kind and id, as far as they are there and may be known."""


def show_row(row: AuditEntry, slugs: Slugs) -> dict[str, object]:
    return {
        "id": row.id,
        "at": format_time(row.at),
        "action": row.action,
        "actor": {"kind": row.actor_kind, "name": row.actor, "key_id": row.key_id},
        "request_id": row.request_id,
        "target": _target(row, slugs),
        "version_before": row.version_before,
        "version_after": row.version_after,
        "details": orjson.loads(row.details) if row.details else {},
    }


def _target(row: AuditEntry, slugs: Slugs) -> dict[str, object] | None:
    if row.entity is None:
        return None
    return {"kind": row.entity, "id": row.entity_id, "slug": slugs.get((row.entity, row.entity_id or 0))}


def show_line(row: AuditEntry) -> str:
    """One line for a terminal."""
    target = f" {row.entity} {row.entity_id}" if row.entity else ""
    actor = f"key {row.key_id} ({row.actor})" if row.actor_kind == "key" else f"{row.actor_kind}: {row.actor}"
    request = f" request {row.request_id}" if row.request_id else ""
    details = f" {row.details}" if row.details else ""
    return f"{format_time(row.at)} {row.action}{target}{_versions(row)} by {actor}{request}{details}"


def _versions(row: AuditEntry) -> str:
    if row.version_before == row.version_after:
        return ""
    return f" {row.version_before or 'new'} → {row.version_after or 'gone'}"
