"""The application under uvicorn as it comes responds as under Dateline's own protocol, byte for byte."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.processes import DatelineProcess

from app.commands import open_archive
from app.http import auth
from app.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
Request = tuple[str, str, dict[str, str], object]
Response = tuple[str, int, dict[str, str], bytes]
UNLIKE = {"date", "x-request-id", "server-timing", "transfer-encoding", "content-length", "connection"}
"""Headers of one response alone, and those that say how its body is framed; the body itself is compared."""
INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

READS = (
    "/", "/docs", "/openapi.json", "/health/live", "/v1/articles", "/v1/articles?limit=3&include=body,related",
    "/v1/articles?region=africa&fields=title", "/v1/articles/1", "/v1/articles/1/related", "/v1/articles/1/revisions",
    "/v1/articles/how-natos-article-5-actually-works", "/v1/articles/99999", "/v1/articles?tga=nato",
    "/v1/articles?limit=0&sort=nothing", "/v1/search?q=nato&facets=tag", "/v1/search?q=%22armed+attack",
    "/v1/suggest?q=na",
    "/v1/timeline?q=nato", "/v1/tags", "/v1/regions?level=country", "/v1/changes?limit=5", "/v1/export?format=ndjson",
    "/v1/export?format=csv", "/problems", "/nowhere", "/v1/articles/%00", "/v1/articles?cursor=x",
)  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The sample articles, and a key with every scope."""
    folder = tmp_path_factory.mktemp("archive")
    command = DatelineProcess("import", str(ROOT / "seed_data"), environment={"DATELINE_DATA_DIR": str(folder)})
    status, _, err = command.wait(60)
    command.end()
    assert status == 0, err
    db = open_archive.open_archive(Settings(data_dir=folder))
    key = db.write_now(auth.create_key, "test", auth.SCOPES).value
    db.close_now()
    return folder, key


@contextmanager
def _client(archive: tuple[Path, str], folder: Path, plain: str) -> Iterator[httpx.Client]:
    """A client of a server over a copy of the archive."""
    shutil.copytree(archive[0], folder)
    environment = {"DATELINE_DATA_DIR": str(folder), "DATELINE_PLAIN_UVICORN": plain, "PATH": os.environ["PATH"]}
    server = DatelineProcess("serve", "--port", "0", environment=environment)
    try:
        address = next(line for line in server.lines if "http://" in line).split()[3]
        with httpx.Client(base_url=address, timeout=20, headers={"X-Request-Id": "the-same"}) as client:
            ready = client.get("/v1/search?q=a", params={"min_seq": client.get("/v1/articles").headers["x-seq"]})
            assert ready.status_code == 200, ready.text
            yield client
    finally:
        server.send_signal(15)
        status, _, err = server.wait(30)
        server.end()
    assert status == 0, err
    assert ("DATELINE_PLAIN_UVICORN is set" in err) == (plain == "1")


def _responses(client: httpx.Client, key: str) -> Iterator[Response]:
    """Reads twice, so that the second comes from the cache; errors; conditional and HEAD requests; writes."""
    bearer = {"Authorization": f"Bearer {key}"}
    article = {"title": "Under plain uvicorn", "body": "<p>Words</p>", "slug": "plain", "published_at": "2025-05-01"}
    requests: list[Request] = [("GET", path, {}, None) for path in READS for _ in range(2)]
    requests += [("HEAD", path, {}, None) for path in READS]
    requests += [("GET", path, {"Accept-Encoding": "gzip"}, None) for path in READS]
    requests += [("OPTIONS", "/v1/articles", {"Origin": "http://a", "Access-Control-Request-Method": "GET"}, None)]
    requests += [("POST", "/v1/articles", {}, article), ("POST", "/v1/articles", bearer, article)]
    requests += [("POST", "/v1/articles", bearer, article), ("GET", "/v1/articles/plain", bearer, None)]
    requests += [("PATCH", "/v1/articles/plain", bearer | {"If-Match": '"0"'}, {"title": "Later"})]
    requests += [("DELETE", "/v1/articles/plain", bearer, None), ("PUT", "/v1/articles", bearer, {})]
    requests += [("POST", "/v1/articles", bearer, {"title": "Large", "body": "word " * 2_500_000})]
    for method, path, headers, json in requests:
        got = client.request(method, path, headers=headers, json=json)
        named = {name: value for name, value in got.headers.items() if name not in UNLIKE}
        yield f"{method} {path}", got.status_code, named, got.content
        if etag := got.headers.get("etag"):
            again = client.request("GET", path, headers=headers | {"If-None-Match": etag})
            yield f"{path} again", again.status_code, {}, again.content


def test_application_responds_under_plain_uvicorn_as_under_its_own_limits(
    archive: tuple[Path, str], tmp_path: Path
) -> None:
    results = []
    for plain in ("0", "1"):
        with _client(archive, tmp_path / plain, plain) as client:
            results.append([_stable(one) for one in _responses(client, archive[1])])
    own, other = results
    assert len(own) == len(other) > 150
    assert [pair for pair in zip(own, other, strict=True) if pair[0] != pair[1]] == []
    assert {status for _, status, _, _ in own} >= {200, 201, 304, 307, 401, 404, 405, 409, 412, 413, 422}


def _stable(response: Response) -> Response:
    """Without what each write has of its own: its instants, and its place in the log of its archive."""
    name, status, headers, body = response
    if "POST" not in name and "plain" not in name:
        return response
    kept = {header: value for header, value in headers.items() if header not in ("x-seq", "etag")}
    return name, status, kept, INSTANT.sub(b"", body)
