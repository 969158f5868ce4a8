"""A node without an index to go on from fetches one from another node, over HTTP, and follows the log from there. An
index that it has and can go on from is never replaced; where no other node has one, it is built as ever."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.changes import log as change_log
from app.db.database import Database
from app.search.indexing import documents
from app.search.indexing.archive_indexes import ArchiveIndex
from app.search.indexing.indexer import Indexer
from app.search.indexing.snapshots.receiving import is_of_archive, read_description, receive_index
from app.search.indexing.snapshots.source import PIECE, SnapshotFailed, SnapshotRefused, TarSource
from app.search.tantivy.storage import index_folders
from app.search.tantivy.storage.build_progress import ProgressWriter, Tell
from app.settings import Settings

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PATH = "/internal/index"
TRIES = 4
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
PATIENCE_SECONDS, LEAST_RATE = 30.0, 1_000_000
"""Seconds that a copy may take, and as many more as it has parts of so many bytes: slower, building would be faster."""
MEGABYTE = 1_000_000
_OTHER_ARCHIVE = "its place in the change log is not one of this archive's"
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which another try may do better."""


class _Ended(Exception):
    """The server ends."""


@dataclass(frozen=True, slots=True)
class IndexFetcher:
    """Fetches one index, whose lock `indexer` holds. `ended` is set to give it up."""

    db: Database
    settings: Settings
    index: ArchiveIndex
    indexer: Indexer
    ended: threading.Event
    tell: Tell | None = None
    pause: float = 1.0
    """Seconds between the first two tries; each later one is twice as long."""

    def fetch(self) -> bool:
        """Whether the index is another node's now. Some tries, at all nodes that the settings name; what goes wrong
        with each stands in the log."""
        if not self.settings.index_from or not self._is_needed():
            return False
        addresses = list(self.settings.index_from)
        with ProgressWriter(self.index.root, 0, self.tell, "bytes") as progress:
            for number in range(TRIES):
                if number and self.ended.wait(self.pause * 2 ** (number - 1)):
                    return False
                for address in list(addresses):
                    try:
                        self._fetch_from(address, progress)
                        return True
                    except _Ended:
                        return False
                    except SnapshotFailed as error:
                        log.warning("the %s cannot be copied from %s: %s", self.index.name, address, error)
                    except SnapshotRefused as error:
                        addresses.remove(address)
                        log.warning("the %s cannot be copied from %s: %s", self.index.name, address, error)
                if not addresses:
                    break
        log.warning("the %s is built from the database: no other node has given one", self.index.name)
        return False

    def _is_needed(self) -> bool:
        """Not where somebody has asked for an index that is built anew, nor where nothing is in it."""
        if index_folders.is_rebuild_requested(self.index.root):
            return False
        with self.db.snapshot() as snapshot:
            place = self.indexer.position()
            if place is not None and change_log.has_position(snapshot, place):
                return False
            return not documents.is_empty(snapshot, self.index.holding)

    def _fetch_from(self, address: str, progress: ProgressWriter) -> None:
        import httpx  # here, since it takes a second to load, and few starts need it

        index_folders.delete_old_folders(self.index.root)  # what a copy that was cut short has left
        began = time.monotonic()
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        # No proxy that the environment names: nodes are beside one another. No redirects: the secret is for this one.
        try:
            with (
                httpx.Client(timeout=timeout, trust_env=False) as client,
                client.stream("GET", f"{address}{PATH}", params={"index": self.index.part}, headers=self._headers) as r,
            ):
                _check_status(r)
                size = self._receive(_PieceReader(r.iter_raw(PIECE), self.ended), progress)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise SnapshotFailed(str(error) or type(error).__name__) from error
        seconds = time.monotonic() - began
        log.info("the %s was copied from %s: %.0f MB in %.1f s", self.index.name, address, size / MEGABYTE, seconds)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.index_secret}", "Accept-Encoding": "identity"}

    def _receive(self, pieces: "_PieceReader", progress: ProgressWriter) -> int:
        source = TarSource(pieces.read)
        place = read_description(source).places.get(self.index.part)
        if place is None:
            raise SnapshotRefused("it has another index")
        with self.db.snapshot() as snapshot:  # before a byte of the index is sent
            if not change_log.has_position(snapshot, place.committed):
                raise SnapshotRefused(_OTHER_ARCHIVE)
        part = self.index.part
        received = receive_index(source, part, place, self.index.root, progress.begin_total, progress.add)
        with self.db.snapshot() as snapshot:  # a new one: it may have been committed since
            if not is_of_archive(received, snapshot):
                raise SnapshotRefused(_OTHER_ARCHIVE)
        self.indexer.replace_index(received.folder)
        return progress.done


class _PieceReader:
    """What comes over HTTP, by so many bytes as are asked for."""

    def __init__(self, pieces: Iterator[bytes], ended: threading.Event) -> None:
        self._pieces, self._ended = pieces, ended
        self._rest = memoryview(b"")
        self._size, self._began = 0, time.monotonic()

    def read(self, size: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._check_pace(len(piece))
            self._rest = memoryview(piece)
        piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return piece

    def _check_pace(self, size: int) -> None:
        if self._ended.is_set():
            raise _Ended
        self._size += size
        if time.monotonic() - self._began > PATIENCE_SECONDS + self._size / LEAST_RATE:
            raise SnapshotRefused(f"it comes with less than {LEAST_RATE:,} bytes a second")


def _check_status(response: "httpx.Response") -> None:
    status = response.status_code
    if status == 200:
        return
    wrong = SnapshotFailed if status in _AGAIN else SnapshotRefused
    raise wrong(f"it responds with status {status}")
