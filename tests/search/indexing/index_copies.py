"""Snapshots of an index in tests: taken as bytes, received into a folder, compared with what they are of."""

import io
from pathlib import Path

from app.search.indexing.archive_indexes import ArchiveIndex
from app.search.indexing.snapshots.receiving import ReceivedIndex, read_description, receive_index
from app.search.indexing.snapshots.snapshot import take_snapshot, write_tar
from app.search.indexing.snapshots.source import SnapshotSource, TarSource
from app.search.tantivy.storage import integrity


def of_root(root: Path) -> ArchiveIndex:
    """The index of what is published in this folder."""
    return ArchiveIndex("index", root, "published", 15, "published")


def dump(*indexes: ArchiveIndex) -> bytes:
    """A snapshot as a tar."""
    snapshot = take_snapshot(indexes)
    try:
        return b"".join(write_tar(snapshot))
    finally:
        snapshot.close()


def receive(source: SnapshotSource | bytes, root: Path) -> ReceivedIndex:
    """The index of what is published, beside that of `root`."""
    if isinstance(source, bytes):
        source = TarSource(io.BytesIO(source).read)
    place = read_description(source).places["published"]
    return receive_index(source, "published", place, root, lambda size: None, lambda size: None)


def list_digests(folder: Path) -> dict[str, str]:
    """The hash of each file, after all were compared with it; of `meta.json` too."""
    manifest = integrity.read_manifest(folder)
    assert manifest is not None
    assert integrity.has_meta(folder, manifest)
    damage = [integrity.compare_file(folder, name, file) for name, file in manifest.files.items()]
    assert damage == [None] * len(manifest.files)
    return {integrity.META: manifest.meta} | {name: file.digest for name, file in manifest.files.items()}
