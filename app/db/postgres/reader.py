"""Prepared reads on PostgreSQL. Never writes."""

import asyncio
from collections.abc import Mapping

from app.db.postgres.address import Parameters
from app.db.postgres.connection_pool import ConnectionPool
from app.db.postgres.outage_log import OutageLog
from app.db.readers import Row
from app.db.sql import Prepared, Value
from app.errors import DatabaseUnavailable

SECONDS = 15.0
"""For one statement, the wait for a connection included. Told by this side: a limit of the session, or one sent when
connecting, PgBouncer does not keep."""


class PostgresReader:
    """Implements `Reader` on at most so many connections."""

    def __init__(self, parameters: Parameters, size: int) -> None:
        self._pool = ConnectionPool(parameters, size)
        self._outage = OutageLog("read")

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        import psycopg

        try:
            async with asyncio.timeout(SECONDS):
                return await self._pool.fetch(statement.sql.encode(), {**statement.constants, **values})
        except (psycopg.OperationalError, TimeoutError) as error:
            self._outage.tell(error)
            raise DatabaseUnavailable("The database does not answer; try again.") from error

    def version(self) -> int | None:
        return None

    async def close(self) -> None:
        await self._pool.close()

    def close_idle_now(self) -> None:
        """See ConnectionPool."""
        self._pool.close_idle_now()
