"""Numbers of all worker processes of one server, in memory that they share: how much each has in hand, whether it
lives, and what it reports of itself.

The supervisor makes the memory before it forks. Each number has one writer, so that a worker that is killed leaves no
lock behind; the supervisor clears its part. With one process nothing is shared, and there are no others.
"""

from __future__ import annotations

import mmap
import secrets
import struct
import time
from collections.abc import Iterator
from enum import IntEnum
from hashlib import blake2b
from typing import Final

import orjson

BUCKETS = 1 << 16
"""Of addresses, by a keyed hash: two share a count with a chance of 1 to 65,536, and nobody can choose which."""
REPORT_BYTES = 1 << 17
_REPORT_HEAD: Final = struct.Struct("=qq")
"""How many reports were written in this place, and the bytes of the last."""
_HALF_BYTES = (REPORT_BYTES - _REPORT_HEAD.size) // 2
_READINGS = 1_000


class Shared(IntEnum):
    """A worker's numbers: seconds of time.monotonic() of its last sign of life, 0 until it serves, and what it has in
    hand at this moment."""

    BEAT = 0
    REQUESTS = 1
    CONNECTIONS = 2
    STREAMS = 3
    SNAPSHOTS = 4


class PerAddress(IntEnum):
    """What is counted for each address."""

    CONNECTIONS = 0
    STREAMS = 1


class SharedCounts:
    """`own` is the number of this worker, from 0. Adding up asks for the others alone: a process knows its own."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.own = 0
        self._secret = secrets.token_bytes(16)
        # An own mapping for each kind of number: memory that is never written takes none.
        self._numbers = memoryview(mmap.mmap(-1, mmap.PAGESIZE * workers)).cast("q")
        self._step = mmap.PAGESIZE // 8
        self._buckets = memoryview(mmap.mmap(-1, workers * len(PerAddress) * BUCKETS * 4)).cast("I")
        self._reports = mmap.mmap(-1, (workers + 1) * REPORT_BYTES)
        self._turn = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")

    def set_own(self, number: Shared, value: int) -> None:
        self._numbers[self.own * self._step + number] = value

    def set_number(self, worker: int, number: Shared, value: int) -> None:
        """Of a worker that does not run."""
        self._numbers[worker * self._step + number] = value

    def get(self, worker: int, number: Shared) -> int:
        return self._numbers[worker * self._step + number]

    def add_others(self, number: Shared) -> int:
        """The sum of all other workers' numbers."""
        if self.workers == 1:
            return 0
        return sum(self._numbers[number :: self._step]) - self.get(self.own, number)  # each request asks for it

    def add_of_address(self, kind: PerAddress, address: str, change: int) -> None:
        """Adds `change` to what this worker has of an address."""
        if self.workers > 1:
            self._buckets[self._find_bucket(self.own, kind, address)] += change

    def add_others_of_address(self, kind: PerAddress, address: str) -> int:
        """What all other workers have of an address."""
        if self.workers == 1:
            return 0
        return sum(self._buckets[self._find_bucket(worker, kind, address)] for worker in self._list_others())

    def _find_bucket(self, worker: int, kind: PerAddress, address: str) -> int:
        digest = blake2b(address.encode(), digest_size=4, key=self._secret).digest()
        return (worker * len(PerAddress) + kind) * BUCKETS + int.from_bytes(digest, "little") % BUCKETS

    def _list_others(self) -> Iterator[int]:
        return (worker for worker in range(self.workers) if worker != self.own)

    def give_sign_of_life(self) -> None:
        self.set_own(Shared.BEAT, int(time.monotonic()) + 1)

    def report(self, report: dict[str, object]) -> None:
        """What this worker says of itself, as JSON; ValueError where it takes more than half of REPORT_BYTES."""
        self._write_report(self.own, report)

    def read_reports(self) -> list[dict[str, object]]:
        """The last report of each worker, and that of all that have ended (`retire`), as of one moment."""
        for _ in range(_READINGS):
            turn = self._turn[0]
            reports = [self._read_report(place) for place in range(self.workers + 1)]
            if turn % 2 == 0 and turn == self._turn[0]:
                return [report for report in reports if report is not None]
            time.sleep(0.001)
        raise TimeoutError("the supervisor does not come to an end")

    def read_report(self, worker: int) -> dict[str, object]:
        return self._read_report(worker) or {}

    def retire(self, worker: int, ended: dict[str, object]) -> None:
        """Clears what a worker that has ended had in hand; `ended` is what all that have ended reported."""
        self._turn[0] += 1
        try:
            self._write_report(self.workers, ended)
            self._reports[worker * REPORT_BYTES : worker * REPORT_BYTES + _REPORT_HEAD.size] = bytes(_REPORT_HEAD.size)
        finally:
            self._turn[0] += 1
        for number in Shared:
            self._numbers[worker * self._step + number] = 0
        size = len(PerAddress) * BUCKETS
        self._buckets[worker * size : (worker + 1) * size] = memoryview(bytes(4 * size)).cast("I")

    def read_ended(self) -> dict[str, object]:
        """What workers that have ended reported, added up."""
        return self._read_report(self.workers) or {}

    def _write_report(self, place: int, report: dict[str, object]) -> None:
        body, start = orjson.dumps(report), place * REPORT_BYTES
        if len(body) > _HALF_BYTES:
            raise ValueError("the report is too large")
        number = _REPORT_HEAD.unpack_from(self._reports, start)[0] + 1
        # Into the half that nobody reads, then the head: a writer that is killed in between leaves the last one whole.
        at = start + _REPORT_HEAD.size + number % 2 * _HALF_BYTES
        self._reports[at : at + len(body)] = body
        _REPORT_HEAD.pack_into(self._reports, start, number, len(body))

    def _read_report(self, place: int) -> dict[str, object] | None:
        """None where there is none."""
        start = place * REPORT_BYTES
        while True:
            number, size = _REPORT_HEAD.unpack_from(self._reports, start)
            if not number:
                return None
            at = start + _REPORT_HEAD.size + number % 2 * _HALF_BYTES
            body = self._reports[at : at + size]
            if _REPORT_HEAD.unpack_from(self._reports, start) == (number, size):
                report: dict[str, object] = orjson.loads(body)
                return report
