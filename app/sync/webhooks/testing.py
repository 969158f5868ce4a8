"""Tells an endpoint of nothing, at once and whatever waits, so that its owner sees whether it listens."""

import asyncio
import secrets
import time
from functools import partial

import orjson

from app.changes.daemon_thread import run_in_daemon_thread
from app.context import AppContext
from app.sync.webhooks import service, signing
from app.sync.webhooks.messages import CreateClient, DeliveryResult, Message, render_body
from app.sync.webhooks.queries import WebhookRow

TYPE = "webhook.test"
AT_ONCE = 8
"""Tests that one server makes at a time; each waits for as long as its endpoint may."""


class WebhookTester:
    """`create_client` as senders have it."""

    def __init__(self, create_client: CreateClient) -> None:
        self._create_client = create_client
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, context: AppContext, row: WebhookRow) -> service.Attempt:
        """One request, also to a webhook that is switched off; in the log of attempts too."""
        message, now = f"msg_{row.id}_test_{secrets.token_hex(8)}", int(time.time())
        body = render_body(TYPE, now, orjson.dumps({"webhook": {"id": row.id, "name": row.name}}))
        headers = signing.build_headers(row.list_secrets(row.now), message, now, body)
        async with self._turns:
            outcome = await run_in_daemon_thread(partial(self._send, row.url, Message(headers, body)))
        attempt = service.Attempt(row.now, message, TYPE, None, 1, outcome.status, outcome.error, outcome.ms)
        await context.db.write(service.add_attempts, row.id, [attempt])
        return attempt

    def _send(self, url: str, message: Message) -> DeliveryResult:
        client = self._create_client()
        try:
            return client.post(url, lambda: message)
        finally:
            client.close()
