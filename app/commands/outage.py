"""What a server does that is started before its PostgreSQL: it waits, and says so, instead of ending. What it finds
then is opened as always."""

import re
import socket
from collections.abc import Callable
from threading import Event, Thread

from rich.console import Console
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.db.database import read_url
from app.db.postgres.address import complete
from app.db.postgres.outage_log import describe_error
from app.errors import DatabaseUnavailable
from app.http.problems import render_problem
from app.http.server.process import ServerProcess
from app.monitoring.health import LIVE, Ready
from app.settings import Settings

SECONDS = 0.5
"""Between two attempts."""
_MISCONFIGURED = re.compile(r"password authentication failed|no pg_hba\.conf entry|does not exist")
"""What PostgreSQL says, in English, where waiting is of no use. In other languages it is waited for, and shown."""


def wait_for_database(settings: Settings, listening: socket.socket, console: Console) -> bool:
    """Until PostgreSQL lets this server in, or for good reasons never will; at once on SQLite. False where the server
    was told to end meanwhile."""
    url = read_url(settings.url)
    if url.dialect == "sqlite":
        return True

    def find_problem() -> str | None:
        import psycopg

        try:
            psycopg.connect(**complete(url.parameters, for_writing=True)).close()  # type: ignore[arg-type] # all text
        except psycopg.OperationalError as error:
            return None if _MISCONFIGURED.search(str(error)) else describe_error(error)
        return None

    problem = find_problem()
    if problem is None:
        return True
    console.print(f"Waiting for the database: {problem}", markup=False, highlight=False)
    return _serve_outage(listening, find_problem)


def _serve_outage(listening: socket.socket, find_problem: Callable[[], str | None]) -> bool:
    """Responds to requests until there is no problem any more."""
    process = ServerProcess(_respond, None, keep_alive=1)
    has_ended, is_solved = Event(), Event()

    def look() -> None:
        while not has_ended.wait(SECONDS):
            if find_problem() is None:
                is_solved.set()
                process.end()
                return

    looking = Thread(target=look, name="wait-for-database", daemon=True)
    looking.start()
    # A copy: uvicorn closes what it has listened on.
    process.run(listening.dup())
    has_ended.set()
    looking.join()
    return is_solved.is_set()


async def _respond(scope: Scope, receive: Receive, send: Send) -> None:
    """The process lives, and has nothing to show. What the database has said is for its operator."""
    if scope["type"] != "http":
        return
    path, response = scope["path"], render_problem(DatabaseUnavailable(NOT_REACHED), scope)
    if path.endswith("/health/live"):
        response = JSONResponse(LIVE, headers=NO_STORE)
    elif path.endswith("/health/ready"):
        response = JSONResponse(_NOT_READY, 503, headers=NO_STORE)
    await response(scope, receive, send)


NOT_REACHED = "The database has not been reached yet; try again."
NO_STORE = {"Cache-Control": "no-store"}
_NOT_READY = Ready(
    status="unavailable", database=False, index=False, index_lag=None, problem=NOT_REACHED, read_only=None,
    clock_problem=None, replica=None, replica_lag=None,
).model_dump()  # fmt: skip
