"""Where the files of a snapshot come from: a tar, as a stream or a file, or a folder. Trusts nothing of it: a name is
only compared with the one that is asked for, and a size is the receiver's to check."""

import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

BLOCK, PIECE = 512, 1 << 17
"""Bytes of a block of tar, and of what is read and sent at a time: a server counts what clients have not taken yet, and
is busy from some megabytes on."""
END = bytes(2 * BLOCK)
"""What a tar ends with."""


class SnapshotFailed(Exception):
    """The snapshot is damaged, or did not come in whole: another one, or the same once more, may be good."""


class SnapshotRefused(Exception):
    """The snapshot is of no use here, and will not be when it is asked for again."""


class SnapshotSource(Protocol):
    """Files, to be asked for in the order in which a snapshot has them, and read to their end one after another."""

    def open_file(self, name: str) -> tuple[int, Iterator[bytes]]:
        """Its size in bytes, and its pieces, which may be fewer where the source is cut off. SnapshotFailed where the
        next file is another, or cannot be read."""


def encode_header(name: str, size: int) -> bytes:
    """The block before a file, of tar as GNU has it: its sizes have no bound."""
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header.tobuf(tarfile.GNU_FORMAT)


def pad(size: int) -> bytes:
    """What comes behind a file of so many bytes."""
    return bytes(-size % BLOCK)


class TarSource:
    """`read` gives up to so many bytes, fewer where no more have come yet, and none at the end.

    Headers are read one by one and not by `tarfile.open`, which takes as much memory for long names as a stream says.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def open_file(self, name: str) -> tuple[int, Iterator[bytes]]:
        try:
            header = tarfile.TarInfo.frombuf(self._read_block(), "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise SnapshotFailed(f"there should be {name}, and there is no file: {error}") from None
        if header.type != tarfile.REGTYPE or header.name != name:
            raise SnapshotFailed(f"there should be {name}, and there is another file")
        return header.size, self._read_pieces(header.size)

    def _read_pieces(self, size: int) -> Iterator[bytes]:
        left = size
        while left > 0:
            piece = self._read(min(left, PIECE))
            if not piece:
                return
            left -= len(piece)
            yield piece
        self._read_exactly(-size % BLOCK)

    def _read_block(self) -> bytes:
        block = self._read_exactly(BLOCK)
        if len(block) < BLOCK:
            raise SnapshotFailed("it is cut off")
        return block

    def _read_exactly(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0 and (piece := self._read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


class FolderSource:
    """A folder that `dateline index snapshot` has made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open_file(self, name: str) -> tuple[int, Iterator[bytes]]:
        try:
            # No links: what they lead to is no part of the snapshot.
            fd = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise SnapshotFailed(f"{name} cannot be read: {error.strerror}") from error
        return os.fstat(fd).st_size, _read_file(fd)


def _read_file(fd: int) -> Iterator[bytes]:
    with open(fd, "rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece
