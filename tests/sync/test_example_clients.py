"""The example clients as their readers run them: the copy in the file is what the server's list has."""

import asyncio
import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Served
from sqlalchemy import update
from sqlmodel import Session
from support.listening import Listening, listen
from support.stories import NOW, story, write

from app.articles import service
from app.changes import log
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
NODE = shutil.which("node")
CLIENTS = {
    "python": [sys.executable, str(EXAMPLES / "follow.py")],
    "node": [NODE or "node", str(EXAMPLES / "follow.mjs")],
}
FILTERS = ("", "tag=a&tag_not=b", "region=europe&language=en")
FIELDS = "slug,version,title,standfirst,published_at,tags,regions,body"


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err) == (0, b""), err.decode()


async def random_writes(api: Served, chance: random.Random, count: int) -> None:
    for _ in range(count):
        number = chance.randint(1, 12)
        expected = story(
            api.db,
            number,
            title=f"Story {number} as of {chance.random()}",
            tags=chance.sample("abc", chance.randint(0, 3)),
            places=chance.sample(["belgium", "kenya"], chance.randint(0, 1)),
            status=chance.choice(["published", "published", "draft", "withdrawn"]),
            language=chance.choice(["en", "fr"]),
        )
        [saved] = await write(api.db, expected)
        if chance.random() < 0.2:
            await api.db.write(service.withdraw, [saved.id], now=NOW)


def read_copy(folder: Path, filter: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / f"copy{FILTERS.index(filter)}.json").read_text("utf-8"))["articles"]
    return body


async def read_list(api: Served, filter: str) -> dict[str, Any]:
    response = await api.public.get(f"/v1/articles?{filter}&limit=100&fields={FIELDS}")
    return {str(one["id"]): one for one in response.json()["data"]}


async def follow(client: str, listening: Listening, folder: Path, filters: Sequence[str] = FILTERS) -> None:
    files = {filter: str(folder / f"copy{FILTERS.index(filter)}.json") for filter in filters}
    await asyncio.gather(
        *(run(*CLIENTS[client], listening.address, file, filter, "--once") for filter, file in files.items())
    )
    for filter in filters:
        assert read_copy(folder, filter) == await read_list(listening, filter), filter


def _replace(session: Session) -> None:
    session.connection().execute(update(log.HEAD).values(epoch=log.HEAD.c.epoch + 1))


@pytest.mark.parametrize("client", CLIENTS)
async def test_copy_in_a_file_is_what_the_list_has(client: str, sqlite_settings: Settings, tmp_path: Path) -> None:
    if client == "node" and NODE is None:
        pytest.skip("node is not installed")
    chance = random.Random(11)
    async with listen(sqlite_settings) as listening:
        await random_writes(listening, chance, 15)
        await follow(client, listening, tmp_path)
        assert read_copy(tmp_path, "") != read_copy(tmp_path, FILTERS[1])
        await random_writes(listening, chance, 25)
        await follow(client, listening, tmp_path)
        # The archive is restored from a copy of it: what was followed is no more, and the client starts anew.
        await listening.db.write(_replace)
        await random_writes(listening, chance, 5)
        await follow(client, listening, tmp_path, FILTERS[1:2])


async def test_follower_left_running_takes_in_what_happens(sqlite_settings: Settings, tmp_path: Path) -> None:
    async with listen(sqlite_settings) as listening:
        file = tmp_path / "copy0.json"
        process = await asyncio.create_subprocess_exec(*CLIENTS["python"], listening.address, str(file))
        try:
            await random_writes(listening, random.Random(3), 10)
            for _ in range(300):
                if file.exists() and read_copy(tmp_path, "") == await read_list(listening, ""):
                    break
                await asyncio.sleep(0.05)
            assert read_copy(tmp_path, "") == await read_list(listening, "") != {}
        finally:
            process.kill()
            await process.wait()
