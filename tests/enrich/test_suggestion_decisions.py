"""Suggestions that editors accept are edits; what they refuse comes back neither by an import nor by enrichment."""

from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served
from sqlalchemy import select
from test_enrich_imports import BODY, STORY, article, import_stories, roles

from app.articles.repair import unset_languages
from app.enrich import language
from app.models import Article, SuggestionDecision, table

ON = ENGINES
pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]

Json = dict[str, Any]
A, DECIDED = table(Article), table(SuggestionDecision)


async def list_suggestions(api: Served, id: object, **query: str) -> dict[str, Json]:
    response = await api.editor.get(f"/v1/articles/{id}/suggestions", params=query)
    assert response.status_code == 200, response.text
    return {one["id"]: one for one in response.json()["data"]}


async def find_named(api: Served, id: object, slug: str, **query: str) -> Json:
    """The suggestion of this region or tag."""
    every = await list_suggestions(api, id, **query)
    return next(one for one in every.values() if (one["region"] or one["tag"] or {}).get("slug") == slug)


async def decide(api: Served, shown: Json, one: str, state: str, expected: int = 200, **headers: str) -> Json:
    path = f"/v1/articles/{shown['id']}/suggestions/{one}"
    sent = {"If-Match": f'"{shown["version"]}"', **headers}
    response = await api.editor.put(path, json={"state": state}, headers=sent)
    assert response.status_code == expected, response.text
    body: Json = response.json()
    return body


async def actions(api: Served, id: object) -> list[str]:
    rows = (await api.editor.get(f"/v1/articles/{id}/audit")).json()["data"]
    return [row["action"] for row in rows]


async def test_accepted_region_is_an_edit(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    nato = await find_named(api, first["id"], "nato")
    assert (nato["state"], nato["taken"], nato["id"]) == ("open", False, f"region-{nato['id'].split('-')[1]}")
    edited = await decide(api, first, nato["id"], "accepted")
    assert (edited["version"], roles(edited)["nato"]) == (2, nato["roles"])
    assert roles(edited) == roles(first) | {"nato": nato["roles"]}
    assert (await find_named(api, first["id"], "nato"))["state"] == "accepted"
    [newest, _] = (await api.editor.get(f"/v1/articles/{first['id']}/revisions")).json()["data"]
    assert (newest["saved_by"], newest["changed_fields"]) == ("test", ["regions"])
    assert sorted(await actions(api, first["id"])) == ["create", "edit", "suggestion_accept"]
    again = await decide(api, edited, nato["id"], "accepted")
    assert again == edited
    assert len(await actions(api, first["id"])) == 3
    assert import_stories(api, {**STORY, "body": BODY + " Work begins in May."}).updated == 1
    assert roles(await article(api)) == roles(edited)


async def test_refused_region_is_taken_away_and_stays_away(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    sweden = await find_named(api, first["id"], "sweden")
    assert sweden["state"] == "accepted"
    edited = await decide(api, first, sweden["id"], "refused")
    assert (edited["version"], roles(edited)) == (2, {"finland": ["about"]})
    assert sweden["id"] not in await list_suggestions(api, first["id"])
    assert (await list_suggestions(api, first["id"], state="refused")).keys() == {sweden["id"]}
    import_stories(api, {**STORY, "body": BODY + " Sweden and Swedish ships. Stockholm."})
    after = await article(api)
    assert (after["version"], roles(after)) == (3, {"finland": ["about"]})
    assert sweden["id"] not in await list_suggestions(api, first["id"])
    back = await decide(api, after, sweden["id"], "accepted")
    assert "sweden" in roles(back)
    assert (await list_suggestions(api, first["id"], state="refused")) == {}


async def test_region_that_is_refused_before_it_is_linked_is_not_linked_later(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    nato = await find_named(api, first["id"], "nato")
    kept = await decide(api, first, nato["id"], "refused")
    assert kept == first
    assert await actions(api, first["id"]) == ["suggestion_refuse", "create"]
    await decide(api, first, nato["id"], "refused")
    assert await actions(api, first["id"]) == ["suggestion_refuse", "create"]
    louder = {**STORY, "title": "NATO builds a harbour", "body": BODY + " NATO, said NATO, is NATO."}
    assert import_stories(api, louder).updated == 1
    after = await article(api)
    assert "nato" not in roles(after)
    assert nato["id"] not in await list_suggestions(api, first["id"])
    assert import_stories(api, {**STORY, "title": "A harbour", "body": "Work begins in May."}).updated == 1
    assert nato["id"] not in await list_suggestions(api, first["id"])
    left = (await list_suggestions(api, first["id"], state="refused"))[nato["id"]]
    assert (left["region"]["slug"], left["origin"], left["evidence"]) == ("nato", "editor", "")
    again = await decide(api, await article(api), nato["id"], "accepted")
    assert roles(again)["nato"] == ["about"]
    assert (await list_suggestions(api, first["id"], state="refused")) == {}


async def test_tags_are_accepted_and_refused(api: Served) -> None:
    await api.post(title="Old news", body="Words.", tags=[{"name": "NATO", "kind": "organisation"}, "harbours"])
    import_stories(api, STORY)
    first = await article(api)
    tag = next(one for one in (await list_suggestions(api, first["id"])).values() if one["kind"] == "tag")
    edited = await decide(api, first, tag["id"], "accepted")
    assert [one["slug"] for one in edited["tags"]] == ["nato"]
    refused = await decide(api, edited, tag["id"], "refused")
    assert refused["tags"] == []
    assert tag["id"] not in await list_suggestions(api, first["id"])


async def test_refusal_of_a_tag_holds_for_what_it_is_merged_into(api: Served) -> None:
    await api.post(title="Old news", body="Words.", tags=[{"name": "harbour", "kind": "topic"}, "ports"])
    import_stories(api, STORY)
    first = await article(api)
    tag = next(one for one in (await list_suggestions(api, first["id"])).values() if one["kind"] == "tag")
    await decide(api, first, tag["id"], "refused")
    merged = await api.editor.post("/v1/tags/harbour/merge", json={"into": "ports"})
    assert merged.status_code < 300, merged.text
    assert [one for one in (await list_suggestions(api, first["id"])).values() if one["kind"] == "tag"] == []
    [refused] = (await list_suggestions(api, first["id"], state="refused")).values()
    back = await decide(api, await article(api), refused["id"], "accepted")
    assert [one["slug"] for one in back["tags"]] == ["ports"]
    assert await list_suggestions(api, first["id"], state="refused") == {}
    without = await api.editor.patch(
        f"/v1/articles/{first['id']}", json={"tags": []}, headers={"If-Match": f'"{back["version"]}"'}
    )
    assert without.status_code == 200, without.text
    assert (await list_suggestions(api, first["id"]))[refused["id"]]["state"] == "open"


@pytest.mark.skipif(language.model() is None, reason="no model of languages is installed")
async def test_refused_language_is_not_recognised_again(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    assert first["language"] == "en"
    edited = await decide(api, first, "language-en", "refused")
    assert edited["language"] == "und"
    with api.db.snapshot() as snapshot:
        assert unset_languages.find(snapshot.connection, -1).changes == ()
    import_stories(api, {**STORY, "body": BODY + " Work begins in May."})
    assert (await article(api))["language"] == "und"
    back = await decide(api, await article(api), "language-en", "accepted")
    assert back["language"] == "en"


async def test_refused_near_duplicate_counts_as_none(api: Served) -> None:
    import_stories(api, STORY, {**STORY, "id": "two"})
    first, copy = await article(api), await article(api, "two")
    [one] = [one for one in await list_suggestions(api, copy["id"]) if one.startswith("duplicate")]
    copies = {"copy_of": first["id"]}
    assert [row["id"] for row in (await api.public.get("/v1/articles", params=copies)).json()["data"]] == [copy["id"]]
    place = (await api.public.get("/v1/articles/1")).headers["x-seq"]
    assert await decide(api, copy, one, "refused") == copy
    assert (await api.public.get("/v1/articles", params=copies)).json()["data"] == []
    assert (await api.public.get("/v1/articles", params={"has": "copy"})).json()["data"] == []
    told = (await api.public.get("/v1/changes", params={"since": place, **copies})).json()["data"]
    assert [(row["event"], row["article"]["id"]) for row in told] == [("left_filter", copy["id"])]
    report = import_stories(api, {**STORY, "id": "two", "title": "Finland builds it"})
    assert (report.updated, report.copies) == (1, [])
    assert one not in await list_suggestions(api, copy["id"])
    confirmed = await decide(api, await article(api, "two"), one, "accepted")
    assert confirmed["version"] == 2
    assert (await list_suggestions(api, copy["id"], state="accepted"))[one]["taken"] is False
    assert [row["id"] for row in (await api.public.get("/v1/articles", params=copies)).json()["data"]] == [copy["id"]]


async def test_decisions_are_bound_to_a_version_and_to_scopes(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    nato = (await find_named(api, first["id"], "nato"))["id"]
    path = f"/v1/articles/{first['id']}/suggestions/{nato}"
    sent = {"state": "accepted"}
    assert (await api.editor.put(path, json=sent)).status_code == 428
    stale = await decide(api, {**first, "version": 7}, nato, "accepted", 412)
    assert stale["current_version"] == 1
    for scopes, code in (((), 403), (("write",), 403), (("write", "read_drafts"), 403)):
        headers = await api.key(*scopes) | {"If-Match": "*"}
        assert (await api.public.put(path, json=sent, headers=headers)).status_code == code, scopes
    assert (await api.public.put(path, json=sent)).status_code == 401
    await decide(api, first, "region-999999", "accepted", 404)
    await decide(api, first, "nonsense", "accepted", 404)
    wrong = await decide(api, first, nato, "perhaps", 422)
    assert wrong["errors"][0]["pointer"] == "/state"
    with api.db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(DECIDED)).all() == []


async def test_repeated_request_is_carried_out_once(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    nato = (await find_named(api, first["id"], "nato"))["id"]
    responses = [await decide(api, first, nato, "accepted", 200, **{"Idempotency-Key": "once"}) for _ in range(2)]
    assert responses[0] == responses[1]
    assert (await article(api))["version"] == 2


async def test_binned_article_is_restored_first(api: Served) -> None:
    made = await api.post(title="NATO and Finland", body=BODY, status="draft")
    nato = (await find_named(api, made["id"], "nato"))["id"]
    binned = await api.editor.delete(f"/v1/articles/{made['id']}", headers={"If-Match": "*"})
    assert binned.status_code == 200
    refused = await decide(api, binned.json(), nato, "refused", 409)
    assert refused["code"] == "invalid_transition"
    with api.db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(DECIDED)).all() == []


async def test_decisions_go_with_the_article(api: Served) -> None:
    import_stories(api, STORY)
    first = await article(api)
    await decide(api, first, (await find_named(api, first["id"], "nato"))["id"], "refused")
    purged = await api.editor.delete(f"/v1/articles/{first['id']}?purge=true", headers={"If-Match": "*"})
    assert purged.status_code == 204
    with api.db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(DECIDED)).all() == []
    assert orjson.loads(purged.content or b"null") is None
