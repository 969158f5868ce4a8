"""Damage to any file of the index is found and ends in a new index, or changes no result."""

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.search_archive import SearchArchive, SearchStory, ask

from app.articles.filters import ArticleFilter
from app.changes.follower import FollowerTask, catch_up
from app.commands import check
from app.search.indexing.archive_indexes import list_indexes
from app.search.indexing.indexer import Indexer
from app.search.indexing.verification import Verification, find_damage
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.reader import IndexDamaged, open_index
from app.search.tantivy.storage import index_folders, integrity
from app.settings import Settings

pytestmark = pytest.mark.slow

WORDS = ("nato", "weather OR trade", "sanctions", '"nato meets"', "meets", "title:trade", "words")
Results = list[object]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    for turn in range(6):
        first = turn * 20 + 1
        archive.put(*[_story(id, 1) for id in range(first, first + 20)], *([_story(first - 5, 2)] if turn else []))
        archive.index()
    yield archive
    archive.close()


def _story(id: int, version: int) -> SearchStory:
    title = ("Nato meets", "Weather", "Sanctions on trade")[id % 3]
    body = "words and more words " * (id % 7 + version)
    tags, regions = (id % 6 + 1,), {id % 5 + 1: (1, 1)}
    return SearchStory(id, title, body, version=version, published_at=id * 1_000, tags=tags, regions=regions)


def _folder(root: Path) -> Path:
    folder = index_folders.find_current(root)
    assert folder is not None
    return folder


def _results(root: Path) -> Results:
    """Everything that a search shows: ids, versions, scores and counts."""
    engine = TantivyEngine(root)
    hits: Results = [ask(engine, word, limit=200).hits for word in WORDS]
    hits += [ask(engine, "", order="-published_at", limit=200).hits, engine.languages()]
    hits += [sorted(engine.count_tags(ArticleFilter()).items()), sorted(engine.count_regions(ArticleFilter()).items())]
    return hits


def _flip(file: Path, at: int, bit: int) -> None:
    """As a disk or memory does it: size, time and inode stay."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 1 << bit]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _copy(archive: SearchArchive, to: Path) -> Path:
    """The index somewhere else, opened once, so that the stamps of its files are known."""
    shutil.copytree(archive.root, to)
    integrity.check_last_commit(_folder(to), held=True)
    return to


def _follow(archive: SearchArchive, root: Path) -> None:
    indexer = Indexer(root, heap_mb=15)
    assert indexer.acquire()
    catch_up(archive.db, indexer)
    indexer.close()


def _flip_everywhere(archive: SearchArchive, tmp_path: Path, count: int) -> dict[str, int]:
    """How many flips were found, and how many were harmless; asserts that there is no third kind."""
    chance = random.Random(7)
    good, rebuilt = _results(archive.root), None
    outcomes = {"found": 0, "harmless": 0}
    suffixes = sorted({_kind(file) for file in _folder(archive.root).iterdir() if file.stat().st_size})
    for turn in range(count):
        root = _copy(archive, tmp_path / f"copy-{turn}")
        kind = suffixes[turn % len(suffixes)]
        file = chance.choice([f for f in _folder(root).iterdir() if _kind(f) == kind])
        _flip(file, chance.randrange(file.stat().st_size), chance.randrange(8))
        if find_damage(root):
            outcomes["found"] += 1
            index_folders.request_rebuild(root)
            _follow(archive, root)
            rebuilt = rebuilt or _results(root)
            assert _results(root) == rebuilt, file.name
        else:
            outcomes["harmless"] += 1
            assert _results(root) == good, file.name
            _follow(archive, root)
        assert find_damage(root) == []
        shutil.rmtree(root, ignore_errors=True)  # a thread of tantivy may be late
    return outcomes


def _kind(file: Path) -> str:
    return file.suffix if len(file.name) > 32 else file.name


def test_flipped_bits_are_found_and_end_in_a_new_index_or_change_nothing(
    archive: SearchArchive, tmp_path: Path
) -> None:
    outcomes = _flip_everywhere(archive, tmp_path, 22)
    assert outcomes["found"] >= 18  # but for what tantivy notes for itself, which decides no result


@pytest.mark.torture
def test_200_flipped_bits_are_found_or_change_nothing(archive: SearchArchive, tmp_path: Path) -> None:
    outcomes = _flip_everywhere(archive, tmp_path, 200)
    assert outcomes["found"] >= 160


def _cut(folder: Path) -> str:
    file = next(folder.glob("*.store"))
    content = file.read_bytes()
    file.unlink()  # in place, who has it mapped would be killed
    file.write_bytes(content[:-7])
    return file.name


def _remove(folder: Path) -> str:
    file = next(folder.glob("*.fieldnorm"))
    file.unlink()
    return file.name


def _swap(folder: Path) -> str:
    """Two files of one kind: each is whole, and neither is where it belongs."""
    one, other = sorted(folder.glob("*.fast"))[:2]
    one.rename(folder / "third")
    other.rename(one)
    (folder / "third").rename(other)
    return one.name


def _restore_older(folder: Path) -> str:
    meta = folder / integrity.META
    meta.write_bytes(meta.read_bytes().replace(b'"opstamp": ', b'"opstamp": 1'))
    return meta.name


def _forget(folder: Path) -> str:
    (folder / integrity.NAME).unlink()
    return integrity.NAME


@pytest.mark.parametrize("damage", [_cut, _remove, _swap, _restore_older, _forget])
def test_files_that_are_cut_gone_swapped_or_of_another_commit_are_found(
    archive: SearchArchive, damage: Callable[[Path], str]
) -> None:
    good, folder = _results(archive.root), _folder(archive.root)
    name = damage(folder)
    result = find_damage(archive.root)
    assert any(text.startswith(name) for text in result)
    archive.index()
    assert _folder(archive.root) != folder
    assert find_damage(archive.root) == []
    assert len(_results(archive.root)) == len(good)
    assert ask(TantivyEngine(archive.root), "", order="-published_at").total == 120


def test_replaced_file_is_compared_when_the_folder_is_opened(archive: SearchArchive, tmp_path: Path) -> None:
    root = tmp_path / "copied"
    shutil.copytree(archive.root, root)
    open_index(_folder(root))  # all of it was replaced, and all of it has its hash
    file = next(_folder(root).glob("*.fieldnorm"))
    _flip(file, 3, 0)
    with pytest.raises(IndexDamaged, match=file.name):
        open_index(_folder(root))
    assert TantivyEngine(root).position() is None
    _follow(archive, root)
    assert find_damage(root) == []


def test_unreplaced_files_are_not_read_when_the_folder_is_opened(archive: SearchArchive) -> None:
    _flip(next(_folder(archive.root).glob("*.fieldnorm")), 3, 0)
    open_index(_folder(archive.root))


def test_damage_is_not_merged_into_files_with_hashes_of_their_own(archive: SearchArchive) -> None:
    for file in _folder(archive.root).glob("*.fieldnorm"):
        _flip(file, 1, 0)
    before = _folder(archive.root)
    for id in range(200, 216):  # each a commit of its own: sooner or later tantivy merges them
        archive.put(_story(id, 1))
        with archive.indexer() as indexer:
            try:
                catch_up(archive.db, indexer)
            except IndexDamaged:
                catch_up(archive.db, indexer)
        if _folder(archive.root) != before:
            break
    else:
        assert any("fieldnorm" in text for text in find_damage(archive.root))
    assert _folder(archive.root) != before
    assert find_damage(archive.root) == []


def test_commit_that_was_not_recorded_ends_in_a_new_index(archive: SearchArchive) -> None:
    """As where the process was killed between the two."""
    folder = _folder(archive.root)
    older = (folder / integrity.NAME).read_bytes()
    archive.put(_story(300, 1))
    archive.index()
    (folder / integrity.NAME).write_bytes(older)
    assert find_damage(archive.root) == [f"{integrity.META} is not that of the last recorded commit"]
    archive.index()
    assert _folder(archive.root) != folder
    assert find_damage(archive.root) == []


def test_file_that_a_killed_writer_left_does_not_stop_the_next(archive: SearchArchive) -> None:
    folder = _folder(archive.root)
    with archive.indexer() as indexer:
        assert indexer.position() is not None
    for file in list(folder.glob("*.store")):
        for stamp in range(1, 1_000):  # whatever number the next commit has
            with suppress(FileExistsError):
                (folder / f"{file.stem}.{stamp}.del").touch(exist_ok=False)
    archive.put(_story(90, 2))
    archive.index()
    assert _folder(archive.root) == folder
    assert find_damage(archive.root) == []


def test_verification_beside_a_server_finds_what_opening_does_not(archive: SearchArchive) -> None:
    before = _folder(archive.root)
    _flip(next(before.glob("*.fieldnorm")), 3, 0)
    indexer = Indexer(archive.root, heap_mb=15)
    assert indexer.acquire()
    following, verification = FollowerTask(archive.db, indexer, 0.02), Verification(archive.root)
    following.start()
    verification.start()
    for _ in range(400):
        if _folder(archive.root) != before:
            break
        threading.Event().wait(0.02)
    verification.stop()
    following.stop()
    indexer.close()
    assert _folder(archive.root) != before
    assert find_damage(archive.root) == []


def test_check_beside_a_busy_writer_reports_no_damage(archive: SearchArchive) -> None:
    ended = threading.Event()
    reports: list[str] = []

    def look() -> None:
        while not ended.is_set():
            reports.extend(find_damage(archive.root))

    thread = threading.Thread(target=look)
    thread.start()
    with archive.indexer() as indexer:
        for id in range(200, 225):
            archive.put(_story(id, 1))
            catch_up(archive.db, indexer)
    ended.set()
    thread.join()
    assert reports == []


def test_check_names_the_file_and_asks_for_a_new_index(archive: SearchArchive, tmp_path: Path) -> None:
    index, _ = list_indexes(Settings(data_dir=tmp_path))
    assert check._check_index_files(index) is None
    file = next(_folder(archive.root).glob("*.fieldnorm"))
    _flip(file, 3, 0)
    assert file.name in str(check._check_index_files(index))
    assert index_folders.is_rebuild_requested(archive.root)
