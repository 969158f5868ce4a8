"""A process that keeps the search indexes in step while another one imports, to use a second CPU core.

It ends when its standard input does, which is also when whoever began it has died; told `done`, it catches up first.
"""

import signal
import subprocess
import sys
from contextlib import suppress
from typing import BinaryIO

from app.changes import log
from app.changes.follower import FollowerTask, catch_up
from app.db.database import Database
from app.search.indexing.archive_indexes import list_indexes
from app.search.query import word_cache
from app.settings import Settings

INTERVAL, MOST = 0.05, 10_000
"""Seconds between two rounds, and the rows of one, which takes all that has come: a commit costs as much as some
hundred articles, and again when its segment is merged, while nobody waits to find what is being imported."""
_DONE = b"done\n"


class IndexerProcess:
    """The process as its parent sees it. Where a server keeps the index already it ends at once."""

    def __init__(self, settings: Settings) -> None:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: S603 -- ours
        self._send_line(settings.model_dump_json().encode() + b"\n")

    def finish(self) -> None:
        """Waits until the index has everything."""
        self._send_line(_DONE)
        self._process.communicate()

    def _send_line(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, since there was nothing to do for it
            self._process.stdin.write(line)
            self._process.stdin.flush()


def run_process(orders: BinaryIO) -> None:
    """The process itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the import ends this one through its input
    settings = Settings.model_validate_json(orders.readline())
    indexers = [indexer for one in list_indexes(settings) if (indexer := one.create_indexer()).acquire()]
    if not indexers:
        return
    word_cache.raise_limit()
    db = Database(settings, log.append)
    following = [FollowerTask(db, indexer, INTERVAL, most=MOST) for indexer in indexers]
    for one in following:
        one.start()
    line = orders.readline()
    for one in following:
        one.stop()
    for indexer in indexers:
        if line == _DONE:
            catch_up(db, indexer, MOST)
        indexer.close()
    db.close_now()


if __name__ == "__main__":
    run_process(sys.stdin.buffer)
