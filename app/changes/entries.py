"""What is recorded of a change before it has a number in the log. Data alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.db.audit_rows import Action

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One change to be appended. `before` and `after` are the filterable facts, None where there was or is nothing."""

    entity: str
    entity_id: int
    event: str
    public: bool
    version: int | None = None
    changed_fields: tuple[str, ...] = ()
    before: Facts | None = None
    after: Facts | None = None
    version_before: int | None = None
    action: Action | None = None
    """What the audit calls it, where the states before and after do not tell."""
    details: Mapping[str, object] | None = None
    """What the audit says of it beside fields and states."""
    relabels: bool = False
    """What is shown of an article changes though its version does not: what shows names is to be read again."""
