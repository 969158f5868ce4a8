"""Which process keeps the indexes of the cluster, of all servers of an archive: a row of the database says so."""

import threading
import time

from app.db import leases
from app.db.database import Database
from app.errors import ReadOnly

SECONDS = 15
"""How long another process waits where this one dies."""
_UNUSED = 5.0
"""Of them, those that a holder does not use: what was begun takes a moment."""
_DUE = 5.0
"""How long before it ends one is renewed: each time is a write to the database, also while nothing else is written."""


class IndexerLease:
    """A lease for threads, which nobody gets any more once `closing` is set. What it protects is work done twice, not
    the index: that keeps the newest by itself."""

    def __init__(self, db: Database, name: str, closing: threading.Event | None = None) -> None:
        self._db, self._name, self._holder = db, name, leases.name_process()
        self._closing = closing or threading.Event()
        self._lock = threading.Lock()
        self._until = 0.0

    def acquire(self) -> bool:
        """Whether this process has it now; asks the database where that is not sure, or will soon not be."""
        if self._closing.is_set():
            return False
        with self._lock:
            now = time.monotonic()
            if now < self._until - _DUE:
                return True
            try:
                is_taken = self._db.write_now(leases.take, self._name, self._holder, SECONDS).value
            except ReadOnly:  # nothing changes that would have to be followed
                return now < self._until
            self._until = now + SECONDS - _UNUSED if is_taken else 0.0
            return is_taken

    def release(self) -> None:
        """For others to take at once; nothing where this process does not have it."""
        with self._lock:
            was_held, self._until = self._until > 0, 0.0
            if was_held:
                try:
                    self._db.write_now(leases.release, self._name, self._holder)
                except ReadOnly:
                    return
