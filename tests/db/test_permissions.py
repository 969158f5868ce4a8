"""Whose files an archive's are: new ones the owner's alone, old ones as they were, with a warning."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from test_serve import SEED, read_refusal, run_server

from app.commands import open_archive
from app.commands.copies import backups
from app.search.tantivy.storage.index_forms import LOCK, locate_form
from app.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _wide_mask() -> Iterator[None]:
    """As most systems have it, and what the test changed put back."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """By path below the folder; itself is `.`."""
    results = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in results}


def test_served_archive_is_the_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "above" / "data"
    with run_server(data, *SEED, last="Admin key") as server:
        assert httpx.get(server.address + "/v1/articles").status_code == 200
        result = modes(data)
    lock = f"{locate_form(Path('index'))}/{LOCK}"
    assert {"dateline.db", "dateline.db-wal", "dateline.db-shm", "index", lock} <= result.keys()
    folders = {name for name in result if (data / name).is_dir()}
    assert len(folders) > 2
    assert {name: mode for name, mode in result.items() if mode != (0o700 if name in folders else 0o600)} == {}
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700


def test_folder_that_was_there_keeps_its_mode_and_is_named_in_a_warning(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    settings = Settings(data_dir=data)
    open_archive.open_archive(settings).close_now()
    (data / "dateline.db").chmod(0o644)
    open_archive.open_archive(settings).close_now()
    assert (modes(data)["."], modes(data)["dateline.db"]) == (0o755, 0o644)
    folder, file = open_archive.describe_open_files(settings)
    assert f"(mode 0755); to close it: chmod 700 {data}" in folder
    assert f"(mode 0644); to close it: chmod 600 {data / 'dateline.db'}" in file
    with run_server(data) as server:
        status, err = server.end(signal.SIGTERM)
    assert (status, f"chmod 700 {data}" in err) == (0, True)


def test_backup_is_the_owners_alone_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o777)
    db = open_archive.open_archive(Settings(data_dir=tmp_path / "data"))
    try:
        os.umask(0o022)
        backups.backup(db, tmp_path / "shared" / "copy.db")
    finally:
        db.close_now()
    assert modes(tmp_path / "shared")["copy.db"] == 0o600


def test_first_key_goes_into_a_file_where_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "first-key"
    monkeypatch.setenv("DATELINE_FIRST_KEY_FILE", str(file))
    with run_server(tmp_path / "data", *SEED) as server:
        assert [line for line in server.greeting if "dl_" in line] == []
        assert any(str(file) in line for line in server.greeting)
        key = file.read_text(encoding="ascii").strip()
        made = httpx.post(server.address + "/v1/tags", json={"name": "New", "kind": "topic"}, headers=bearer(key))
        assert made.status_code == 201
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_file_that_is_there_is_not_overwritten_with_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("mine")
    said = read_refusal(tmp_path / "data", "--port", "0", *SEED, DATELINE_FIRST_KEY_FILE=str(file))
    assert "File exists" in said
    assert file.read_text() == "mine"
