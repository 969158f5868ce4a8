"""`GET /internal/index`: who gets a snapshot of the indexes, what is in it, and what is left when a client goes."""

import asyncio
import io
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from conftest import Served, serve
from starlette.types import ASGIApp, Message

from app.http import auth
from app.monitoring.index_snapshots import MOST_AT_ONCE
from app.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = "0123456789-of-nodes"
URL = "/internal/index"


@pytest.fixture(scope="module")
async def node(shared_settings: Settings) -> AsyncIterator[Served]:
    """With a published article and a draft, in both indexes."""
    async with serve(shared_settings.model_copy(update={"index_secret": SECRET})) as api:
        await api.post(title="A harbour")
        made = await api.editor.post("/v1/articles", json={"title": "Zorbing in secret"})
        ready = await api.editor.get(f"/v1/articles?q=zorbing&status=draft&min_seq={made.headers['x-seq']}")
        assert ready.json()["page"]["total"] == 1
        yield api


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        ((), "admin"),
        (("read_drafts",), "admin"),
        (("read_drafts", "write", "publish"), "admin"),
        (("admin", "write", "publish"), "read_drafts"),
    ],
)
async def test_key_without_both_scopes_is_refused(node: Served, scopes: tuple[str, ...], missing: str) -> None:
    response = await node.public.get(URL, headers=await node.key(*scopes))
    assert (response.status_code, response.json()["code"], response.json()["scope"]) == (403, "missing_scope", missing)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer ",
        "Bearer 0123456789-of-node",
        f"Bearer {SECRET}x",
        SECRET,
        f"Basic {SECRET}",
        "Bearer dl_1_" + "x" * 43,
    ],
)
async def test_who_knows_neither_secret_nor_key_is_refused(node: Served, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await node.public.get(f"{URL}?nonsense=1", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["cache-control"] == "no-store"


async def test_no_secret_lets_nobody_in(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        assert (await api.public.get(URL, headers={"Authorization": "Bearer "})).status_code == 401
        assert (await api.public.get(URL, headers=_bearer(SECRET))).status_code == 401


async def test_key_in_place_of_the_secret_ends_with_the_key(sqlite_settings: Settings) -> None:
    """A node that copies with a key serves as well: it must not let a revoked one in because it has it itself."""
    async with serve(sqlite_settings) as api:
        key = (await api.key("admin", "read_drafts"))["Authorization"].split()[1]
    async with serve(sqlite_settings.model_copy(update={"index_secret": key})) as api:
        assert (await api.public.get(URL, headers=_bearer(key))).status_code == 200
        await api.db.write(auth.revoke_key, int(key.split("_")[1]))
        assert (await api.public.get(URL, headers=_bearer(key))).status_code == 401


@pytest.mark.parametrize(
    ("query", "parts"),
    [("", {"published", "drafts"}), ("?index=published", {"published"}), ("?index=drafts", {"drafts"})],
)
async def test_snapshot_is_a_tar_of_the_indexes_asked_for(node: Served, query: str, parts: set[str]) -> None:
    by_secret = await node.public.get(URL + query, headers=_bearer(SECRET) | {"Accept-Encoding": "gzip, zstd"})
    assert (by_secret.status_code, by_secret.headers["content-type"]) == (200, "application/x-tar")
    assert by_secret.headers["cache-control"] == "no-store"
    assert "content-encoding" not in by_secret.headers
    with tarfile.open(fileobj=io.BytesIO(by_secret.content)) as tar:
        names = tar.getnames()
    assert names[0] == "snapshot.json"
    assert {name.split("/")[0] for name in names[1:]} == parts
    by_key = await node.public.get(URL + query, headers=await node.key("admin", "read_drafts"))
    assert by_key.content == by_secret.content
    assert (await node.public.head(URL + query, headers=_bearer(SECRET))).status_code == 200


async def test_unknown_parameters_are_refused(node: Served) -> None:
    response = await node.public.get(f"{URL}?index=all", headers=_bearer(SECRET))
    assert response.status_code == 422
    assert response.json()["errors"][0]["allowed"] == ["published", "drafts", "words", "draft_words"]
    elsewhere = await node.public.get(f"{URL}?index=words", headers=_bearer(SECRET))
    assert elsewhere.status_code == 422
    assert "keeps published and drafts" in elsewhere.json()["errors"][0]["detail"]
    assert (await node.public.get(f"{URL}?x=1", headers=_bearer(SECRET))).status_code == 422
    assert (await node.public.post(URL, headers=_bearer(SECRET))).status_code == 405


async def test_description_of_the_api_does_not_name_it(node: Served) -> None:
    assert "internal" not in (await node.public.get("/openapi.json")).text.replace("internal_error", "")
    assert "/internal" not in (await node.public.get("/v1")).text


async def test_no_index_yet_is_said(sqlite_settings: Settings) -> None:
    from app.main import create_app

    app = create_app(sqlite_settings.model_copy(update={"index_secret": SECRET}), follow=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.get(URL, headers=_bearer(SECRET))
    assert (response.status_code, response.json()["code"]) == (503, "index_behind")
    assert int(response.headers["retry-after"]) > 0
    await app.state.archive.db.close()


def _list_open_segments(folder: Path) -> list[str]:
    """Files of segments that this process has open, once for each descriptor."""
    opened = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            opened.append(os.readlink(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:
            continue
    return [path for path in opened if path.startswith(str(folder)) and path.endswith(".store")]


class SlowClient:
    """A client, to the application itself, that takes so many pieces of a response and then waits."""

    def __init__(self, app: ASGIApp, pieces: int) -> None:
        self.status, self.size, self._left = 0, 0, pieces
        self.has_gone, self.has_taken = asyncio.Event(), asyncio.Event()
        headers = [(b"authorization", f"Bearer {SECRET}".encode()), (b"host", b"test")]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": URL, "raw_path": URL.encode(), "query_string": b"", "headers": headers, "root_path": "",
            "client": ("127.0.0.1", 1), "server": ("test", 80),
        }  # fmt: skip
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.size += len(message.get("body", b""))
        self._left -= message["type"] == "http.response.body"
        if self._left == 0 and self.status == 200:
            self.has_taken.set()
            await self.has_gone.wait()


@pytest.mark.parametrize("way", ["disconnect", "cancel"])
async def test_clients_that_go_leave_nothing_open_and_no_more_than_some_are_served(node: Served, way: str) -> None:
    before = _list_open_segments(node.settings.index_path)
    readers = [SlowClient(node.app, 2) for _ in range(MOST_AT_ONCE)]
    for reader in readers:
        await asyncio.wait_for(reader.has_taken.wait(), 20)
    assert len(_list_open_segments(node.settings.index_path)) >= len(before) + MOST_AT_ONCE
    refused = await node.public.get(URL, headers=_bearer(SECRET))
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    for reader in readers:
        if way == "disconnect":
            reader.has_gone.set()
        else:
            reader.task.cancel()
    await asyncio.wait([reader.task for reader in readers], timeout=20)
    whole = await node.public.get(URL, headers=_bearer(SECRET))
    assert whole.status_code == 200
    assert all(reader.task.done() and reader.size < len(whole.content) for reader in readers)
    assert len(_list_open_segments(node.settings.index_path)) <= len(before)
