"""The receivers and the program for streams of the documentation, as their readers run them."""

import ast
import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Served, serve
from support.listening import listen
from support.webhooks.receivers import find_closed_port

from app.settings import Settings
from app.sync.webhooks import signing

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"
NODE = shutil.which("node")
RECEIVERS = {
    "python": [sys.executable, str(DOCS / "examples" / "receive.py")],
    "node": [NODE or "node", str(DOCS / "examples" / "receive.mjs")],
}
ANY = {"If-Match": "*"}
FAKE_NATS = """
import json

class Stream:
    def __init__(self, file):
        self.file = file

    async def publish(self, subject, payload=b"", timeout=None, stream=None, headers=None):
        with open(self.file, "a") as file:
            file.write(json.dumps([subject, json.loads(payload), headers]) + "\\n")

class Connection:
    def __init__(self, file):
        self.file = file

    def jetstream(self):
        return Stream(self.file)

async def connect(server):
    return Connection(server.removeprefix("nats://"))
"""
"""Writes to a file what it is to publish; called as nats-py is."""


@asynccontextmanager
async def run(*command: str, **environment: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    try:
        yield
        assert process.returncode is None
    finally:
        process.terminate()
        await process.wait()


async def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail("it did not come to that in time")


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


async def list_articles(api: Served) -> dict[str, Any]:
    response = await api.public.get("/v1/articles", params={"tag": "canals", "limit": 100})
    return {str(one["id"]): one for one in response.json()["data"]}


@pytest.mark.parametrize("receiver", RECEIVERS)
async def test_receiver_has_what_the_list_has(receiver: str, sqlite_settings: Settings, tmp_path: Path) -> None:
    if receiver == "node" and NODE is None:
        pytest.skip("Node is not installed")
    file, port = tmp_path / "copy.json", find_closed_port()
    async with serve(sqlite_settings.model_copy(update={"webhook_private_addresses": True})) as api:
        payload = {"name": "Copy", "url": f"http://127.0.0.1:{port}/", "filter": {"tag": "canals"}}
        made = (await api.editor.post("/v1/webhooks", json=payload)).json()
        async with run(*RECEIVERS[receiver], str(port), str(file), WEBHOOK_SECRET=made["secret"]):
            for _ in range(200):
                tested = (await api.editor.post(f"/v1/webhooks/{made['id']}/test")).json()
                if tested["delivered"]:
                    break
                await asyncio.sleep(0.05)
            assert tested["delivered"], tested
            ids = [(await api.post(title=f"Canal {n}", body="<p>x</p>", tags=["canals"]))["id"] for n in range(4)]
            await api.editor.patch(f"/v1/articles/{ids[0]}", json={"title": "Canal of today"}, headers=ANY)
            await api.editor.patch(f"/v1/articles/{ids[1]}", json={"tags": ["locks"]}, headers=ANY)
            await api.editor.delete(f"/v1/articles/{ids[2]}?reason=wrong", headers=ANY)
            await api.editor.patch("/v1/tags/canals", json={"name": "Canals and rivers"})
            expected = await list_articles(api)
            assert len(expected) == 2
            await wait_for(lambda: read(file) == expected)
            async with httpx.AsyncClient() as forger:
                forged = await forger.post(f"http://127.0.0.1:{port}/", json={"type": "article.purged", "data": {}})
            assert forged.status_code == 401
            assert read(file) == expected


async def test_changes_reach_a_stream_in_order_and_go_on_where_they_stood(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    modules, told = tmp_path / "modules", tmp_path / "told.ndjson"
    modules.mkdir()
    (modules / "nats.py").write_text(FAKE_NATS)
    program = str(DOCS / "examples" / "changes_to_nats.py")

    def list_told() -> list[Any]:
        return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []

    async with listen(sqlite_settings) as api:
        command = (sys.executable, program, api.address, f"nats://{told}", str(tmp_path / "place.txt"), "tag=canals")
        for number in range(3):
            await api.post(title=f"Canal {number}", body="<p>x</p>", tags=["canals"])
        async with run(*command, PYTHONPATH=str(modules)):
            await wait_for(lambda: len(list_told()) == 3 and (tmp_path / "place.txt").exists())
            await api.post(title="Canal at once", body="<p>x</p>", tags=["canals"])
            await wait_for(lambda: len(list_told()) == 4)
            await asyncio.sleep(0.2)
        await api.post(title="Canal later", body="<p>x</p>", tags=["canals"])
        async with run(*command, PYTHONPATH=str(modules)):
            await wait_for(lambda: len(list_told()) == 5)
        feed = (await api.public.get("/v1/changes?tag=canals&include=article")).json()["data"]
    assert [one for _, one, _ in list_told()] == feed
    assert [(subject, headers) for subject, _, headers in list_told()] == [
        (f"dateline.{one['event']}", {"Nats-Msg-Id": one["seq"]}) for one in feed
    ]


def test_python_on_the_page_verifies_a_message() -> None:
    text = (DOCS / "webhooks.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(ast.parse(block), "webhooks.md", "exec"), names)
    secret, body = signing.make_secret(), b'{"type": "x"}'
    headers = signing.build_headers([secret], "msg_1", int(time.time()), body)
    assert names["read_message"](secret, body, headers) == {"type": "x"}
    assert names["read_message"](secret, body + b" ", headers) is None


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
async def test_javascript_on_the_page_verifies_a_message(tmp_path: Path) -> None:
    text = (DOCS / "webhooks.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    secret, old, body = signing.make_secret(), signing.make_secret(), '{"type":"x"}'
    headers = signing.build_headers([secret, old], "msg_1", int(time.time()), body.encode())
    calls = [f"readMessage({json.dumps(key)}, {json.dumps(body)}, {json.dumps(headers)})" for key in (secret, old)]
    calls += [f"readMessage({json.dumps(secret)}, {json.dumps(body + ' ')}, {json.dumps(headers)})"]
    (tmp_path / "page.mjs").write_text(f"{block}\nconsole.log(JSON.stringify([{', '.join(calls)}]));\n")
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(tmp_path / "page.mjs"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert json.loads(out) == [{"type": "x"}, {"type": "x"}, None]
