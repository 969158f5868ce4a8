"""Secrets, and signatures by them as Standard Webhooks has them."""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
BYTES = 32
"""Standard Webhooks asks for 24 to 64."""


def make_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def build_headers(keys: Iterable[str], message: str, now: int, body: bytes) -> dict[str, str]:
    """The three headers of a message that is sent now, in epoch seconds; a signature by each of the secrets."""
    # The library takes the time of day for UTC whatever its zone.
    at, text = datetime.fromtimestamp(now, UTC), body.decode()
    signatures = [Webhook(one).sign(message, at, text) for one in keys]
    return {"webhook-id": message, "webhook-timestamp": str(now), "webhook-signature": " ".join(signatures)}
