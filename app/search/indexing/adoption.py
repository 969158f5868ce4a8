"""Takes over the index of a version that had no folder for each form, where it is of this version's form.

Its files are linked, not moved: a server of that version may be writing it, and goes on with its own.
"""

import logging
import os
import shutil
import time
from pathlib import Path

from app.search.tantivy import reader
from app.search.tantivy.storage import index_folders, integrity

log = logging.getLogger(__name__)

_TRIES, _PAUSE = 5, 0.1
"""A commit beside it and the hashes of its files are apart by some milliseconds: then the files do not agree."""


def adopt_index(root: Path) -> bool:
    """Whether the index in `root` itself is this version's now. The caller holds the lock of this form, and its folder
    has no index yet. Cut short, or without room on the disk, it has changed nothing but for a folder that the next
    rebuild deletes."""
    formless = index_folders.find_formless(root)
    if formless is None or not formless.is_dir() or not _is_readable(formless):
        return False
    for _ in range(_TRIES):
        try:
            folder = index_folders.create_folder(root)
            if _link_index(formless, folder):
                index_folders.make_current(root, folder)
                return True
            shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            log.warning("the search index of the former version cannot be taken over: %s", error)
            return False
        time.sleep(_PAUSE)
    return False


def _is_readable(folder: Path) -> bool:
    """Whether this version can read it: else it is of another form, or damaged."""
    try:
        reader.read_view(reader.open_index(folder))
    except reader.IndexDamaged:
        return False
    return True


def _link_index(source: Path, folder: Path) -> bool:
    """Whether what was linked is one whole commit."""
    for name in os.listdir(source):
        if not name.startswith(".tantivy-"):  # locks of whoever has it open
            try:
                os.link(source / name, folder / name)
            except FileNotFoundError:  # merged away since
                continue
            except OSError:  # not every file system has links
                shutil.copy2(source / name, folder / name)
    try:
        integrity.check_last_commit(folder, held=True)
    except integrity.HashMismatch:
        return False
    return _is_readable(folder)
