"""Consumers that are cut off at random, with and without filters: in the end each has what the server's list has."""

import asyncio
import random
from pathlib import Path

import pytest
from support.consumers import FILTERS, RandomWriter, consumers, faults, run
from support.listening import listen

from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_consumer_that_is_cut_off_at_random_misses_nothing_and_meets_nothing_twice(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    async with listen(sqlite_settings) as listening:
        writer = RandomWriter(listening.db, random.Random(7), numbers=20, batch=5)
        while 0 not in writer.ids:
            writer.write()
        of_one = f"translation_of={writer.ids[0]}"
        following = consumers(listening.address, tmp_path, 70, (*FILTERS, of_one))
        await asyncio.to_thread(run, writer, following, 180)
        assert await asyncio.to_thread(faults, following) == []
        assert len(following[0].met) > 40
        assert sum(one.network.cut for one in following) > 5
        assert sum(one.forgotten for one in following) > 1
