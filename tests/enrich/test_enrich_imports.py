"""What enrichment does to imported articles: what it links and keeps, whom it never overrules, what it proposes."""

import asyncio
import io
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served
from sqlalchemy import select

from app.enrich import language
from app.importers import pipeline
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.sources import SourceInput
from app.models import Suggestion, table

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("database_url", ENGINES, indirect=True)
KEPT = table(Suggestion)

Json = dict[str, Any]

BODY = (
    "The Finnish parliament voted on Tuesday to build a second harbour near Helsinki. Finland's minister of trade said "
    "that ships from Stockholm and the Swedish islands would use it, and that NATO had been told of the plan in spring."
)
STORY = {"id": "one", "title": "Finland builds a harbour", "body": BODY}


def import_stories(api: Served, *stories: Json, enrich: bool = True) -> ImportReport:
    data = b"\n".join(orjson.dumps(story) for story in stories)
    source = SourceInput("stories.ndjson", "stories.ndjson", lambda: io.BytesIO(data))
    return pipeline.run_import(api.db, [source], ImportOptions(enrich=enrich), lambda: 1_760_000_000)


async def article(api: Served, external_id: str = "one") -> Json:
    listed = (await api.public.get("/v1/articles", params={"external_id": external_id})).json()
    body: Json = (await api.public.get(f"/v1/articles/{listed['data'][0]['id']}")).json()
    return body


async def suggestions(api: Served, id: int, kind: str) -> list[Json]:
    response = await api.editor.get(f"/v1/articles/{id}/suggestions")
    assert response.status_code == 200, response.text
    return [one for one in response.json()["data"] if one["kind"] == kind]


def roles(shown: Json) -> dict[str, list[str]]:
    return {region["slug"]: region["roles"] for region in shown["regions"]}


async def test_silent_source_gets_regions_and_language_once(api: Served) -> None:
    assert import_stories(api, STORY).created == 1
    first = await article(api)
    assert roles(first) == {"finland": ["about"], "sweden": ["mention"]}
    kept = await suggestions(api, first["id"], "region")
    assert [(one["region"]["slug"], one["taken"]) for one in kept][:2] == [("finland", True), ("sweden", True)]
    assert ("nato", False) in [(one["region"]["slug"], one["taken"]) for one in kept]
    assert kept[0]["evidence"] == "Finland, Finnish, Helsinki"
    assert kept[0]["origin"] == "gazetteer"
    assert import_stories(api, STORY).unchanged == 1
    assert await article(api) == first
    assert import_stories(api, {**STORY, "body": BODY.replace("Stockholm", "Oslo")}).updated == 1
    with api.db.snapshot() as snapshot:
        taken = snapshot.connection.execute(select(KEPT.c.roles).where(KEPT.c.taken)).scalars().all()
    assert len(taken) >= 1 + (language.model() is not None)


async def test_declared_regions_and_language_stand(api: Served) -> None:
    import_stories(api, {**STORY, "regions": ["Denmark"], "language": "da"})
    shown = await article(api)
    assert shown["language"] == "da"
    assert roles(shown) == {"denmark": ["about"], "sweden": ["mention"]}
    assert await suggestions(api, shown["id"], "language") == [] or language.model() is not None


@both
async def test_edited_article_keeps_its_regions_when_its_source_changes(api: Served) -> None:
    import_stories(api, STORY)
    before = await article(api)
    edit = {"regions": [{"slug": "norway", "roles": ["about"]}], "language": "fi"}
    response = await api.editor.patch(f"/v1/articles/{before['id']}", json=edit, headers={"If-Match": '"1"'})
    assert response.status_code == 200, response.text
    report = import_stories(api, {**STORY, "body": BODY + " Work begins in May."})
    assert (report.updated, report.failures) == (1, [])
    after = await article(api)
    assert "Work begins in May." in after["body"]
    assert roles(after) == {"norway": ["about"]}
    shown = await suggestions(api, before["id"], "region")
    assert [one["taken"] for one in shown] == [False] * len(shown)


async def test_import_without_enrichment_links_and_keeps_nothing(api: Served) -> None:
    import_stories(api, STORY, enrich=False)
    shown = await article(api)
    assert (roles(shown), shown["language"]) == ({}, "und")
    computed = await suggestions(api, shown["id"], "region")
    assert computed[0]["region"]["slug"] == "finland"
    assert not computed[0]["taken"]


async def test_known_tags_are_proposed_not_linked(api: Served) -> None:
    await api.post(title="Old news", body="Words.", tags=[{"name": "NATO", "kind": "organisation"}, "harbours"])
    import_stories(api, STORY)
    shown = await article(api)
    assert shown["tags"] == []
    proposed = await suggestions(api, shown["id"], "tag")
    assert [(one["tag"]["slug"], one["taken"]) for one in proposed] == [("nato", False)]


async def test_suggestions_are_for_who_reads_drafts(api: Served) -> None:
    import_stories(api, STORY)
    path = f"/v1/articles/{(await article(api))['id']}/suggestions"
    assert (await api.public.get(path)).status_code == 401
    assert (await api.public.get(path, headers=await api.key("write"))).status_code == 403
    assert (await api.editor.get(f"{path}?x=1")).status_code == 422
    assert (await api.editor.get("/v1/articles/99999/suggestions")).status_code == 404


def kept_tags(api: Served) -> list[tuple[str, float, str, bool]]:
    with api.db.snapshot() as snapshot:
        statement = select(KEPT.c.value, KEPT.c.score, KEPT.c.origin, KEPT.c.taken).where(KEPT.c.kind == "tag")
        return [tuple(row) for row in snapshot.connection.execute(statement.order_by(KEPT.c.id))]


async def test_tags_found_by_name_are_kept_and_linked_by_nobody(api: Served) -> None:
    values = [{"name": "NATO", "kind": "organisation"}, {"name": "Helsinki", "kind": "section"}, "harbour"]
    await api.post(title="Old news", body="Words.", tags=values)
    import_stories(api, {**STORY, "tags": ["NATO"]})
    assert kept_tags(api) == [("harbour", 0.9, "names", False), ("NATO", 0.6, "names", True)]
    shown = await article(api)
    assert [tag["slug"] for tag in shown["tags"]] == ["nato"]
    proposed = await suggestions(api, shown["id"], "tag")
    assert {one["tag"]["slug"]: one["taken"] for one in proposed} == {"harbour": False, "nato": True}


@both
async def test_kept_tag_that_was_merged_is_proposed_as_what_it_has_become(api: Served) -> None:
    await api.post(title="Old news", body="Words.", tags=["minister of trade", "trade policy", "islands"])
    import_stories(api, STORY)
    assert [value for value, *_ in kept_tags(api)] == ["minister of trade", "islands"]
    merge = await api.editor.post("/v1/tags/minister-of-trade/merge", json={"into": "trade-policy"})
    assert merge.status_code in (200, 202), merge.text
    for _ in range(200):
        if "/v1/tags/trade-policy" in str((await api.public.get("/v1/tags/minister-of-trade")).headers):
            break
        await asyncio.sleep(0.02)
    proposed = await suggestions(api, (await article(api))["id"], "tag")
    assert {one["tag"]["slug"]: one["evidence"] for one in proposed} == {
        "trade-policy": "minister of trade", "islands": "islands",
    }  # fmt: skip


async def test_tags_are_found_by_their_names_of_now(api: Served) -> None:
    await api.post(title="Old news", body="Words.", tags=["piers"])
    import_stories(api, {**STORY, "id": "zero", "body": "Nothing of note."})
    response = await api.editor.patch("/v1/tags/piers", json={"aliases": ["second harbour"]})
    assert response.status_code == 200, response.text
    import_stories(api, STORY)
    assert [value for value, *_ in kept_tags(api)] == ["second harbour"]
    await api.post(title="More", body="Words.", tags=["swedish islands"])
    import_stories(api, {**STORY, "id": "two", "body": f"{OTHER} Swedish islands."})
    assert [value for value, *_ in kept_tags(api)] == ["second harbour", "swedish islands"]


OTHER = "Nobody there expected it, the mayor wrote."


def tell(title: str, body: str, **more: str) -> Json:
    return {
        "id": "one",
        "title": title,
        "body": f"{body} Nobody there had expected it, and all of them were glad.",
    } | more


async def test_story_without_a_dateline_is_linked_to_what_it_names_once(api: Served) -> None:
    import_stories(api, tell("A dam is opened", "The dam is the largest of Ethiopia."))
    assert roles(await article(api)) == {"ethiopia": ["about"]}


async def test_datelines_country_is_linked_before_its_city(api: Served) -> None:
    story = tell("A harbour is opened", "Greece and its neighbours use the harbour.", dateline="ATHENS, Dec 3 -")
    import_stories(api, story)
    assert list(roles(await article(api)).items()) == [("greece", ["about"]), ("athens", ["dateline"])]


async def test_publishers_country_decides_between_namesakes(api: Served) -> None:
    import_stories(api, tell("London opens a market", "The council met.", url="https://www.lfpress.example.ca/market"))
    shown = await article(api)
    assert roles(shown) == {"canada": ["about"]}
    import_stories(api, {**tell("London opens a market", "The council met."), "id": "two"})
    assert roles(await article(api, "two")) == {"united-kingdom": ["about"]}


async def test_dateline_of_a_namesake_is_not_the_famous_city(api: Served) -> None:
    body = "The University of Georgia, in Clarke County, opened a library."
    import_stories(api, tell("A library is opened", body, dateline="ATHENS, Dec 3 -"))
    assert roles(await article(api)) == {"united-states": ["about", "dateline"]}


async def test_suggestions_asked_for_know_the_publishers_country(api: Served) -> None:
    story = tell("London opens a market", "The council met.", url="https://www.lfpress.example.ca/market")
    import_stories(api, story, enrich=False)
    computed = await suggestions(api, (await article(api))["id"], "region")
    assert [one["region"]["slug"] for one in computed] == ["canada"]
