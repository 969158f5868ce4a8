"""How much memory a process keeps for bodies and what is made of them."""

import pytest

from app.articles.reading import body_cache
from app.articles.reading.body_cache import BodySize, EncodedBodies, EncodedEntry
from app.db.log_position import LogHead

SIZE = 50_000
HEAD = LogHead(1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_of_one_server_share_the_memory_for_entries(processes: int) -> None:
    bodies = EncodedBodies(processes)
    bodies.head = HEAD
    for number in range(1, 400):
        bodies.put_entry(number, (1, 1), "atom", EncodedEntry(b"x" * SIZE, 0, ""), HEAD)
    room = body_cache.ENTRY_BYTES // processes
    assert room - 2 * SIZE < bodies.size <= room
    assert bodies.find_entries([(399, (1, 1))], "atom")
    assert not bodies.find_entries([(1, (1, 1))], "atom")


def test_each_process_has_its_own_memory_for_bodies() -> None:
    bodies = EncodedBodies(4)
    bodies.head = HEAD
    for number in range(1, 400):
        bodies.put(number, BodySize(1, SIZE, 0), {"html": b"x" * SIZE}, HEAD)
    assert body_cache.MOST_BYTES - 2 * SIZE < bodies.size <= body_cache.MOST_BYTES
    assert bodies.find([(399, 1)], ["html"])
    assert not bodies.find([(1, 1)], ["html"])
