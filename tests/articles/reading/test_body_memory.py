"""How much memory a process keeps for bodies."""

import pytest

from app.articles.reading import body_cache
from app.articles.reading.body_cache import BodySize, EncodedBodies
from app.db.log_position import LogHead

SIZE = 50_000


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_of_one_server_share_the_memory_for_bodies(processes: int) -> None:
    bodies, head = EncodedBodies(processes), LogHead(1, 1, 1, 1, 1, 1)
    bodies.head = head
    for number in range(1, 400):
        bodies.put(number, BodySize(1, SIZE, 0), {"html": b"x" * SIZE}, head)
    room = body_cache.MOST_BYTES // processes
    assert room - 2 * SIZE < bodies.size <= room
    assert bodies.find([(399, 1)], ["html"])
    assert not bodies.find([(1, 1)], ["html"])
