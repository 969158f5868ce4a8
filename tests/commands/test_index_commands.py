"""`dateline index snapshot` and `restore` as an operator meets them: beside a server, damaged, of another archive."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.processes import DatelineProcess

from app.search.tantivy.storage import index_folders

pytestmark = pytest.mark.slow

SEED = Path(__file__).resolve().parent.parent.parent / "seed_data"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the sample articles, with its indexes."""
    folder = tmp_path_factory.mktemp("index") / "data"
    status, _, err = _run(folder, "import", str(SEED), "--no-enrich")
    assert (status, err) == (0, ""), err
    return folder


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "data")


@pytest.fixture
def bare(data_dir: Path, tmp_path: Path) -> Path:
    """The same archive without its indexes."""
    return shutil.copytree(data_dir, tmp_path / "bare", ignore=shutil.ignore_patterns("index"))


def _run(data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    process = DatelineProcess(*arguments, environment={"DATELINE_DATA_DIR": str(data_dir)})
    status, out, err = process.wait(120)
    process.end()
    return status, out, err


@contextmanager
def _serve(data_dir: Path) -> Iterator[str]:
    server = DatelineProcess("serve", "--port", "0", environment={"DATELINE_DATA_DIR": str(data_dir)})
    try:
        yield next(line.split()[3] for line in server.lines if line.startswith("Dateline is at "))
    finally:
        server.send_signal(signal.SIGTERM)
        server.end()


def _find_current(data_dir: Path) -> Path | None:
    return index_folders.find_current(data_dir / "index")


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_snapshot_beside_a_server_becomes_the_index_of_another_node(
    data_dir: Path, bare: Path, tmp_path: Path, name: str
) -> None:
    with _serve(data_dir):
        status, out, err = _run(data_dir, "index", "snapshot", str(tmp_path / name))
        assert (status, err) == (0, ""), err
        assert out.startswith(f"The snapshot is {tmp_path / name}: ")
        assert _run(data_dir, "index", "restore", str(tmp_path / name))[0] == 1
    for path in [tmp_path / name, *(tmp_path / name).rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    status, out, err = _run(bare, "index", "restore", str(tmp_path / name))
    assert status == 0, err
    assert out.startswith(f"The indexes are those of {tmp_path / name}: ")
    assert _run(bare, "check")[0] == 0
    folder = _find_current(bare)
    assert folder is not None
    assert _run(bare, "migrate") == (0, "The archive is up to date.\n", "")
    assert _find_current(bare) == folder, "it was built anew"


def test_snapshot_overwrites_nothing_and_needs_an_index(data_dir: Path, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("kept")
    status, _, err = _run(data_dir, "index", "snapshot", str(tmp_path / "there.tar"))
    assert (status, "exists" in err, (tmp_path / "there.tar").read_text()) == (1, True, "kept")
    assert _run(data_dir, "index", "snapshot", str(tmp_path / "no" / "folder"))[0] == 1
    status, _, err = _run(bare, "index", "snapshot", str(tmp_path / "none"))
    assert (status, err) == (1, "dateline: No snapshot can be taken: there is no index yet.\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "other archive"])
def test_bad_snapshot_changes_nothing(data_dir: Path, template: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy.tar"
    assert _run(data_dir, "index", "snapshot", str(copy))[0] == 0
    if damage == "cut":
        os.truncate(copy, copy.stat().st_size // 2)
    elif damage == "flipped":
        with copy.open("r+b") as file:
            file.seek(copy.stat().st_size // 3)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
    elif damage == "missing":
        copy.unlink()
    else:  # a backup has an epoch of its own
        backup = data_dir / "backup.db"
        assert _run(data_dir, "backup", str(backup))[0] == 0
        (data_dir / "dateline.db-wal").unlink(missing_ok=True)
        (data_dir / "dateline.db-shm").unlink(missing_ok=True)
        backup.rename(data_dir / "dateline.db")
    before = _find_current(data_dir)
    status, out, err = _run(data_dir, "index", "restore", str(copy))
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert _find_current(data_dir) == before
    assert before is not None
    assert list(before.parent.glob("index-*")) == [before]
