"""Work that many ask for at once: done once, whoever goes and whatever goes wrong."""

import asyncio
from pathlib import Path

import pytest
from support.search_archive import SearchArchive

from app.changes.single_flight import SingleFlight
from app.db.log_position import LogHead
from app.search.vocabulary.current import CurrentVocabulary

pytestmark = pytest.mark.anyio


async def test_many_at_once_read_the_vocabulary_once(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    current, head = CurrentVocabulary(archive.db), LogHead(1, 0, 0, 0, 0, 0)
    first, *others = await asyncio.gather(*(current.get(head) for _ in range(50)))
    assert first.find_named("tag", "tag-3") == (3,)
    assert all(other is first for other in others)
    await archive.db.close()


async def test_waiter_that_goes_away_takes_nothing_from_the_others() -> None:
    once, ready = SingleFlight(), asyncio.Event()

    async def work() -> str:
        await ready.wait()
        return "done"

    waiting = [asyncio.create_task(once.run("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    ready.set()
    assert await asyncio.gather(*waiting[1:]) == ["done", "done"]


async def test_failed_work_fails_for_all_and_is_tried_again() -> None:
    once, tries = SingleFlight(), list[int]()

    async def work() -> int:
        tries.append(1)
        await asyncio.sleep(0)
        if len(tries) == 1:
            raise ValueError
        return len(tries)

    failed = await asyncio.gather(*(once.run("key", work) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in failed] == [ValueError] * 3
    assert await once.run("key", work) == 2
