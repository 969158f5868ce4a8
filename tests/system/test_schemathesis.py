"""Requests made up from the description, with and without keys: every response is one that the description knows.

FUZZ_EXAMPLES sets how many are made for each operation and caller; without it a few, by nobody and by a key with all
scopes.
"""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
import schemathesis
import uvicorn
from conftest import with_own_epoch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi import checks as openapi_checks
from support import ndjson_bodies  # noqa: F401 -- says how bodies of lines are sent
from support.newsroom import STORIES

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.http.openapi import build_document
from app.main import BODIES, DESCRIPTION, TAGS, create_app
from app.settings import Settings

POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
ALL, NOBODY = " ".join(auth.SCOPES), ""
FEW = ((NOBODY, POSITIVE, 1), (NOBODY, NEGATIVE, 1), (ALL, POSITIVE, 1))
MANY = tuple((caller, mode, EXAMPLES) for caller in (NOBODY, *auth.SCOPES, ALL) for mode in (POSITIVE, NEGATIVE))
"""Who asks, with requests well formed or spoilt, how often."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]


@dataclass(frozen=True)
class Running:
    address: str
    keys: Mapping[str, str]
    schema: schemathesis.BaseSchema


@pytest.fixture(scope="module")
def live_server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real server on a free port of this machine, with a few articles."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(sqlite_template, folder / "dateline.db")
    configured = Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)
    database = Database(with_own_epoch(configured), log.append)
    scopes = {scope: (scope,) for scope in auth.SCOPES} | {ALL: auth.SCOPES}
    keys = {name: database.write_now(auth.create_key, name, value).value for name, value in scopes.items()}
    database.close_now()
    app = create_app(configured)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    _fill(address, keys[ALL])
    described = build_document(app, description=DESCRIPTION, tags=TAGS, bodies=BODIES)
    try:
        yield Running(address, keys, schemathesis.openapi.from_dict(described))
    finally:
        server.should_exit = True
        thread.join(20)


def _fill(address: str, key: str) -> None:
    for story in STORIES:
        made = requests.post(
            f"{address}/v1/articles",
            data=orjson.dumps({"status": "published", **story}),
            headers={"Authorization": f"Bearer {key}"},
            timeout=10,
        )
        assert made.status_code == 201, made.text


@pytest.mark.slow
def test_responses_are_as_described(live_server: Running) -> None:
    for item in live_server.schema.get_all_operations():
        operation = item.ok()  # type: ignore[union-attr] # the schema is our own
        if not _streams(operation):
            for caller, mode, examples in MANY if EXAMPLES else FEW:
                fuzz(live_server, operation, caller, mode, examples)


def _streams(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> bool:
    """A response that never ends has tests of its own."""
    return "text/event-stream" in str(operation.definition.raw)


def fuzz(
    live_server: Running,
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    caller: str,
    mode: schemathesis.GenerationMode,
    examples: int,
) -> None:
    """Some well-formed or some spoilt requests of one caller for one operation."""
    # An import has a result for each line, a spoilt one too; only what it is sent as a whole could be refused.
    checks = CHECKS if "ndjson" in str(operation.definition.raw) else [openapi_checks.negative_data_rejection, *CHECKS]
    headers = {"Authorization": f"Bearer {live_server.keys[caller]}"} if caller else {}

    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=live_server.address, headers=headers, allow_redirects=False)
        # `fields` leaves out what the shapes require, so that the body is not held against them then.
        unshaped = "fields" in (case.query or {})
        case.validate_response(response, checks=checks[: -1 if unshaped else None])

    made = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(Unsatisfiable):  # what takes no input cannot be spoilt
        made(seed(0)(given(case=operation.as_strategy(generation_mode=mode))(check)))()
