"""The bin and the way out of it, drafts of what was public, redirects to what replaces an article: over HTTP."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select, update

from app.articles import states
from app.models import Article, Change, IdempotencyKey, Revision, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
A, CHANGE, REVISION, IDEMPOTENCY = table(Article), table(Change), table(Revision), table(IdempotencyKey)
Json = dict[str, Any]


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings) as served:
        yield served


async def create_article(desk: Served, title: str = "One of many stories", **article: object) -> Json:
    response = await desk.editor.post("/v1/articles", json={"title": title, **article})
    assert response.status_code == 201, response.text
    body: Json = response.json()
    return body


async def public(desk: Served, title: str = "One of many stories", **article: object) -> Json:
    return await create_article(desk, title, status="published", **article)


async def send(
    desk: Served, method: str, id: object, body: object = None, *, key: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    content: Json = {} if body is None else {"json": body}
    client = desk.editor if key is None else desk.public
    headers = {"If-Match": "*", **(key or {}), **more.pop("headers", {})}
    return await client.request(method, f"/v1/articles/{id}{more.pop('below', '')}", headers=headers, **content, **more)


async def patch(desk: Served, id: object, **body: object) -> Json:
    response = await send(desk, "PATCH", id, body)
    assert response.status_code == 200, response.text
    article: Json = response.json()
    return article


async def delete(desk: Served, id: object, **params: str) -> Json:
    response = await send(desk, "DELETE", id, params=params)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def get_status(desk: Served, id: object) -> int:
    return (await desk.public.get(f"/v1/articles/{id}")).status_code


async def events(desk: Served, query: str, *, editor: bool = True) -> list[Json]:
    client = desk.editor if editor else desk.public
    response = await client.get(f"/v1/changes?since=0&limit=1000&{query}")
    assert response.status_code == 200, response.text
    body: list[Json] = response.json()["data"]
    return body


async def in_bin(desk: Served) -> list[int]:
    return [row["id"] for row in (await desk.editor.get("/v1/articles?status=trashed")).json()["data"]]


def mistake(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code, and where the mistake is."""
    problem = response.json()
    [error] = problem["errors"]
    return response.status_code, problem["code"], error.get("pointer") or error.get("parameter")


async def test_binned_article_keeps_all_and_comes_back_as_a_draft(desk: Served) -> None:
    nothing = await desk.public.get("/v1/articles/no-such-article")
    first = await create_article(desk, slug="binned", status="scheduled", published_at="2199-01-01", external_id="7")
    binned = await delete(desk, first["id"])
    assert (binned["status"], binned["version"], binned["slug"]) == ("trashed", 2, "binned")
    for ref in ("binned", first["id"]):
        hidden = await desk.public.get(f"/v1/articles/{ref}")
        assert (hidden.status_code, hidden.content) == (404, nothing.content)
    listed = await desk.editor.get("/v1/articles?status=trashed")
    assert [row["id"] for row in listed.json()["data"]] == [first["id"]]
    for states_, count in (("draft", 0), ("draft,scheduled,published,withdrawn", 0), ("draft,trashed", 1)):
        assert len((await desk.editor.get(f"/v1/articles?status={states_}")).json()["data"]) == count
    assert (await desk.public.get("/v1/articles?status=trashed")).status_code == 401
    writer = await desk.key("write")
    assert (await desk.public.get("/v1/articles?status=trashed", headers=writer)).status_code == 403
    exported = await desk.editor.get("/v1/export?status=trashed")
    assert orjson.loads(exported.content.splitlines()[0])["status"] == "trashed"
    taken = await desk.editor.post("/v1/articles", json={"title": "x", "slug": "binned"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    back = await send(desk, "POST", "binned", below="/restore")
    assert (back.status_code, back.json()["status"], back.json()["version"]) == (200, "draft", 3)
    assert {**back.json(), "status": 0, "version": 0, "updated_at": 0} == {
        **first, "status": 0, "version": 0, "updated_at": 0,
    }  # fmt: skip
    kept = await desk.editor.get("/v1/articles/binned/revisions")
    assert [row["status"] for row in kept.json()["data"]] == ["draft", "trashed", "scheduled"]


async def test_nothing_edits_what_is_in_the_bin_and_problems_name_the_way_out(desk: Served) -> None:
    first = await create_article(desk, slug="left-alone")
    draft = await send(desk, "POST", first["id"], below="/restore")
    assert (draft.status_code, draft.json()["code"], draft.json()["article_status"]) == (
        409, "invalid_transition", "draft",
    )  # fmt: skip
    await delete(desk, first["id"])
    for method, below, body in (
        ("PATCH", "", {"title": "x"}), ("PATCH", "", {"status": "draft"}), ("PATCH", "", {"status": "published"}),
        ("PUT", "", {"title": "x"}), ("PUT", "/related", ["A story"]), ("POST", "/revisions/1/restore", None),
        ("DELETE", "", None),
    ):  # fmt: skip
        response = await send(desk, method, first["id"], body, below=below)
        problem = response.json()
        assert (response.status_code, problem["code"]) == (409, "invalid_transition"), (method, below)
        assert (problem["article_status"], problem["allowed"]) == ("trashed", ["draft"])
        assert "/restore" in problem["detail"]
        assert "purge=true" in problem["detail"]
    assert (await desk.editor.get(f"/v1/articles/{first['id']}")).json()["version"] == 2
    trashed = await send(desk, "PATCH", (await create_article(desk))["id"], {"status": "trashed"})
    assert mistake(trashed) == (422, "invalid_value", "/status")
    stale = await send(desk, "POST", first["id"], below="/restore", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert (await send(desk, "POST", first["id"], below="/restore")).status_code == 200


async def test_what_moves_to_the_bin_takes_no_reason_and_no_replacement(desk: Served) -> None:
    target, first = await public(desk), await create_article(desk)
    for name, value in (("reason", "It was wrong."), ("replaced_by", str(target["id"]))):
        response = await send(desk, "DELETE", first["id"], params={name: value})
        assert mistake(response) == (422, "invalid_range", name)
        purge = await send(desk, "DELETE", first["id"], params={name: value, "purge": "true"})
        assert mistake(purge) == (422, "invalid_range", name)
    assert (await desk.editor.get(f"/v1/articles/{first['id']}")).json()["version"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("gone", "status"), [(False, 404), (True, 410)])
async def test_published_article_goes_back_to_draft_and_keeps_its_response_in_the_bin(
    desk: Served, gone: bool, status: int
) -> None:
    first = await public(desk, slug="taken-back", tags=["nato"])
    assert await get_status(desk, "taken-back") == 200
    now = await patch(desk, first["id"], status="draft", **({"gone": True} if gone else {}))
    assert (now["status"], now["gone"], now["first_published_at"]) == ("draft", gone, first["first_published_at"])
    told = await events(desk, "tag=nato", editor=False)
    assert [(one["event"], one["replaced_by"]) for one in told] == [("published", None), ("withdrawn", None)]
    assert await get_status(desk, first["id"]) == status
    assert (await desk.public.get("/v1/search?q=stories", params={"min_seq": told[-1]["seq"]})).json()["data"] == []
    await delete(desk, first["id"])
    assert await get_status(desk, first["id"]) == status
    restored = (await send(desk, "POST", first["id"], below="/restore")).json()
    assert (restored["status"], restored["gone"], await get_status(desk, first["id"])) == ("draft", gone, status)
    changed = await patch(desk, first["id"], gone=not gone)
    assert (changed["gone"], await get_status(desk, first["id"])) == (not gone, {404: 410, 410: 404}[status])
    again = await patch(desk, first["id"], status="published")
    assert (again["gone"], again["first_published_at"]) == (False, first["first_published_at"])
    assert (await desk.public.get(f"/v1/articles/{first['id']}")).json() == again
    await send(desk, "DELETE", first["id"])
    purged = await send(desk, "DELETE", first["id"], params={"purge": "true"})
    assert (purged.status_code, await get_status(desk, first["id"])) == (204, 410)


async def test_withdrawn_article_becomes_a_draft_and_stays_gone_unless_somebody_says_otherwise(desk: Served) -> None:
    first = await public(desk)
    await delete(desk, first["id"], reason="It was wrong.")
    draft = await patch(desk, first["id"], status="draft")
    gone = await desk.public.get(f"/v1/articles/{first['id']}")
    assert (draft["gone"], gone.status_code, gone.json()["reason"]) == (True, 410, "It was wrong.")
    assert (await patch(desk, first["id"], gone=False))["gone"] is False
    assert await get_status(desk, first["id"]) == 404
    await patch(desk, first["id"], status="withdrawn")
    gone = await desk.public.get(f"/v1/articles/{first['id']}")
    assert (gone.status_code, gone.json()["reason"]) == (410, None)


async def test_what_readers_get_is_said_only_of_what_they_have_seen_and_cannot_read(desk: Served) -> None:
    draft, shown = await create_article(desk), await public(desk)
    target = await public(desk)
    for id, body, pointer in (
        (draft["id"], {"gone": True}, "/gone"),
        (draft["id"], {"replaced_by": target["id"]}, "/replaced_by"),
        (shown["id"], {"gone": True}, "/gone"),
        (shown["id"], {"replaced_by": target["id"]}, "/replaced_by"),
        (shown["id"], {"status": "draft", "replaced_by": target["id"]}, "/replaced_by"),
        (shown["id"], {"status": "withdrawn", "gone": False, "replaced_by": {}}, "/replaced_by"),
    ):
        response = await send(desk, "PATCH", id, body)
        assert mistake(response) == (422, "invalid_value", pointer), body
    for name in ("gone", "replaced_by"):
        new = await desk.editor.post("/v1/articles", json={"title": "x", name: name == "gone" or target["id"]})
        assert mistake(new) == (422, "invalid_value", f"/{name}")
    copied = await desk.editor.post("/v1/articles", json={"title": "x", "gone": False, "replaced_by": None})
    assert copied.status_code == 201
    await delete(desk, shown["id"])
    response = await send(desk, "PATCH", shown["id"], {"gone": False})
    assert mistake(response) == (422, "invalid_value", "/gone")


async def test_scopes_decide_who_takes_back_and_who_redirects(desk: Served) -> None:
    first, target = await public(desk), await public(desk)
    writer, publisher = await desk.key("write", "read_drafts"), await desk.key("write", "publish", "read_drafts")
    blind = await desk.key("write", "publish")
    nothing = await desk.public.get("/v1/articles/no-such-article")
    for key, status in ((writer, 403), (publisher, 200)):
        assert (await send(desk, "PATCH", first["id"], {"status": "draft"}, key=key)).status_code == status
    for body in ({"gone": True}, {"gone": True, "replaced_by": target["id"]}):
        assert (await send(desk, "PATCH", first["id"], body, key=writer)).status_code == 403
    assert (await send(desk, "PATCH", first["id"], {"title": "Changed"}, key=writer)).status_code == 200
    for method, below in (("POST", "/restore"), ("DELETE", "")):
        hidden = await send(desk, method, first["id"], below=below, key=blind)
        assert (hidden.status_code, hidden.content) == (404, nothing.content)
    assert (await send(desk, "DELETE", first["id"], key=writer)).json()["status"] == "trashed"
    assert (await send(desk, "POST", first["id"], below="/restore", key={})).status_code == 401
    seer = await desk.key("read_drafts")
    assert (await send(desk, "POST", first["id"], below="/restore", key=seer)).status_code == 403
    hidden = await send(desk, "POST", first["id"], below="/restore", key=blind)
    assert (hidden.status_code, hidden.content) == (404, nothing.content)
    assert (await send(desk, "POST", first["id"], below="/restore", key=writer)).json()["status"] == "draft"


async def test_withdrawn_article_leads_to_what_replaces_it_while_that_is_public(desk: Served) -> None:
    target = await public(desk, "The better story", slug="better")
    first = await public(desk, slug="worse", source={"url": "https://a.example/worse"})
    now = await delete(desk, "worse", reason="It was wrong.", replaced_by="better")
    assert (now["status"], now["gone"], now["replaced_by"]) == ("withdrawn", True, target["id"])
    for ref in ("worse", first["id"]):
        for below in ("", "/related", "/neighbours", "/translations"):
            moved = await desk.public.get(f"/v1/articles/{ref}{below}?fields=title")
            where = f"/v1/articles/better{below}?fields=title"
            assert (moved.status_code, moved.headers["location"]) == (308, where)
            assert moved.headers["cache-control"] == "public, max-age=60"
    resolved = await desk.public.get("/v1/resolve?url=https://a.example/worse")
    assert (resolved.status_code, resolved.headers["location"]) == (307, "/v1/articles/better")
    assert (await desk.editor.get("/v1/articles/worse")).json()["replaced_by"] == target["id"]
    [*_, told] = await events(desk, "", editor=False)
    assert (told["event"], told["article"]["id"], told["replaced_by"]) == (
        "withdrawn", first["id"], {"id": target["id"], "slug": "better"},
    )  # fmt: skip
    await delete(desk, "better")
    gone = await desk.public.get("/v1/articles/worse")
    assert (gone.status_code, gone.json()["reason"]) == (410, "It was wrong.")
    assert (await desk.public.get("/v1/resolve?url=https://a.example/worse")).status_code == 410
    assert (await events(desk, "", editor=False))[-2]["replaced_by"] == {"id": target["id"], "slug": None}
    await patch(desk, "better", status="published", slug="best")
    assert (await desk.public.get("/v1/articles/worse")).headers["location"] == "/v1/articles/best"
    await patch(desk, "worse", status="published")
    assert (await desk.public.get("/v1/articles/worse")).json()["replaced_by"] is None
    assert (await delete(desk, "worse"))["replaced_by"] is None


async def test_redirect_is_set_and_taken_away_later_and_followers_learn_of_it(desk: Served) -> None:
    target, first = await public(desk, slug="better"), await public(desk, tags=["nato"])
    blind = await desk.key("write", "publish")
    await patch(desk, first["id"], status="draft", gone=True, tags=["secret-tag"], slug="secret-slug")
    before = await events(desk, "tag=nato", editor=False)
    assert (await patch(desk, first["id"], replaced_by="better"))["replaced_by"] == target["id"]
    assert (await patch(desk, first["id"], replaced_by={"slug": "better"}))["version"] == 3
    moved = await desk.public.get(f"/v1/articles/{first['id']}")
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/articles/better")
    # A change is of the article that it names, and never follows to another.
    for method, body in (("PATCH", {"title": "x"}), ("DELETE", None), ("PUT", {"title": "x"})):
        assert (await send(desk, method, first["id"], body, key=blind)).status_code == 410
    await delete(desk, first["id"])
    assert (await desk.public.get(f"/v1/articles/{first['id']}")).status_code == 308
    await send(desk, "POST", first["id"], below="/restore")
    assert (await patch(desk, first["id"], replaced_by=None))["replaced_by"] is None
    assert await get_status(desk, first["id"]) == 410
    for query in ("tag=nato", "tag=secret-tag", "region=world"):
        told = [one for one in await events(desk, query, editor=False) if one["seq"] not in {b["seq"] for b in before}]
        assert [(one["event"], one["replaced_by"], one["article"]["slug"]) for one in told] == [
            ("withdrawn", {"id": target["id"], "slug": "better"}, None), ("withdrawn", None, None),
        ]  # fmt: skip
        assert b"secret" not in orjson.dumps(told)


async def test_replacement_that_cannot_be_is_refused_and_tells_of_nothing_hidden(desk: Served) -> None:
    draft, binned = await create_article(desk, slug="a-draft"), await create_article(desk, slug="a-binned")
    await delete(desk, binned["id"])
    purged, first, other = await public(desk), await public(desk, slug="one"), await public(desk, slug="two")
    await send(desk, "DELETE", purged["id"], params={"purge": "true"})
    blind = await desk.key("write", "publish")
    missing = [draft["id"], "a-draft", binned["id"], "a-binned", purged["id"], 9_999, "no-such-article", "?"]
    for key in (None, blind):
        for ref in missing if key else [purged["id"], 9_999, "no-such-article"]:
            response = await send(desk, "DELETE", "one", params={"replaced_by": str(ref)}, key=key)
            assert mistake(response) == (422, "invalid_value", "replaced_by")
            assert response.json()["detail"] == f"There is no article {str(ref)!r}."
        own = await send(desk, "DELETE", "one", params={"replaced_by": "one"}, key=key)
        assert "itself" in own.json()["detail"]
    for ref in ("a-draft", "a-binned"):
        hidden = await send(desk, "DELETE", "one", params={"replaced_by": ref})
        assert mistake(hidden) == (422, "invalid_value", "replaced_by")
        assert "not public" in hidden.json()["detail"]
    await delete(desk, "one", replaced_by="two")
    circle = await send(desk, "DELETE", "two", params={"replaced_by": "one"})
    assert mistake(circle) == (422, "invalid_value", "replaced_by")
    assert "each other" in circle.json()["detail"]
    await delete(desk, "two")
    for body in (
        {"replaced_by": "one"},
        {"replaced_by": other["id"]},
        {"replaced_by": "a-draft"},
        {"replaced_by": 9_999},
    ):
        response = await send(desk, "PATCH", "two", body)
        assert mistake(response) == (422, "invalid_value", "/replaced_by")
    assert (await desk.editor.get("/v1/articles/two")).json()["version"] == 2
    assert first["id"] != other["id"]


async def test_purge_of_a_replacement_ends_the_redirect(desk: Served) -> None:
    target, first = await public(desk), await public(desk)
    await delete(desk, first["id"], replaced_by=str(target["id"]))
    assert await get_status(desk, first["id"]) == 308
    await send(desk, "DELETE", target["id"], params={"purge": "true"})
    assert await get_status(desk, first["id"]) == 410
    shown = (await desk.editor.get(f"/v1/articles/{first['id']}")).json()
    assert (shown["replaced_by"], shown["version"]) == (None, 3)
    told = [one for one in await events(desk, "", editor=False) if one["article"]["id"] == first["id"]]
    assert [one["replaced_by"] for one in told] == [None, {"id": target["id"], "slug": None}, None]


async def test_log_tells_of_the_bin_to_keys_that_may_see_it_and_to_nobody_else(desk: Served) -> None:
    head = (await desk.public.get("/v1/changes?since=now")).json()["next"]
    first = await create_article(desk)
    await delete(desk, first["id"])
    await send(desk, "POST", first["id"], below="/restore")
    await delete(desk, first["id"])
    assert (await desk.public.get("/v1/changes?since=now")).json()["next"] == head
    writer = await desk.key("write")
    for key in ({}, writer):
        response = await desk.public.get(f"/v1/changes?since={head}", headers=key)
        assert (response.json()["data"], response.json()["next"]) == ([], head)
    both = [one["event"] for one in await events(desk, "status=draft,trashed")]
    assert both == ["updated", "trashed", "restored", "trashed"]
    drafts = [one["event"] for one in await events(desk, "status=draft")]
    assert drafts == ["updated", "trashed", "restored", "trashed"]
    binned = [one["event"] for one in await events(desk, "status=trashed")]
    assert binned == ["trashed", "left_filter", "trashed"]
    await send(desk, "DELETE", first["id"], params={"purge": "true"})
    assert (await events(desk, "status=draft"))[-1]["event"] == "purged"
    assert (await desk.public.get(f"/v1/changes?since={head}")).json()["data"] == []


@pytest.mark.parametrize("state", ["draft", "scheduled", "published", "withdrawn", "trashed"])
async def test_purge_works_from_every_state(desk: Served, state: str) -> None:
    first = await (public if state in ("published", "withdrawn") else create_article)(
        desk, **({"status": "scheduled", "published_at": "2199"} if state == "scheduled" else {})
    )
    if state in ("withdrawn", "trashed"):
        await delete(desk, first["id"])
    assert (await desk.editor.get(f"/v1/articles/{first['id']}")).json()["status"] == state
    assert (await send(desk, "DELETE", first["id"], params={"purge": "true"})).status_code == 204
    assert await get_status(desk, first["id"]) == (410 if state in ("published", "withdrawn") else 404)
    with desk.db.snapshot() as snapshot:
        left = select(func.count()).where(REVISION.c.article_id == first["id"])
        assert snapshot.connection.execute(left).scalar_one() == 0


@pytest.mark.slow
async def test_bin_is_emptied_of_what_is_old_by_the_databases_clock(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(serve(settings))
        old, young, seen_once, left = [await create_article(desk, f"Story {n}", slug=f"s-{n}") for n in range(4)]
        await patch(desk, seen_once["id"], status="published")
        await patch(desk, seen_once["id"], status="draft")
        key = {"Idempotency-Key": "b"}
        assert (await send(desk, "DELETE", old["id"], headers=key)).status_code == 200
        for one in (young, seen_once):
            await delete(desk, one["id"])

        def age(session: Any) -> None:
            aged = {old["id"]: 30 * 86_400 + 1, seen_once["id"]: 31 * 86_400, young["id"]: 29 * 86_400}
            for id, seconds in aged.items():
                session.connection().execute(
                    update(A).where(A.c.id == id).values(trashed_at=int(time.time()) - seconds)
                )

        await desk.db.write(age)
        assert (await desk.db.write(states.empty_bin, 30, now=int(time.time()) - 2 * 86_400)).value == []
        await stack.aclose()
        # Never unless it is asked for; then by itself, as soon as a server is there.
        desk = await stack.enter_async_context(serve(settings))
        await asyncio.sleep(0.7)
        assert len(await in_bin(desk)) == 3
        await stack.aclose()
        desk = await stack.enter_async_context(serve(settings.model_copy(update={"trash_days": 30})))
        for _ in range(200):
            if len(await in_bin(desk)) < 2:
                break
            await asyncio.sleep(0.02)
        assert await in_bin(desk) == [young["id"]]
        assert [await get_status(desk, one["id"]) for one in (old, young, seen_once, left)] == [404, 404, 410, 404]
        with desk.db.snapshot() as snapshot:
            ids = set(snapshot.connection.execute(select(A.c.id)).scalars())
            stored = snapshot.connection.execute(select(IDEMPOTENCY.c.response)).scalars().all()
        assert (ids, stored) == ({young["id"], left["id"]}, [None])
        told = await events(desk, "status=trashed")
        assert [one["event"] for one in told[-2:]] == ["purged", "purged"]


async def test_scheduled_article_that_goes_live_is_gone_no_more(desk: Served) -> None:
    first, target = await public(desk), await public(desk)
    await delete(desk, first["id"], replaced_by=str(target["id"]))
    await patch(desk, first["id"], status="draft")
    await patch(desk, first["id"], status="scheduled", published_at="2199-01-01")
    assert await get_status(desk, first["id"]) == 308
    await desk.db.write(states.go_live, now=7_240_000_000)
    shown = (await desk.public.get(f"/v1/articles/{first['id']}")).json()
    assert (shown["status"], shown["gone"], shown["replaced_by"]) == ("published", False, None)


async def test_public_cache_is_renewed_when_only_the_response_for_what_is_gone_changes(desk: Served) -> None:
    first, target = await public(desk), await public(desk)
    await patch(desk, first["id"], status="draft")
    for body, status in (
        ({"gone": True}, 410), ({"replaced_by": target["id"]}, 308), ({"replaced_by": None}, 410),
        ({"gone": False}, 404),
    ):  # fmt: skip
        await patch(desk, first["id"], **body)
        assert [await get_status(desk, first["id"]) for _ in range(2)] == [status] * 2


async def test_export_imported_elsewhere_is_as_hidden_as_it_was(
    desk: Served, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("other")
    shutil.copy(sqlite_template, folder / "dateline.db")
    made_here = {name: await public(desk, f"Story {name}", slug=name) for name in ("gone", "lost", "binned", "tossed")}
    ids = {name: one["id"] for name, one in made_here.items()}
    for name in ids:
        await patch(desk, name, status="draft", gone=name in ("gone", "binned"))
    for name in ("binned", "tossed"):
        await delete(desk, name)
    exported = await desk.editor.get("/v1/export?status=draft,trashed")
    assert exported.content.count(b"\n") == 5
    async with serve(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as other:
        for outcome in ("created", "unchanged"):
            response = await other.editor.post(
                "/v1/imports", content=exported.content, headers={"Content-Type": "application/x-ndjson"}
            )
            rows = [orjson.loads(line) for line in response.content.splitlines()]
            assert [row.get("outcome") for row in rows[:4]] == [outcome] * 4, rows
        listed = (await other.editor.get("/v1/articles?status=draft,trashed&sort=title")).json()["data"]
        assert {row["slug"]: (row["status"], row["gone"]) for row in listed} == {
            "gone": ("draft", True), "lost": ("draft", False),
            "binned": ("trashed", True), "tossed": ("trashed", False),
        }  # fmt: skip
        assert [await get_status(other, name) for name in ids] == [410, 404, 410, 404]
    sheet = await desk.editor.get("/v1/export?status=draft,trashed&format=csv")
    again = await desk.editor.post("/v1/imports", content=sheet.content, headers={"Content-Type": "text/csv"})
    assert again.status_code in (200, 202), again.text
