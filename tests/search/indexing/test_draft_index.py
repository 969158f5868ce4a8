"""The index of what is not published, as operators meet it: checked, built anew, missing, damaged."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ENGINES, Served, serve

from app.commands import check, open_archive
from app.db.database import Database
from app.search.indexing.archive_indexes import list_indexes
from app.search.indexing.rebuild import rebuild_indexes
from app.search.tantivy.storage import index_folders
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]
ON = ENGINES
ANY = {"If-Match": "*"}


async def make_drafts(settings: Settings, *titles: str) -> None:
    """In the archive, with its indexes in step, and a published article beside them."""
    async with serve(settings) as api:
        await api.post(title="A harbour")
        for title in titles:
            made = await api.editor.post("/v1/articles", json={"title": title})
        response = await api.editor.get(f"/v1/articles?q=x&status=draft&min_seq={made.headers['x-seq']}")
        assert response.status_code == 200


def list_faults(db: Database, settings: Settings) -> dict[str, str]:
    return {one.name: one.detail for one in check.run_checks(db, settings) if not one.good}


async def count(api: Served, word: str) -> int:
    """Drafts with the word, once their index is there."""
    for _ in range(200):
        response = await api.editor.get(f"/v1/articles?q={word}&status=draft")
        if response.status_code == 200:
            return int(response.json()["page"]["total"])
        assert (response.status_code, response.json()["code"]) == (503, "index_behind")
        assert int(response.headers["retry-after"]) >= 1
        await asyncio.sleep(0.02)
    pytest.fail("the index of drafts is not there")


def find_folder(settings: Settings) -> Path:
    folder = index_folders.find_current(settings.drafts_index_path)
    assert folder is not None
    return folder


async def test_check_finds_what_is_damaged_missing_or_too_much(settings: Settings) -> None:
    await make_drafts(settings, "Quokka", "Wombat")
    db = open_archive.open_archive(settings)
    try:
        assert list_faults(db, settings) == {}
        kept = settings.data_dir / "kept"
        shutil.copytree(settings.drafts_index_path, kept)
        file = next(find_folder(settings).glob("*.term"))
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        assert file.name in list_faults(db, settings)["draft index files"]
        assert index_folders.is_rebuild_requested(settings.drafts_index_path)
        rebuild_indexes(db, settings)
        assert list_faults(db, settings) == {}
        # An article in another version than the index has it.
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE article SET version = version + 1 WHERE title = 'Quokka'")
        assert list_faults(db, settings)["draft index"] == "1 articles too many or old, 1 missing"
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE article SET version = version - 1 WHERE title = 'Quokka'")
        shutil.rmtree(settings.drafts_index_path)
        assert "there is none" in list_faults(db, settings)["draft index"]
        rebuild_indexes(db, settings)
        assert list_faults(db, settings) == {}
    finally:
        db.close_now()


async def test_missing_index_is_built_beside_the_public_one(settings: Settings) -> None:
    """As after an upgrade from a version without one: nothing is built of the public index."""
    await make_drafts(settings, "Quokka", "Wombat")
    public = index_folders.find_current(settings.index_path)
    shutil.rmtree(settings.drafts_index_path)
    async with serve(settings) as api:
        assert await count(api, "quokka") == 1
        assert index_folders.find_current(settings.index_path) == public
        before = find_folder(settings)
        index_folders.request_rebuild(settings.drafts_index_path)
        for _ in range(500):
            if find_folder(settings) != before:
                break
            assert await count(api, "wombat") == 1
            await asyncio.sleep(0.01)
        assert (await count(api, "quokka"), find_folder(settings) != before) == (1, True)


async def test_migrate_builds_the_missing_index(settings: Settings) -> None:
    await make_drafts(settings, "Quokka")
    shutil.rmtree(settings.drafts_index_path)
    assert "is built" in open_archive.migrate(settings)
    assert "up to date" in open_archive.migrate(settings)
    assert [index.holding for index in list_indexes(settings) if index_folders.find_current(index.root)] == [
        "published",
        "hidden",
    ]


def cut_a_file(folder: Path) -> None:
    file = max(folder.glob("*.store"), key=lambda one: one.stat().st_size)
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


@pytest.mark.parametrize(
    "damage",
    [
        cut_a_file,
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "hashes.json").unlink(),
        lambda folder: (folder / "PASSED").write_bytes(b"[[1"),
        lambda folder: (folder.parent / "CURRENT").write_bytes(b"\xff/../"),
    ],
    ids=["cut", "no meta", "no hashes", "half a place", "wrong name"],
)
async def test_damaged_index_is_built_anew_and_the_public_one_responds(
    settings: Settings, damage: Callable[[Path], object]
) -> None:
    await make_drafts(settings, "Quokka", "Wombat")
    damage(find_folder(settings))
    public = index_folders.find_current(settings.index_path)
    async with serve(settings) as api:
        assert (await api.public.get("/v1/search?q=harbour")).json()["page"]["total"] == 1
        assert await count(api, "quokka") == 1
        assert await read_numbers(api) == {"failing": 0, "lag_changes": 0}
    assert index_folders.find_current(settings.index_path) == public
    db = open_archive.open_archive(settings)
    assert list_faults(db, settings) == {}
    db.close_now()


async def read_numbers(api: Served) -> dict[str, float]:
    """Of the index of drafts, as operators read them."""
    lines = (await api.editor.get("/metrics")).text.splitlines()
    pairs = (line.removeprefix("dateline_draft_index_").split() for line in lines if line.startswith("dateline_draft_"))
    return {name: float(value) for name, value in pairs}


async def test_index_that_cannot_be_written_holds_up_nothing_else(settings: Settings) -> None:
    """Nor does the public learn of it: what is wrong with drafts is for operators."""
    await make_drafts(settings, "Quokka")
    shutil.rmtree(settings.drafts_index_path)
    settings.drafts_index_path.touch()
    async with serve(settings) as api:
        await api.post(title="A second harbour")
        assert (await api.public.get("/v1/search?q=harbour")).json()["page"]["total"] == 2
        assert (await api.editor.get("/v1/articles?q=quokka&status=draft")).json()["code"] == "index_behind"
        assert (await api.public.get("/health/ready")).json()["problem"] is None
        assert await read_numbers(api) == {"failing": 1}
        settings.drafts_index_path.unlink()
        assert await count(api, "quokka") == 1
        assert await read_numbers(api) == {"failing": 0, "lag_changes": 0}


async def test_place_in_the_log_is_kept_while_only_published_articles_change(settings: Settings) -> None:
    """Through a restart, too: nothing is read again from where the last draft was saved."""
    await make_drafts(settings, "Quokka")
    async with serve(settings) as api:
        for number in range(5):
            last = await api.post(title=f"Pier {number}")
        seq = (await api.editor.get(f"/v1/articles/{last['id']}")).headers["x-seq"]
        assert (await api.editor.get(f"/v1/articles?q=quokka&status=draft&min_seq={seq}")).status_code == 200
        index = api.app.state.archive.list_search
        reached = index.hidden_seq()
    async with serve(settings) as api:
        assert api.app.state.archive.list_search.hidden_seq() == reached
        assert await count(api, "quokka") == 1
