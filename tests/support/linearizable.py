"""One writer and many readers at full speed, over HTTP, on every server of one archive: is any response older than what
had been sent before it was asked for, be it to the writer or to another reader?"""

import asyncio
import gzip
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import orjson
import zstandard

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "zstd": zstandard.decompress,
}
ITEM = "/v1/articles/moving"
LIST = "/v1/articles?fields=version&count=none&limit=1"
FOUND = "/v1/articles?tag=moving&limit=1"


@dataclass
class History:
    """`newest` is the highest version that anybody has been told of, in a response that has ended."""

    newest: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    stale: list[str] = field(default_factory=list)

    def saw(self, what: str, floor: int, version: int) -> None:
        self.counts[what] += 1
        if version < floor:
            self.stale.append(f"{what}: version {version} after {floor}")
        self.newest = max(self.newest, version)


async def write(history: History, editor: httpx.AsyncClient, until: float) -> None:
    """Every third write is a draft's, which must not matter."""
    made = await editor.post("/v1/articles", json={"title": "A draft", "slug": "draft"})
    while time.monotonic() < until:
        response = await editor.patch(ITEM, json={"title": f"Title {time.monotonic_ns()}"}, headers={"If-Match": "*"})
        assert response.status_code == 200, response.text
        history.saw("write", 0, response.json()["version"])
        if history.counts["write"] % 3 == 0:
            await editor.patch(made.headers["location"], json={"title": f"D {until}"}, headers={"If-Match": "*"})
        await asyncio.sleep(0.004)


class Connection:
    """Just enough of HTTP to ask at full speed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def get(self, path: str, etag: str, coding: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by name in lower case, and the body as it was sent."""
        requested = f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\nIf-None-Match: {etag}\r\n\r\n"
        self._writer.write(requested.encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    def close(self) -> None:
        self._writer.close()


async def read(history: History, address: str, path: str, coding: str, until: float) -> None:
    """Asks again with the ETag that it was given last."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = Connection(*await asyncio.open_connection(host, int(port)))
    etag, version = "", 0
    while time.monotonic() < until:
        floor = history.newest
        status, headers, body = await connection.get(path, etag, coding)
        if status == 200:
            version, etag = _version(UNPACK[coding](body), path), headers["etag"]
        history.saw(str(status), floor, version)
    connection.close()


def _version(body: bytes, path: str) -> int:
    shown = orjson.loads(body)
    version: int = (shown if path == ITEM else shown["data"][0])["version"]
    return version


async def run(editor: httpx.AsyncClient, addresses: Sequence[str], seconds: float, readers: int) -> History:
    """So many readers at each of the servers, which all have the article `moving` in version 1."""
    history, until = History(), time.monotonic() + seconds
    ways = [(ITEM, "identity"), (FOUND, "zstd"), (LIST, "identity"), (FOUND, "gzip")]
    reading = [read(history, address, *ways[i % len(ways)], until) for address in addresses for i in range(readers)]
    await asyncio.gather(write(history, editor, until), *reading)
    return history
