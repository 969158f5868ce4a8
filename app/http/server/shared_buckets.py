"""Instants by name in memory that all workers of a server share: what rate limits are counted with. Bounded in bytes.

A set-associative table: a name may stand in any of the places of its line, and takes the place of the name whose
instant lies furthest back. A lock of the operating system guards a line, and ends with a worker that is killed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import tempfile
import time
import weakref
from collections.abc import Callable
from hashlib import blake2b

PLACES = 16
LOCK_TRIES, TRY_SECONDS = 50, 0.0002


class SharedInstants:
    """Room for about `most` names; their instants are in nanoseconds of a clock that is the same in all processes."""

    def __init__(self, most: int) -> None:
        self._lines = max(1, most // PLACES)
        self._table = memoryview(mmap.mmap(-1, self._lines * PLACES * 16)).cast("Q")
        self._secret = secrets.token_bytes(16)
        # Only locked, never written; it has no name, and is the same file in every process that is forked later.
        self._file, path = tempfile.mkstemp()
        os.unlink(path)
        weakref.finalize(self, os.close, self._file)

    def find(self, name: str) -> int | None:
        line, key = self._locate(name)
        place = self._find_place(line, key)
        return None if place is None else self._table[place + 1]

    def change(self, name: str, make: Callable[[int | None], int]) -> None:
        """Replaces the instant of a name, None where it has none, with what `make` makes of it."""
        line, key = self._locate(name)
        is_locked = self._lock(line)
        try:
            place = self._find_place(line, key)
            if place is None:
                instant = make(None)
                place = self._choose_place(line)
                self._table[place] = key
            else:
                instant = make(self._table[place + 1])
            self._table[place + 1] = instant
        finally:
            if is_locked:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, line)

    def remove(self, name: str) -> None:
        line, key = self._locate(name)
        if (place := self._find_place(line, key)) is not None:
            self._table[place] = self._table[place + 1] = 0

    def _locate(self, name: str) -> tuple[int, int]:
        number = int.from_bytes(blake2b(name.encode(), digest_size=16, key=self._secret).digest(), "little")
        return number % self._lines, (number >> 64) or 1

    def _find_place(self, line: int, key: int) -> int | None:
        start = line * PLACES * 2
        return next((at for at in range(start, start + PLACES * 2, 2) if self._table[at] == key), None)

    def _choose_place(self, line: int) -> int:
        start = line * PLACES * 2
        return min(range(start, start + PLACES * 2, 2), key=lambda at: self._table[at + 1])

    def _lock(self, line: int) -> bool:
        """Not for long: one that is stopped while it holds the lock must not stop the others, who then may count a
        request too few."""
        for _ in range(LOCK_TRIES):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, line)
                return True
            except OSError:
                time.sleep(TRY_SECONDS)
        return False
