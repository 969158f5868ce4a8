"""A node without an index copies one from another: what it asks for, what it takes, what it does where it cannot."""

import asyncio
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx
import pytest
from conftest import ENGINES, serve
from index_copies import dump, list_digests, of_root
from support.listening import Listening, listen
from support.search_archive import SearchArchive, SearchStory, ask, ids
from support.websites import Handler, Site, make_handler, run_website

from app.changes.follower import catch_up
from app.commands import check, open_archive
from app.search.indexing.indexer import Indexer
from app.search.indexing.snapshots.fetching import TRIES, IndexFetcher
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import index_folders
from app.search.tantivy.storage.index_forms import locate_form
from app.settings import Settings

ON = ENGINES
SECRET = "0123456789-of-nodes"
PAGE = "/internal/index?index=published"


class IndexNode:
    """A node whose archive is in step with `archive`, and which copies its index into a folder of its own."""

    def __init__(self, archive: SearchArchive, folder: Path) -> None:
        self.archive, self.root = archive, folder / "copied"
        self.indexer = Indexer(self.root, heap_mb=15)
        self.ended = threading.Event()
        assert self.indexer.acquire()

    def fetch(self, *addresses: str) -> bool:
        settings = Settings(index_from=addresses, index_secret=SECRET)
        index = of_root(self.root)
        return IndexFetcher(self.archive.db, settings, index, self.indexer, self.ended, pause=0.01).fetch()

    def catch_up(self) -> int:
        return catch_up(self.archive.db, self.indexer)

    def list_folders(self) -> list[Path]:
        return list(locate_form(self.root).glob("index-*"))

    def search(self, text: str) -> list[int]:
        return sorted(ids(ask(TantivyEngine(self.root), text)))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    archive.put(*[SearchStory(number, "Nato meets") for number in range(1, 6)])
    archive.index()
    yield archive
    archive.close()


@pytest.fixture
def node(archive: SearchArchive, tmp_path: Path) -> Iterator[IndexNode]:
    node = IndexNode(archive, tmp_path)
    yield node
    node.indexer.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with run_website() as site:
        yield site


def _flip(raw: bytes) -> bytes:
    damaged = bytearray(raw)
    damaged[raw.rindex(b".store") + 1_000] ^= 4
    return bytes(damaged)


def test_node_copies_an_index_and_follows_from_there(
    archive: SearchArchive, node: IndexNode, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.pages[PAGE] = make_handler(body=dump(of_root(archive.root)))
    archive.put(SearchStory(3, "Weather"), SearchStory(6, "Nato again"))
    archive.withdraw(4)
    assert node.fetch(site.url(""))
    assert node.search("nato") == [1, 2, 3, 4, 5]
    assert node.catch_up() == 3
    assert node.search("nato") == [1, 2, 5, 6]
    assert "rebuilding" not in caplog.text
    assert [(path, headers["authorization"]) for path, headers in site.asked] == [(PAGE, f"Bearer {SECRET}")]
    folder = index_folders.find_current(node.root)
    assert node.list_folders() == [folder]
    assert folder is not None
    list_digests(folder)


@pytest.mark.parametrize("damage", ["down", "cut", "flipped", "busy", "unknown"])
def test_failed_copies_are_tried_again_and_then_it_is_built(
    archive: SearchArchive, node: IndexNode, site: Site, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole = dump(of_root(archive.root))
    pages = {
        "down": lambda to: to.connection.close(),
        "cut": make_handler(body=whole[: len(whole) // 2], content_length=str(len(whole))),
        "flipped": make_handler(body=_flip(whole)),
        "busy": make_handler(503),
        "unknown": make_handler(body=b"<html>"),
    }
    site.pages[PAGE] = pages[damage]
    assert not node.fetch(site.url(""))
    assert len(site.asked) == TRIES
    assert caplog.text.count("cannot be copied from http://127.0.0.1:") == TRIES
    assert "the index is built from the database" in caplog.text
    assert node.list_folders() == []
    assert node.catch_up() > 0
    assert node.search("nato") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("status", [307, 401, 403, 404])
def test_refused_node_does_not_ask_again(node: IndexNode, site: Site, status: int) -> None:
    site.pages[PAGE] = make_handler(status, location=site.url("/elsewhere"))
    assert not node.fetch(site.url(""))
    assert [path for path, _ in site.asked] == [PAGE]


def test_second_try_and_second_node_are_good(archive: SearchArchive, node: IndexNode, site: Site) -> None:
    whole = dump(of_root(archive.root))
    bodies = [_flip(whole), whole]

    def send_next(to: Handler) -> None:
        make_handler(body=bodies.pop(0))(to)

    site.pages[PAGE] = send_next
    with closing(httpx.Client()) as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:9/")  # nobody listens there
    assert node.fetch("http://127.0.0.1:9", site.url(""))
    assert (bodies, node.search("nato")) == ([], [1, 2, 3, 4, 5])


def test_index_of_another_archive_is_refused_before_its_files(
    node: IndexNode, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    with closing(SearchArchive(tmp_path / "other")) as other:
        other.put(SearchStory(1, "Secret of another archive"))
        other.index()
        site.pages[PAGE] = make_handler(body=dump(of_root(other.root)))
        assert not node.fetch(site.url(""))
    assert "not one of this archive's" in caplog.text
    assert (len(site.asked), node.list_folders()) == (1, [])


def test_index_that_can_go_on_is_kept(archive: SearchArchive, node: IndexNode, site: Site) -> None:
    """A node that comes back follows on from its own place, however far that is behind."""
    node.catch_up()
    before = node.list_folders()
    archive.put(*[SearchStory(number, "Weather") for number in range(1, 6)])
    site.pages[PAGE] = make_handler(body=dump(of_root(archive.root)))
    assert not node.fetch(site.url(""))
    assert (site.asked, node.list_folders()) == ([], before)
    assert node.catch_up() == 5


@pytest.mark.parametrize("reached", ["lost", "damaged"])
def test_index_that_cannot_go_on_is_replaced(archive: SearchArchive, node: IndexNode, site: Site, reached: str) -> None:
    node.catch_up()
    folder = index_folders.find_current(node.root)
    assert folder is not None
    if reached == "damaged":
        (folder / "hashes.json").unlink()
        node.indexer.close()
        assert node.indexer.acquire()
    else:
        other = Indexer(node.root)
        with archive.db.engine.begin() as connection:  # the row of its place is there no more
            connection.exec_driver_sql("UPDATE change SET mark = mark + 1 WHERE seq = 5")
            connection.exec_driver_sql("UPDATE change_head SET mark = mark + 1, public_mark = public_mark + 1")
        archive.index()
        other.close()
    site.pages[PAGE] = make_handler(body=dump(of_root(archive.root)))
    assert node.fetch(site.url(""))
    assert not folder.exists()
    assert node.catch_up() == 0
    assert node.search("nato") == [1, 2, 3, 4, 5]


def test_index_that_was_asked_to_be_new_is_built(node: IndexNode, site: Site) -> None:
    node.catch_up()
    index_folders.request_rebuild(node.root)
    assert not node.fetch(site.url(""))
    assert site.asked == []


def test_archive_without_articles_has_nothing_to_copy(tmp_path: Path, site: Site) -> None:
    with closing(SearchArchive(tmp_path)) as archive:
        node = IndexNode(archive, tmp_path)
        assert not node.fetch(site.url(""))
        node.indexer.close()
    assert site.asked == []


def test_what_a_killed_copy_has_left_is_deleted(archive: SearchArchive, node: IndexNode, site: Site) -> None:
    left = index_folders.create_folder(node.root)
    (left / "half").write_bytes(b"x")
    site.pages[PAGE] = make_handler(body=dump(of_root(archive.root)))
    assert node.fetch(site.url(""))
    assert not left.exists()


def test_node_that_ends_gives_up_its_copy(archive: SearchArchive, node: IndexNode, site: Site) -> None:
    whole = dump(of_root(archive.root))

    def stop_in_the_middle(to: Handler) -> None:
        make_handler(body=whole[:2_000], content_length=str(len(whole)))(to)
        node.ended.set()
        to.wfile.write(whole[2_000:])

    site.pages[PAGE] = stop_in_the_middle
    assert not node.fetch(site.url(""))
    assert (len(site.asked), index_folders.find_current(node.root)) == (1, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"index_from": ("10.0.0.5:8000",), "index_secret": SECRET},
        {"index_from": ("http://user:word@node",), "index_secret": SECRET},
        {"index_from": ("http://node/?x=1",), "index_secret": SECRET},
        {"index_from": ("http://node",)},
        {"index_secret": "short"},
        {"index_secret": "with spaces in between"},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"DATELINE_INDEX|is no address"):
        Settings.model_validate(wrong)


def test_addresses_are_kept_without_their_slash() -> None:
    settings = Settings(index_from=("http://[::1]:8000/", "https://news.example/api/"), index_secret=SECRET)
    assert settings.index_from == ("http://[::1]:8000", "https://news.example/api")
    assert SECRET not in repr(settings)


def _copy_archive(settings: Settings, folder: Path) -> Settings:
    """The same archive for a second node: on PostgreSQL the same database, on SQLite its file as it is."""
    folder.mkdir()
    copied = settings.model_copy(update={"data_dir": folder})
    if settings.url.startswith("sqlite"):
        with (
            closing(sqlite3.connect(settings.data_dir / "dateline.db")) as source,
            closing(sqlite3.connect(folder / "dateline.db")) as target,
        ):
            source.backup(target)
        copied = copied.model_copy(update={"database_url": f"sqlite:///{folder / 'dateline.db'}"})
    return copied


async def _wait_until_ready(client: httpx.AsyncClient) -> None:
    until = time.monotonic() + 30
    while (ready := await client.get("/health/ready")).status_code != 200:
        assert time.monotonic() < until, ready.text
        await asyncio.sleep(0.02)


async def _fill(first: Listening) -> None:
    for number in range(5):
        made = await first.post(title=f"A harbour {number}")
    await first.editor.post("/v1/articles", json={"title": "A hidden harbour"})
    gone = await first.editor.delete(f"/v1/articles/{made['id']}", headers={"If-Match": "*"})
    assert gone.status_code in (200, 204), gone.text
    token = gone.headers["x-seq"]
    for path in ("/v1/search?q=harbour", "/v1/articles?q=harbour&status=draft"):
        assert (await first.editor.get(f"{path}&min_seq={token}")).status_code == 200


@pytest.mark.anyio
async def test_new_server_copies_both_indexes_and_agrees_with_its_database(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = settings.model_copy(update={"index_secret": SECRET})
    async with listen(settings) as first:
        await _fill(first)
        copied = _copy_archive(settings, tmp_path / "second")
        caplog.clear()
        copied = copied.model_copy(update={"index_from": (first.address,)})
        async with serve(copied) as second:
            await _wait_until_ready(second.public)
            made = await second.editor.post("/v1/articles", json={"status": "published", "title": "Harbour of today"})
            token = made.headers["x-seq"]
            public = await second.public.get(f"/v1/search?q=harbour&min_seq={token}")
            assert (public.status_code, public.json()["page"]["total"]) == (200, 5)
            hidden = await second.editor.get(f"/v1/articles?q=harbour&status=draft&min_seq={token}")
            assert (hidden.status_code, hidden.json()["page"]["total"]) == (200, 1)
    copies = [record.getMessage() for record in caplog.records if "was copied from" in record.getMessage()]
    assert sorted(line.split(" was ")[0] for line in copies) == ["the draft index", "the index"]
    assert "rebuilding" not in caplog.text
    db = open_archive.open_archive(copied)
    try:
        assert [one for one in check.run_checks(db, copied) if not one.good] == []
    finally:
        db.close_now()


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_readiness_tells_of_the_copy_and_then_it_is_built(settings: Settings, site: Site, tmp_path: Path) -> None:
    async with serve(settings) as first:
        await first.post(title="A harbour")
    shutil.rmtree(settings.index_path)
    released = threading.Event()

    def wait(to: Handler) -> None:
        released.wait(20)
        make_handler(404)(to)

    site.pages[PAGE] = wait
    settings = settings.model_copy(update={"index_from": (site.url(""),), "index_secret": SECRET})
    async with serve(settings) as node:
        until = time.monotonic() + 20
        while not site.asked:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        ready = await node.public.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["problem"] == "The search index is being copied from another node."
        searched = await node.public.get("/v1/search?q=harbour")
        assert (searched.status_code, searched.json()["code"]) == (503, "index_behind")
        assert "is being copied" in searched.json()["detail"]
        assert "progress" not in searched.json()
        assert (await node.public.get("/v1/articles")).json()["data"][0]["title"] == "A harbour"
        released.set()
        await _wait_until_ready(node.public)
        assert (await node.public.get("/v1/search?q=harbour")).json()["page"]["total"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_nodes_that_name_each_other_both_start(settings: Settings, tmp_path: Path) -> None:
    """Neither has an index, and neither waits for the other for ever: an empty archive is indexed at once."""
    settings = settings.model_copy(update={"index_secret": SECRET})
    copied = _copy_archive(settings, tmp_path / "second")
    settings = settings.model_copy(update={"index_from": ("http://127.0.0.1:9",)})
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(listen(settings))
        second = await stack.enter_async_context(serve(copied.model_copy(update={"index_from": (first.address,)})))
        began = time.monotonic()
        await _wait_until_ready(first.public)
        await _wait_until_ready(second.public)
        assert time.monotonic() - began < 5
