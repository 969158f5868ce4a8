"""While nothing can be written reads go on, writes say why, what works in the background rests, and all of it goes on
by itself as soon as it can."""

import asyncio
import codecs
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from conftest import ENGINES, Served, lifespan, serve
from sqlalchemy import Engine, text
from support.webhooks.receivers import Receiver, respond_with, run_receiver

from app.changes import follower
from app.db.condition import BY_SETTING, Reported
from app.main import create_app
from app.search.indexing import indexer
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

STORY: dict[str, object] = {"title": "A harbour is dredged", "body": "<p>Ships wait.</p>"}
NOBODY = 65_534


async def wait_for_reason(api: Served, *, is_read_only: bool, why: str = "") -> dict[str, object]:
    for _ in range(200):
        ready = (await api.public.get("/health/ready")).json()
        if (ready["read_only"] is not None) == is_read_only and why in str(ready["read_only"]):
            assert isinstance(ready, dict)
            return ready
        await asyncio.sleep(0.05)
    raise AssertionError(f"it has not been noticed: {ready}")


async def list_writes(api: Served, id: object) -> list[tuple[str, str, dict[str, object]]]:
    etag = (await api.editor.get(f"/v1/articles/{id}")).headers["etag"]
    key = {"headers": {"Idempotency-Key": "one"}}
    lines = {"content": b'{"external_id":"a","title":"A","body":"<p>a</p>"}\n'}
    return [
        ("POST", "/v1/articles", {"json": STORY}),
        ("POST", "/v1/articles", {"json": STORY, **key}),
        ("PATCH", f"/v1/articles/{id}", {"json": {"title": "Other"}, "headers": {"If-Match": etag}}),
        ("DELETE", f"/v1/articles/{id}", {"headers": {"If-Match": etag}}),
        ("POST", "/v1/tags", {"json": {"name": "Canals", "kind": "topic"}}),
        ("POST", "/v1/regions", {"json": {"slug": "low", "name": "Low", "level": "grouping"}}),
        ("POST", "/v1/articles/bulk", {"json": {"filter": {}, "language": "nl"}}),
        ("POST", "/v1/searches", {"json": {"slug": "quays", "q": "quays"}}),
        ("POST", "/v1/webhooks", {"json": {"name": "Other", "url": "https://receiver.invalid/"}}),
        ("POST", "/v1/imports", {**lines, "headers": {"Content-Type": "application/x-ndjson"}}),
        ("POST", "/v1/imports?format=csv", {"content": b"title,body\na,b\n", "headers": {"Content-Type": "text/csv"}}),
    ]


async def check_refusals(api: Served, id: object, why: str) -> None:
    """Every write is refused, several at once too; every read works."""
    writes = await list_writes(api, id)
    responses = await asyncio.gather(*(api.editor.request(m, path, **more) for m, path, more in writes))  # type: ignore[arg-type] # httpx's own
    for (method, path, _), response in zip(writes, responses, strict=True):
        assert (response.status_code, response.json()["code"]) == (503, "read_only"), (method, path, response.text)
        assert why in response.json()["detail"]
        assert int(response.headers["retry-after"]) > 0
    paths = (
        f"/v1/articles/{id}",
        "/v1/articles",
        "/v1/search?q=harbour",
        "/v1/changes?since=0",
        "/v1/tags",
        "/v1/searches",
    )
    for path in paths:
        assert (await api.public.get(path)).status_code == 200
        assert (await api.editor.get(path)).status_code == 200
    assert (await api.editor.get("/v1/webhooks")).status_code == 200
    assert "dateline_read_only 1.0" in (await api.editor.get("/metrics")).text


async def test_server_that_is_set_to_read_only_refuses_writes(settings: Settings) -> None:
    async with serve(settings) as api:
        id = (await api.post(**STORY))["id"]
        key = api.editor.headers["authorization"]
    async with serve_with_key(settings.model_copy(update={"read_only": True}), key) as api:
        assert (await wait_for_reason(api, is_read_only=True))["status"] == "ok"
        await check_refusals(api, id, BY_SETTING)


@asynccontextmanager
async def serve_with_key(settings: Settings, key: str) -> AsyncIterator[Served]:
    """As `serve`, where no key can be made."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        lifespan(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as public,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers={"authorization": key}) as editor,
    ):
        yield Served(app, settings, public, editor)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_postgres_that_is_set_to_read_only_is_noticed_and_left_again(settings: Settings) -> None:
    async with serve(settings) as api:
        id = (await api.post(**STORY))["id"]
        name = api.db.url.database
        set_read_only(api.db.engine, name, is_on=True)
        try:
            # Connections that are open have what held when they were opened: the first write finds out.
            api.db.engine.dispose()
            refused = await api.editor.post("/v1/articles", json=STORY)
            assert (refused.status_code, refused.json()["code"]) == (503, "read_only"), refused.text
            await wait_for_reason(api, is_read_only=True, why="default_transaction_read_only")
            await check_refusals(api, id, "default_transaction_read_only")
        finally:
            set_read_only(api.db.engine, name, is_on=False)
        await wait_for_reason(api, is_read_only=False)
        assert (await api.editor.post("/v1/articles", json=STORY)).status_code == 201


def set_read_only(engine: Engine, name: str | None, *, is_on: bool) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"))
        connection.commit()
        connection.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if is_on else 'off'}")
        )
        connection.commit()


@pytest.mark.long_on("sqlite")
async def test_webhooks_and_saved_searches_rest_and_go_on(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"webhook_private_addresses": True})
    is_open = threading.Event()
    is_open.set()
    with run_receiver() as receiver:
        receiver.respond = lambda handler, received: (is_open.wait(10), respond_with(204)(handler, received))[1]
        async with serve(settings) as api:
            await wait_until(lambda: api.app.state.archive.index.seq() is not None)
            await create(api, "/v1/searches", slug="harbours", q="harbour")
            await create(api, "/v1/webhooks", name="Test", url=receiver.url)
            with refusing_writes(api, monkeypatch):
                await wait_for_reason(api, is_read_only=True)
                with monkeypatch.context() as another_server:
                    another_server.setattr(api.db.condition, "check", lambda: None)
                    await api.post(**STORY)
                await asyncio.sleep(1.5)
                assert (receiver.received, await list_matches(api)) == ([], [])
            await wait_for_reason(api, is_read_only=False)
            await wait_for(api, receiver, told=1)
            # And where it begins while a message is on its way, of which nothing can be noted then.
            is_open.clear()
            await api.post(**STORY)
            await wait_until(lambda: len(receiver.received) == 2)
            with refusing_writes(api, monkeypatch):
                await wait_for_reason(api, is_read_only=True)
                is_open.set()
                await asyncio.sleep(1.5)
            await wait_for_reason(api, is_read_only=False)
            await wait_for(api, receiver, told=2)
            with refusing_writes(api, monkeypatch):
                await wait_for_reason(api, is_read_only=True)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [one for one in said if "the archive can" not in one] in ([], [f"webhook 1 waits: {NOTHING}"]), said


NOTHING = "Nothing can be written now: a test says so."


@contextmanager
def refusing_writes(api: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the database could only be read, for this server."""
    with monkeypatch.context() as patched:
        patched.setattr(api.db.condition, "_ask", lambda was_refused: Reported("a test says so", time.time()))
        yield


async def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that in time")


async def create(api: Served, path: str, **payload: object) -> None:
    response = await api.editor.post(path, json=payload)
    assert response.status_code == 201, response.text


async def list_matches(api: Served) -> list[object]:
    response = await api.editor.get("/v1/changes", params={"search": "harbours", "since": "0"})
    assert response.status_code == 200, response.text
    changes: list[object] = response.json()["data"]
    return changes


async def wait_for(api: Served, receiver: Receiver, *, told: int) -> None:
    """Until as many articles were told and noted, and match the saved search."""
    for _ in range(200):
        shown = (await api.editor.get("/v1/webhooks/1")).json()
        articles = {one.article for one in receiver.received}
        if len(articles) == len(await list_matches(api)) == told and (shown["behind"], shown["waiting"]) == (0, 0):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"it does not go on: {shown}, {articles}, {await list_matches(api)}")


@pytest.fixture
def open_folder(sqlite_template: Path) -> Iterator[Path]:
    """An archive's folder that another user may look into, who is nobody's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "index").mkdir()
        shutil.copy(sqlite_template, folder / "dateline.db")
        yield folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everything: what a mode forbids holds for others."""
    if os.geteuid() != 0:
        yield
        return
    codecs.lookup("ascii")  # which may lie where only root can read it, and is loaded when it is first asked for
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["file", pytest.param("folder", marks=pytest.mark.torture)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_file_that_is_not_writable_is_noticed_and_left_again(
    what: str, open_folder: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings = Settings(data_dir=open_folder, index_interval=0.02, index_heap_mb=15)
    closing = open_folder / "dateline.db" if what == "file" else open_folder
    async with serve(settings) as api:
        id, key = (await api.post(**STORY))["id"], api.editor.headers["authorization"]
    open_to_all(open_folder)
    with as_nobody():
        async with serve_with_key(settings, key) as api:
            soon = datetime.now(UTC) + timedelta(seconds=6)
            waiting = await api.post(**STORY | {"status": "scheduled", "published_at": soon.isoformat()})
            change_mode(closing, 0o444 if what == "file" else 0o555)
            ready = await wait_for_reason(api, is_read_only=True)
            assert ready["status"] == "ok"
            await check_refusals(api, id, f"the archive's {what} is not writable")
            await asyncio.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 1)
            still = await api.editor.get(f"/v1/articles/{waiting['id']}")
            assert still.json()["status"] == "scheduled"
            change_mode(closing, 0o666 if what == "file" else 0o777)
            await wait_for_reason(api, is_read_only=False)
            assert (await api.editor.post("/v1/articles", json=STORY)).status_code == 201
            for _ in range(100):
                if (await api.public.get(f"/v1/articles/{waiting['id']}")).status_code == 200:
                    break
                await asyncio.sleep(0.05)
            else:
                raise AssertionError("what was due did not go live")
    # Archives that other tests have open in this process could not be read by nobody either.
    others = (follower.__name__, indexer.__name__)
    own = [record for record in caplog.records if record.name not in others]
    said = [record.getMessage() for record in own if record.levelno >= logging.WARNING]
    assert len(said) == 2, said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_archive_in_a_folder_that_nobody_may_write_is_served(open_folder: Path, database_url: str) -> None:
    """Its index needs one that can be written."""
    index = open_folder.with_name(open_folder.name + "-index")
    settings = Settings(data_dir=open_folder, index_dir=index, index_interval=0.02, index_heap_mb=15)
    async with serve(settings) as api:
        id, key = (await api.post(**STORY))["id"], api.editor.headers["authorization"]
    close_to_all(open_folder)
    open_to_all(index)
    with as_nobody():
        async with serve_with_key(settings, key) as api:
            ready = await wait_for_reason(api, is_read_only=True)
            assert ready["status"] == "ok"
            await check_refusals(api, id, "is not writable")


def open_to_all(folder: Path) -> None:
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o777 if one.is_dir() else 0o666)


def close_to_all(folder: Path) -> None:
    """As on a disc that somebody has copied the file to, without those beside it."""
    for one in (folder, *folder.rglob("*")):
        if one.name.endswith(("-wal", "-shm")):
            one.unlink()
        else:
            one.chmod(0o555 if one.is_dir() else 0o444)


def change_mode(path: Path, mode: int) -> None:
    if os.getuid() != 0:
        path.chmod(mode)
        return
    os.seteuid(0)
    try:
        path.chmod(mode)
    finally:
        os.seteuid(NOBODY)
