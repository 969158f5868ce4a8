"""The files of one commit of a live index, held open: whatever its writer merges and deletes meanwhile, they can be
read. Nothing lies on the disk for it, so that a process that is killed leaves nothing behind. Writes nothing."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.search.indexing.snapshots.source import PIECE
from app.search.tantivy.storage import index_folders, integrity

SETTLE_SECONDS = 5.0
"""How long a commit may take to be recorded, with the hashes of what it has merged; a gigabyte takes a second."""
_LOOK_SECONDS = 0.005


class NoCommit(Exception):
    """There is no index whose last commit is recorded; the message says why."""


@dataclass(frozen=True, slots=True)
class HeldCommit:
    """`hashes` and `meta` are the bytes of `hashes.json` and `meta.json`, which name each file of `files`, by its
    descriptor, and no other. To be closed."""

    hashes: bytes
    meta: bytes
    manifest: integrity.Manifest
    files: dict[str, int]
    opened: ExitStack

    def close(self) -> None:
        self.opened.close()


def hold_commit(root: Path) -> HeldCommit:
    """The newest commit; waits while its writer has not recorded it. NoCommit where there is no index, or none that
    comes to rest.

    The order is what makes it one commit. The hashes are read first, then `meta.json`, which has to be the one that
    they were recorded of; then all files are opened that they name. A file of a segment never changes and its name is
    used once, so that what can be opened belongs to that commit; one that is gone was merged since, and all begins
    anew."""
    until = time.monotonic() + SETTLE_SECONDS
    while (folder := index_folders.find_current(root)) is not None:
        commit = _open_commit(folder)
        if commit is not None:
            return commit
        if time.monotonic() > until:
            raise NoCommit("the last commit of the index is not recorded")
        time.sleep(_LOOK_SECONDS)
    raise NoCommit("there is no index")


def _open_commit(folder: Path) -> HeldCommit | None:
    """None where the writer is between a commit and its hashes, or has deleted a file since."""
    with ExitStack() as opened:
        try:
            hashes, meta = (folder / integrity.NAME).read_bytes(), (folder / integrity.META).read_bytes()
            manifest = integrity.parse_manifest(hashes)
            if manifest is None or not integrity.is_meta(meta, manifest):
                return None
            files: dict[str, int] = {}
            for name in sorted(manifest.files):
                fd = files[name] = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
                opened.callback(os.close, fd)
        except FileNotFoundError:
            return None
        return HeldCommit(hashes, meta, manifest, files, opened.pop_all())


def read_pieces(fd: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes of an open file; OSError where it has fewer."""
    offset = 0
    while offset < size:
        # At a place of its own: several may read from one descriptor.
        piece = os.pread(fd, min(PIECE, size - offset), offset)
        if not piece:
            raise OSError("a file of the index is shorter than it was when it was committed")
        offset += len(piece)
        yield piece
