"""The files of an export, in a folder or in an archive, read one at a time and never beyond a bound."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

MAX_FILE = 64 * 1024 * 1024


class FileUnreadable(Exception):
    """A file that is not read; the text says why."""


class FileTree(Protocol):
    """Files by their names, which are relative, with `/` between their parts."""

    def list_names(self) -> Sequence[str]:
        """In the order of the names."""

    def read(self, name: str) -> bytes:
        """All of a file; Unreadable where it is larger than 64 MB, not there or broken."""


class FolderTree:
    """A Tree of the files below a folder; links that lead out of it are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def list_names(self) -> Sequence[str]:
        return sorted(path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        # Resolved: links are followed before it is asked where they lead.
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise FileUnreadable("it leads out of the folder of the export")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
        except OSError as error:
            raise FileUnreadable(f"cannot be read: {error.strerror}") from error
        if len(data) > MAX_FILE:
            raise FileUnreadable(f"larger than {MAX_FILE >> 20} MB")
        return data
