"""An archive on another database is the same archive: every row, to the last bit, and the numbers that come next."""

import asyncio
from pathlib import Path

import pytest
from conftest import ENGINES, Served, serve
from filled_tables import fill_tables
from places import Dump, FindPlace, dump, list_indexes
from sqlalchemy import insert
from sqlmodel import Session, SQLModel
from support.old_log import make_older
from support.stories import NOW, story

from app.articles import service
from app.articles.store import revisions
from app.audit.pruning.run import Pruning
from app.commands import check, moving, open_archive
from app.commands.copies.comparison import compare_archives
from app.commands.copies.copying import copy_archive, open_target
from app.commands.copies.source import open_source, read_address
from app.commands.copies.tables import EPOCHS, NOT_COPIED
from app.db import migrate
from app.db.database import Database
from app.models import Audit, ImportTag, Tag, table
from app.settings import Settings
from app.tags import service as tags

ON = ENGINES
AUDIT, TAG, MADE = table(Audit), table(Tag), table(ImportTag)

on_both = pytest.mark.parametrize("engine", ENGINES)
to_the_other = pytest.mark.parametrize(
    ("database_url", "engine"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=["database_url"]
)


def copy(settings: Settings, url: str, *, keeps_webhooks: bool = False) -> None:
    with open_source(settings) as db:
        copy_archive(db, open_target(read_address(url, "--to")), keeps_webhooks=keeps_webhooks)


def fill(db: Database) -> None:
    with db.hold_write_lock(), db.engine.begin() as connection:
        fill_tables(connection)


def hide_epochs(tables: Dump) -> Dump:
    for name, column in EPOCHS.items():
        for row in tables[name]:
            row[column] = "hidden"
    return tables


@on_both
def test_every_table_is_copied_to_the_last_bit_or_named_with_a_reason(
    db: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    fill(db)
    url = find_place(engine)
    copy(settings, url)
    original, copied = dump(settings.url), dump(url)
    for name in SQLModel.metadata.tables:
        assert original[name], f"{name} had nothing to copy"
        if name in NOT_COPIED:
            assert len(NOT_COPIED[name]) > 20
            assert copied[name] == []
    assert original.keys() == copied.keys()
    epochs = [tables["change_head"][0]["epoch"] for tables in (original, copied)]
    assert epochs[0] != epochs[1]
    for name in original.keys() - NOT_COPIED.keys():
        assert hide_epochs(copied)[name] == hide_epochs(original)[name], name
    with open_source(settings) as one, open_source(settings, read_address(url, "--to")) as two:
        result = compare_archives(one, two)
        assert (result.differences, result.total) == ([], 0)
        assert result.rows > 19_000


@to_the_other
def test_copy_opens_as_an_archive_whose_tables_are_those_of_the_models(
    db: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    fill(db)
    url = find_place(engine)
    copy(settings, url)
    copied = settings.model_copy(update={"database_url": url})
    opened = open_archive.open_archive(copied)
    try:
        assert migrate.find_differences(opened) == []
        with opened.snapshot() as snapshot:
            if engine == "sqlite":
                assert snapshot.connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    finally:
        opened.close_now()
    assert len(list_indexes(url)) > 50
    if engine == db.dialect:
        assert list_indexes(url) == list_indexes(settings.url)


@to_the_other
def test_a_pruned_archive_is_copied_as_it_is(
    db: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    for turn in range(5):
        db.write_now(service.upsert, [story(db, 1, tags=[f"turn-{turn}"])], now=NOW + turn, site_url="")
    make_older(db)
    kept = {"log_days": 30, "revisions_kept": 2, "revision_days": 1}
    report = Pruning(db, settings.model_copy(update=kept)).run()
    assert (report.log_rows > 0, report.versions, report.versions_compressed) == (True, 2, 2)
    url = find_place(engine)
    copy(settings, url)
    with open_source(settings) as one, open_source(settings, read_address(url, "--to")) as two:
        assert compare_archives(one, two).differences == []
    original, copied = dump(settings.url), dump(url)
    names = ("pruned_seq", "pruned_mark", "erased_seq", "erased_rows")
    heads = [[tables["change_head"][0][name] for name in names] for tables in (original, copied)]
    assert heads[0] == heads[1]
    assert 0 not in heads[0]
    opened = open_archive.open_archive(settings.model_copy(update={"database_url": url}))
    try:
        with opened.snapshot() as snapshot:
            connection = snapshot.connection
            assert check._check_log(connection) is check._check_revisions(connection) is None
            assert [revisions.get(connection, 1, version) is not None for version in (1, 2, 3, 4)] == [
                False,
                False,
                True,
                True,
            ]
    finally:
        opened.close_now()


@to_the_other
def test_numbers_are_not_given_out_again(db: Database, settings: Settings, find_place: FindPlace, engine: str) -> None:
    def leave_gaps(session: Session) -> tuple[int, int]:
        connection = session.connection()
        row = {"at": 1, "action": "x", "actor_kind": "key", "actor": "x"}
        last = connection.execute(insert(AUDIT).returning(AUDIT.c.id), [row] * 3).scalars().all()[-1]
        connection.execute(AUDIT.delete().where(AUDIT.c.id > last - 2))
        tag = tags.insert_tag(session, {"slug": "gone", "name": "Gone", "sort_name": "gone", "kind": "topic"})
        job = {"id": 7, "kind": "import", "state": "done", "created_at": 1, "updated_at": 1}
        connection.execute(insert(SQLModel.metadata.tables["job"]), job)
        made = {"tag_id": tag + 5, "job_id": 7, "slug": "gone", "name": "Gone", "kind": "topic", "removed": True}
        connection.execute(insert(MADE), made)
        connection.execute(TAG.delete().where(TAG.c.id == tag))
        return last, tag + 5

    last, tag = db.write_now(leave_gaps).value
    url = find_place(engine)
    copy(settings, url)
    opened = open_archive.open_archive(settings.model_copy(update={"database_url": url}))

    def add(session: Session) -> tuple[int, int]:
        row = {"at": 1, "action": "x", "actor_kind": "key", "actor": "x"}
        audit = session.connection().execute(insert(AUDIT).returning(AUDIT.c.id), row).scalar_one()
        new = tags.insert_tag(session, {"slug": "new", "name": "New", "sort_name": "new", "kind": "topic"})
        return audit, new

    next_audit, next_tag = opened.write_now(add).value
    opened.close_now()
    assert (next_audit > last, next_tag > tag) == (True, True)


@to_the_other
def test_what_is_written_meanwhile_is_not_in_the_copy_and_nothing_of_it_is(
    db: Database, settings: Settings, find_place: FindPlace, engine: str
) -> None:
    def save(number: int) -> None:
        db.write_now(service.upsert, [story(db, number, tags=["peace"])], now=NOW, site_url="")

    save(1)
    before = dump(settings.url)
    written: list[str] = []

    def write(name: str, done: int, rows: int) -> None:
        if name not in written:
            save(len(written) + 2)
            written.append(name)

    url = find_place(engine)
    with open_source(settings) as source:
        copy_archive(source, open_target(read_address(url, "--to")), tell=write)
    assert len(written) > 5
    assert len(dump(settings.url)["article"]) > 6
    assert len(dump(url)["article"]) == 1
    copied = hide_epochs(dump(url))
    for name, rows in hide_epochs(before).items():
        if name not in NOT_COPIED:
            assert copied[name] == rows, name


@pytest.mark.anyio
@to_the_other
async def test_followers_begin_again_once_and_webhooks_are_off_unless_they_are_moved(
    settings: Settings, find_place: FindPlace, engine: str, tmp_path: Path
) -> None:
    async with serve(settings) as api:
        await api.post(title="Locks are opened", slug="locks")
        hook = {"name": "a", "url": "https://receiver.invalid/"}
        assert (await api.editor.post("/v1/webhooks", json=hook)).status_code == 201
        place = (await api.public.get("/v1/changes?since=0&limit=1000")).json()["next"]
    for keeps in (False, True):
        url = find_place(engine)
        copy(settings, url, keeps_webhooks=keeps)
        [row] = dump(url)["webhook"]
        [head] = dump(url)["change_head"]
        assert (row["epoch"] == head["epoch"], row["off_reason"]) == (keeps, None)
        data_dir = tmp_path / f"copy-{keeps}"
        async with serve(settings.model_copy(update={"database_url": url, "data_dir": data_dir})) as api:
            assert (await api.public.get("/v1/articles/locks")).status_code == 200
            gone = await api.public.get(f"/v1/changes?since={place}")
            assert (gone.status_code, gone.json()["code"]) == (410, "cursor_expired")
            again = (await api.public.get("/v1/changes?since=0&limit=1000")).json()
            assert "locks" in repr(again["data"])
            if not keeps:
                await api.post(title="Locks are shut", slug="shut")
                await wait_for_off(api)


async def wait_for_off(api: Served) -> None:
    for _ in range(100):
        [hook] = (await api.editor.get("/v1/webhooks")).json()["data"]
        if not hook["enabled"]:
            assert hook["off"]["reason"] == "archive_replaced"
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"it is still on: {hook}")


def test_time_and_speed_are_told(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], db: Database
) -> None:
    moving.copy(settings, str(tmp_path / "told" / "dateline.db"), keeps_webhooks=False, json=False)
    said = capsys.readouterr().out
    assert "rows of 44 tables are in" in said
    assert "rows a second" in said
    assert "clients begin again once" in said
