"""Whoever follows the log: the contract, and the one loop that keeps a follower in step. Knows no articles."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from app.changes import log
from app.db.database import CommitNotifier, Database, Snapshot
from app.db.log_position import LogHead, LogPosition

logger = logging.getLogger(__name__)

BATCH = 1_000
LOOK, IDLE = 0.03, 1.0
"""Seconds between two looks for commits, and between two readings of the log where there were none."""
REST, LONGEST_REST, FEW = 3, 2.5, 10
"""A follower rests REST times as long as its last round took, for LONGEST_REST intervals at most, and for these after
more than FEW rows: what is written now and then is found at once, and where much is written commits take little of the
processor from it."""


Preparation = Callable[[threading.Event], object]
"""What is to be done before a follower follows; the event is set when it has to end early."""


class Follower(Protocol):
    """Derived data that reflects the log up to a place, may be thrown away, and is rebuilt from SQL.

    All methods are called from one thread, never while a write holds its lock. What they raise stops nothing
    but this follower; the loop logs it and tries again, except for a broken log, which ends it.
    """

    def position(self) -> LogPosition | None:
        """The place that the data reflects, read from beside the data; None where there is none to trust."""

    def apply(self, snapshot: Snapshot, rows: Sequence[log.Logged], place: LogPosition) -> None:
        """Takes in the current state of what the rows name and keeps `place` in the same commit. Repeatable."""

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        """Builds everything anew from SQL at the snapshot, which stands at `place`; readers keep the old meanwhile."""

    def close(self) -> None:
        """Nothing more will be taken in: lets another process do it. May be told twice."""


def step(db: Database, follower: Follower, most: int = BATCH) -> int:
    """One round: rebuilds, or takes in the next rows, `most` of them at most. Returns how many; 0 says that the
    follower is at the head."""
    with db.snapshot() as snapshot:
        place, head = follower.position(), log.head(snapshot)
        if (reason := _find_reason(snapshot, place, head)) is not None or place is None:
            logger.info("rebuilding: %s", reason)
            if not log.has_position(snapshot, head.position):
                # Nobody could go on from there: every round would rebuild again.
                raise log.LogBroken(f"The counter stands at {head.seq}, where the change log has no such row.")
            follower.rebuild(snapshot, head.position)
            return max(head.seq, 1)
        rows = log.read(snapshot, place.seq, most)
        last = rows[-1].seq if rows else place.seq
        # Both are of one snapshot, so that they can only differ where rows of the log were lost or added by hand.
        if last > head.seq or (last < head.seq and len(rows) < most):
            raise log.LogBroken(f"The counter stands at {head.seq}, but the change log ends at {last}.")
        if rows:
            follower.apply(snapshot, rows, LogPosition(place.epoch, last, rows[-1].mark))
        return len(rows)


def _find_reason(snapshot: Snapshot, place: LogPosition | None, head: LogHead) -> str | None:
    """Why a follower cannot go on from its place; None where it can."""
    if place is None:
        return "nothing to go on from"
    if not log.has_position(snapshot, place):
        return "its place is of another log, or was pruned"
    # The beginning is a place of every log: of what follows it, not every row may be there.
    return None if head.has_all_behind(place) else "what follows its place was pruned"


def catch_up(db: Database, follower: Follower, most: int = BATCH) -> int:
    """Steps until the follower is at the head; returns the number of rows taken in."""
    total = 0
    while taken := step(db, follower, most):
        total += taken
    return total


class CommitTask(ABC):
    """A thread that does its work after commits, by whichever process, until it is stopped."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.problem: str | None = None
        """Why it cannot do its work."""

    def start(self) -> None:
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it was started here, and has not been stopped."""
        return self._thread.ident is not None and not self._ended.is_set()

    def stop(self) -> None:
        """Ends after the round under way; nothing where it was never started."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        doorbell = self._db.doorbell()
        try:
            self._follow(doorbell)
        finally:
            doorbell.close()

    @abstractmethod
    def _follow(self, doorbell: CommitNotifier) -> None:
        """Round after round until `_ended` is set."""


class FollowerTask(CommitTask):
    """Keeps one follower in step. Every LOOK seconds it asks whether anything was committed; only then, and every IDLE
    seconds to see that the data itself is still whole, it reads the log. Rounds that take something in begin `interval`
    seconds apart at least, and take in `most` rows each at most."""

    def __init__(
        self,
        db: Database,
        follower: Follower,
        interval: float,
        prepare: Preparation | None = None,
        *,
        most: int = BATCH,
    ) -> None:
        """`prepare` is called before the first round; where it raises, it is called again a second later."""
        super().__init__(db, "follower")
        self._follower, self._interval, self._prepare, self._most = follower, interval, prepare, most

    def _run(self) -> None:
        try:
            self._prepare_follower()
            super()._run()
        except log.LogBroken as error:
            self.problem = str(error)
            logger.critical("following the change log has stopped: %s", error)
            self._follower.close()

    def _prepare_follower(self) -> None:
        while self._prepare is not None and not self._ended.is_set():
            try:
                self._prepare(self._ended)
                self.problem = None
                return
            except Exception as error:
                self._note_failure(error)

    def _follow(self, doorbell: CommitNotifier) -> None:
        heard: int | None = None
        looked = 0.0
        while not self._ended.is_set():
            rung, now = doorbell.number(), time.monotonic()
            # The number is the same: nobody has committed anything, and the log need not be read.
            if rung is not None and rung == heard and now - looked < IDLE:
                self._ended.wait(min(LOOK, self._interval))
                continue
            taken = self._round()
            heard, looked = rung if taken < self._most and self.problem is None else None, now
            self._ended.wait(self.find_pause(taken, time.monotonic() - now))

    def _round(self) -> int:
        """How many rows were taken in; none where the follower failed, after a moment's wait."""
        try:
            taken = step(self._db, self._follower, self._most)
            self.problem = None
            return taken
        except log.LogBroken:
            raise
        except Exception as error:
            self._note_failure(error)
            return 0

    def _note_failure(self, error: Exception) -> None:
        self.problem = f"{type(error).__name__}: {error}"
        logger.exception("a follower failed and will try again")
        self._ended.wait(1)

    def find_pause(self, taken: int, seconds: float) -> float:
        """Until the next round, after one that took so many rows in within `seconds`. After a full batch more wait."""
        if taken >= self._most:
            return 0
        if not taken:
            return min(LOOK, self._interval)
        longest = LONGEST_REST * self._interval
        return longest if taken > FEW else max(self._interval - seconds, min(REST * seconds, longest))
