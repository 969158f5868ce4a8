"""Connections of PostgreSQL in autocommit for single statements that read, opened when they are needed.

A database that cannot be reached is told to everybody who waits for a connection, as soon as one attempt has failed and
no other connection is open; the next statement tries again. psycopg's own pool connects in the background, ever more
rarely, and lets callers wait for it: ten seconds where a connection is refused, and as long again after the database
has come back.

Nothing depends on the session: between two statements PgBouncer may give the connection another one.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.db.postgres.address import HostOrder, Parameters
from app.db.postgres.prepared import ASK_PROCESS, choose_threshold
from app.db.readers import Row, is_disconnected

if TYPE_CHECKING:
    from psycopg import AsyncConnection, OperationalError

    Connection = AsyncConnection[tuple[Any, ...]]


class ConnectionPool:
    """At most `size` connections, of the event loop that runs the first statement. Raises psycopg's errors."""

    def __init__(self, parameters: Parameters, size: int) -> None:
        self._order, self._size = HostOrder(parameters), size
        self._idle: list[Connection] = []
        self._count = 0
        """Connections that are open, whether they are in use or not, and those that are being opened."""
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._is_closed = False

    async def fetch(self, sql: bytes, values: Mapping[str, object]) -> list[Row]:
        """All rows of a statement that changes nothing: it is run again where the connection has ended, as all do when
        the server is restarted."""
        from psycopg import OperationalError

        for is_last in (False, True):
            connection = await self._acquire()
            try:
                cursor = await connection.execute(sql, values)
                return await cursor.fetchall()
            except OperationalError as error:
                if is_last or not is_disconnected(error.sqlstate):
                    raise
                await self._close_idle()  # they are as dead as this one
            finally:
                await self._release(connection)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Those in use are closed when their statements have ended."""
        self._is_closed = True
        await self._close_idle()

    def close_idle_now(self) -> None:
        """Of those that are not in use, where the event loop has ended that they were opened in."""
        while self._idle:
            self._count -= 1
            with suppress(StopIteration):  # psycopg's coroutine waits for nothing
                self._idle.pop().close().send(None)

    async def _acquire(self) -> "Connection":
        while not self._idle:
            connection = await (self._open() if self._count < self._size else self._wait())
            if connection is not None:
                return connection
        return self._idle.pop()

    async def _open(self) -> "Connection | None":
        """Where the server refuses only this one, such as when it has as many as it may have, the next that is free;
        None where the caller should look again."""
        from psycopg import OperationalError

        self._count += 1
        try:
            return await self._connect()
        except OperationalError as error:
            self._count -= 1
            if not self._count:
                self._fail(error)
                raise
        except BaseException:
            self._count -= 1
            self._hand_on(None)
            raise
        return await self._wait()

    async def _connect(self) -> "Connection":
        from psycopg import AsyncConnection

        connection = await AsyncConnection.connect(
            **self._order.parameters,  # type: ignore[arg-type] # libpq's parameters are all text
            autocommit=True,
            prepare_threshold=None,
        )
        try:
            row = await (await connection.execute(ASK_PROCESS)).fetchone()
        except BaseException:
            await connection.close()
            raise
        choose_threshold(connection, row[0] if row else None)
        self._order.note_host(connection.info.host, connection.info.port)
        return connection

    async def _wait(self) -> "Connection | None":
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            # Cancelled when it had its turn already: that is somebody else's.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                connection = turn.result()
                if connection is None:
                    self._hand_on(None)
                else:
                    await self._release(connection)
            raise

    async def _release(self, connection: "Connection") -> None:
        from psycopg.pq import TransactionStatus

        if self._is_closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
            self._count -= 1
            await connection.close()
            self._hand_on(None)
        elif not self._hand_on(connection):
            self._idle.append(connection)

    def _hand_on(self, connection: "Connection | None") -> bool:
        """To whoever has waited longest; None stands for leave to open one. False where nobody waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def _fail(self, error: "OperationalError") -> None:
        """Nobody has a connection, and none is to be had: nobody need wait for one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    async def _close_idle(self) -> None:
        while self._idle:
            self._count -= 1
            await self._idle.pop().close()
