"""Locks between processes on one machine, held by the operating system: a killed holder lets go at once."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An exclusive lock on a file beside what it guards; fair between processes, one holder a process.

    A lock on a deleted file guards nothing: who deletes one holds it, and `try_hold` does not take it for held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._threads = threading.Lock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Waits for the lock as long as it takes. OSError where the file cannot be made (read-only disk)."""
        # First among the threads of this process: for flock they are one holder, which already has the lock.
        with self._threads:
            if self._fd is None:
                # Not for children (O_CLOEXEC): the lock lives as long as any copy of the descriptor.
                self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def try_hold(self) -> bool:
        """Takes the lock for as long as this process lives, or says False at once."""
        with self._threads:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_held = _is_same(fd, self._path)
            except BlockingIOError:
                is_held = False
            if is_held:
                self._fd = fd
            else:
                os.close(fd)
            return is_held

    def close(self) -> None:
        """Lets go of whatever this object holds."""
        with self._threads:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None


def _is_same(fd: int, path: Path) -> bool:
    """Whether the file is still there, and has not been deleted between its opening and its locking."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
