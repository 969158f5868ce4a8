"""The command as people and scripts meet it: what it prints, its exit status, and what is in the archive afterwards.

Most commands run in this process, through the same `main`, because starting Python anew costs a second each time.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.__main__ import main
from app.changes import log
from app.changes.follower import FollowerTask
from app.db.database import Database
from app.search.indexing.indexer import Indexer
from app.search.tantivy.storage import index_folders
from app.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = ROOT / "seed_data"


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    def json(self) -> object:
        return json.loads(self.out)


Dateline = Callable[..., Ran]


@pytest.fixture
def dateline(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Dateline:
    """Runs a command on a migrated archive that is this test's own, in `tmp_path/data`."""
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "dateline.db")
    monkeypatch.setenv("DATELINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["dateline", *map(str, arguments)])
        try:
            main()
            status: object = 0
        except SystemExit as end:
            status = end.code or 0
        assert isinstance(status, int)
        return Ran(status, *capfd.readouterr())

    return run


def run_process(*arguments: str, before: str = "", **environment: str) -> Ran:
    """Runs a command as a process of its own; `before` is what a shell does first."""
    command = f'{before}\nexec "$0" -m app "$@"'
    ran = subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def count(data_dir: Path, what: str = "article") -> int:
    with closing(sqlite3.connect(data_dir / "dateline.db")) as connection:
        result: int = connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
        return result


def one_line(ran: Ran) -> str:
    """The only line of a command that failed as it should."""
    assert (ran.status, ran.out) == (1, "")
    assert re.fullmatch(r"dateline: .+\.\n", ran.err), ran.err
    return ran.err


def story(number: int, **fields: object) -> str:
    return json.dumps({"id": f"s{number}", "title": f"Story {number}", "body": "The council met.", **fields}) + "\n"


def test_seed_imported_into_nothing_makes_an_archive_with_its_index(tmp_path: Path, dateline: Dateline) -> None:
    shutil.rmtree(tmp_path / "data")
    ran = run_process("import", str(SEED), DATELINE_DATA_DIR=str(tmp_path / "data"))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("40 created, 0 updated, 0 unchanged, 0 failed, in ")
    checked = dateline("check", "--json").json()
    assert isinstance(checked, dict)
    assert checked["ok"] is True
    assert "index" in {one["name"] for one in checked["checks"]}


def test_folder_imported_again_updates_only_the_file_that_was_edited(dateline: Dateline, tmp_path: Path) -> None:
    folder = shutil.copytree(SEED, tmp_path / "mine")
    assert dateline("import", folder).out.startswith("40 created, 0 updated, 0 unchanged, 0 failed")
    assert dateline("import", folder).out.startswith("0 created, 0 updated, 40 unchanged, 0 failed")
    rows = count(tmp_path / "data", "change")
    edited = folder / "text" / "nato-article-5.txt"
    edited.write_text(edited.read_text("utf-8").replace("Nothing happens by itself.", "Nothing is automatic."), "utf-8")
    assert dateline("import", folder).out.startswith("0 created, 1 updated, 39 unchanged, 0 failed")
    assert count(tmp_path / "data", "change") == rows + 1


def test_broken_items_are_reported_with_their_line_while_the_rest_is_imported(
    dateline: Dateline, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.ndjson"
    file.write_text(story(1) + "{ no json\n" + story(2) + '{"id": "empty"}\n' + story(3), "utf-8")
    ran = dateline("import", file)
    assert ran.status == 1
    failed = [line for line in ran.err.splitlines() if line.startswith("failed: ")]
    assert [re.search(r"mixed\.ndjson:(\d+)", line)[1] for line in failed] == ["2", "4"]  # type: ignore[index]
    assert ran.out.startswith("3 created, 0 updated, 0 unchanged, 2 failed")
    assert count(tmp_path / "data") == 3


def test_dry_run_says_what_would_be_and_changes_nothing(dateline: Dateline, tmp_path: Path) -> None:
    before = (tmp_path / "data" / "dateline.db").read_bytes()
    assert dateline("import", SEED, "--dry-run").out.startswith("Would be: 40 created")
    assert (tmp_path / "data" / "dateline.db").read_bytes() == before
    assert index_folders.find_current(tmp_path / "data" / "index") is None


def test_json_report_has_counts_failures_and_the_place_in_the_log(dateline: Dateline, tmp_path: Path) -> None:
    file = tmp_path / "mixed.ndjson"
    file.write_text(story(1, colour="red") + "{ no json\n", "utf-8")
    ran = dateline("import", file, "--json")
    report = ran.json()
    assert isinstance(report, dict)
    assert (ran.status, ran.err) == (1, "")
    assert {name: report[name] for name in ("created", "updated", "unchanged", "failed", "dry_run")} == {
        "created": 1, "updated": 0, "unchanged": 0, "failed": 1, "dry_run": False,
    }  # fmt: skip
    assert report["failures"][0]["where"].endswith("mixed.ndjson:2")
    assert report["unknown_fields"] == {"colour": 1}
    assert report["seq"]


def test_key_is_shown_once_and_listed_without_its_secret_until_revoked(dateline: Dateline, tmp_path: Path) -> None:
    made = dateline("keys", "create", "--name", "desk", "--scope", "write", "--scope", "publish", "--expires", "2099")
    key = re.fullmatch(r"dl_(\d+)_(\S{43})\n", made.out)
    assert key is not None
    (row,) = json.loads(dateline("keys", "list", "--json").out)
    assert (row["id"], row["name"], row["scopes"]) == (int(key[1]), "desk", "write publish")
    assert (row["expires_at"], row["revoked_at"]) == ("2100-01-01T00:00:00Z", None)
    assert key[2].encode() not in (tmp_path / "data" / "dateline.db").read_bytes()
    assert dateline("keys", "revoke", key[1]).out == f"Key {key[1]} is revoked.\n"
    assert json.loads(dateline("keys", "list", "--json").out)[0]["revoked_at"]
    assert "no key" in one_line(dateline("keys", "revoke", key[1]))


def test_restored_backup_is_known_for_another_archive_and_its_index_is_rebuilt(
    dateline: Dateline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dateline("import", SEED)
    copied = dateline("backup", tmp_path / "copy.db")
    assert (copied.status, copied.err) == (0, "")
    assert "exists" in one_line(dateline("backup", tmp_path / "copy.db"))
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(tmp_path / "copy.db", restored / "dateline.db")
    shutil.copytree(tmp_path / "data" / "index", restored / "index")
    monkeypatch.setenv("DATELINE_DATA_DIR", str(restored))
    assert "of another archive" in dateline("check").out
    (tmp_path / "new.ndjson").write_text(story(1), "utf-8")
    assert dateline("import", tmp_path / "new.ndjson").out.startswith("1 created")
    assert dateline("check").status == 0
    assert count(restored) == 41


def test_index_that_is_gone_is_built_anew_by_reindex(dateline: Dateline, tmp_path: Path) -> None:
    dateline("import", SEED)
    shutil.rmtree(tmp_path / "data" / "index")
    assert "WRONG  index" in dateline("check").out
    assert dateline("reindex").status == 0
    assert dateline("check").status == 0


def test_index_that_a_server_keeps_is_built_anew_by_it(dateline: Dateline, tmp_path: Path) -> None:
    dateline("import", SEED)
    settings = Settings(data_dir=tmp_path / "data")
    before, db, server = (
        index_folders.find_current(settings.index_path),
        Database(settings, log.append),
        Indexer(settings.index_path),
    )
    assert server.acquire()
    following = FollowerTask(db, server, 0.02)
    following.start()
    try:
        assert dateline("reindex").status == 0
        assert index_folders.find_current(settings.index_path) not in (before, None)
    finally:
        following.stop()
        server.close()
        db.close_now()
    assert dateline("check").status == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["import", "--dry-rum", "x"], "--dry-rum"),
        (["inport"], "inport"),
        (["import", "--format", "pdf", "x"], "pdf"),
        (["import", "--timezone", "Mars/One", "x"], "Mars/One"),
        (["keys", "create", "--name", "x", "--scope", "everything"], "everything"),
        (["keys", "create", "--scope", "write"], "--name"),
    ],
)
def test_wrong_command_line_names_what_is_wrong(dateline: Dateline, arguments: list[str], named: str) -> None:
    ran = dateline(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.err.splitlines()[-1]


def make_file(data: Path) -> None:
    shutil.rmtree(data)
    data.write_bytes(b"")


def make_garbage(data: Path) -> None:
    (data / "dateline.db").write_text("This is no database, only a text that goes on for a while. " * 9)


def make_folder(data: Path) -> None:
    (data / "dateline.db").unlink()
    (data / "dateline.db").mkdir()


def make_newer(data: Path) -> None:
    with closing(sqlite3.connect(data / "dateline.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
        connection.commit()


def make_index_file(data: Path) -> None:
    (data / "index").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (make_file, "folder cannot be used: File exists"),
        (make_garbage, "file is not a database"),
        (make_folder, "unable to open database file"),
        (make_newer, "newer version of Dateline"),
        (make_index_file, "File exists"),
    ],
)
def test_archive_that_cannot_be_used_is_one_line(
    dateline: Dateline, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(tmp_path / "data")
    assert said in one_line(dateline("import", SEED))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DATELINE_DATA_DIR", "/proc/nowhere", "folder cannot be used"),
        ("DATELINE_PORT", "many", "DATELINE_PORT"),
        ("DATELINE_LOG_LEVEL", "LOUD", "DATELINE_LOG_LEVEL"),
        ("DATELINE_DATABASE_URL", "nonsense", "DATELINE_DATABASE_URL"),
        ("DATELINE_DATABASE_URL", "mysql://host/name", "postgresql://"),
        ("DATELINE_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_setting_that_cannot_work_is_one_line(
    dateline: Dateline, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    line = one_line(dateline("check"))
    assert said in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "command",
    [
        ("import", "nowhere.txt"),
        ("backup", "nowhere/copy.db"),
        ("serve", "--port", "0", "--seed", "nowhere"),
    ],
)
def test_path_that_is_not_there_is_one_line(dateline: Dateline, command: tuple[str, ...]) -> None:
    assert "nowhere" in one_line(dateline(*command))


def test_full_disk_is_one_line_and_leaves_whole_batches_only(dateline: Dateline, tmp_path: Path) -> None:
    file, data = tmp_path / "many.ndjson", tmp_path / "data"
    file.write_text("".join(story(n, body="The council met in Brussels. " * 90) for n in range(1_000)), "utf-8")
    blocks = (data / "dateline.db").stat().st_size // 512 + 4_000
    ran = run_process("import", "--no-enrich", str(file), before=f"ulimit -f {blocks}", DATELINE_DATA_DIR=str(data))
    assert "could not save" in one_line(ran)
    assert count(data) == 500
    assert dateline("check").status == 0
    assert dateline("import", "--no-enrich", file).out.startswith("500 created, 0 updated, 500 unchanged")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_no_success(dateline: Dateline, tmp_path: Path) -> None:
    dateline("reindex")
    ran = run_process("check", before="exec >/dev/full", DATELINE_DATA_DIR=str(tmp_path / "data"))
    assert "No space left on device" in one_line(ran)


@contextmanager
def hold_lock(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.torture
def test_database_that_another_program_keeps_is_given_up_after_ten_seconds(dateline: Dateline, tmp_path: Path) -> None:
    began = time.monotonic()
    with hold_lock(tmp_path / "data" / "dateline.db"):
        assert "database is locked" in one_line(dateline("keys", "create", "--name", "x", "--scope", "write"))
    assert 9 < time.monotonic() - began < 20
    assert count(tmp_path / "data", "api_key") == 0


def test_import_without_its_search_cluster_saves_all_and_says_what_is_missing(
    dateline: Dateline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_SEARCH_URL", "http://127.0.0.1:9")
    imported = dateline("import", SEED)
    assert imported.status == 1
    assert "What was saved is in the archive, but the index in the search cluster cannot be written" in imported.err
    assert "cannot be reached." in imported.err
    monkeypatch.delenv("DATELINE_SEARCH_URL")
    assert dateline("import", SEED).out.startswith("0 created, 0 updated, 40 unchanged, 0 failed")


def test_many_items_are_in_the_index_when_the_import_ends(dateline: Dateline, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text("".join(story(n) for n in range(1_100)), "utf-8")
    assert dateline("import", file).status == 0
    payload = dateline("check", "--json").json()
    assert isinstance(payload, dict)
    assert [one for one in payload["checks"] if not one["ok"]] == []


def test_source_dates_give_an_article_without_one_the_day_of_its_file(dateline: Dateline, tmp_path: Path) -> None:
    story = tmp_path / "story.md"
    story.write_text("# Fog\n\nFog lay on the water.")
    os.utime(story, (1_396_692_000, 1_396_692_000))
    assert dateline("import", "--source-dates", story).status == 0
    exported = dateline("export").out
    assert '"published_at":"2014-04-05T00:00:00Z","published_precision":"day"' in exported
