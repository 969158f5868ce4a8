"""The shapes of the audit and of a key as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import Time
from app.db.audit_rows import Action, Entity
from app.http.schemas import Detail, Notice, Page, Shape


class AuditActor(Shape):
    """A key by its name and number, a command as it was typed, or a task of the server."""

    kind: Literal["key", "command", "server"]
    name: str
    key_id: int | None


class AuditTarget(Shape):
    """What it was done to. `slug` is that of now, null where it is gone or not for this key to know."""

    kind: Entity
    id: int | None
    slug: str | None


class AuditRow(Shape):
    id: int
    at: Time
    action: Action
    actor: AuditActor
    request_id: str | None = Field(description="The request's `X-Request-Id`, or the id of one run of a command.")
    target: AuditTarget | None
    version_before: int | None = Field(description="Null for what is new.")
    version_after: int | None = Field(description="Null for what is gone; as before where no version was made.")
    details: dict[str, Detail] = Field(
        description="Names of changed fields, states before and after, counts; never a text of an article, and empty "
        "once it is purged."
    )


class AuditList(Shape):
    data: list[AuditRow]
    page: Page
    warnings: list[Notice]


class KeyLimits(Shape):
    """`null`: no limit."""

    requests_per_minute: int | None
    body_bytes: int
    import_bytes: int
    idempotency_bytes: int
    idempotency_bytes_used: int


class UseCount(Shape):
    """What was counted of the use of a key: `bytes` of responses."""

    requests: int
    bytes: int


class KeyUses(Shape):
    """Today, in UTC, and the last 31 days. What other processes count is up to five minutes late."""

    today: UseCount
    days_31: UseCount


class KeyEntitlement(Shape):
    """Which part of the archive the key may see: articles that the filters `only` mean, `null` for all; these
    `embargo_hours` after they became public; `without` these properties. `missing`: what the filters name that is
    gone."""

    only: str | None
    embargo_hours: int | None
    without: list[str]
    missing: list[str]


class OwnKey(Shape):
    """The key that asks. `entitlement` is null for a key that may see all that is published."""

    id: int
    name: str
    scopes: list[Literal["read_drafts", "write", "publish", "admin"]]
    created_at: Time
    expires_at: Time | None
    limits: KeyLimits
    usage: KeyUses
    entitlement: KeyEntitlement | None


ROW: dict[str, object] = {
    "id": 1204,
    "at": "2025-05-14T09:12:44Z",
    "action": "publish",
    "actor": {"kind": "key", "name": "newsroom", "key_id": 3},
    "request_id": "5f0c2d9ab1e84c37",
    "target": {"kind": "article", "id": 21, "slug": "how-asean-decides-without-ever-voting"},
    "version_before": 2,
    "version_after": 3,
    "details": {"status": ["draft", "published"], "fields": ["status"]},
}
LIST: dict[str, object] = {
    "data": [ROW],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"},
    "warnings": [],
}
OWN_KEY: dict[str, object] = {
    "id": 3,
    "name": "newsroom",
    "scopes": ["read_drafts", "write", "publish"],
    "created_at": "2025-01-02T10:00:00Z",
    "expires_at": None,
    "limits": {
        "requests_per_minute": 600,
        "body_bytes": 10_000_000,
        "import_bytes": 1_000_000_000,
        "idempotency_bytes": 256_000_000,
        "idempotency_bytes_used": 0,
    },
    "usage": {"today": {"requests": 120, "bytes": 481_200}, "days_31": {"requests": 5_300, "bytes": 20_117_482}},
    "entitlement": None,
}
