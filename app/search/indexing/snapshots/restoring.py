"""`dateline index snapshot` and `restore`: the indexes in a folder or a tar, and back. No index is replaced before all
of the snapshot is verified."""

import errno
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.db.database import Database, DatabaseProblem
from app.search.indexing.archive_indexes import ArchiveIndex, list_indexes
from app.search.indexing.indexer import Indexer
from app.search.indexing.snapshots.description import Description
from app.search.indexing.snapshots.held_commit import NoCommit
from app.search.indexing.snapshots.receiving import ReceivedIndex, is_of_archive, read_description, receive_index
from app.search.indexing.snapshots.snapshot import take_snapshot, write_file, write_folder
from app.search.indexing.snapshots.source import (
    FolderSource,
    SnapshotFailed,
    SnapshotRefused,
    SnapshotSource,
    TarSource,
)
from app.search.tantivy.storage import index_folders
from app.search.tantivy.storage.build_progress import ProgressWriter, Tell
from app.settings import Settings

FILE_ENDING = ".tar"


@dataclass(frozen=True, slots=True)
class SnapshotSize:
    """Bytes of the indexes, and the number of the change up to which that of what is published goes."""

    size: int
    seq: int


def save_snapshot(settings: Settings, target: Path) -> SnapshotSize:
    """Into a new folder, or a new tar where the name ends so; also beside a server that writes. DatabaseProblem where
    there is no index, and where it cannot be written."""
    if target.exists():
        raise DatabaseProblem(f"{target} exists; a snapshot never overwrites anything.")
    if not target.parent.is_dir():
        raise DatabaseProblem(f"{target.parent} is no folder.")
    try:
        snapshot = take_snapshot(list_indexes(settings))
    except NoCommit as error:
        raise DatabaseProblem(f"No snapshot can be taken: {error}.") from error
    try:
        write = write_file if target.suffix == FILE_ENDING else write_folder
        write(snapshot, target)
        return SnapshotSize(snapshot.size, snapshot.description.places["published"].committed.seq)
    except OSError as error:
        raise DatabaseProblem(f"The snapshot cannot be written to {target}: {error.strerror or error}.") from error
    finally:
        snapshot.close()


def restore_snapshot(db: Database, settings: Settings, origin: Path, tell: Tell | None = None) -> SnapshotSize:
    """Puts the indexes of a snapshot in the place of this archive's. DatabaseProblem where a process keeps these, or
    where the snapshot is damaged, or of another archive or version: then nothing has changed."""
    try:
        with ExitStack() as opened:
            indexes = [(index, _acquire(opened, index)) for index in list_indexes(settings)]
            source = _open_source(opened, origin)
            received = _receive_all(db, source, indexes, tell)
            for (_, indexer), (one, _) in zip(indexes, received, strict=True):
                indexer.replace_index(one.folder)
            return SnapshotSize(sum(size for _, size in received), received[0][0].place.seq)
    except (SnapshotFailed, SnapshotRefused) as error:
        raise DatabaseProblem(f"The snapshot in {origin} cannot be restored: {error}.") from error
    except OSError as error:
        raise DatabaseProblem(f"The snapshot cannot be restored: {error.strerror or error}.") from error


def _acquire(opened: ExitStack, index: ArchiveIndex) -> Indexer:
    indexer = index.create_indexer()
    opened.callback(indexer.close)
    if not indexer.acquire():
        raise DatabaseProblem(f"A process keeps the {index.name}: stop its server first.")
    opened.callback(index_folders.delete_old_folders, index.root)  # and what was received, where something went wrong
    return indexer


def _open_source(opened: ExitStack, origin: Path) -> SnapshotSource:
    if origin.is_dir():
        return FolderSource(origin)
    if not origin.exists():
        raise FileNotFoundError(errno.ENOENT, f"{origin} does not exist")
    return TarSource(opened.enter_context(origin.open("rb", buffering=0)).read)


def _receive_all(
    db: Database, source: SnapshotSource, indexes: list[tuple[ArchiveIndex, Indexer]], tell: Tell | None
) -> list[tuple[ReceivedIndex, int]]:
    """Both, beside the live ones, each with its bytes."""
    description = read_description(source)
    return [_receive(db, source, description, index, tell) for index, _ in indexes]


def _receive(
    db: Database, source: SnapshotSource, description: Description, index: ArchiveIndex, tell: Tell | None
) -> tuple[ReceivedIndex, int]:
    place = description.places.get(index.part)
    if place is None:
        raise SnapshotRefused(f"it has no {index.name}")
    with ProgressWriter(index.root, 0, tell, "bytes") as progress:
        received = receive_index(source, index.part, place, index.root, progress.begin_total, progress.add)
    with db.snapshot() as snapshot:
        if not is_of_archive(received, snapshot):
            raise SnapshotRefused(f"the place of its {index.name} in the change log is not one of this archive's")
    return received, progress.done
