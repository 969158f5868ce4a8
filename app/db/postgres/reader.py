"""Prepared reads on PostgreSQL. Never writes."""

import asyncio
import logging
from collections.abc import Mapping

from app.db.postgres.address import Parameters
from app.db.postgres.connection_pool import ConnectionPool
from app.db.readers import Row
from app.db.sql import Prepared, Value
from app.errors import DatabaseUnavailable

SECONDS = 15.0
"""For one statement, the wait for a connection included. Told by this side: a limit of the session, or one sent when
connecting, PgBouncer does not keep."""

log = logging.getLogger(__name__)


class PostgresReader:
    """Implements `Reader` on at most so many connections."""

    def __init__(self, parameters: Parameters, size: int) -> None:
        self._pool = ConnectionPool(parameters, size)

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        import psycopg

        try:
            async with asyncio.timeout(SECONDS):
                return await self._pool.fetch(statement.sql.encode(), {**statement.constants, **values})
        except (psycopg.OperationalError, TimeoutError) as error:
            log.warning("the database does not respond to a read: %s", describe_error(error))
            raise DatabaseUnavailable("The database does not answer; try again.") from error

    def version(self) -> int | None:
        return None

    async def close(self) -> None:
        await self._pool.close()


def describe_error(error: Exception) -> str:
    """What a database has said, in one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
