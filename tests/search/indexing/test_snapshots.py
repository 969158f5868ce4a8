"""Snapshots of an index that is written meanwhile, and what becomes of damaged ones."""

import os
import random
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from index_copies import dump, list_digests, of_root, receive
from support.search_archive import SearchArchive, SearchStory, ask

from app.changes.follower import catch_up
from app.search.indexing.snapshots import snapshot as snapshots
from app.search.indexing.snapshots.description import encode_description, parse_description
from app.search.indexing.snapshots.held_commit import NoCommit, hold_commit
from app.search.indexing.snapshots.source import (
    BLOCK,
    END,
    FolderSource,
    SnapshotFailed,
    SnapshotRefused,
    encode_header,
    pad,
)
from app.search.tantivy import reader
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import index_folders, integrity
from app.search.tantivy.storage.index_forms import locate_form

SNAPSHOTS = int(os.environ.get("SNAPSHOTS", "100"))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    yield archive
    archive.close()


def _fill(archive: SearchArchive) -> Path:
    """Three commits with a deletion; the live folder."""
    for turn in range(3):
        archive.put(*[SearchStory(turn * 4 + number, f"Nato meets {number}") for number in range(1, 6)])
        archive.index()
    folder = index_folders.find_current(archive.root)
    assert folder is not None
    return folder


def _list_folders(root: Path) -> list[Path]:
    return list(locate_form(root).glob("index-*"))


@pytest.mark.slow
def test_every_snapshot_of_an_index_that_is_written_is_one_commit(archive: SearchArchive, tmp_path: Path) -> None:
    """Each write moves both articles to the other word, and its rows say which: a snapshot that had half of it, or
    files of two commits, would hold other words than those of its place."""
    archive.put(SearchStory(1, "Odd"), SearchStory(2, "Odd"))
    archive.index()
    ended, turns, seqs, segments = threading.Event(), 0, set[int](), set[str]()

    def write() -> None:
        nonlocal turns
        with archive.indexer() as indexer:
            while not ended.is_set():
                turns += 1
                word = "Even" if turns % 2 else "Odd"
                archive.put(SearchStory(1, word), SearchStory(2, word))
                catch_up(archive.db, indexer)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(SNAPSHOTS):
            folder = tmp_path / f"snapshot-{number}"
            snapshot = snapshots.take_snapshot([of_root(archive.root)])
            snapshots.write_folder(snapshot, folder)
            snapshot.close()
            received = receive(FolderSource(folder), tmp_path / f"root-{number}")
            assert list_digests(received.folder) == list_digests(folder / "published")
            index_folders.make_current(tmp_path / f"root-{number}", received.folder)
            engine = TantivyEngine(tmp_path / f"root-{number}")
            position = engine.position()
            assert position is not None
            word, other = ("odd", "even") if position.seq % 4 == 2 else ("even", "odd")
            assert (ask(engine, word).total, ask(engine, other).total) == (2, 0)
            seqs.add(position.seq)
            segments |= {file.stem[:32] for file in (folder / "published").iterdir()}
    finally:
        ended.set()
        writing.join()
    assert len(seqs) > 5, "nothing was written meanwhile"
    last = {name[:32] for name in list_digests(tmp_path / f"snapshot-{SNAPSHOTS - 1}" / "published")}
    assert len(segments) > len(last) + 5, "nothing was merged meanwhile"


def test_held_files_are_read_after_they_were_deleted(archive: SearchArchive, tmp_path: Path) -> None:
    folder = _fill(archive)
    before = list_digests(folder)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    archive.put(*[SearchStory(number, "Weather") for number in range(1, 14)])
    archive.index()
    gone = [name for name in before if not (folder / name).exists()]
    assert gone
    snapshots.write_folder(snapshot, tmp_path / "snapshot")
    snapshots.write_file(snapshot, tmp_path / "snapshot.tar")
    snapshot.close()
    assert list_digests(tmp_path / "snapshot" / "published") == before
    with tarfile.open(tmp_path / "snapshot.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert list_digests(tmp_path / "unpacked" / "published") == before
    assert list(tmp_path.glob("*.partial")) == []


def test_unrecorded_commit_is_waited_for(archive: SearchArchive) -> None:
    folder = _fill(archive)
    hashes = (folder / integrity.NAME).read_bytes()
    (folder / integrity.NAME).unlink()
    timer = threading.Timer(0.1, (folder / integrity.NAME).write_bytes, [hashes])
    timer.start()
    hold_commit(archive.root).close()
    timer.join()


def test_no_index_has_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(NoCommit):
        snapshots.take_snapshot([of_root(tmp_path)])


def test_snapshot_that_is_cut_off_is_refused(archive: SearchArchive, tmp_path: Path) -> None:
    _fill(archive)
    whole = dump(of_root(archive.root))
    needed = len(whole) - len(END)
    chance = random.Random(7)
    cuts = {0, 1, needed // 2, needed - 1, *range(0, needed, 4096), *(chance.randrange(needed) for _ in range(40))}
    for cut in sorted(cut for cut in cuts if needed - cut >= BLOCK):  # what fills up the last block may be missing
        with pytest.raises(SnapshotFailed):
            receive(whole[:cut], tmp_path / "other")
        assert _list_folders(tmp_path / "other") == []
    assert receive(whole[:needed], tmp_path / "other").place.seq == 15


@pytest.mark.slow
def test_flipped_bit_is_refused_or_changes_nothing(archive: SearchArchive, tmp_path: Path) -> None:
    archive.put(*[SearchStory(number, f"Nato meets {number}") for number in range(1, 6)])
    archive.index()
    folder = index_folders.find_current(archive.root)
    assert folder is not None
    live = list_digests(folder)
    whole = dump(of_root(archive.root))
    chance = random.Random(11)
    refused = 0
    for _ in range(120):
        at = chance.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        try:
            received = receive(bytes(damaged), tmp_path / "other")
        except (SnapshotFailed, SnapshotRefused):
            refused += 1
            assert _list_folders(tmp_path / "other") == []
        else:  # in what fills a block up
            assert list_digests(received.folder) == live
            index_folders.delete_old_folders(tmp_path / "other")
    assert refused > 30


@pytest.mark.parametrize(
    "name",
    ["../../evil", "/tmp/evil", "a/b", f"{'0' * 32}.x/../../../evil", f"{'0' * 32}.", "CURRENT", f"{'0' * 32}.store\n"],
)
def test_name_that_no_index_has_is_refused(archive: SearchArchive, tmp_path: Path, name: str) -> None:
    _fill(archive)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    commit = snapshot.commits["published"]
    line = orjson.dumps({"meta": commit.manifest.meta, "files": {name: ["0" * 32, [4, 0, 0]]}})
    snapshot.commits["published"] = replace(commit, hashes=integrity.seal(line), files={})
    raw = b"".join(snapshots.write_tar(snapshot)) + encode_header(f"published/{name}"[:99], 4) + b"evil" + pad(4)
    snapshot.close()
    with pytest.raises(SnapshotRefused, match="as no index has any"):
        receive(raw, tmp_path / "other")
    assert not (tmp_path / "evil").exists()


def test_index_that_the_disk_has_no_room_for_is_refused(archive: SearchArchive, tmp_path: Path) -> None:
    _fill(archive)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    commit = snapshot.commits["published"]
    files = {f"{'0' * 32}.store": ["0" * 32, [10**17, 0, 0]]}
    line = orjson.dumps({"meta": commit.manifest.meta, "files": files})
    snapshot.commits["published"] = replace(commit, hashes=integrity.seal(line))
    with pytest.raises(SnapshotRefused, match="free"):
        receive(b"".join(snapshots.write_tar(snapshot)), tmp_path / "other")
    snapshot.close()
    assert _list_folders(tmp_path / "other") == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, b"L"])
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("snapshot.json")
    header.type, header.linkname = kind, "/etc/passwd"
    with pytest.raises(SnapshotFailed):
        receive(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000), tmp_path / "other")


def test_link_in_a_folder_is_not_followed(archive: SearchArchive, tmp_path: Path) -> None:
    _fill(archive)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    snapshots.write_folder(snapshot, tmp_path / "snapshot")
    snapshot.close()
    (tmp_path / "snapshot" / "snapshot.json").rename(tmp_path / "elsewhere")
    (tmp_path / "snapshot" / "snapshot.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SnapshotFailed):
        receive(FolderSource(tmp_path / "snapshot"), tmp_path / "other")


def test_index_of_another_version_is_refused(archive: SearchArchive, tmp_path: Path) -> None:
    _fill(archive)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    other = replace(snapshot.description, form="form-9-0.27.0-0123456789abcdef")
    raw = b"".join(snapshots.write_tar(replace(snapshot, description=other)))
    snapshot.close()
    with pytest.raises(SnapshotRefused, match="another version"):
        receive(raw, tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"form":1}', b'{"form":"x","indexes":{"drafts":[1,2]}}'])
def test_description_that_cannot_be_read_is_damaged(content: bytes) -> None:
    with pytest.raises(SnapshotFailed):
        parse_description(integrity.seal(content))
    with pytest.raises(SnapshotFailed):
        parse_description(content)


def test_place_goes_with_the_index(archive: SearchArchive, tmp_path: Path) -> None:
    _fill(archive)
    snapshot = snapshots.take_snapshot([of_root(archive.root)])
    assert parse_description(encode_description(snapshot.description)) == snapshot.description
    snapshot.close()
    received = receive(dump(of_root(archive.root)), tmp_path / "other")
    assert received.place == snapshot.description.places["published"].committed
    # What was received is a folder that can be written on: its files are recorded as they are here.
    manifest = integrity.check_last_commit(received.folder, held=True)
    assert integrity.check_replaced(received.folder, manifest) is manifest
    reader.read_view(reader.open_index(received.folder))
