"""Tags made, renamed and merged over HTTP: what is returned, and what every reader sees afterwards."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Served, serve
from sqlalchemy import func, select
from support.newsroom import slugs_of

from app.models import Change, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
CHANGE = table(Change)


@pytest.fixture(scope="module")
async def local(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One archive for what neither database does in its own way."""
    folder = tmp_path_factory.mktemp("tags")
    shutil.copy(sqlite_template, folder / "dateline.db")
    async with serve(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as server:
        for name in ("osce", "efta", "part"):
            await ask(server, "POST", "/v1/tags", {"name": name, "kind": "organisation"}, 201)
        await ask(server, "POST", "/v1/tags", {"name": "World", "kind": "section"}, 201)
        yield server


async def ask(api: Served, verb: str, path: str, body: object, status: int = 200) -> Any:
    response = await api.editor.request(verb, path, json=body)
    assert response.status_code == status, response.text
    return response.json()


async def wait_for_index(api: Served, response: httpx.Response) -> str:
    """Waits until the index has a change."""
    ready = await api.public.get("/v1/search", params={"limit": 1, "min_seq": response.headers["x-seq"]})
    assert ready.status_code == 200, ready.text
    return str(response.headers["x-seq"])


def rows(api: Served) -> int:
    with api.db.snapshot() as snapshot:
        return int(snapshot.connection.execute(select(func.count()).select_from(CHANGE)).scalar_one())


async def test_tag_is_made_with_its_names(local: Served) -> None:
    payload = {"name": "Atlantic Alliance", "kind": "organisation", "names": {"fr": "Alliance atlantique"},
             "aliases": ["the Alliance"]}  # fmt: skip
    response = await local.editor.post("/v1/tags", json=payload)
    assert (response.status_code, response.headers["location"]) == (201, "/v1/tags/atlantic-alliance")
    shown = response.json()
    assert (shown["name"], shown["names"], shown["aliases"]) == (
        "Atlantic Alliance", {"fr": "Alliance atlantique"}, ["the Alliance"],
    )  # fmt: skip
    french = (await local.public.get("/v1/tags/atlantic-alliance?names_in=fr")).json()
    assert french["name"] == "Alliance atlantique"
    again = await ask(local, "POST", "/v1/tags", {"name": "atlantic alliance", "kind": "topic"}, 409)
    assert again["code"] == "slug_taken"
    other = await ask(local, "POST", "/v1/tags", {"name": "Atlantic Alliance", "kind": "contributor"}, 201)
    assert other["slug"] == "atlantic-alliance-contributor"
    namesake = {"name": "Atlantic Alliance", "kind": "topic", "slug": "atlantic-alliance-2"}
    assert (await ask(local, "POST", "/v1/tags", namesake, 201))["slug"] == "atlantic-alliance-2"


async def test_rename_is_one_row_and_is_seen_everywhere(local: Served) -> None:
    article = await local.post(title="One", tags=[{"name": "Nato alliance", "slug": "nato"}])
    before = rows(local)
    response = await local.editor.patch(
        "/v1/tags/nato",
        json={"name": "NATO", "slug": "north-atlantic", "kind": "organisation", "names": {"fr": "OTAN"}},
    )
    assert response.status_code == 200, response.text
    assert rows(local) == before + 1
    shown = response.json()
    assert (shown["slug"], shown["kind"], shown["aliases"]) == ("north-atlantic", "organisation", ["Nato alliance"])
    moved = await local.public.get("/v1/tags/nato")
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/tags/north-atlantic")
    item = (await local.public.get(f"/v1/articles/{article['id']}")).json()
    assert item["tags"] == [
        {"id": item["tags"][0]["id"], "slug": "north-atlantic", "name": "NATO", "kind": "organisation"}
    ]
    assert (item["version"], item["updated_at"]) == (article["version"], article["updated_at"])
    french = (await local.public.get(f"/v1/articles/{article['id']}?names_in=fr-BE")).json()
    assert [tag["name"] for tag in french["tags"]] == ["OTAN"]
    listed = (await local.public.get("/v1/articles?tag=nato")).json()
    assert [one["replaced_by"] for one in listed["warnings"]] == ["north-atlantic"]
    assert len(listed["data"]) == 1
    await wait_for_index(local, response)
    body = (await local.public.get("/v1/search?q=tag:otan&facets=tag")).json()
    assert (len(body["data"]), body["facets"]["tag"][0]["value"]) == (1, "north-atlantic")
    again: Any = await local.post(title="Two", tags=["NATO"])
    assert [tag["slug"] for tag in again["tags"]] == ["north-atlantic"]
    back = await ask(local, "PATCH", "/v1/tags/north-atlantic", {"slug": "nato"})
    assert back["slug"] == "nato"
    assert (await local.public.get("/v1/tags/north-atlantic")).status_code == 308


async def test_change_that_changes_nothing_records_nothing(local: Served) -> None:
    shown = (await local.public.get("/v1/tags/osce")).json()
    before = rows(local)
    assert await ask(local, "PATCH", "/v1/tags/osce", shown) == shown
    assert rows(local) == before
    wrong = await ask(local, "PATCH", "/v1/tags/osce", {**shown, "id": 999, "article_count": 5}, 422)
    assert [(one["code"], one["pointer"]) for one in wrong["errors"]] == [
        ("read_only_field", "/id"), ("read_only_field", "/article_count"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"kind": "contributor"}, 422, "invalid_value", "/kind"),
        ({"slug": "efta"}, 409, "slug_taken", "/slug"),
        ({"slug": "123"}, 422, "invalid_value", "/slug"),
        ({"name": ""}, 422, "invalid_value", "/name"),
        ({"name": None}, 422, "invalid_value", "/name"),
        ({"names": {"und": "x"}}, 422, "invalid_value", None),
        ({"nam": "x"}, 422, "unknown_field", "/nam"),
    ],
)
async def test_bad_change_is_refused_and_changes_nothing(
    local: Served, body: object, status: int, code: str, pointer: str | None
) -> None:
    before = rows(local)
    wrong = await ask(local, "PATCH", "/v1/tags/osce", body, status)
    assert wrong["errors"][0]["code"] == code
    assert pointer is None or wrong["errors"][0]["pointer"] == pointer
    assert rows(local) == before


async def test_only_admins_change_the_vocabulary(local: Served) -> None:
    for verb, path in (("POST", "/v1/tags"), ("PATCH", "/v1/tags/osce"), ("POST", "/v1/tags/osce/merge")):
        assert (await local.public.request(verb, path, json={})).status_code == 401
        key = await local.key("write", "publish", "read_drafts")
        assert (await local.public.request(verb, path, json={}, headers=key)).json()["code"] == "missing_scope"
    assert (await local.public.get("/v1/jobs/1")).status_code == 401


async def test_merge_moves_articles_names_and_slugs(api: Served) -> None:
    both = await api.post(title="Both", tags=["eu", "alliance", "nato"])
    one = await api.post(title="One", tags=["alliance"])
    hidden = await ask(api, "POST", "/v1/articles", {"title": "Draft", "tags": ["alliance", "eu"]}, 201)
    await ask(api, "PATCH", "/v1/tags/alliance", {"slug": "the-alliance"})
    start = (await api.public.get("/v1/changes?since=now")).json()["next"]
    response = await api.editor.post("/v1/tags/the-alliance/merge", json={"into": "nato"})
    assert response.status_code == 200, response.text
    assert (response.json()["slug"], response.json()["aliases"]) == ("nato", ["alliance"])
    again = await api.editor.post("/v1/tags/the-alliance/merge", json={"into": "nato"})
    assert (again.status_code, again.json()["slug"]) == (200, "nato")
    for ref in ("alliance", "the-alliance"):
        moved = await api.public.get(f"/v1/tags/{ref}")
        assert (moved.status_code, moved.headers["location"]) == (308, "/v1/tags/nato")
        gone = await api.public.get("/v1/changes", params={"since": start, "tag": ref})
        assert (gone.status_code, gone.json()["code"]) == (410, "filter_changed")
        # Who begins anew with the old name has what it means now, and may go on.
        export = await api.public.get("/v1/export", params={"tag": ref, "fields": "slug"})
        place = export.headers["x-seq"]
        assert (await api.public.get("/v1/changes", params={"since": place, "tag": ref})).json()["data"] == []
    await wait_for_index(api, response)
    item = (await api.public.get(f"/v1/articles/{both['id']}")).json()
    assert [tag["slug"] for tag in item["tags"]] == ["eu", "nato"]
    assert (item["version"], item["updated_at"]) == (both["version"], both["updated_at"])
    draft = (await api.editor.get(f"/v1/articles/{hidden['id']}")).json()
    assert [tag["slug"] for tag in draft["tags"]] == ["nato", "eu"]
    assert (await api.public.get("/v1/tags/nato")).json()["article_count"] == 2
    body = (await api.public.get("/v1/search?tag=nato&facets=tag&q=tag:alliance")).json()
    assert body["page"]["total"] == 2
    assert {row["value"]: row["count"] for row in body["facets"]["tag"]} == {"nato": 2, "eu": 1}
    suggested = (await api.public.get("/v1/suggest?q=allian&types=tag")).json()
    assert [(row["ref"], row["count"]) for row in suggested["groups"][0]["items"]] == [("nato", 2)]
    assert slugs_of((await api.public.get("/v1/tags?q=alliance")).json()) == ["nato"]
    told = (await api.public.get("/v1/changes", params={"since": start, "tag": "nato"})).json()["data"]
    assert [(row["event"], row["article"] and row["article"]["id"]) for row in told] == [
        ("updated", both["id"]), ("updated", one["id"]), ("tag_renamed", None),
    ]  # fmt: skip
    left = (await api.public.get("/v1/changes", params={"since": start, "tag_not": "nato"})).json()["data"]
    assert [(row["event"], row["article"] and row["article"]["id"]) for row in left] == [
        ("left_filter", one["id"]), ("tag_renamed", None),
    ]  # fmt: skip


async def test_chains_collapse(local: Served) -> None:
    for name in ("aa", "bb", "cc"):
        await ask(local, "POST", "/v1/tags", {"name": name}, 201)
    await ask(local, "POST", "/v1/tags/aa/merge", {"into": "bb"})
    assert (await ask(local, "POST", "/v1/tags/bb/merge", {"into": "cc"}))["slug"] == "cc"
    assert (await local.public.get("/v1/tags/aa")).headers["location"] == "/v1/tags/cc"
    new = await ask(local, "POST", "/v1/articles", {"title": "New", "tags": ["aa"]}, 201)
    assert [tag["slug"] for tag in new["tags"]] == ["cc"]
    assert (await ask(local, "POST", "/v1/tags/aa/merge", {"into": "bb"}))["slug"] == "cc"


async def test_merge_that_makes_no_sense_is_refused(local: Served) -> None:
    before = rows(local)
    for into, pointer in (("osce", "/into"), ("world", "/into"), ("nowhere", "/into")):
        wrong = await ask(local, "POST", "/v1/tags/osce/merge", {"into": into}, 422)
        assert wrong["errors"][0]["pointer"] == pointer
    assert (await ask(local, "POST", "/v1/tags/nowhere/merge", {"into": "osce"}, 404))["code"] == "not_found"
    assert rows(local) == before
    await ask(local, "POST", "/v1/tags/part/merge", {"into": "efta"})
    wrong = await ask(local, "POST", "/v1/tags/part/merge", {"into": "osce"}, 409)
    assert (wrong["code"], wrong["detail"]) == ("invalid_transition", "'part' is part of 'efta' already.")


async def test_names_of_signs_are_tags_of_their_own(local: Served) -> None:
    made = await local.post(title="Languages", tags=["C", "C++", "C#", "!!!", "???"])
    tags: Any = made["tags"]
    assert [(tag["slug"], tag["name"]) for tag in tags] == [
        ("c", "C"), ("c-plus-plus", "C++"), ("c-sharp", "C#"), ("tag", "!!!"), ("tag-topic", "???"),
    ]  # fmt: skip
    again: Any = await local.post(title="Again", tags=["c#", "???", "c++", "c-sharp"])
    assert [tag["slug"] for tag in again["tags"]] == ["c-sharp", "tag-topic", "c-plus-plus"]
    assert slugs_of((await local.public.get("/v1/tags", params={"q": "c+"})).json()) == ["c-plus-plus"]


async def test_likely_tag_is_named_where_one_is_unknown(local: Served) -> None:
    await local.post(title="On shipping", tags=["Baltic shipping"], authors=["Ines Marlow"])
    shown = (await local.public.get("/v1/articles?tag=baltic-shiping,zzz&author=ines-marlo")).json()
    assert [(one["code"], one.get("did_you_mean")) for one in shown["warnings"]] == [
        ("unknown_author", "ines-marlow"), ("unknown_tag", "baltic-shipping"), ("unknown_tag", None),
    ]  # fmt: skip
