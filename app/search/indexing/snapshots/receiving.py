"""Brings an index of a snapshot into a folder of its own, file by file, and compares each with its hash. Nothing of it
is used before all of it is good. Whoever calls holds the lock of the index."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_128

from app.changes import log
from app.db.database import Snapshot
from app.db.log_position import LogPosition
from app.search.indexing import segments
from app.search.indexing.archive_indexes import Part
from app.search.indexing.snapshots import description as descriptions
from app.search.indexing.snapshots.description import Description, IndexPlace, parse_description
from app.search.indexing.snapshots.source import SnapshotFailed, SnapshotRefused, SnapshotSource
from app.search.tantivy import reader
from app.search.tantivy.storage import index_folders, integrity, passed_position
from app.search.tantivy.storage.index_forms import get_own_form, locate_form

MOST_META_BYTES = 10_000_000
"""Of `hashes.json` and `meta.json` each; some hundred segments take 100 kB."""
SPARE_BYTES = 100_000_000
"""That a disk keeps free beside the new index."""
_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}(\.[0-9a-z]{1,20}){1,2}")
_DIGEST = re.compile(r"[0-9a-f]{32}")

Note = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ReceivedIndex:
    """A whole index beside the live one, and the place of its last commit. `passed`: how far it is in step, where that
    is further."""

    folder: Path
    place: LogPosition
    passed: LogPosition | None


def read_description(source: SnapshotSource) -> Description:
    """SnapshotRefused where its indexes are of another form, which nothing of this version can read."""
    description = parse_description(_read_whole(source, descriptions.NAME, descriptions.MOST_BYTES))
    own = get_own_form().folder_name
    if description.form != own:
        raise SnapshotRefused(f"its indexes are of another version: {description.form[:100]!r}, not {own!r}")
    return description


def receive_index(
    source: SnapshotSource, part: Part, described: IndexPlace, root: Path, begin: Note, note: Note
) -> ReceivedIndex:
    """Into a new folder below `root`. `begin` is told how many bytes the index has, `note` of each piece of it.
    SnapshotFailed and SnapshotRefused say why there is none; then nothing of it is left."""
    hashes = _read_whole(source, f"{part}/{integrity.NAME}", MOST_META_BYTES)
    manifest = _check_manifest(integrity.parse_manifest(hashes), part)
    size = sum(file.stamp[0] for file in manifest.files.values())
    meta = _read_whole(source, f"{part}/{integrity.META}", MOST_META_BYTES)
    if not integrity.is_meta(meta, manifest):
        raise SnapshotFailed(f"{part}/{integrity.META} does not have its hash")
    folder = index_folders.create_folder(root)
    try:
        _check_room(locate_form(root), size)
        begin(size)
        files = {
            name: _receive_file(source, f"{part}/{name}", folder / name, manifest.files[name], note)
            for name in sorted(manifest.files)
        }
        return _complete(folder, meta, integrity.Manifest(manifest.meta, files), described)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_manifest(manifest: integrity.Manifest | None, part: Part) -> integrity.Manifest:
    """Names become paths, and sizes bytes of the disk: neither is taken from elsewhere as it comes."""
    if manifest is None:
        raise SnapshotFailed(f"{part}/{integrity.NAME} is damaged")
    for name, file in manifest.files.items():
        is_sound = _SEGMENT_FILE.fullmatch(name) and isinstance(file.digest, str) and _DIGEST.fullmatch(file.digest)
        if not is_sound or len(file.stamp) != 3 or not isinstance(file.stamp[0], int) or file.stamp[0] < 0:
            raise SnapshotRefused(f"it names a file as no index has any: {name[:100]!r}")
    return manifest


def _check_room(disk: Path, size: int) -> None:
    free = shutil.disk_usage(disk).free
    if size + SPARE_BYTES > free:
        raise SnapshotRefused(f"it has {size:,} bytes, and the disk {free:,} free ones")


def _receive_file(
    source: SnapshotSource, name: str, path: Path, recorded: integrity.FileHash, note: Note
) -> integrity.FileHash:
    size, pieces = source.open_file(name)
    if size != recorded.stamp[0]:
        raise SnapshotFailed(f"{name} has another size")
    hasher, left = xxh3_128(), size
    with path.open("xb", buffering=0) as file:
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                break
            hasher.update(piece)
            file.write(piece)
            note(len(piece))
        if left:
            raise SnapshotFailed(f"{name} is cut off")
        if hasher.hexdigest() != recorded.digest:
            raise SnapshotFailed(f"{name} does not have its hash")
        # Before anything names it: a power cut leaves the old index or the new one, whole.
        os.fsync(file.fileno())
        return integrity.FileHash(recorded.digest, integrity.make_stamp(os.fstat(file.fileno())))


def _complete(folder: Path, meta: bytes, manifest: integrity.Manifest, described: IndexPlace) -> ReceivedIndex:
    """With what names the files, opened once by the engine itself."""
    segments.write_managed(folder, manifest.files)
    with (folder / integrity.META).open("xb") as file:
        file.write(meta)
        file.flush()
        os.fsync(file.fileno())
    integrity.write_manifest(folder, manifest)
    _flush_folder(folder)
    try:
        place = reader.read_view(reader.open_index(folder)).place
    except reader.IndexDamaged as error:
        raise SnapshotFailed(f"it cannot be opened: {error}") from error
    is_further = described.committed == place and described.passed != place
    return ReceivedIndex(folder, place, described.passed if is_further else None)


def is_of_archive(received: ReceivedIndex, snapshot: Snapshot) -> bool:
    """Whether its place is in this archive's log. If so, and the log has what it has passed, that is noted in its
    folder; an archive that is not so far yet lets it go on from its commit."""
    if not log.has_position(snapshot, received.place):
        return False
    if received.passed is not None and log.has_position(snapshot, received.passed):
        passed_position.write_passed(received.folder, received.place, received.passed)
    return True


def _flush_folder(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read_whole(source: SnapshotSource, name: str, most: int) -> bytes:
    size, pieces = source.open_file(name)
    if size > most:
        raise SnapshotRefused(f"{name} has {size:,} bytes")
    content = b"".join(_take_bytes(pieces, size))
    if len(content) != size:
        raise SnapshotFailed(f"{name} is cut off")
    return content


def _take_bytes(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """No more than were announced, also of a file that grows."""
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size < 0:
            return
