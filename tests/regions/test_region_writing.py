"""Groupings and cities over HTTP: made and changed, with every article where it lies then."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Served, serve, with_own_epoch
from sqlalchemy import delete, func, select
from sqlmodel import Session
from support.newsroom import slugs_of

from app.changes import log
from app.commands import check
from app.models import ArticleRegion, Job, RegionMember, table
from app.regions import service as regions
from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def local(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One archive for what neither database does in its own way."""
    folder = tmp_path_factory.mktemp("regions")
    shutil.copy(sqlite_template, folder / "dateline.db")
    settings = Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)
    async with serve(with_own_epoch(settings)) as server:
        yield server


@pytest.fixture
async def own_archive(settings: Settings) -> AsyncIterator[Served]:
    async with serve(with_own_epoch(settings)) as server:
        yield server


async def ask(api: Served, verb: str, path: str, body: object, status: int = 200) -> Any:
    response = await api.editor.request(verb, path, json=body)
    assert response.status_code == status, response.text
    ready = await api.public.get("/v1/search", params={"limit": 1, "min_seq": response.headers.get("x-seq", [])})
    assert ready.status_code == 200, ready.text
    return response.json()


async def list_slugs(api: Served, **query: str) -> list[str]:
    """Slugs in the list, after the search has been seen to find the same."""
    body = (await api.public.get("/v1/articles", params=query)).json()
    searched = (await api.public.get("/v1/search", params=query)).json()
    assert [hit["article"]["slug"] for hit in searched["data"]] == slugs_of(body)
    assert body["page"]["total"] == searched["page"]["total"] == len(body["data"])
    return sorted(slugs_of(body))


async def list_changes(api: Served, since: str, **query: str) -> list[tuple[str, str]]:
    body = (await api.public.get("/v1/changes", params={"since": since, **query})).json()
    return [(row["event"], (row["article"] or row["region"])["slug"]) for row in body["data"]]


async def find_filled(api: Served, before: str, after: str) -> list[str]:
    """What a place lies in either before or after it moved from the one region to the other, in the order of ids."""
    atlas = await regions.newest(api.db)
    differ = atlas.within[atlas.by_slug[before].id] ^ atlas.within[atlas.by_slug[after].id]
    return [atlas.by_id[id].slug for id in sorted(differ)]


@pytest.mark.slow
async def test_members_change_where_articles_lie(own_archive: Served) -> None:
    await ask(own_archive, "POST", "/v1/articles", {"title": "Paris", "regions": ["paris"], "status": "published"}, 201)
    await ask(own_archive, "POST", "/v1/articles", {"title": "Kenya", "regions": ["kenya"], "status": "published"}, 201)
    await ask(own_archive, "POST", "/v1/articles", {"title": "Draft", "regions": ["poland", "kenya"]}, 201)
    payload = {"level": "grouping", "name": "Weimar Triangle", "names": {"fr": "Triangle de Weimar"},
             "members": ["france", "DE", "Polen"]}  # fmt: skip
    made = await ask(own_archive, "POST", "/v1/regions", payload, 201)
    assert (made["slug"], made["members"]) == ("weimar-triangle", ["france", "germany", "poland"])
    assert await list_slugs(own_archive, region="weimar-triangle") == ["paris"]
    start = (await own_archive.public.get("/v1/changes?since=now")).json()["next"]
    changed = await ask(own_archive, "PATCH", "/v1/regions/weimar-triangle", {"members": ["kenya", "poland"]})
    assert changed["members"] == ["kenya", "poland"]
    assert await list_slugs(own_archive, region="weimar-triangle") == ["kenya"]
    assert await list_slugs(own_archive, region_not="weimar-triangle") == ["paris"]
    assert await list_changes(own_archive, start, region="weimar-triangle") == [
        ("region_renamed", "weimar-triangle"), ("left_filter", "paris"), ("updated", "kenya"),
        ("region_renamed", "weimar-triangle"),
    ]  # fmt: skip
    # No card shows what its regions lie in: whose filter matches as before, or who has none, has nothing to mend.
    for query in ({}, {"region": "kenya,france"}, {"region": "weimar-triangle", "region_scope": "exact"}):
        assert await list_changes(own_archive, start, **query) == [("region_renamed", "weimar-triangle")] * 2, query
    told = (await own_archive.public.get(f"/v1/changes?since={start}")).json()["data"]
    assert [one["changed_fields"] for one in told] == [["members"], ["articles"]]
    everything = await list_changes(own_archive, "0", compact="true")
    assert [slug for event, slug in everything if event == "published"] == ["paris", "kenya"]
    drafts = await own_archive.editor.get("/v1/articles?status=draft&region=weimar-triangle")
    assert slugs_of(drafts.json()) == ["draft"]
    counted = (await own_archive.public.get("/v1/regions/weimar-triangle?include=counts,names")).json()
    assert (counted["article_count"], counted["names"]) == (1, {"fr": "Triangle de Weimar"})
    assert "weimar-triangle" in (await own_archive.public.get("/v1/regions/kenya")).json()["groupings"]
    assert [one for one in check.run_checks(own_archive.db, own_archive.settings) if not one.good] == []


async def test_other_members_of_drafts_alone_are_none_of_the_publics(local: Served) -> None:
    """The row that a region has other articles would tell that somebody writes about it."""
    made = await ask(local, "POST", "/v1/regions", {"level": "grouping", "name": "Guianas", "members": ["guyana"]}, 201)
    await ask(local, "POST", "/v1/articles", {"title": "Paramaribo", "regions": ["suriname"]}, 201)
    start = (await local.editor.get("/v1/changes?since=now")).json()["next"]
    await ask(local, "PATCH", f"/v1/regions/{made['slug']}", {"members": ["guyana", "suriname"]})
    assert slugs_of((await local.editor.get("/v1/articles?status=draft&region=guianas")).json()) == ["paramaribo"]
    told = {
        name: [one["changed_fields"] for one in (await caller.get(f"/v1/changes?since={start}")).json()["data"]]
        for name, caller in (("public", local.public), ("editor", local.editor))
    }
    assert told == {"public": [["members"]], "editor": [["members"], ["articles"]]}


async def test_city_moves_with_its_articles(local: Served) -> None:
    made = await ask(local, "POST", "/v1/regions", {"level": "city", "name": "Neustadt", "parent": "germany"}, 201)
    assert (made["parent"], made["level"]) == ("germany", "city")
    await ask(local, "POST", "/v1/articles", {"title": "New town", "regions": ["neustadt"], "status": "published"}, 201)
    assert await list_slugs(local, region="germany") == ["new-town"]
    before = (await local.public.get("/v1/changes?since=now")).json()["next"]
    assert (await ask(local, "PATCH", "/v1/regions/neustadt", {"parent": "austria"}))["parent"] == "austria"
    assert await list_slugs(local, region="germany") == []
    assert await list_slugs(local, region="austria") == ["new-town"]
    assert await list_changes(local, before, region="germany") == [
        ("region_renamed", "neustadt"),
        ("left_filter", "new-town"),
        *(("region_renamed", above) for above in (await find_filled(local, "germany", "austria"))),
    ]


async def test_rename_is_one_row_and_keeps_the_old_name_understood(local: Served) -> None:
    start = (await local.public.get("/v1/changes?since=now")).json()["next"]
    changed = await ask(local, "PATCH", "/v1/regions/benelux", {"name": "Benelux Union", "names": {"de": None}})
    assert (changed["slug"], changed["name"], changed["names"]["en"]) == ("benelux", "Benelux Union", "Benelux Union")
    assert "Benelux" in {*changed["aliases"], *changed["names"].values()}
    assert "de" not in changed["names"]
    assert await list_changes(local, start) == [("region_renamed", "benelux")]
    again = await ask(local, "PATCH", "/v1/regions/benelux", changed)
    assert again == changed
    assert await list_changes(local, start) == [("region_renamed", "benelux")]
    made = await ask(local, "POST", "/v1/articles", {"title": "x", "regions": ["Benelux"]}, 201)
    assert made["regions"][0]["name"] == "Benelux Union"


@pytest.mark.parametrize(
    ("verb", "path", "body", "code", "pointer"),
    [
        ("PATCH", "/v1/regions/belgium", {"name": "x"}, "read_only_field", None),
        ("PATCH", "/v1/regions/nato", {"slug": "otan"}, "read_only_field", "/slug"),
        ("PATCH", "/v1/regions/nato", {"parent": "europe"}, "invalid_value", "/parent"),
        ("PATCH", "/v1/regions/nato", {"members": ["belgum"]}, "unknown_region", "/members/0"),
        ("PATCH", "/v1/regions/nato", {"members": ["eu"]}, "invalid_value", "/members/0"),
        ("PATCH", "/v1/regions/paris", {"parent": "nato"}, "invalid_value", "/parent"),
        ("PATCH", "/v1/regions/paris", {"parent": None}, "invalid_value", "/parent"),
        ("PATCH", "/v1/regions/paris", {"members": ["kenya"]}, "invalid_value", "/members"),
        ("POST", "/v1/regions", {"level": "country", "name": "Utopia"}, "invalid_value", "/level"),
        ("POST", "/v1/regions", {"level": "city", "name": "Utopia"}, "invalid_value", "/parent"),
    ],
)
async def test_bad_change_is_refused(
    local: Served, verb: str, path: str, body: object, code: str, pointer: str | None
) -> None:
    start = (await local.public.get("/v1/changes?since=now")).json()["next"]
    response = await local.editor.request(verb, path, json=body)
    [error] = response.json()["errors"]
    assert (response.status_code, error["code"], error.get("pointer")) == (422, code, pointer)
    assert (await local.public.get("/v1/changes?since=now")).json()["next"] == start


async def test_list_goes_by_count(local: Served) -> None:
    await ask(local, "POST", "/v1/articles", {"title": "Lima", "regions": ["peru"], "status": "published"}, 201)
    await ask(local, "POST", "/v1/articles", {"title": "Cusco", "regions": ["peru"], "status": "published"}, 201)
    shown = (await local.public.get("/v1/regions?level=country&min_articles=1&sort=-article_count")).json()
    assert slugs_of(shown)[0] == "peru"
    assert set(slugs_of(shown)) <= {"peru", "austria"}
    assert slugs_of((await local.public.get("/v1/regions?parent=benelux&sort=-name")).json()) == []
    back = (await local.public.get("/v1/regions?parent=western-europe&sort=-name")).json()
    assert slugs_of(back) == slugs_of((await local.public.get("/v1/regions?parent=western-europe")).json())[::-1]


async def test_region_of_a_name_that_is_taken_is_refused(local: Served) -> None:
    wrong = await local.editor.post("/v1/regions", json={"level": "grouping", "name": "NATO"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "slug_taken")
    assert (await local.public.post("/v1/regions", json={})).status_code == 401


async def test_region_that_is_newer_than_the_request_is_shown(local: Served) -> None:
    archive = local.app.state.archive
    head = await archive.head()
    old = await regions.current(local.db, head.epoch, head.names_seq)
    await ask(local, "POST", "/v1/regions", {"level": "city", "name": "Newest", "parent": "peru"}, 201)
    made = await ask(local, "POST", "/v1/articles", {"title": "There", "regions": ["newest"]}, 201)
    cards = await archive.cards.get([(made["id"], 1)], old)
    assert b'"newest"' in cards[made["id"]]


def _forget(session: Session, grouping: str, member: str) -> int:
    """As an archive is whose version of Dateline knew of one member less; how many articles were in the grouping."""
    connection, member_rows, placed = session.connection(), table(RegionMember), table(ArticleRegion)
    atlas = regions.read(connection)
    ids = atlas.by_slug[grouping].id, atlas.by_slug[member].id
    connection.execute(
        delete(member_rows).where(member_rows.c.grouping_id == ids[0], member_rows.c.member_id == ids[1])
    )
    regions.rebuild_closure(session, atlas.within)
    log.record(session, log.LogEntry("region", ids[0], "region_renamed", public=True))
    return connection.execute(delete(placed).where(placed.c.region_id == ids[0])).rowcount


@pytest.mark.slow
async def test_new_version_brings_its_members_and_leaves_what_editors_changed(local: Served) -> None:
    await ask(local, "PATCH", "/v1/regions/eu", {"members": ["kenya"]})
    assert (await local.db.write(regions.load)).value == 0
    assert (await local.public.get("/v1/regions/eu")).json()["members"] == ["kenya"]
    await ask(local, "POST", "/v1/articles", {"title": "Vientiane", "regions": ["laos"]}, 201)
    assert (await local.db.write(_forget, "asean", "laos")).value == 1
    assert (await local.db.write(regions.load)).value == 1
    with local.db.snapshot() as snapshot:
        job = snapshot.connection.execute(select(func.max(table(Job).c.id))).scalar_one()
    await local.app.state.jobs.finish(job)
    assert [one for one in check.run_checks(local.db, local.settings) if one.name == "regions" and not one.good] == []
    drafts = await local.editor.get("/v1/articles?status=draft&region=asean")
    assert slugs_of(drafts.json()) == ["vientiane"]
