"""Compares the live index with the hashes of its files, at once or slowly beside a server, and removes the indexes of
older versions after that. Writes no index: where something is damaged it asks for a new one."""

import logging
import threading
import time
from pathlib import Path

from app.db.file_locks import FileLock
from app.search.tantivy import reader
from app.search.tantivy.storage import index_folders, index_forms, integrity
from app.search.tantivy.storage.index_forms import LOCK, locate_form

log = logging.getLogger(__name__)

BYTES_PER_SECOND = 64_000_000
"""Of reading beside a server: an index of 3 GB takes under a minute, and a disk of 1 GB/s is left 94 of 100 parts."""
_SETTLE_SECONDS = 60
"""How long one commit, with its merges, may take to be recorded while somebody writes."""
_LOOK_SECONDS = 0.05
KEEP_SECONDS = 600.0
"""How long after its start a server keeps the indexes of older versions: one that has to be started again finds its
own."""


def find_damage(root: Path) -> list[str]:
    """What of the live index is not as it was committed, as messages that name the file; empty without an index."""
    while (folder := index_folders.find_current(root)) is not None and folder.exists():
        damage = _find_damage_of(root, folder)
        if index_folders.find_current(root) == folder:
            return damage
    return []


def _find_damage_of(root: Path, folder: Path) -> list[str]:
    manifest = _read_stable_manifest(root, folder)
    if manifest is None:
        return _describe_unrecorded(folder)
    damage = [name for name, file in manifest.files.items() if integrity.compare_file(folder, name, file)]
    if not damage:
        return _find_unreadable(folder)
    # A writer deletes files meanwhile, after it has compared them for the last time.
    newest = _read_stable_manifest(root, folder)
    if newest is None:
        return _describe_unrecorded(folder)
    wrong = (integrity.compare_file(folder, name, newest.files[name]) for name in damage if name in newest.files)
    return [text for text in wrong if text is not None]


def _find_unreadable(folder: Path) -> list[str]:
    """What tantivy notes for itself in `.managed.json` has no hash: it changes between commits, and decides no result
    as long as it can be read."""
    try:
        reader.read_view(reader.open_index(folder))
    except reader.IndexDamaged as error:
        return [str(error)]
    return []


def _describe_unrecorded(folder: Path) -> list[str]:
    if integrity.read_manifest(folder) is None:
        return [f"{integrity.NAME} is missing or damaged"]
    return [f"{integrity.META} is not that of the last recorded commit"]


def _read_stable_manifest(root: Path, folder: Path) -> integrity.Manifest | None:
    """The hashes of the last commit; None where they are of another one, also after the time that a writer needs."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        written = is_written(root)  # asked first: a writer that ends meanwhile has recorded its last commit
        manifest = integrity.read_manifest(folder)
        if manifest is not None and integrity.has_meta(folder, manifest):
            return manifest
        if not written or time.monotonic() > until or index_folders.find_current(root) != folder:
            return None
        time.sleep(_LOOK_SECONDS)


def is_written(root: Path) -> bool:
    """Whether some process keeps the index."""
    lock = FileLock(locate_form(root) / LOCK)
    try:
        return not lock.try_hold()
    except OSError:  # where nobody can make a file, nobody writes either
        return False
    finally:
        lock.close()


class Verification:
    """A thread that compares the live index once, slowly, and asks for a new one where a file is damaged. Then it
    removes the indexes of older versions, as soon as this version has one and nobody writes them any more."""

    def __init__(self, root: Path, keep_seconds: float = KEEP_SECONDS) -> None:
        self._root, self._keep_seconds = root, keep_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="verification", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends before the next piece; nothing where it was never started."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        self._compare_files()
        self._delete_older()

    def _delete_older(self) -> None:
        while index_forms.list_others(self._root, older=True) and not self._ended.wait(self._keep_seconds):
            if index_folders.find_current(self._root) is None:
                continue
            try:
                for held in index_forms.delete_others(self._root):
                    log.info("the search index in %s is kept: another version writes it", held)
            except OSError as error:
                log.warning("the search index of an older version cannot be deleted: %s", error)

    def _compare_files(self) -> None:
        folder = index_folders.find_current(self._root)
        manifest = None if folder is None else integrity.read_manifest(folder)
        if folder is None or manifest is None:  # there is nothing to compare: the writer begins with a new index
            return
        for name, recorded in manifest.files.items():
            # Pausing for as long as the bytes may take: the disk is the server's, too.
            wrong = integrity.compare_file(folder, name, recorded, self._pause)
            if self._ended.is_set():
                return
            # A file that is gone was merged meanwhile, and compared by whoever merged it.
            if wrong is not None and (folder / name).exists() and index_folders.find_current(self._root) == folder:
                log.error("the search index is damaged and is built anew: %s in %s", wrong, folder.name)
                index_folders.request_rebuild(self._root)
                return

    def _pause(self, size: int) -> None:
        self._ended.wait(size / BYTES_PER_SECOND)
