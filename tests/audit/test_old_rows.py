"""Rows that only tell of the past are removed by their age, a part at a time."""

import asyncio
from typing import Any

import pytest
from conftest import ENGINES, Served
from sqlalchemy import func, select, update
from sqlmodel import Session
from support.old_log import forecast, prune

from app.audit import old_rows
from app.models import ImportResult, Job, table

ON = ENGINES
pytestmark = pytest.mark.anyio
JOB, RESULT = table(Job), table(ImportResult)
HEADERS = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}


async def import_as_job(api: Served) -> str:
    """Where the record is, of three items of which one fails."""
    body = b'{"id": "1", "title": "One", "body": "Text."}\n{ no json\n{"id": "2", "title": "Two", "body": "Text."}\n'
    response = await api.editor.post("/v1/imports", params={"origin": "wire"}, content=body, headers=HEADERS)
    assert response.status_code == 202, response.text
    address = response.headers["location"]
    for _ in range(500):
        if (await load_record(api, address))["state"] == "done":
            return address
        await asyncio.sleep(0.02)
    raise AssertionError("it does not end")


async def load_record(api: Served, address: str) -> dict[str, Any]:
    return dict((await api.editor.get(address)).json())


def _make_imports_older(session: Session, days: int) -> None:
    session.connection().execute(update(JOB).values(updated_at=JOB.c.updated_at - days * old_rows.DAY))


def count_results(api: Served) -> int:
    with api.db.snapshot() as snapshot:
        return int(snapshot.connection.execute(select(func.count()).select_from(RESULT)).scalar_one())


async def test_results_of_imports_go_when_their_days_are_over(api: Served) -> None:
    address = await import_as_job(api)
    before = await load_record(api, address)
    assert (len(before["results"]), before["page"]["total"]) == (3, 3)
    api.db.write_now(_make_imports_older, 40)
    assert (await prune(api, import_result_days=50)).import_results == 0
    assert count_results(api) == 3
    hidden = await load_record(api, address)  # by then nobody is shown what is still there
    assert (hidden["results"], hidden["page"]["total"], hidden["progress"]) == ([], 0, before["progress"])
    assert forecast(api).import_results.rows == 3
    assert api.db.write_now(old_rows.delete_results, 30, 2).value == 2
    assert (await prune(api)).import_results == 1
    assert count_results(api) == 0
    assert (await load_record(api, address))["progress"] == before["progress"]
