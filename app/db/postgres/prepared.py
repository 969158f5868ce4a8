"""Whether statements are prepared: by PostgreSQL itself they are, since planning one that shows an article takes five
times as long as running it. A pool of sessions such as PgBouncer may run each transaction in another session, which
does not know what was prepared in the one before.

Which of the two a connection is made to, no parameter says. But a pool has to have numbers of its own for what a client
cancels: the number of the process that is told to a client is not that of the process which serves it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

ASK_PROCESS = b"SELECT pg_backend_pid()"
PREPARE_AFTER = 5
"""How often a connection runs a statement before it is prepared."""


def choose_threshold(connection: "Connection[Any] | AsyncConnection[Any]", process: object) -> None:
    """`process` is what the connection has responded to ASK_PROCESS. It has prepared nothing before that."""
    is_direct = connection.pgconn.backend_pid == process
    connection.prepare_threshold = PREPARE_AFTER if is_direct else None
