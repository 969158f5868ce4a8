"""The thread that keeps the matches of saved searches in step, in the worker of a server that leads."""

import logging
import time

from app.changes.follower import CommitTask
from app.db.database import CommitNotifier, Database
from app.errors import ReadOnly
from app.search.engine import SearchEngine
from app.search.saved_searches import matches
from app.search.saved_searches.percolation import Percolator

logger = logging.getLogger(__name__)

LOOK, IDLE, EMPTY = 0.01, 1.0, 0.5
"""Seconds between two looks for commits, between two rounds where there were none, and between two looks for a first
saved search: until there is one, no commit costs anything here."""


class PercolationTask(CommitTask):
    """`seconds`: how long the last round with news took."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        super().__init__(db, "percolation")
        self.percolator = Percolator(db, engine)
        self.seconds = 0.0

    def _follow(self, doorbell: CommitNotifier) -> None:
        heard: int | None = None
        looked = 0.0
        while not self._ended.is_set():
            if self._db.condition.reason is not None:  # what is matched could not be saved
                self._ended.wait(EMPTY)
                continue
            rung, now = doorbell.number(), time.monotonic()
            wait = IDLE if self.percolator.registry else EMPTY
            is_quiet = rung is not None and rung == heard
            if now - looked < wait and (is_quiet or not self.percolator.registry):
                self._ended.wait(LOOK)
                continue
            taken = self._round()
            heard, looked = rung if not taken and self.problem is None else None, now
            # Behind a round that took something in there is no wait: what was saved meanwhile shares the next one.
            if not taken:
                self._ended.wait(LOOK)

    def _round(self) -> int:
        """How many rows were taken in; none where it failed, after a moment's wait."""
        try:
            begun = time.monotonic()
            taken = self.percolator.step()
            if taken:
                self.seconds = time.monotonic() - begun
            else:
                self._sweep()
            self.problem = None
            return taken
        except ReadOnly:  # which the database's condition has told by now
            return 0
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"
            logger.exception("matching saved searches failed and will be tried again")
            self._ended.wait(1)
            return 0

    def _sweep(self) -> None:
        with self._db.snapshot() as snapshot:
            is_needed = matches.has_dead(snapshot.connection)
        while is_needed and not self._ended.is_set() and self._db.write_now(matches.sweep).value:
            self._ended.wait(LOOK)
