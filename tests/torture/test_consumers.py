"""The long form of the consumers that are cut off: twenty thousand writes, on both databases."""

import asyncio
import os
import random
from pathlib import Path

import pytest
from conftest import ENGINES
from support.consumers import FILTERS, RandomWriter, consumers, faults, run
from support.listening import listen

from app.settings import Settings

ON = ENGINES

pytestmark = [pytest.mark.anyio, pytest.mark.torture]

ROWS = int(os.environ.get("TORTURE_WRITES", "20000"))


async def test_nothing_is_missed_and_nothing_met_twice_over_twenty_thousand_writes(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with listen(settings) as listening:
        writer = RandomWriter(listening.db, random.Random(11), numbers=400, batch=40)
        while 0 not in writer.ids:
            writer.write()
        following = consumers(listening.address, tmp_path, 110, (*FILTERS, f"translation_of={writer.ids[0]}"))
        await asyncio.to_thread(run, writer, following, ROWS)
        wrong = await asyncio.to_thread(faults, following)
        with capsys.disabled():
            for one in following:
                reported = f"{len(one.met)} changes since its last start, forgotten {one.forgotten}"
                print(f"{one.filter!r}: {reported}, cut off {one.network.cut}")  # noqa: T201 -- figures are what these runs are for
        assert wrong == []
        assert min(len(one.met) for one in following) > ROWS / 200
