"""A copy that does not come to its end leaves nothing that anybody opens, nothing of what is there already is touched,
and the same command again makes it whole."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from conftest import _administer
from filled_tables import fill_tables
from places import FindPlace, dump, execute, find_file
from support.processes import DatelineProcess

from app.commands import moving, open_archive
from app.commands.copies.copying import CopyReport, copy_archive, open_target
from app.commands.copies.source import open_source, read_address
from app.commands.copies.tables import Row
from app.db import migrate
from app.db.database import Database, DatabaseProblem
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent.parent
to_the_other = pytest.mark.parametrize(
    ("database_url", "engine"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=["database_url"]
)


@pytest.fixture
def source(db: Database) -> Database:
    with db.hold_write_lock(), db.engine.begin() as connection:
        fill_tables(connection)
    return db


def copy(settings: Settings, url: str) -> CopyReport:
    with open_source(settings) as db:
        return copy_archive(db, open_target(read_address(url, "--to")))


def read_revision(url: str) -> str | None:
    """The revision of a database that may not have any tables yet."""
    statement = "SELECT version_num FROM alembic_version"
    with suppress(sqlite3.Error, psycopg.Error):
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(f"file:{find_file(url)}?mode=ro", uri=True)) as connection:
                return str(connection.execute(statement).fetchone()[0])
        with psycopg.connect(url) as other:
            return str(other.execute(statement.encode()).fetchone()[0])  # type: ignore[index] # a row, or an error
    return None


def check_refused(settings: Settings, url: str) -> None:
    """Nothing opens it: neither a server nor a command."""
    unfinished = settings.model_copy(update={"database_url": url})
    with pytest.raises(DatabaseProblem, match="is a copy that is not finished"):
        open_archive.open_archive(unfinished)
    with pytest.raises(DatabaseProblem, match="is a copy that is not finished"):
        open_archive.migrate(unfinished)
    with (
        pytest.raises(DatabaseProblem, match="is a copy that is not finished"),
        open_source(settings, read_address(url, "--to")),
    ):
        pass


@pytest.mark.slow
@to_the_other
def test_copy_that_was_killed_is_opened_by_nobody_and_begins_anew(
    source: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    url = find_place(engine)
    with source.hold_write_lock(), source.engine.begin() as connection:  # so much that it takes a moment
        row = "INSERT INTO audit (at, action, actor_kind, actor) "
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        connection.exec_driver_sql(f"{row} {numbers} SELECT i, 'x', 'key', 'x' FROM n")
    process = DatelineProcess("copy", "--to", url, environment={"DATELINE_DATABASE_URL": settings.url})
    try:
        deadline = time.monotonic() + 60
        while not (read_revision(url) or "").startswith(migrate.UNFINISHED):
            assert time.monotonic() < deadline
            assert process.status is None
            time.sleep(0.002)
    finally:
        process.end()
    check_refused(settings, url)
    report = copy(settings, url)
    assert report.rows["audit"] > 100_000
    assert len(dump(url)["audit"]) == report.rows["audit"]
    open_archive.open_archive(settings.model_copy(update={"database_url": url})).close_now()
    if engine == "sqlite":
        assert [file.name for file in find_file(url).parent.iterdir() if file.name.endswith(("-wal", "-shm"))] == []


@to_the_other
def test_what_holds_an_archive_is_not_written_to(
    source: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    url = find_place(engine)
    copy(settings, url)
    for revision, said in ((None, "holds an archive already"), ("0005", "of an older"), ("9999", "of a newer version")):
        if revision:
            execute(url, f"UPDATE alembic_version SET version_num = '{revision}'")
        before = dump(url)
        with pytest.raises(DatabaseProblem, match=said):
            copy(settings, url)
        assert dump(url) == before


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_tables_of_something_else_are_let_be(
    source: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    url = find_place(engine)
    if engine == "sqlite":
        find_file(url).parent.mkdir()
    execute(url, "CREATE TABLE tag (mine INTEGER)", "INSERT INTO tag VALUES (1)")
    with pytest.raises(DatabaseProblem, match="something else"):
        copy(settings, url)
    assert dump(url) == {"tag": [{"mine": 1}]}
    if engine == "postgresql":
        execute(url, "ALTER TABLE tag RENAME TO weather")
        copy(settings, url)
        assert dump(url)["weather"] == [{"mine": 1}]


def test_archive_is_not_copied_into_itself(source: Database, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(source.path)
    os.link(source.path, tmp_path / "hard.db")
    before = dump(settings.url)
    for to in (settings.url, str(source.path), str(tmp_path / "link.db"), str(tmp_path / "hard.db")):
        with pytest.raises(DatabaseProblem, match="is the archive itself"):
            moving.copy(settings, to, keeps_webhooks=False, json=False)
    assert dump(settings.url) == before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_database_of_a_server_is_not_copied_into_itself(settings: Settings, db: Database) -> None:
    itself = "is the archive itself"
    renamed = settings.url.replace("%2Fdata", "%2Fdata%2F").replace("/data", "/data/")
    assert renamed != settings.url
    for to, said in ((settings.url, itself), (settings.url + "&connect_timeout=9", itself), (renamed, "already")):
        with pytest.raises(DatabaseProblem, match=said):
            moving.copy(settings, to, keeps_webhooks=False, json=False)


def test_older_archive_and_none_are_not_copied(source: Database, settings: Settings, tmp_path: Path) -> None:
    to = tmp_path / "new" / "dateline.db"
    execute(settings.url, "UPDATE alembic_version SET version_num = '0005'")
    with pytest.raises(DatabaseProblem, match="run `dateline migrate`"):
        moving.copy(settings, str(to), keeps_webhooks=False, json=False)
    nowhere = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'nowhere' / 'dateline.db'}"})
    with pytest.raises(DatabaseProblem, match="There is no archive at"):
        moving.copy(nowhere, str(to), keeps_webhooks=False, json=False)
    assert not (tmp_path / "nowhere").exists()
    assert not to.parent.exists()


def test_webhooks_are_not_moved_while_a_server_would_tell_them_too(
    source: Database, settings: Settings, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "dateline.db"
    with (
        open_archive.hold_server_lock(source.url),
        pytest.raises(DatabaseProblem, match="stop it for good"),
    ):
        moving.copy(settings, str(to), keeps_webhooks=True, json=False)
    assert not to.parent.exists()


@to_the_other
def test_two_copies_to_one_place_do_not_mix(
    source: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    url = find_place(engine)
    first = open_target(read_address(url, "--to"))
    tables = first.begin(migrate.list_revisions()[-1])
    waits, goes_on = threading.Event(), threading.Event()

    def read_slowly() -> Iterator[Row]:
        waits.set()
        goes_on.wait(30)
        yield from ()

    filling = threading.Thread(target=first.fill, args=(tables["tag"], read_slowly()))
    filling.start()
    waits.wait(30)
    with pytest.raises(DatabaseProblem, match="Another `dateline copy` is writing"):
        copy(settings, url)
    goes_on.set()
    filling.join()
    if engine == "postgresql":  # between two transactions it cannot be told from one that was killed
        copy(settings, url)
        with pytest.raises(DatabaseProblem, match=r"has begun to write .* anew"):
            first.fill(tables["tag"], iter(()))
    first.close()
    if engine == "sqlite":
        copy(settings, url)
    assert len(dump(url)["tag"]) == 3


def test_connection_that_breaks_is_one_line_and_the_next_copy_whole(
    source: Database, settings: Settings, find_place: FindPlace
) -> None:
    url = find_place("postgresql")
    name = read_address(url, "--to").database

    def break_connection(table: str, done: int, rows: int) -> None:
        if table == "region_name":
            kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            _administer(url.replace(str(name), "{}"), kill)

    with pytest.raises(DatabaseProblem, match=r"could not be written: .*begins anew"), open_source(settings) as db:
        copy_archive(db, open_target(read_address(url, "--to")), tell=break_connection)
    check_refused(settings, url)
    copy(settings, url)
    assert len(dump(url)["region_name"]) > 10_000


@pytest.mark.slow
def test_full_disk_is_one_line(source: Database, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "full" / "dateline.db"
    command = 'ulimit -f 3000; exec "$0" -m app copy --to "$1"'
    ran = subprocess.run(
        ["sh", "-c", command, sys.executable, str(file)],
        cwd=ROOT,
        env=os.environ | {"DATELINE_DATABASE_URL": settings.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"dateline: {file} could not be written: "), ran.stderr
    assert ran.stderr.endswith("run the same command again, which begins anew.\n")
    check_refused(settings, f"sqlite:///{file}")
    copy(settings, f"sqlite:///{file}")
    assert len(dump(f"sqlite:///{file}")["region_name"]) > 10_000


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE source SET name = 'private ' || char(0) WHERE slug LIKE 'source slug 1%'", "source.name where id = "),
        ("UPDATE article SET word_count = 3000000000 WHERE slug LIKE 'article slug 1%'", "article.word_count where id"),
        ("UPDATE article SET word_count = 'many' WHERE slug LIKE 'article slug 1%'", "article.word_count where id = "),
        ("UPDATE article SET title = CAST(x'C3' AS TEXT) WHERE slug LIKE 'article slug 1%'", "article.title where id"),
        ("UPDATE article SET title = CAST(x'EDA080' AS TEXT) WHERE id > 9", "no text in UTF-8"),
        ("UPDATE article SET title = x'C3' WHERE slug LIKE 'article slug 1%'", "article.title where id = "),
        ("UPDATE article SET public_once = 7 WHERE slug LIKE 'article slug 1%'", "is neither 0 nor 1"),
        ("DELETE FROM tag", "refers to"),
        ("ALTER TABLE source ADD COLUMN mood TEXT", "has a column mood"),
    ],
)
def test_row_that_cannot_be_kept_is_named_without_its_text(
    source: Database, settings: Settings, find_place: FindPlace, statement: str, said: str
) -> None:
    execute(settings.url, statement)
    url = find_place("postgresql")
    with pytest.raises(DatabaseProblem) as raised:
        copy(settings, url)
    if said != "refers to":
        assert said in str(raised.value)
    assert "private" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert read_revision(url) is None or str(read_revision(url)).startswith(migrate.UNFINISHED)


def test_database_of_another_encoding_is_refused(source: Database, settings: Settings, postgres_server: str) -> None:
    name = f"dateline_latin_{uuid4().hex[:8]}"
    _administer(postgres_server, f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(DatabaseProblem, match="has the encoding SQL_ASCII"):
            copy(settings, postgres_server.format(name))
    finally:
        _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("mysql://host/name", "--to must be a file, sqlite:"),
        ("", "--to must be a file"),
        ("postgresql://u:secret@127.0.0.1:1/x", "Connection refused"),
        ("/proc/nowhere/dateline.db", "cannot be made"),
    ],
)
def test_place_that_cannot_be_is_one_line_without_a_password(
    settings: Settings, source: Database, to: str, said: str
) -> None:
    with pytest.raises(DatabaseProblem) as raised:
        moving.copy(settings, to, keeps_webhooks=False, json=False)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
