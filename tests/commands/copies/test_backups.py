"""Backups are one file, of whatever database and version, and `migrate` makes one before it changes tables."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENGINES
from filled_tables import fill_tables
from places import dump, execute
from test_copying import hide_epochs
from typer.testing import CliRunner

from app.changes import log
from app.commands import moving, open_archive
from app.commands.cli import cli
from app.commands.copies import backups
from app.commands.copies.tables import NOT_COPIED
from app.db import migrate
from app.db.database import Database, DatabaseProblem
from app.settings import Settings

ON = ENGINES
ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_backup_of_either_database_is_a_file_that_is_restored_as_an_archive(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    with db.hold_write_lock(), db.engine.begin() as connection:
        fill_tables(connection)
    file = tmp_path / "copies" / "dateline.db"
    file.parent.mkdir()
    moving.back_up(settings, file)
    assert [one.name for one in file.parent.iterdir()] == ["dateline.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    copied, original = dump(f"sqlite:///{file}"), dump(settings.url)
    assert copied["change_head"] != original["change_head"]
    copied, original = hide_epochs(copied), hide_epochs(original)
    for name in original.keys() - NOT_COPIED.keys():
        assert copied[name] == original[name], name
    restored = Settings(data_dir=file.parent)
    opened = open_archive.open_archive(restored)
    assert migrate.find_differences(opened) == []
    opened.close_now()
    with pytest.raises(DatabaseProblem, match="never overwrites"):
        moving.back_up(settings, file)


def test_archive_of_an_older_version_is_backed_up_as_it_is_and_migrated_after_that(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    migrate.downgrade(db, "0013")
    before = dump(settings.url)
    with pytest.raises(DatabaseProblem, match="older version"):
        open_archive.open_archive(settings)
    file = tmp_path / "restored" / "dateline.db"
    file.parent.mkdir()
    moving.back_up(settings, file)
    copied = dump(f"sqlite:///{file}")
    assert copied["alembic_version"] == [{"version_num": "0013"}]
    assert copied.keys() == before.keys()
    assert [copied[name] for name in copied if name != "change_head"] == [
        before[name] for name in copied if name != "change_head"
    ]
    restored = Settings(data_dir=file.parent)
    open_archive.migrate(restored)
    opened = open_archive.open_archive(restored)
    assert migrate.find_differences(opened) == []
    opened.close_now()


def test_archive_of_a_newer_version_is_backed_up_only_by_its_own_database(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    execute(settings.url, "UPDATE alembic_version SET version_num = '9999'")
    file = tmp_path / "newer.db"
    if db.dialect == "sqlite":
        moving.back_up(settings, file)
        assert dump(f"sqlite:///{file}")["alembic_version"] == [{"version_num": "9999"}]
        return
    with pytest.raises(DatabaseProblem, match="newer version"):
        moving.back_up(settings, file)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("newer")] == []


def test_migration_of_a_file_leaves_a_backup_and_keeps_two(sqlite_settings: Settings) -> None:
    folder = sqlite_settings.data_dir / backups.FOLDER
    for number in range(3):
        db = Database(sqlite_settings, log.append)
        migrate.downgrade(db, f"000{number + 5}")
        db.close_now()
        said = open_archive.migrate(sqlite_settings)
        [line] = [line for line in said.splitlines() if line.startswith("As it was before, it is in ")]
        file = Path(line.removeprefix("As it was before, it is in ").removesuffix("."))
        assert file.parent == folder
        assert dump(f"sqlite:///{file}")["alembic_version"] == [{"version_num": f"000{number + 5}"}]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = sorted(one.name[: len("before-migration-from-0005")] for one in folder.iterdir())
    assert kept == ["before-migration-from-0006", "before-migration-from-0007"]
    assert "As it was" not in open_archive.migrate(sqlite_settings)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.slow
def test_migration_without_room_for_a_backup_changes_nothing_unless_told_to(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_settings, log.append)
    migrate.downgrade(db, "0014")
    db.close_now()
    environment = os.environ | {"DATELINE_DATA_DIR": str(sqlite_settings.data_dir)}
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -f 1000; exec "$0" -m app migrate', sys.executable],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.startswith("dateline: No backup could be made in ")
    assert "nothing was changed" in ran.stderr
    assert ran.stderr.endswith("`dateline migrate --no-backup`.\n")
    assert list((sqlite_settings.data_dir / backups.FOLDER).iterdir()) == []
    assert dump(sqlite_settings.url)["alembic_version"] == [{"version_num": "0014"}]
    monkeypatch.setenv("DATELINE_DATA_DIR", str(sqlite_settings.data_dir))
    ran_without = CliRunner().invoke(cli, ["migrate", "--no-backup"])
    assert ran_without.exit_code == 0, ran_without.output
    assert "As it was before" not in ran_without.output
    assert list((sqlite_settings.data_dir / backups.FOLDER).iterdir()) == []
