"""`dateline` commands as processes of their own, forked from one that has imported the program already; and an archive
served by several of them, for tests that speak to an application.

They can be killed and signalled like any other, and start ten times sooner than a new Python.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn, TextIO

import httpx
from conftest import Served
from starlette.types import Message, Receive, Scope, Send

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.search.tantivy import index_schema
from app.settings import Settings

SEED = str(Path(__file__).resolve().parent.parent.parent / "seed_data")
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["app.__main__", "app.main", "app.commands.serve", "app.importers.pipeline"])


def _run(arguments: tuple[str, ...], environment: dict[str, str], out: Connection, err: Connection) -> None:
    """In the child: what `python -m app` does, with these standard streams."""
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    for name in [name for name in os.environ if name.startswith("DATELINE_")]:
        del os.environ[name]
    os.environ |= environment
    _shift_clock(float(environment.get("CLOCK_OFFSET", 0)))
    index_schema.ANALYSIS += int(environment.get("LATER_FORMS", 0))
    sys.argv = ["dateline", *arguments]
    from app.__main__ import main

    main()


def _shift_clock(seconds: float) -> None:
    """As on a machine whose clock is off by so much."""
    there = time.time
    time.time = lambda: there() + seconds


class DatelineProcess:
    """A running command. `lines` are those of its standard output, as they come. `CLOCK_OFFSET` in its environment are
    seconds by which its clock is off; `LATER_FORMS` makes it a later version, with so many newer forms of the index."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], quiet: bool = False) -> None:
        reading, out = _context.Pipe(duplex=False)
        self._errors, err = _context.Pipe(duplex=False)
        self._process = _context.Process(
            target=_run, args=(arguments, dict(environment), out, out if quiet else err), daemon=True
        )
        self._process.start()
        out.close()
        err.close()
        self._out = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()

    @property
    def lines(self) -> Iterator[str]:
        return (line.rstrip("\n") for line in self._out)

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs; negative after a signal."""
        return self._process.exitcode

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def send_signal(self, number: int) -> None:
        if self._process.pid is not None and self.status is None:
            with suppress(ProcessLookupError):  # it has ended, but that has not been told yet
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float) -> tuple[int, str, str]:
        """Exit status, the rest of its output, and what it wrote to standard error."""
        out = self._out.read()
        with os.fdopen(os.dup(self._errors.fileno()), encoding="utf-8") as errors:
            err = errors.read()
        self._process.join(seconds)
        assert self.status is not None, f"still runs after {seconds} s"
        return self.status, out, err

    def discard_errors(self) -> None:
        """Reads what it writes to standard error from here on, for one that writes more than a pipe holds: it would
        wait for a reader in the middle of what it does."""

        def read(errors: TextIO) -> None:
            with errors:
                for _ in errors:
                    pass

        errors = os.fdopen(os.dup(self._errors.fileno()), encoding="utf-8")
        Thread(target=read, args=(errors,), daemon=True).start()

    def end(self) -> None:
        """Killed if it still runs; its pipes are closed."""
        self.kill()
        self._process.join(20)
        self._out.close()
        with suppress(OSError):
            self._errors.close()


class WorkerServer:
    """`dateline serve --workers N`, into an empty archive with the sample articles unless told otherwise; `key` has
    every scope."""

    def __init__(self, data: Path, workers: int, *, seed: str | None = SEED, **settings: str) -> None:
        environment = {f"DATELINE_{name.upper()}": value for name, value in settings.items()}
        seeding = ("--seed", seed) if seed else ()
        self.process = DatelineProcess(
            "serve", "--port", "0", "--workers", str(workers), *seeding,
            environment={"DATELINE_DATA_DIR": str(data), **environment},
        )  # fmt: skip
        self.address = self.key = ""
        self.clients: list[httpx.Client] = []
        for line in self.process.lines:
            if line.startswith("Admin key"):
                assert not self.key, "printed twice"
                self.key = line.split()[-1]
            if line.startswith("Dateline is at"):
                self.address = line.split()[3]
            if line.startswith("Try:"):
                break
        else:
            self._fail()

    def list_workers(self) -> list[int]:
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        except FileNotFoundError:
            self._fail()
        return [int(process) for process in children.split()]

    def _fail(self) -> NoReturn:
        """For a server that has ended by itself: says how."""
        status, _, err = self.process.wait(30)
        self.process.end()
        raise AssertionError(f"the server has ended with status {status}: {err}")

    def end(self) -> None:
        """As its operator ends it. Where the supervisor was killed, waits until its workers have ended: until then they
        hold the archive, and the next server of it is refused. What they write to ends with the last of them."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.end()

    def open_clients(self, count: int) -> list[httpx.Client]:
        """Clients of one connection each, which stays open: neighbours are at different workers."""
        clients = [httpx.Client(base_url=self.address, timeout=20) for _ in range(count)]
        self.clients += clients
        for client in clients:
            assert client.get("/health/live").status_code == 200
        return clients


@contextmanager
def run_workers(data: Path, workers: int = 3, *, seed: str | None = SEED, **settings: str) -> Iterator[WorkerServer]:
    server = WorkerServer(data, workers, seed=seed, **settings)
    processes: list[int] = []
    try:
        # On a machine that is short of processors one may have given no sign of life, and be replaced by now.
        deadline = time.monotonic() + 20
        while len(processes := server.list_workers()) != workers:
            assert time.monotonic() < deadline, processes
            time.sleep(0.05)
        yield server
    finally:
        for client in server.clients:
            client.close()
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        server.end()


OF_THE_CONNECTION = {b"date", b"server", b"transfer-encoding", b"connection", b"keep-alive"}


class WorkerGateway:
    """An ASGI application that sends on what it gets, to each of the workers in turn; its connections stay open."""

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
