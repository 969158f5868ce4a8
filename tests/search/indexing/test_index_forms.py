"""Each form of the index has a folder of its own, which no version with another one touches."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from conftest import lifespan
from hypothesis import given
from hypothesis import strategies as st
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.db import permissions
from app.db.file_locks import FileLock
from app.main import create_app
from app.search.indexing.indexer import Indexer
from app.search.indexing.verification import Verification
from app.search.tantivy import index_schema
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import build_progress, index_folders, index_forms
from app.search.tantivy.storage.build_progress import ProgressWriter
from app.search.tantivy.storage.index_forms import IndexForm, locate_form
from app.settings import Settings

Become = Callable[[int], None]
OWN = index_schema.ANALYSIS


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    yield archive
    archive.close()


def _forget_form() -> None:
    index_schema.compute_fingerprint.cache_clear()
    index_forms.get_own_form.cache_clear()


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Iterator[Become]:
    """Makes this process one of the version with that `ANALYSIS`."""

    def set_analysis(analysis: int) -> None:
        monkeypatch.setattr(index_schema, "ANALYSIS", analysis)
        _forget_form()

    yield set_analysis
    monkeypatch.undo()
    _forget_form()


def _make_formless(root: Path) -> None:
    """As versions before forms had it."""
    form = locate_form(root)
    for path in form.iterdir():
        path.rename(root / path.name)
    form.rmdir()


def test_forms_number_is_raised_with_what_the_index_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two forms of one number are of no order: neither is ever removed for the other. Whoever changes the fields
    raises ANALYSIS, and writes both here."""
    monkeypatch.setattr(index_schema, "version", lambda name: "0")
    assert (index_schema.ANALYSIS, index_schema.compute_fingerprint.__wrapped__()) == (11, "b18b4c873372185b")


@given(st.integers(0, 999_999_999), st.integers(0, 99), st.integers(0, 99), st.integers(0, 2**64 - 1))
def test_folder_name_of_a_form_is_read_back(analysis: int, minor: int, patch: int, fingerprint: int) -> None:
    form = IndexForm(analysis, f"0.{minor}.{patch}", f"{fingerprint:016x}")
    assert index_forms.parse_form(form.folder_name) == form
    assert form.age < IndexForm(analysis, f"0.{minor}.{patch + 1}", form.fingerprint).age
    assert form.age < IndexForm(analysis, "1.0", form.fingerprint).age
    assert form.age < IndexForm(analysis + 1, "0.1", form.fingerprint).age


@pytest.mark.parametrize(
    "name", ["form-", "form-5", "index-0a1b", "form-5-0.27.0-xyz", "form-x-0.27.0-0123456789abcdef"]
)
def test_other_folders_hold_no_form(name: str) -> None:
    assert index_forms.parse_form(name) is None


def test_versions_keep_their_indexes_side_by_side(archive: SearchArchive, become: Become) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    older = archive.engine()
    become(99)
    assert TantivyEngine(archive.root).position() is None
    archive.put(SearchStory(2, "Nato again"))
    assert sorted(ids(ask(archive.engine(), "nato"))) == [1, 2]
    become(OWN)
    assert ids(ask(older, "nato")) == [1]
    with archive.indexer() as indexer, archive.db.snapshot() as snapshot:
        place = older.position()
        assert place is not None
        indexer.rebuild(snapshot, place)
    assert len(list(archive.root.glob("form-*/index-*"))) == 2
    become(99)
    assert sorted(ids(ask(TantivyEngine(archive.root), "nato"))) == [1, 2]


def test_newer_version_removes_older_ones_that_nobody_writes_and_no_other(
    archive: SearchArchive, become: Become
) -> None:
    folders = []
    for analysis in (3, 4, 5, 6):
        become(analysis)
        archive.index()
        folders.append(locate_form(archive.root))
    become(4)
    held = Indexer(archive.root)
    assert held.acquire()
    become(5)
    assert index_forms.delete_others(archive.root) == [folders[1]]
    assert [folder.exists() for folder in folders] == [False, True, True, True]
    held.close()
    assert index_forms.delete_others(archive.root) == []
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert index_forms.delete_others(archive.root, older=False) == []
    assert [folder.exists() for folder in folders] == [False, False, True, False]


def test_version_whose_index_was_removed_builds_another(archive: SearchArchive, become: Become) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    older = Indexer(archive.root)
    become(99)
    archive.index()
    index_forms.delete_others(archive.root)
    become(OWN)
    assert older.acquire()
    older.close()
    assert ids(ask(archive.engine(), "nato")) == [1]


def test_lock_on_a_file_that_was_deleted_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    remover, other = FileLock(path), FileLock(path)
    assert remover.try_hold()
    fd = os.open(path, os.O_RDWR)
    path.unlink()
    remover.close()
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert other.try_hold()
    assert path.exists()
    other.close()
    os.close(fd)


def test_index_from_before_forms_is_taken_over_without_a_rebuild(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    archive.index()
    _make_formless(archive.root)
    former = index_folders.find_formless(archive.root)
    assert former is not None
    files = {path.stat().st_ino for path in former.iterdir() if not path.name.startswith(".tantivy-")}
    indexer = Indexer(archive.root)
    assert indexer.acquire()
    taken = index_folders.find_current(archive.root)
    assert taken is not None
    assert {path.stat().st_ino for path in taken.iterdir()} >= files
    assert indexer.position() is not None
    indexer.close()
    assert ids(ask(TantivyEngine(archive.root), "nato")) == [1]
    assert index_forms.delete_others(archive.root) == []
    assert index_folders.find_formless(archive.root) is None
    assert not former.exists()
    archive.put(SearchStory(2, "Nato again"))
    assert sorted(ids(ask(archive.engine(), "nato"))) == [1, 2]


def test_index_from_before_forms_goes_on_with_its_own_version(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    archive.index()
    _make_formless(archive.root)
    former = FileLock(archive.root / index_forms.LOCK)
    assert former.try_hold()
    assert ids(ask(archive.engine(), "nato")) == [1]
    assert index_forms.delete_others(archive.root) == [archive.root]
    assert index_folders.find_formless(archive.root) is not None
    former.close()


@pytest.mark.parametrize("damage", ["other form", "file gone", "unrecorded"])
def test_index_from_before_forms_that_cannot_be_taken_over_is_built_anew(
    archive: SearchArchive, become: Become, damage: str
) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    archive.index()
    _make_formless(archive.root)
    former = index_folders.find_formless(archive.root)
    assert former is not None
    if damage == "other form":
        become(99)
    elif damage == "file gone":
        next(former.glob("*.term")).unlink()
    else:
        (former / "hashes.json").unlink()
    names = sorted(os.listdir(former))
    assert ids(ask(archive.engine(), "nato")) == [1]
    assert sorted(os.listdir(former)) == names
    assert len(list(locate_form(archive.root).glob("index-*"))) == 1


def test_older_forms_are_removed_while_the_server_runs(archive: SearchArchive, become: Become) -> None:
    archive.index()
    older = locate_form(archive.root)
    become(99)
    archive.index()
    verification = Verification(archive.root, keep_seconds=0.01)
    verification.start()
    verification._thread.join(20)
    verification.stop()
    assert not older.exists()


def test_older_forms_stay_until_there_is_a_newer_index(archive: SearchArchive, become: Become) -> None:
    archive.index()
    older = locate_form(archive.root)
    become(99)
    verification = Verification(archive.root, keep_seconds=0.01)
    verification.start()
    verification._thread.join(0.1)
    verification.stop()
    assert (older / index_forms.CURRENT).exists()


@pytest.mark.anyio
async def test_clients_are_told_how_far_an_index_is(sqlite_settings: Settings) -> None:
    app = create_app(sqlite_settings, follow=False)
    async with (
        lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        permissions.make_folder(locate_form(sqlite_settings.index_path))
        with ProgressWriter(sqlite_settings.index_path, 4_000) as progress:
            progress.began -= 20
            progress.written = 0
            progress.add(1_000)
            searched = await client.get("/v1/search?q=x")
            assert searched.status_code == 503
            assert 55 <= int(searched.headers["retry-after"]) <= 65
            problem = searched.json()
            assert (problem["code"], problem["progress"]) == ("index_behind", {"indexed": 1000, "articles": 4000})
            ready = (await client.get("/health/ready")).json()
            assert ready["problem"].startswith("The search index is being built: 1,000 of 4,000 articles, about ")
            assert (await client.get("/v1/articles")).status_code == 200
        searched = await client.get("/v1/search?q=x")
        assert (searched.headers["retry-after"], "progress" in searched.json()) == ("1", False)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1,2]", b"\xff", b'["a",1,1,1]', b"[1,2,3,4]"])
def test_broken_or_old_progress_is_none(tmp_path: Path, content: bytes) -> None:
    locate_form(tmp_path).mkdir()
    (locate_form(tmp_path) / build_progress.NAME).write_bytes(content)
    assert build_progress.read_progress(tmp_path) is None
