"""An article that is sent again from memory: over the wire it is the response that was made first, byte for byte."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.abuse import RawClient
from support.listening import Listening, listen

from app.articles.reading.item_cache import Items
from app.settings import Settings

pytestmark = pytest.mark.anyio

OF_ONE_REQUEST = re.compile(rb"\r\n(?:date|server-timing): [^\r]*")
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "json": {"Accept": "application/json"},
    "not acceptable": {"Accept": "text/html"},
    "gzip": {"Accept-Encoding": "gzip"},
    "zstd": {"Accept-Encoding": "gzip, zstd"},
    "identity": {"Accept-Encoding": "identity"},
    "changed since": {"If-None-Match": '"0-aaaa"'},
    "any": {"If-None-Match": "*"},
    "of another origin": {"Origin": "https://example.org"},
}


async def _read(running: Listening, method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """All bytes of the response, without what each request has for itself."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    client = await RawClient.connect(int(running.address.rpartition(":")[2]))
    await client.send(
        f"{method} {path} HTTP/1.1\r\nHost: test\r\nX-Request-Id: one\r\nConnection: close\r\n{lines}\r\n".encode()
    )
    response = await client.reader.read(-1)
    await client.close()
    return OF_ONE_REQUEST.sub(b"", response)


async def test_an_item_from_memory_is_the_response_that_was_made_first(sqlite_settings: Settings) -> None:
    async with listen(sqlite_settings.model_copy(update={"cache_mb": 0})) as running:
        body = f"<p>{'The ferry leaves the harbour at noon. ' * 30}</p>"
        made = await running.post(title="Harbour \N{FISH}", slug="harbour", body=body, tags=["Sea"])
        etag = (await running.public.get("/v1/articles/harbour")).headers["etag"]
        variants = [*VARIANTS.values(), {"If-None-Match": etag}, {"If-None-Match": f"W/{etag}", "Accept": "text/html"}]
        callers = [await running.key("read_drafts"), await running.key("write"), {"Authorization": "Bearer none"}]
        paths = ["/v1/articles/harbour", f"/v1/articles/{made['id']}?fields=title", "/v1/articles/harbour?min_seq=a"]
        asked = [(method, path, sent) for method in ("GET", "HEAD") for path in paths for sent in variants]
        asked += [("GET", paths[0], {**sent, **caller}) for sent in variants for caller in callers]
        for method, path, headers in asked:
            running.app.state.archive = replace(running.app.state.archive, items=Items())
            first, again = [await _read(running, method, path, headers) for _ in range(2)]
            assert first.startswith(b"HTTP/1.1 ")
            assert again == first, (method, path, headers)


async def test_items_from_memory_name_the_newest_place_in_the_log_and_are_of_their_caller(
    sqlite_settings: Settings,
) -> None:
    async with listen(sqlite_settings.model_copy(update={"cache_mb": 0})) as running:
        await running.post(title="Harbour", slug="harbour")
        path, keyed = "/v1/articles/harbour", await running.key("write")
        for _ in range(2):
            assert (await running.public.get(path)).headers["cache-control"].startswith("public")
            assert (await running.public.get(path, headers=keyed)).headers["cache-control"].startswith("private")
        other = await running.editor.post("/v1/articles", json={"title": "Quay", "status": "published"})
        for _ in range(2):
            assert (await running.public.get(path)).headers["x-seq"] == other.headers["x-seq"]
