"""The audit over HTTP, and what a key sees of itself."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
from conftest import ENGINES, Served, serve, with_own_epoch
from sqlalchemy import func, insert, select

from app.articles import states
from app.audit import queries, retention
from app.audit.queries import AuditFilter, AuditPosition, Turn
from app.db.database import Database
from app.db.sql import Prepared, read_integer
from app.http import auth
from app.models import Audit, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
AUDIT = table(Audit)
ANY = {"If-Match": "*"}


@pytest.fixture
async def own_archive(settings: Settings) -> AsyncIterator[Served]:
    async with serve(with_own_epoch(settings)) as server:
        yield server


async def read(api: Served, query: str = "", status: int = 200) -> Any:
    response = await api.editor.get(f"/v1/audit?{query}")
    assert response.status_code == status, response.text
    return response.json()


async def actions(api: Served, query: str = "") -> list[str]:
    return [row["action"] for row in (await read(api, query))["data"]]


def add_rows(api: Served, count: int, **values: object) -> None:
    """Rows as of old, two a second."""
    row = {"action": "edit", "actor_kind": "key", "key_id": 7, "actor": "old", "entity": "article", "entity_id": 5}
    with api.db.engine.begin() as connection:
        connection.execute(insert(AUDIT), [{"at": 1_000_000_000 + i // 2, **row, **values} for i in range(count)])


async def test_list_shows_who_did_what_newest_first(own_archive: Served) -> None:
    made = await own_archive.post(title="Tides")
    await own_archive.editor.patch(
        f"/v1/articles/{made['id']}", json={"title": "Ebb"}, headers=ANY | {"X-Request-Id": "r1"}
    )
    body = await read(own_archive, "limit=2")
    key = body["data"][0]["actor"]["key_id"]
    assert body["data"][0] | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "action": "edit",
        "actor": {"kind": "key", "name": "test", "key_id": key},
        "request_id": "r1",
        "target": {"kind": "article", "id": made["id"], "slug": "tides"},
        "version_before": 1,
        "version_after": 2,
        "details": {"fields": ["title"]},
    }
    assert body["data"][1]["action"] == "create"
    assert (
        await actions(own_archive, f"article={made['id']}")
        == ["edit", "create"]
        == await actions(own_archive, "article=tides")
    )
    assert await actions(own_archive, f"key={key}&action=create") == ["create"]
    assert await actions(own_archive, "key=test&at_from=now-2h&at_to=now-1h") == []
    assert await actions(own_archive, "action=region_load") == ["region_load"]


async def test_pages_meet_every_row_once_in_both_directions(own_archive: Served) -> None:
    add_rows(own_archive, 25)
    every = [row["id"] for row in (await read(own_archive, "key=7&limit=100"))["data"]]
    assert len(every) == 25
    assert every == sorted(every, reverse=True)
    pages, query = [], "key=7&limit=4"
    while query:
        body = await read(own_archive, query)
        pages.append([row["id"] for row in body["data"]])
        assert body["page"]["total"] == 25
        query = f"key=7&limit=4&cursor={body['page']['next']}" if body["page"]["next"] else ""
    assert [id for page in pages for id in page] == every
    back: list[list[int]] = []
    cursor = body["page"]["previous"]
    while cursor:
        body = await read(own_archive, f"key=7&limit=4&cursor={cursor}")
        back.insert(0, [row["id"] for row in body["data"]])
        cursor = body["page"]["previous"]
    assert [id for page in back for id in page] == every[:24]
    numbered = await read(own_archive, "key=7&limit=4&page=3&count=none")
    assert [row["id"] for row in numbered["data"]] == every[8:12]
    assert (numbered["page"]["total"], numbered["page"]["total_is"]) == (None, "none")


async def test_total_counts_ten_thousand_and_says_that_there_are_more(own_archive: Served) -> None:
    add_rows(own_archive, 10_002)
    body = await read(own_archive, "key=7&limit=1&at_from=2000&at_to=2010")
    assert (body["page"]["total"], body["page"]["total_is"]) == (10_000, "at_least")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("action=steal", "invalid_value"),
        ("limit=101", "limit_too_large"),
        ("cursor=abc", "cursor_invalid"),
        ("at_from=2025&at_to=2024", "invalid_range"),
        ("at_from=2025-01-01T10:00", "offset_required"),
        ("actor=me", "unknown_parameter"),
        ("page=9999", "page_too_deep"),
        ("key=a&key=b", "duplicate_parameter"),
        ("key=twin", "invalid_value"),
    ],
)
async def test_bad_input_is_named(shared_api: Served, query: str, code: str) -> None:
    for _ in range(2):
        await shared_api.db.write(auth.create_key, "twin", ("write",))
    result = await shared_api.editor.get(f"/v1/audit?{query}")
    assert result.json()["code"] == code
    if result.status_code == 422:
        assert result.json()["errors"][0]["parameter"] in query


async def test_cursor_of_another_filter_is_refused(own_archive: Served) -> None:
    add_rows(own_archive, 3)
    cursor = (await read(own_archive, "key=7&limit=1"))["page"]["next"]
    assert (await read(own_archive, f"key=8&limit=1&cursor={cursor}", 400))["code"] == "cursor_mismatch"


async def test_unknown_names_find_nothing_and_are_warned_of(own_archive: Served) -> None:
    body = await read(own_archive, "key=nobody&article=no-such-slug")
    assert (body["data"], body["page"]["total"]) == ([], 0)
    assert [one["code"] for one in body["warnings"]] == ["unknown_article", "unknown_key"]


async def test_scopes_decide_who_reads(own_archive: Served) -> None:
    made = await own_archive.editor.post("/v1/articles", json={"title": "Hidden heron"})
    path = f"/v1/articles/{made.json()['id']}/audit"
    reader, admin = await own_archive.key("read_drafts"), await own_archive.key("admin")
    tried = [(path, {}), ("/v1/audit", {}), ("/v1/audit", reader), (path, admin), (path, reader), ("/v1/audit", admin)]
    responses = [await own_archive.public.get(address, headers=headers) for address, headers in tried]
    assert [one.status_code for one in responses] == [401, 401, 403, 403, 200, 200]
    assert responses[4].json()["data"][0]["target"]["slug"] == "hidden-heron"
    # An admin key that may not read drafts is not told what one is called.
    assert "heron" not in responses[5].text
    for headers, count in ((admin, 0), (admin | await own_archive.key("admin", "read_drafts"), 1)):
        body = (await own_archive.public.get("/v1/audit?article=hidden-heron", headers=headers)).json()
        assert (len(body["data"]), len(body.get("warnings", []))) == (count, 1 - count)


async def test_purged_article_is_found_by_its_id_alone(own_archive: Served) -> None:
    made = await own_archive.post(title="Ermine")
    await own_archive.editor.delete(f"/v1/articles/{made['id']}?purge=true", headers=ANY)
    result = await own_archive.editor.get(f"/v1/articles/{made['id']}/audit")
    told = [(row["action"], row["version_before"], row["version_after"]) for row in result.json()["data"]]
    assert told == [("purge", 1, None), ("create", None, 1)]
    assert {row["target"]["slug"] for row in result.json()["data"]} == {None}
    assert all(row["details"] == {} for row in result.json()["data"])
    assert (await own_archive.editor.get("/v1/articles/ermine/audit")).status_code == 410
    assert (await own_archive.editor.get("/v1/articles/999999/audit")).status_code == 404
    assert [row["action"] for row in (await read(own_archive, f"article={made['id']}"))["data"]] == ["purge", "create"]


async def test_old_slug_leads_to_the_audit_of_the_article(own_archive: Served) -> None:
    made = await own_archive.post(title="Skua")
    await own_archive.editor.patch(f"/v1/articles/{made['id']}", json={"slug": "great-skua"}, headers=ANY)
    moved = await own_archive.editor.get("/v1/articles/skua/audit?limit=1")
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/articles/great-skua/audit?limit=1")


GIVEN = {"article": 5, "key": 7, "action": "edit", "since": 1, "until": 2_000_000_000}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_page_is_read_off_an_index_without_sorting(db: Database) -> None:
    """What is bounded by its page stays so in ten years of rows. (Plans of PostgreSQL depend on how many there are.)"""
    turns: tuple[Turn, ...] = ("start", "after", "before")
    filters = ("", "article", "key", "action", "key action", "article key action")
    for names, span, turn in product(filters, ("", " since until"), turns):
        article_filter = AuditFilter(**{name: GIVEN[name] for name in (names + span).split()})  # type: ignore[arg-type] # of two types
        statement, values = queries.select_page("sqlite", article_filter, 20, AuditPosition(turn, 1_000_000_000, 3))
        with db.snapshot() as snapshot:
            plan = Prepared("EXPLAIN QUERY PLAN " + statement.sql, statement.constants, statement.lists)
            said = [str(row[3]) for row in snapshot.fetch(plan, values)]
        assert len(said) == 1, said
        assert "INDEX" in said[0], said
        assert "TEMP B-TREE" not in said[0], said


async def test_old_rows_are_deleted_where_a_setting_says_so(own_archive: Served) -> None:
    add_rows(own_archive, 2_500)
    before = await actions(own_archive, "limit=100&action=region_load")
    deleted = [own_archive.db.write_now(retention.prune, 3_650).value for _ in range(3)]
    assert deleted == [2_000, 500, 0]
    with own_archive.db.snapshot() as snapshot:
        old = select(func.count()).select_from(AUDIT).where(AUDIT.c.at < 1_100_000_000)
        assert snapshot.connection.execute(old).scalar_one() == 0
    assert await actions(own_archive, "limit=100&action=region_load") == before
    pruned = (await read(own_archive, "action=audit_prune"))["data"]
    assert [row["details"] for row in pruned] == [{"rows": 500, "days": 3650}, {"rows": 2000, "days": 3650}]


async def test_key_sees_itself(own_archive: Served) -> None:
    made = (await own_archive.db.write(auth.create_key, "night desk", ("write", "read_drafts"), 4_102_444_800)).value
    _, id, secret = made.split("_", 2)  # a secret may have such a line, too
    headers = {"Authorization": f"Bearer {made}"}
    sent = {"title": "Owl"}
    await own_archive.public.post("/v1/articles", json=sent, headers=headers | {"Idempotency-Key": "one"})
    response = await own_archive.public.get("/v1/key", headers=headers)
    body = response.json()
    used = body["limits"].pop("idempotency_bytes_used")
    assert used > 300
    assert body.pop("usage")["today"]["requests"] == 1
    assert body.pop("entitlement") is None
    assert body | {"created_at": ""} == {
        "id": int(id),
        "name": "night desk",
        "scopes": ["write", "read_drafts"],
        "created_at": "",
        "expires_at": "2100-01-01T00:00:00Z",
        "limits": {
            "requests_per_minute": None,
            "body_bytes": 10_000_000,
            "import_bytes": 1_000_000_000,
            "idempotency_bytes": 256_000_000,
        },
    }
    assert response.headers["cache-control"] == "no-store"
    public = await own_archive.public.get("/v1/key")
    assert (public.status_code, public.json()["code"]) == (401, "unauthorized")
    assert (await own_archive.public.get("/v1/key?x=1", headers=headers)).json()["code"] == "unknown_parameter"
    assert secret not in response.text


async def test_withdrawal_by_the_service_is_told_like_any_other(own_archive: Served) -> None:
    made = await own_archive.post(title="Plover")
    await own_archive.db.write(states.withdraw, [read_integer(made["id"])], now=1_800_000_000)
    assert (await actions(own_archive, f"article={made['id']}"))[0] == "withdraw"
