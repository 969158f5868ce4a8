"""A replica of PostgreSQL that is read in place of the primary, where it has all that a request knows of.

Each statement is asked together with a question: which mark has the row of the log at which the request's head stands?
Both are of one snapshot. So it does not matter what is behind the address, one replica, several behind a balancer, or
a server that is no replica of this archive at all: rows that come with another mark, or with none, are thrown away, and
the primary is read. Nothing that was withdrawn before the request reappears.

Only statements about articles are sent there, whose rows change with the log alone. The head itself, keys, drafts, jobs
and the log come from the primary, and all that a write reads.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from app.db.engines import DatabaseProblem, read_url
from app.db.log_position import LogHead
from app.db.postgres.address import Parameters, complete
from app.db.postgres.connection_pool import ConnectionPool
from app.db.postgres.outage_log import describe_error
from app.db.postgres.reader import PostgresReader
from app.db.readers import Row, is_disconnected, read_known_head
from app.db.sql import Prepared, Value

TABLES = frozenset(
    ("article", "article_region", "article_slug", "article_tag", "article_url", "related_post", "source", "tag")
)
"""What statements that a replica may be sent read, and nothing else."""
SECONDS = 3.0
"""For one statement. A replica that takes longer is left alone like one that is gone."""
STATE_SECONDS = 1.0
"""For how it stands: a health check that is late counts as one that has failed."""
BEHIND_SECONDS, AWAY_SECONDS = 0.05, 1.0
"""How long it is left alone after it was behind, and after it was gone."""
_QUESTION = "(SELECT mark FROM change WHERE seq = %(known_seq)s)"
_STATE = f"SELECT (SELECT seq FROM change_head), {_QUESTION}".encode()

log = logging.getLogger(__name__)


class ReplicaState(NamedTuple):
    """`lag`: how many rows of the log it has yet to replay; None where it does not say."""

    state: Literal["ok", "behind", "unavailable"]
    lag: int | None


class Replica:
    """At most so many connections to it. Raises nothing: whoever gets no rows reads the primary."""

    def __init__(self, parameters: Parameters, size: int) -> None:
        self._pool = ConnectionPool(parameters, size)
        self._rest_until = 0.0
        self._is_away = False
        self._probe: asyncio.Task[None] | None = None
        self.served = self.refused = 0
        """Statements that it was read for, and those for which it might have been."""

    async def fetch(self, statement: Prepared, values: Mapping[str, Value], head: LogHead) -> list[Row] | None:
        """All rows, as of the head or later; None where that is not sure. No rows prove nothing, so that the primary
        says whether there are none."""
        rows = await self._fetch(statement, values, head) if self._is_ready() else None
        if rows:
            self.served += 1
            return rows
        self.refused += 1
        return None

    async def _fetch(self, statement: Prepared, values: Mapping[str, Value], head: LogHead) -> list[Row] | None:
        import psycopg

        bound = {**statement.constants, **values, "known_seq": head.seq}
        try:
            async with asyncio.timeout(SECONDS):
                rows = await self._pool.fetch(_add_question(statement.sql), bound)
        except (psycopg.Error, TimeoutError) as error:
            self._note_failure(error)
            return None
        if rows and rows[0][-1] != head.mark:
            self._rest_until = time.monotonic() + BEHIND_SECONDS
            return None
        return [row[:-1] for row in rows]

    def _is_ready(self) -> bool:
        """Whether it is worth a try. One that was gone is tried out beside requests: none of them waits for it."""
        if time.monotonic() < self._rest_until:
            return False
        if self._is_away and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._try_out())
        return not self._is_away

    async def _try_out(self) -> None:
        import psycopg

        try:
            async with asyncio.timeout(SECONDS):
                await self._pool.fetch(b"SELECT 1", {})
        except (psycopg.Error, TimeoutError):
            self._rest_until = time.monotonic() + AWAY_SECONDS
            return
        self._is_away = False
        log.warning("the replica is read again")

    def _note_failure(self, error: Exception) -> None:
        state = getattr(error, "sqlstate", None)
        self._rest_until = time.monotonic() + AWAY_SECONDS
        if isinstance(error, TimeoutError) or is_disconnected(state):
            if not self._is_away:
                log.warning("the replica does not respond, the primary is read: %s", describe_error(error))
            self._is_away = True
        else:  # such as a conflict between a long read and what it has to replay
            log.warning("the replica has failed a read, the primary is read: %s", describe_error(error))

    async def describe(self, head: LogHead) -> ReplicaState:
        """How it stands beside the head, whether requests read it or not."""
        import psycopg

        if not self._is_ready() and self._is_away:
            return ReplicaState("unavailable", None)
        try:
            async with asyncio.timeout(STATE_SECONDS):
                [(seq, mark)] = await self._pool.fetch(_STATE, {"known_seq": head.seq})
        except (psycopg.Error, TimeoutError) as error:
            self._note_failure(error)
            return ReplicaState("unavailable", None)
        if mark == head.mark or (head.seq == seq == 0):
            return ReplicaState("ok", 0)
        if not isinstance(seq, int) or seq >= head.seq:  # it follows another archive
            return ReplicaState("unavailable", None)
        return ReplicaState("behind", head.seq - seq)

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
        await self._pool.close()

    def close_idle_now(self) -> None:
        """See ConnectionPool."""
        self._pool.close_idle_now()


def open_replica(text: str, dialect: str, size: int) -> Replica | None:
    """At an address, if there is one, of an archive on a database of this dialect. DatabaseProblem where it cannot be
    one of it."""
    if not text:
        return None
    url = read_url(text, "DATELINE_REPLICA_URL")
    if (dialect, url.dialect) != ("postgresql", "postgresql"):
        raise DatabaseProblem("DATELINE_REPLICA_URL is for archives on PostgreSQL, and must be an address of one.")
    return Replica(complete(url.parameters, for_writing=False), size)


@lru_cache(maxsize=512)
def _add_question(sql: str) -> bytes:
    """The statement with a last column, in the same order of rows."""
    return f"SELECT asked.*, {_QUESTION} FROM ({sql}) AS asked".encode()


class ReplicaReader:
    """Implements `Reader`: the replica for published articles as of a place in the log that the caller knows
    (`readers.read_as_of`), the primary for everything else."""

    def __init__(self, primary: PostgresReader, replica: Replica) -> None:
        self._primary, self._replica = primary, replica

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        head = read_known_head()
        if head is not None and statement.tables and statement.tables <= TABLES:
            rows = await self._replica.fetch(statement, values, head)
            if rows is not None:
                return rows
        return await self._primary.rows(statement, values, bounded=bounded)

    def version(self) -> int | None:
        return None

    async def close(self) -> None:
        await self._replica.close()
        await self._primary.close()

    def close_idle_now(self) -> None:
        """See ConnectionPool."""
        self._replica.close_idle_now()
        self._primary.close_idle_now()
