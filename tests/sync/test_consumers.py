"""Consumers that are cut off at random, with and without filters: in the end each has what the server's list has."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from support.consumers import FILTERS, Consumer, RandomWriter, consumers, faults, run
from support.listening import listen
from support.stories import story, write

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
        assert len(following[0].met) > 20
        assert sum(one.network.cut for one in following) > 5
        assert sum(one.forgotten for one in following) > 0


async def test_copy_mends_its_labels_and_does_not_begin_anew(sqlite_settings: Settings, tmp_path: Path) -> None:
    async with listen(sqlite_settings) as listening:
        await write(listening.db, *(story(listening.db, n, tags=["a", "b"], places=["belgium"]) for n in range(3)))
        [one] = consumers(listening.address, tmp_path, 1, [""])
        one.network.reliable = True
        await asyncio.to_thread(one.step)
        assert one.started == 1
        for ref, patch in (
            ("a", {"aliases": ["ay"]}),
            ("a", {"names": {"fr": "á"}}),
            ("a", {"name": "Another", "slug": "another", "kind": "event"}),
            ("another", {"slug": "another-one"}),
        ):
            response = await listening.editor.patch(f"/v1/tags/{ref}", json=patch)
            assert response.status_code == 200, response.text
        unused = {"name": "Unused", "kind": "topic"}
        assert (await listening.editor.post("/v1/tags", json=unused)).status_code == 201
        assert (await listening.editor.patch("/v1/tags/unused", json={"name": "Idle"})).status_code == 200
        merging = await listening.editor.post("/v1/tags/b/merge", json={"into": "unused"})
        assert merging.status_code == 200, merging.text  # of so few articles it is done at once
        assert await asyncio.to_thread(faults, [one]) == []
        assert one.started == 1


class CutOffs(random.Random):
    """Cuts every response off behind 2,000 bytes, and forgets none."""

    def random(self) -> float:
        return 0.25

    def choice(self, seq: Any) -> Any:
        return seq[-1]


@pytest.mark.slow
async def test_copy_whose_place_has_expired_goes_on_where_its_export_was_cut_off(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    async with listen(sqlite_settings) as listening:
        for first in range(0, 400, 200):
            numbers = range(first, first + 200)
            await write(listening.db, *(story(listening.db, n, tags=["a", "ab"[n % 2]]) for n in numbers))
        await write(listening.db, story(listening.db, 400, tags=["z"]))
        merging = await listening.editor.post("/v1/tags/z/merge", json={"into": "a"})
        assert merging.status_code == 200, merging.text
        # The filter means more than it did: from no place on can it be followed before an export.
        one = Consumer(listening.address, "tag=z", tmp_path / "copy.json", CutOffs())
        parts = set[int | None]()
        while (copy := one.read()) is None or copy["after"] is not None or copy["place"] == "0":
            await asyncio.to_thread(one.step)
            parts.add((one.read() or {}).get("after"))
        assert len(parts) > 3
        assert await asyncio.to_thread(faults, [one]) == []
