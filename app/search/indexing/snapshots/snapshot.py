"""A snapshot of an archive's indexes: both or one of them, each at a commit of its own with its place in the log; sent
as a tar, or laid down in a folder or a file. Takes no lock, and holds up nobody who writes."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from app.db import permissions
from app.search.indexing.archive_indexes import ArchiveIndex, Part
from app.search.indexing.snapshots import description as descriptions
from app.search.indexing.snapshots.description import Description, IndexPlace, encode_description
from app.search.indexing.snapshots.held_commit import HeldCommit, NoCommit, hold_commit, read_pieces
from app.search.indexing.snapshots.source import END, encode_header, pad
from app.search.tantivy.reader import LiveIndex
from app.search.tantivy.storage import index_folders, integrity, passed_position
from app.search.tantivy.storage.index_forms import get_own_form


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """To be closed."""

    description: Description
    commits: dict[Part, HeldCommit]

    @property
    def size(self) -> int:
        """Bytes of all files of the indexes."""
        return sum(file.stamp[0] for commit in self.commits.values() for file in commit.manifest.files.values())

    def close(self) -> None:
        for commit in self.commits.values():
            commit.close()


def take_snapshot(indexes: Iterable[ArchiveIndex]) -> IndexSnapshot:
    """NoCommit where there is none of one of the indexes. Takes a millisecond or two while nobody is committing."""
    with ExitStack() as opened:
        places: dict[Part, IndexPlace] = {}
        commits: dict[Part, HeldCommit] = {}
        for index in indexes:
            places[index.part] = _read_place(index)
            commits[index.part] = hold_commit(index.root)
            opened.callback(commits[index.part].close)
        opened.pop_all()
    return IndexSnapshot(Description(get_own_form().folder_name, places), commits)


def _read_place(index: ArchiveIndex) -> IndexPlace:
    """Before its files are held: they are at that place then, or further."""
    view, folder = LiveIndex(index.root).view(), index_folders.find_current(index.root)
    if view is None or folder is None:
        raise NoCommit(f"there is no {index.name} yet")
    is_hidden = index.holding == "hidden"
    return IndexPlace(view.place, passed_position.read_passed(folder, view.place) if is_hidden else view.place)


def write_tar(snapshot: IndexSnapshot) -> Iterator[bytes]:
    """The snapshot as a tar, in pieces of PIECE bytes at most. OSError where a file cannot be read."""
    yield from _write_bytes(descriptions.NAME, encode_description(snapshot.description))
    for part, commit in snapshot.commits.items():
        yield from _write_bytes(f"{part}/{integrity.NAME}", commit.hashes)
        yield from _write_bytes(f"{part}/{integrity.META}", commit.meta)
        for name, fd in commit.files.items():
            size = commit.manifest.files[name].stamp[0]
            yield encode_header(f"{part}/{name}", size)
            yield from read_pieces(fd, size)
            yield pad(size)
    yield END


def _write_bytes(name: str, content: bytes) -> Iterator[bytes]:
    yield encode_header(name, len(content)) + content + pad(len(content))


def write_file(snapshot: IndexSnapshot, path: Path) -> None:
    """As a tar, for its owner alone, under another name until it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _write_pieces(partial, write_tar(snapshot))
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_folder(snapshot: IndexSnapshot, folder: Path) -> None:
    """Into a new folder, for its owner alone: by links to the same files where it is on the same disk, else as copies.
    Under another name until it is whole."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        for part, commit in snapshot.commits.items():
            (partial / part).mkdir(mode=0o700)
            _write_pieces(partial / part / integrity.NAME, [commit.hashes])
            _write_pieces(partial / part / integrity.META, [commit.meta])
            for name, fd in commit.files.items():
                _link_file(fd, partial / part / name, commit.manifest.files[name].stamp[0])
        _write_pieces(partial / descriptions.NAME, [encode_description(snapshot.description)])
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _link_file(fd: int, path: Path, size: int) -> None:
    # By its descriptor: under its name there may be nothing any more.
    with suppress(OSError):  # another disk, deleted meanwhile, or a system without descriptors as files
        os.link(f"/proc/self/fd/{fd}", path, follow_symlinks=True)
        return
    _write_pieces(path, read_pieces(fd, size))


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    permissions.create_file(path)
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
