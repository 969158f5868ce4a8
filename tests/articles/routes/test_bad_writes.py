"""What is sent wrong, and by whom ever: a clear problem that names the place, and nothing has changed by it, neither in
the database nor in the log nor in the index."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Served
from sqlalchemy import select
from sqlmodel import SQLModel
from support.listening import Listening, listen

from app.db.log_position import LogPosition
from app.search.engine import Question
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings

pytestmark = pytest.mark.anyio

TITLE = {"title": "The one that is there"}
LINE = "application/x-ndjson"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
async def listening_server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Listening]:
    folder = tmp_path_factory.mktemp("bad")
    shutil.copy(sqlite_template, folder / "dateline.db")
    async with listen(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as server:
        made = await server.post(**TITLE, slug="there", external_id="there", tags=["energy"])
        assert made["status"] == "published"
        yield server


TOLD = ("api_key", "audit", "import_record", "job")


def state(api: Served) -> dict[str, object]:
    """Every row of every table, and what the index has; without when keys were last used, and without what is kept of
    requests that changed nothing."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in TOLD]
    with api.db.snapshot() as snapshot:
        rows: dict[str, object] = {
            table.name: sorted(repr(tuple(row)) for row in snapshot.connection.execute(select(table)))
            for table in tables
        }
    engine = TantivyEngine(api.settings.index_path)
    result = engine.search(Question(order="-published_at", limit=100))
    return rows | {"index": (engine.position(), [(hit.id, hit.version) for hit in result.hits])}


DEEP = b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REFUSED: list[tuple[object, int, str, str | None]] = [
    ({"title": "x", "body": "<div>" * 100_000}, 422, "invalid_value", "/body"),
    ({"title": "x", "body": {"markdown": "<b>" * 100_000}}, 422, "invalid_value", "/body/markdown"),
    ({"title": "x", "published_at": "10000-01-01T00:00:00Z"}, 422, "invalid_value", "/published_at"),
    ({"title": "x", "published_at": "+10000-01-01T00:00:00Z"}, 422, "invalid_value", "/published_at"),
    ({"title": "x", "published_at": "2025-02-30"}, 422, "invalid_value", "/published_at"),
    ({"title": "x", "published_at": "2025-06-01T10:00:00"}, 422, "offset_required", "/published_at"),
    ({"title": "x", "tags": [f"tag {i}" for i in range(10_000)]}, 422, "invalid_value", "/tags"),
    ({"title": "x", "tags": ["new one", {"name": "y", "kind": "nonsense"}]}, 422, "invalid_value", "/tags/1/kind"),
    ({"title": "x", "tags": ["new one"], "regions": ["belgium", "atlantis"]}, 422, "unknown_region", "/regions/1"),
    ({"title": "x", "dateline": {"text": "A", "region": "atlantis"}}, 422, "unknown_region", "/dateline/region"),
    ({"title": "x" * 501}, 422, "invalid_value", "/title"),
    ({"title": "  ", "body": "<script>alert(1)</script>"}, 422, "invalid_value", "/title"),
    ({"title": "x", "body": {"html": "a", "text": "b"}}, 422, "invalid_value", "/body"),
    ({"title": "x", "source": "New", "images": [{"url": "javascript:a()"}]}, 422, "invalid_value", "/images/0/url"),
    ({"title": "x", "related": [{"article": "nowhere"}]}, 422, "invalid_value", "/related/0/article"),
    ({"title": "x", "headline": "y"}, 422, "unknown_field", "/headline"),
    ({"title": "x", "version": 7}, 422, "read_only_field", "/version"),
    ({"title": "x", "slug": "there", "tags": ["new one"]}, 409, "slug_taken", None),
    ({"title": "x", "external_id": "there", "source": "New"}, 409, "external_id_taken", None),
    (b'{"title": "half', 400, "malformed_json", None),
    (b'{"title": "\\ud800"}', 400, "malformed_json", None),
    (b'{"title": "\xff"}', 400, "malformed_json", None),
    (b'["a list"]', 400, "malformed_json", None),
    (b"", 400, "malformed_json", None),
    (DEEP, 400, "malformed_json", None),
    (b" " * 11 * MEGABYTE, 413, "body_too_large", None),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status", "code", "pointer"), REFUSED, ids=range(len(REFUSED)))
async def test_what_is_sent_wrong_is_named_and_changes_nothing(
    listening_server: Listening, sent: object, status: int, code: str, pointer: str | None
) -> None:
    before = state(listening_server)
    body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    response = await listening_server.editor.post(
        "/v1/articles", content=body, headers={"Content-Type": "application/json"}
    )
    problem = response.json()
    assert response.status_code == status, problem
    assert response.headers["content-type"] == "application/problem+json"
    if pointer is None:
        assert problem["code"] == code
    else:
        assert [(wrong["pointer"], wrong["code"]) for wrong in problem["errors"]] == [(pointer, code)]
    assert len(problem["detail"]) > 10
    assert state(listening_server) == before


async def test_body_of_another_kind_or_without_a_key_changes_nothing(listening_server: Listening) -> None:
    before = state(listening_server)
    text = await listening_server.editor.post(
        "/v1/articles", content=b"title: x", headers={"Content-Type": "text/yaml"}
    )
    assert (text.status_code, text.json()["code"]) == (415, "unsupported_media_type")
    key = await listening_server.key("read_drafts")
    for headers, status, code in (({}, 401, "unauthorized"), (key, 403, "missing_scope")):
        for address in ("/v1/articles", "/v1/imports"):
            response = await listening_server.public.post(address, json={"title": "x"}, headers=headers)
            assert (response.status_code, response.json()["code"]) == (status, code)
    assert state(listening_server) == before


async def test_repeated_key_with_another_body_is_refused(listening_server: Listening) -> None:
    headers = {"Idempotency-Key": "morning-edition"}
    first = await listening_server.editor.post("/v1/articles", json={"title": "As it was sent first"}, headers=headers)
    before = state(listening_server)
    again = await listening_server.editor.post("/v1/articles", json={"title": "As it was sent first"}, headers=headers)
    other = await listening_server.editor.post("/v1/articles", json={"title": "As it was sent then"}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    [wrong] = other.json()["errors"]
    assert (other.status_code, wrong["code"], wrong["parameter"]) == (422, "idempotency_conflict", "Idempotency-Key")
    assert state(listening_server) == before


async def _half(listening_server: Listening, address: str, kind: str, framing: str, body: bytes) -> bytes:
    """Sends a request that says it is longer than it is, goes away, and reads what comes back."""
    host, _, port = listening_server.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    key = listening_server.editor.headers["authorization"]
    head = f"POST {address} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write_eof()
    response = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return response


WHOLE = orjson.dumps({"title": "Sent by halves", "external_id": "half", "tags": ["half a tag"]})
CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.slow
@pytest.mark.parametrize(("framing", "body"), [
    (f"Content-Length: {len(WHOLE) + 1}", WHOLE),
    (f"Content-Length: {len(WHOLE)}", WHOLE[:20]),
    (CHUNKED, f"{len(WHOLE):x}\r\n".encode() + WHOLE + b"\r\n"),
    (CHUNKED, b"ff\r\n" + WHOLE),
])  # fmt: skip
@pytest.mark.parametrize(("address", "kind"), [("/v1/articles", "application/json"), ("/v1/imports", LINE)])
async def test_body_that_breaks_off_is_not_taken_for_a_whole_one(
    listening_server: Listening, address: str, kind: str, framing: str, body: bytes
) -> None:
    before = state(listening_server)
    response = await _half(listening_server, address, kind, framing, body)
    assert b"201 Created" not in response
    assert b'"outcome"' not in response
    assert (await listening_server.public.get("/health/live")).status_code == 200
    assert state(listening_server) == before


async def test_markup_that_could_run_is_taken_out(listening_server: Listening) -> None:
    wicked = (
        "<p onclick='a()'>Fine</p><script>alert(1)</script><img src=x onerror=alert(1)>"
        "<a href='java\tscript:alert(1)'>go</a><svg/onload=alert(1)><iframe srcdoc='<script>'></iframe>"
        "<style>p{background:url(javascript:alert(1))}</style><math><mi xlink:href='data:x,<script>'>"
    )
    for body in (wicked, {"html": wicked}, {"markdown": wicked}, {"text": wicked}):
        made = (await listening_server.editor.post("/v1/articles", json={"title": "With scripts", "body": body})).json()
        shown = made["body"].lower().replace("&lt;", "&").replace("\t", "")
        assert not any(word in shown for word in ("<script", "<svg", "<iframe", "<style", "<math", 'href="java')), shown
        assert body == {"text": wicked} or not any(word in shown for word in ("onerror=", "onclick=", "onload=")), shown
        assert "Fine" in made["body"]


async def test_place_of_another_archive_is_expired_and_a_cursor_of_another_list_is_refused(
    listening_server: Listening,
) -> None:
    other = LogPosition(epoch=1, seq=1, mark=1).token
    changes = await listening_server.public.get("/v1/changes", params={"since": other})
    assert (changes.status_code, changes.json()["code"], changes.json()["export"]) == (
        410, "cursor_expired", "/v1/export",
    )  # fmt: skip
    search = await listening_server.public.get("/v1/articles", params={"min_seq": other})
    assert (search.status_code, search.json()["code"]) == (422, "seq_unknown")
    tags: Any = (await listening_server.public.get("/v1/regions", params={"limit": 1})).json()
    for cursor, code in ((tags["page"]["next"], "cursor_mismatch"), (other, "cursor_invalid"), ("x", "cursor_invalid")):
        response = await listening_server.public.get("/v1/articles", params={"cursor": cursor})
        assert (response.status_code, response.json()["code"]) == (400, code), cursor


async def test_import_line_of_40_megabytes_fails_alone(listening_server: Listening) -> None:
    before = state(listening_server)
    response = await listening_server.editor.post("/v1/imports", content=_long_line(), headers={"Content-Type": LINE})
    line, last = (orjson.loads(one) for one in response.text.splitlines())
    assert (line["line"], line["outcome"]) == (1, "failed")
    assert "MB" in line["reason"]
    assert last["summary"] == {"created": 0, "updated": 0, "unchanged": 0, "failed": 1}
    assert state(listening_server) == before


async def _long_line() -> AsyncIterator[bytes]:
    yield b'{"id": "long", "title": "'
    for _ in range(40):
        yield b"x" * MEGABYTE
    yield b'"}\n'
