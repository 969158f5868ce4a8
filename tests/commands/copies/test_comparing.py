"""Two archives are compared row by row; what differs is named by table, key and column, and no value is shown."""

import json
from pathlib import Path

import pytest
from conftest import ENGINES
from filled_tables import fill_tables
from places import FindPlace, execute
from typer.testing import CliRunner, Result

from app.commands.cli import cli
from app.commands.copies import comparison
from app.commands.copies.copying import copy_archive, open_target
from app.commands.copies.source import open_source, read_address
from app.db.database import Database
from app.settings import Settings
from bench import plain_dump

ON = ENGINES


@pytest.fixture(params=ENGINES)
def pair(
    request: pytest.FixtureRequest, db: Database, settings: Settings, find_place: FindPlace,
    monkeypatch: pytest.MonkeyPatch,
) -> str:  # fmt: skip
    """The address of a copy of this test's archive, in which every table has rows; commands are about the archive."""
    with db.hold_write_lock(), db.engine.begin() as connection:
        fill_tables(connection)
    url = find_place(request.param)
    with open_source(settings) as source:
        copy_archive(source, open_target(read_address(url, "--to")))
    monkeypatch.setenv("DATELINE_DATABASE_URL", settings.url)
    monkeypatch.setenv("DATELINE_DATA_DIR", str(settings.data_dir))
    return url


def check(against: str, *more: str) -> Result:
    return CliRunner().invoke(cli, ["check", "--against", against, *more])


def test_differences_are_named_and_end_with_status_one(pair: str, settings: Settings) -> None:
    same = check(pair)
    assert plain_dump.main([settings.url, pair]) == 0
    assert (same.exit_code, "no row differs" in same.output) == (0, True), same.output
    execute(
        pair,
        "UPDATE article SET body = body || ' ', title = 'Secret words' WHERE slug LIKE 'article slug 1%'",
        "UPDATE suggestion SET score = 0.1000001 WHERE score > 0.09 AND score < 0.11",
        "UPDATE change_head SET epoch = 5",
        "UPDATE search_position SET epoch = 5",
        "DELETE FROM purged_ref WHERE ref LIKE 'purged_ref ref 2%'",
        "INSERT INTO purged_ref (ref) VALUES ('17')",
        "INSERT INTO lease (name, holder, until) VALUES ('a', 'b', 1)",
    )
    wrong = check(pair)
    assert wrong.exit_code == 1
    lines = wrong.output.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == [
        f"WRONG  article where id = {2**40 + 1}", "WRONG  purged_ref where ref = '17'",
    ]  # fmt: skip
    assert lines[0].endswith("differs in title, body")
    assert lines[1].endswith("only there")
    assert lines[2].endswith("only here")
    assert lines[3].endswith("differs in score")
    assert lines[4].endswith("4 rows differ.")
    assert "Secret" not in wrong.output
    hashes, others = plain_dump.read_hashes(settings.url), plain_dump.read_hashes(pair)
    assert plain_dump.list_differing(hashes, others) == ["article", "purged_ref", "suggestion"]
    told = json.loads(check(pair, "--json").output)
    assert (told["ok"], told["differing"]) == (False, {"article": 1, "purged_ref": 2, "suggestion": 1})
    assert told["differences"][0] == {
        "table": "article", "key": f"id = {2**40 + 1}", "columns": ["title", "body"], "only": None,
    }  # fmt: skip


def test_no_more_than_fifty_are_named_and_all_are_counted(pair: str) -> None:
    execute(pair, "UPDATE region_name SET name = name || 'x' WHERE id <= 1000", "DELETE FROM region_within")
    ran = check(pair)
    assert ran.exit_code == 1
    lines = ran.output.splitlines()
    assert len(lines) == comparison.MOST_NAMED + 2
    assert "1000 of region_name, 6749 of region_within" in lines[-2]
    assert lines[-1].endswith("7749 rows differ.")


def test_tables_that_are_not_the_same_are_no_comparison(pair: str) -> None:
    execute(pair, "ALTER TABLE source ADD COLUMN mood TEXT")
    ran = check(pair)
    assert ran.exit_code == 1
    assert "The table source has a column mood that is not of this version" in str(ran.exception)


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("nowhere/dateline.db", "There is no archive at nowhere/dateline.db"),
        ("mysql://host/name", "--against must be a file, sqlite:"),
        ("", "--against must be"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_archive_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, against: str, said: str
) -> None:
    monkeypatch.setenv("DATELINE_DATABASE_URL", settings.url)
    ran = check(against)
    assert ran.exit_code == 1
    assert said in str(ran.exception)
    assert not Path("nowhere").exists()
    assert "is the archive itself" in str(check(settings.url).exception)
