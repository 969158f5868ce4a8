"""Who on this machine may read an archive's files: of a new folder nobody but its owner. Never changes the mode of what
is there: whoever opened a folder to others may have meant it, and is told at the start."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS = 0o077
"""The bits of a mode that are for the group and for everybody."""


def make_folder(folder: Path) -> None:
    """Makes the folder, and those above it that are missing, for the owner alone. One that is there stays as it is."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.is_dir()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def create_file(path: Path) -> None:
    """Makes an empty file for the owner alone, whatever its folder allows; FileExistsError where there is one."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def close_new_files(folders: Iterable[Path]) -> None:
    """Has every file that this process makes from now on be no more open than the most closed of these folders; one
    that is not there yet will be closed.

    SQLite and the search engine make files by themselves, so that it is the mask of the whole process.
    """
    closed = 0
    for folder in folders:
        closed |= OTHERS & ~stat.S_IMODE(folder.stat().st_mode) if folder.is_dir() else OTHERS
    # The mask can only be read by setting another one.
    os.umask(os.umask(OTHERS) | closed)


def describe_open_files(paths: Iterable[Path]) -> Iterator[str]:
    """A sentence for each of these files and folders that others than its owner may read or change."""
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & OTHERS:
            way_out = f"chmod {mode & ~OTHERS:o} {path}"
            yield f"{path} is open to other users of this machine (mode {mode:04o}); to close it: {way_out}"
