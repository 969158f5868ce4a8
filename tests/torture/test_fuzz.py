"""Two minutes of made-up requests over HTTP against a server of its own on PostgreSQL, with every check there is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from support.newsroom import STORIES

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.settings import Settings

pytestmark = pytest.mark.torture

TESTS = Path(__file__).resolve().parent.parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "120"))
# What a description cannot say: parameters that contradict each other, cursors and places that nobody gave out.
UNSAID = "positive_data_acceptance"
JSON_KINDS = frozenset(("application/json", "application/merge-patch+json"))


@pytest.fixture
def address(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A server in a process of its own."""
    environment = os.environ | {
        "PYTHONPATH": str(TESTS.parent),
        "DATELINE_DATA_DIR": str(tmp_path),
        "DATELINE_DATABASE_URL": settings.database_url,
        "DATELINE_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "app", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Dateline is at http://"), line + process.stdout.read()
        yield line.split()[3]
    finally:
        process.terminate()
        assert process.wait(30) == 0, process.stdout.read()
        process.stdout.close()


def load_description(client: httpx.Client) -> dict[str, Any]:
    """Without streams, which never end, and without `fields`, which leaves out what the shapes require. An import has a
    result for each line or item, a spoilt one too, and any text is one: there is nothing that it must refuse. Nor is
    there with If-Match: any text may be sent, and what is no ETag is 422, what is no current version 412."""
    payload: dict[str, Any] = client.get("/openapi.json").json()
    payload["paths"] = {path: one for path, one in payload["paths"].items() if not path.endswith("/stream")}
    for operations in payload["paths"].values():
        for operation in operations.values():
            kept = [one for one in operation.get("parameters", []) if one["name"] != "fields"]
            operation["parameters"] = [
                {**one, "schema": {"type": "string"}} if one["name"] == "If-Match" else one for one in kept
            ]
            content = operation.get("requestBody", {}).get("content", {})
            for kind in content.keys() - JSON_KINDS:
                content[kind] |= {"schema": {}}
    return payload


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("scopes", [(), auth.SCOPES], ids=["nobody", "all scopes"])
def test_two_minutes_of_requests_find_no_failure(
    address: str, settings: Settings, tmp_path: Path, scopes: tuple[str, ...]
) -> None:
    db = Database(settings, log.append)
    key = f"Bearer {db.write_now(auth.create_key, 'fuzz', auth.SCOPES).value}"
    db.close_now()
    with httpx.Client(base_url=address) as client:
        for story in STORIES:
            made = client.post("/v1/articles", json={"status": "published", **story}, headers={"Authorization": key})
            assert made.status_code == 201, made.text
        schema = tmp_path / "openapi.json"
        schema.write_bytes(orjson.dumps(load_description(client)))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", address]
    command += ["--checks", "all", "--exclude-checks", UNSAID, "--max-time", str(SECONDS // 2)]
    command += [
        "--request-timeout",
        "70",
        "--max-response-time",
        "70",
    ]  # a response may be waited for: a minute at most
    command += ["--continue-on-failure", "--warnings", "off", "--no-color"]
    command += ["--header", f"Authorization: {key}"] if scopes else []
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "support.ndjson_bodies", "PYTHONPATH": str(TESTS)}
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
