"""Publishes the changes of an archive on NATS JetStream: python changes_to_nats.py ADDRESS SERVER FILE [FILTER]

    python changes_to_nats.py http://127.0.0.1:8000 nats://127.0.0.1:4222 place.txt 'tag=nato'

The place is kept in the file, so that it goes on where it stood. Needs httpx and nats-py.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import nats


def save(path: Path, place: str) -> None:
    path.with_suffix(".new").write_text(place)
    os.replace(path.with_suffix(".new"), path)


async def publish(address: str, server: str, path: Path, place: str, query: str) -> None:
    stream = (await nats.connect(server)).jetstream()
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        while True:
            params = [*parse_qsl(query), ("since", place), ("include", "article"), ("wait", 25)]
            response = await client.get("/v1/changes", params=params)
            response.raise_for_status()  # 410: the feed cannot say what was missed
            page = response.json()
            for change in page["data"]:
                body, headers = json.dumps(change).encode(), {"Nats-Msg-Id": change["seq"]}
                await stream.publish(f"dateline.{change['event']}", body, headers=headers)
            place = page["next"]
            save(path, place)


if __name__ == "__main__":
    address, server, file, query = [*sys.argv[1:], ""][:4]
    saved = Path(file).read_text() if Path(file).exists() else "0"
    asyncio.run(publish(address, server, Path(file), saved, query))
