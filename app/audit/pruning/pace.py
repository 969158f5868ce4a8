"""Work in portions that keep nobody waiting: each takes a few milliseconds, and is followed by a pause in which others
write."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TARGET_SECONDS = 0.015
"""Of a portion: who writes beside it waits for the rest of one, and for its commit."""
LEAST_PAUSE = 0.005
MOST_AT_ONCE = 2_000


@dataclass(slots=True)
class Pace:
    """How much a portion is, learnt from those before it."""

    size: int = 100
    _resume_at: float = 0.0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Around a portion; waits before it until the pause of the one before is over, which lasts as long as that
        took. What is looked up meanwhile holds nobody up, and is a part of the pause."""
        time.sleep(max(0.0, self._resume_at - time.monotonic()))
        began = time.monotonic()
        yield
        taken = time.monotonic() - began
        # By halves and doubles at most: one slow write of the disk says little of the next.
        scaled = self.size * min(2.0, max(0.5, TARGET_SECONDS / max(taken, 0.000_1)))
        self.size = max(1, min(MOST_AT_ONCE, int(scaled)))
        self._resume_at = began + taken + max(LEAST_PAUSE, taken)
