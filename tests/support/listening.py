"""An application behind a real socket, for what only shows there: streams, bodies that break off, other programs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import uvicorn
from conftest import Served

from app.http import auth
from app.http.server.connections import Timeouts
from app.main import create_app
from app.settings import Settings


@dataclass(frozen=True)
class Listening(Served):
    """As `Served`, but the clients speak over the network."""

    address: str
    server: uvicorn.Server


@contextlib.asynccontextmanager
async def listen(settings: Settings, patience: Timeouts | None = None) -> AsyncIterator[Listening]:
    """`patience` with clients that are slow, where the usual one would take a test too long."""
    app = create_app(settings)
    app.state.limiter.timeouts = patience or app.state.limiter.timeouts
    # By its protocol asyncio tells a socket that it must not hold small responses back for 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=app.state.limiter.protocol,
            log_config=None,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        app.state.watch.ending = lambda: server.should_exit
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            assert not task.done(), task
            await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            async with (
                httpx.AsyncClient(base_url=address, timeout=20) as public,
                httpx.AsyncClient(base_url=address, timeout=20) as editor,
            ):
                served = Listening(app, settings, public, editor, address, server)
                editor.headers.update(await served.key(*auth.SCOPES))
                yield served
        finally:
            server.should_exit = True
            await task
