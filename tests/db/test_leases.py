"""Leases: one process does a piece of work at a time, by the database's clock, and another takes it up after it."""

import asyncio
import time

import pytest
from conftest import ENGINES
from sqlalchemy import select, update
from sqlmodel import Session

from app.changes import log
from app.db.database import Database
from app.db.leases import LEASE, Lease, LeaseLost, name_process
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio


def expire(db: Database) -> None:
    """As when so much time has passed."""
    with db.engine.begin() as connection:
        connection.execute(update(LEASE).values(until=1))


def count(session: Session) -> int:
    return len(session.connection().execute(select(LEASE.c.name)).all())


async def test_one_of_many_has_it(db: Database) -> None:
    leases = [Lease(db, "work", name_process()) for _ in range(12)]
    taken = await asyncio.gather(*(lease.acquire() for lease in leases))
    assert sum(taken) == 1
    assert [lease.is_valid for lease in leases] == taken


async def test_holder_keeps_it_and_gives_it_up(db: Database) -> None:
    one, other = Lease(db, "work", "one"), Lease(db, "work", "other")
    assert [await one.acquire(), await other.acquire(), await one.acquire()] == [True, False, True]
    assert await one.write(count) == 1
    assert await Lease(db, "other work", "other").acquire()
    await other.release()  # not its own
    assert not await other.acquire()
    await one.release()
    assert not one.is_valid
    assert await other.acquire()


async def test_expired_lease_is_taken_over_and_its_holder_writes_nothing_more(db: Database) -> None:
    one, other = Lease(db, "work", "one"), Lease(db, "work", "other")
    assert await one.acquire()
    expire(db)
    assert await one.write(count) == 1, "nobody has taken it"
    expire(db)
    assert await other.acquire()
    with pytest.raises(LeaseLost):
        await one.write(count)
    assert not one.is_valid
    assert not await one.acquire()


async def test_holder_finds_out_that_another_had_it_meanwhile(db: Database) -> None:
    one, other = Lease(db, "work", "one"), Lease(db, "work", "other")
    assert await one.acquire()
    await one.keep()
    expire(db)
    assert await other.acquire()
    await other.release()
    one._until = 0.0  # as after a long pause
    with pytest.raises(LeaseLost):
        await one.keep()


async def test_lease_lasts_for_a_few_seconds_unless_it_is_renewed(settings: Settings, db: Database) -> None:
    second = Database(settings, log.append)
    one, other = Lease(db, "work", "one", seconds=3), Lease(second, "work", "other", seconds=3)
    try:
        assert await one.acquire()
        began = time.monotonic()
        while not await other.acquire():
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.05)
        # Whoever had it did not take it for its own any more when another began.
        assert 1 < time.monotonic() - began <= 3.5
        assert not one.is_valid
    finally:
        await second.close()
