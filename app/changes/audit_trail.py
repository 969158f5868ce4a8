"""What the audit says of a change in the log: one row for each, by whatever way the change came. Pure.

The one place where an action gets its name: of an article by its states before and after. Rows of regions that come
with the program are told of together.
"""

from collections.abc import Sequence

from app.changes.entries import LogEntry
from app.db.audit_rows import Action, AuditRecord, Entity

_BY_STATE: dict[tuple[str, str], Action] = {
    ("draft", "scheduled"): "schedule",
    ("scheduled", "draft"): "unschedule",
    ("published", "draft"): "unpublish",
    ("withdrawn", "draft"): "unpublish",
}
_BY_NEW_STATE: dict[str, Action] = {
    "published": "publish",
    "scheduled": "schedule",
    "withdrawn": "withdraw",
    "trashed": "trash",
    "draft": "unpublish",
}
_BY_EVENT: dict[str, Action] = {
    "purged": "purge",
    "corrected": "correct",
    "linked": "link",
    "tag_added": "tag_create",
    "tag_renamed": "tag_edit",
    "region_added": "region_create",
    "region_renamed": "region_edit",
}
_ENTITIES: dict[str, Entity] = {"article": "article", "tag": "tag", "region": "region"}


def derive_deeds(entries: Sequence[LogEntry], first: int) -> list[AuditRecord]:
    """The audit's rows for entries that have the numbers from `first` on in the log."""
    numbered = list(enumerate(entries, first))
    deeds = [_derive(entry, seq) for seq, entry in numbered if not is_shipped_region(entry)]
    shipped = [(seq, entry) for seq, entry in numbered if is_shipped_region(entry)]
    if shipped:
        added = sum(entry.event == "region_added" for _, entry in shipped)
        details = {"added": added, "changed": len(shipped) - added, "first_seq": shipped[0][0]}
        deeds.append(AuditRecord("region_load", details=details, seq=shipped[-1][0]))
    return deeds


def is_shipped_region(entry: LogEntry) -> bool:
    """A region brought in with the program: of what editors change the log says which fields."""
    return entry.entity == "region" and not entry.changed_fields


def _derive(entry: LogEntry, seq: int) -> AuditRecord:
    before, after = _status(entry.before), _status(entry.after)
    details: dict[str, object] = dict(entry.details or {})
    if before != after:
        details["status"] = [before, after]
    if entry.changed_fields:
        details["fields"] = entry.changed_fields
    is_purged = entry.event == "purged"
    return AuditRecord(
        derive_action(entry),
        _ENTITIES[entry.entity],
        entry.entity_id,
        entry.version if is_purged else entry.version_before,
        None if is_purged else entry.version,
        details,
        seq,
    )


def derive_action(entry: LogEntry) -> Action:
    """What was done, in a word. A change of state counts more than a correction or an edit that comes with it."""
    if entry.action is not None:
        return entry.action
    if entry.entity != "article" or entry.event in ("purged", "linked"):
        return _BY_EVENT.get(entry.event, "edit")
    before, after = _status(entry.before), _status(entry.after)
    if before is None:
        return "create"
    if before == after or after is None:
        return _BY_EVENT.get(entry.event, "edit")
    # Whatever state it comes back to: that it came back is what was done.
    if before == "trashed":
        return "restore"
    return _BY_STATE.get((before, after)) or _BY_NEW_STATE[after]


def _status(facts: dict[str, object] | None) -> str | None:
    status = None if facts is None else facts.get("status")
    return status if isinstance(status, str) else None
