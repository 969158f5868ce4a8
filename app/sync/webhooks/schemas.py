"""The shapes of webhooks as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import Time
from app.http.schemas import Detail, Notice, Page, Shape
from app.sync.webhooks.payloads import Include
from app.sync.webhooks.service import OffReason


class SwitchedOff(Shape):
    """Why nothing is sent. `asked`: by `enabled: false`; `gone`: the endpoint responded with 410; `failing`: for five
    days it took nothing; `archive_replaced`: the archive is a copy, whose place in the log is another one;
    `place_expired`: what follows its place is not kept any more; `search_removed`: there is nothing that it follows."""

    reason: OffReason
    at: Time


class Webhook(Shape):
    """An endpoint that is told of changes. Its secret is shown when it is made, and never again."""

    id: int
    name: str
    url: str
    filter: dict[str, Detail] | None = Field(
        description="As it was sent; `warnings` says what it means now. Null where a search is followed."
    )
    search: str | None = Field(description="The slug of the saved search that it follows.")
    include: list[Include]
    enabled: bool
    state: Literal["on", "failing", "off"] = Field(description="`failing`: the last request did not succeed.")
    off: SwitchedOff | None
    place: str = Field(description="Up to which change all is delivered, or waits; good for `since`.")
    behind: int = Field(description="Rows of the log behind that place, also of what is not for this webhook.")
    waiting: int = Field(description="Articles of which a change was not taken, and is tried again.")
    failing_since: Time | None
    next_try: Time | None = Field(description="When something is tried again, where nothing else is sent before.")
    rotating_until: Time | None = Field(description="Until then the secret before signs too.")
    version: int
    created_at: Time
    updated_at: Time
    warnings: list[Notice]


class WebhookCreated(Webhook):
    secret: str


class WebhookSecret(Shape):
    """The new secret, which is shown once. Messages are signed by the one before as well, until `rotating_until`."""

    id: int
    secret: str
    rotating_until: Time


class WebhookList(Shape):
    data: list[Webhook]
    page: Page
    warnings: list[Notice]


class WebhookTest(Shape):
    """What became of a test. `status` is null without a response, `error` on success."""

    message: str
    delivered: bool
    status: int | None
    error: str | None
    ms: int


class AttemptTarget(Shape):
    entity: Literal["article", "tag", "region"]
    id: int


class WebhookAttempt(Shape):
    """One request. `number` counts those of the same message; `next_try` is null on success."""

    id: int
    at: Time
    message: str = Field(description="The `webhook-id` that it was sent with.")
    type: str
    target: AttemptTarget | None
    number: int
    delivered: bool
    status: int | None
    error: str | None
    ms: int
    next_try: Time | None


class WebhookAttemptList(Shape):
    data: list[WebhookAttempt]
    page: Page
    warnings: list[Notice]
