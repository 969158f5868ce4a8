"""An archive served by several worker processes, for tests that speak to an application: each request goes to the next
worker, over a connection of its own that stays open."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from conftest import Served
from starlette.types import Message, Receive, Scope, Send

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.settings import Settings
from support.processes import run_workers

OF_THE_CONNECTION = {b"date", b"server", b"transfer-encoding", b"connection", b"keep-alive"}


class WorkerGateway:
    """An ASGI application that sends on what it gets, to each of the workers in turn."""

    def __init__(self, address: str, connections: int) -> None:
        self._address = address
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
        self._transports = [httpx.AsyncHTTPTransport(limits=one) for _ in range(connections)]
        self._turns = cycle(self._transports)
        self.state: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        url = f"{self._address}{scope['raw_path'].decode().partition('?')[0]}{'?' if query else ''}{query}"
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        request = httpx.Request(scope["method"], url, headers=headers, content=body)
        # The length of nothing is not sent by those who send nothing.
        response = await next(self._turns).handle_async_request(request)
        try:
            shown = [(name.lower(), value) for name, value in response.headers.raw]
            start: Message = {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": [pair for pair in shown if pair[0] not in OF_THE_CONNECTION],
            }
            await send(start)
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for piece in response.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await response.aclose()

    async def close(self) -> None:
        for transport in self._transports:
            await transport.aclose()


@dataclass(frozen=True)
class ServedByWorkers(Served):
    """`Served`, by processes of their own; `db` is a connection of the test's."""

    database: Database | None = None

    @property
    def db(self) -> Database:
        assert self.database is not None
        return self.database


@contextlib.asynccontextmanager
async def serve_by_workers(settings: Settings, workers: int = 4) -> AsyncIterator[ServedByWorkers]:
    environment = {
        "database_url": settings.url, "index_interval": "0.02", "index_heap_mb": "15", "site_url": settings.site_url,
    }  # fmt: skip
    with run_workers(Path(settings.data_dir), workers, seed=None, **environment) as server:
        gateway = WorkerGateway(server.address, 2 * workers)
        database = Database(settings, log.append, alone=False)
        transport = httpx.ASGITransport(gateway)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as public,
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as editor,
        ):
            api = ServedByWorkers(gateway, settings, public, editor, database)  # type: ignore[arg-type] # it is called as one
            editor.headers.update(await api.key(*auth.SCOPES))
            try:
                yield api
            finally:
                await gateway.close()
                database.close_now()
