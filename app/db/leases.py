"""Work that one process does at a time, of all servers and workers of an archive: a row says which, and until when.

    lease = Lease(db, "webhook:3", name_process())
    if await lease.acquire():
        ...
        await lease.write(fn, ...)  # renews it in the same transaction; LeaseLost where another process has it

The database's clock decides, and a row holds it: locks of a session are another's behind a pooler such as PgBouncer,
and SQLite has none. A process that dies is followed after SECONDS at most. One that was stopped, or cut off from the
database, finds out by `is_valid` before the next one begins, and can write nothing after that.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import delete, exists, insert, literal, or_, select, update
from sqlmodel import Session

from app.db.database import Database
from app.db.sql import clock
from app.models import LeaseRow, table

LEASE = table(LeaseRow)
SECONDS = 8
"""How long a lease lasts that is not renewed."""
MARGIN = 2.0
"""Of them, those that a holder does not use: the clock counts whole seconds, and what was begun takes a moment."""

P = ParamSpec("P")
T = TypeVar("T")


class LeaseLost(Exception):
    """Another process has the lease by now."""


def name_process() -> str:
    """What this process is called as a holder: never the same for two of them."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def take(session: Session, name: str, holder: str, seconds: int = SECONDS) -> bool:
    """Takes a lease that is free, has expired or is the holder's own, for so many seconds from now."""
    connection = session.connection()
    until = clock() + seconds
    free = or_(LEASE.c.holder == holder, LEASE.c.until <= clock())
    taken = connection.execute(update(LEASE).where(LEASE.c.name == name, free).values(holder=holder, until=until))
    if taken.rowcount:
        return True
    # Two that insert at once: the second finds the name taken, and its transaction runs again whole.
    absent = ~exists(select(LEASE.c.name).where(LEASE.c.name == name))
    row = select(literal(name), literal(holder), until).where(absent)
    made = insert(LEASE).from_select(["name", "holder", "until"], row)
    # Of an insertion psycopg's count of rows is lost on the way.
    return connection.execute(made.returning(LEASE.c.name)).first() is not None


def renew(session: Session, name: str, holder: str, seconds: int = SECONDS) -> bool:
    """Renews the holder's own lease, also one that has expired and that nobody has taken; False where it is gone."""
    own = update(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder)
    return bool(session.connection().execute(own.values(until=clock() + seconds)).rowcount)


def release(session: Session, name: str, holder: str) -> None:
    """Gives the holder's own lease up, so that another process need not wait for its end."""
    session.connection().execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder))


class Lease:
    """One piece of work as one process knows of it. `seconds`: how long others wait where this process dies."""

    def __init__(self, db: Database, name: str, holder: str, seconds: int = SECONDS) -> None:
        self._db, self.name, self.holder, self._seconds = db, name, holder, seconds
        self._until = 0.0

    @property
    def is_valid(self) -> bool:
        """Whether no other process can have it, by the time that has passed here."""
        return time.monotonic() < self._until

    @property
    def is_due(self) -> bool:
        """Whether it has to be renewed, if there is more to do."""
        return time.monotonic() > self._until - (self._seconds - MARGIN) / 2

    async def acquire(self) -> bool:
        """Whether this process has it now; asks the database unless that is sure."""
        if not self.is_due:
            return True
        began = time.monotonic()
        if (await self._db.write_short(take, self.name, self.holder, self._seconds)).value:
            self._until = began + self._seconds - MARGIN
            return True
        self._until = 0.0
        return False

    async def keep(self) -> None:
        """Renews it if that is due. LeaseLost where another process had it meanwhile, even if it is free again: what is
        known here is not what that one has left."""
        if self.is_due:
            await self.write(lambda session: None)

    async def write(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Renews it and runs `fn(session, …)`, in one transaction. LeaseLost where another process has it: then
        nothing was written."""
        began = time.monotonic()

        def work(session: Session) -> T:
            if not renew(session, self.name, self.holder, self._seconds):
                raise LeaseLost(self.name)
            return fn(session, *args, **kwargs)

        try:
            result = (await self._db.write_short(work)).value
        except LeaseLost:
            self._until = 0.0
            raise
        self._until = began + self._seconds - MARGIN
        return result

    async def release(self) -> None:
        """For others to take at once. Nothing happens where another process has it already."""
        self._until = 0.0
        await self._db.write_short(release, self.name, self.holder)
