"""Translations that travel: an export says of what, and an import links them, whichever comes first."""

from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

Json = dict[str, Any]
LINES = {"Content-Type": "application/x-ndjson"}
ORIGINAL: Json = {"origin": "wire", "external_id": "en", "slug": "the-ferry", "title": "The ferry", "body": "It sails."}
TRANSLATION: Json = {
    "origin": "wire", "external_id": "de", "slug": "die-faehre", "title": "Die Fähre", "body": "Sie fährt.",
    "language": "de", "translation_of": 4711, "original": {"origin": "wire", "slug": "the-ferry"},
}  # fmt: skip


async def send_stories(api: Served, *stories: Json, **query: str) -> list[Json]:
    body = b"".join(orjson.dumps(story) + b"\n" for story in stories)
    response = await api.editor.post("/v1/imports", params=query, content=body, headers=LINES)
    assert response.status_code == 200, response.text
    return [orjson.loads(line) for line in response.content.splitlines()[:-1]]


async def read(api: Served, slug: str) -> Json:
    response = await api.editor.get(f"/v1/articles/{slug}")
    assert response.status_code == 200, response.text
    return dict(response.json())


async def of(api: Served, slug: str) -> tuple[bool, int]:
    """Whether the article is a translation of the ferry, and its version."""
    shown = await read(api, slug)
    return shown["translation_of"] == (await read(api, "the-ferry"))["id"], shown["version"]


@both
async def test_translation_before_its_original_is_linked_when_that_comes(api: Served) -> None:
    await send_stories(api, TRANSLATION)
    before = await read(api, "die-faehre")
    assert (before["translation_of"], before["version"]) == (None, 1)
    await send_stories(api, {**ORIGINAL, "origin": "another"})
    assert (await read(api, "die-faehre"))["translation_of"] is None
    await send_stories(api, {**ORIGINAL, "slug": "ferry", "previous_slugs": ["the-boat"]})
    assert (await read(api, "die-faehre"))["translation_of"] is None
    await send_stories(api, {**TRANSLATION, "original": {"origin": "wire", "slug": "the-boat"}, "body": "Edited."})
    own = await read(api, "ferry")
    assert (await read(api, "die-faehre"))["translation_of"] == own["id"]


@pytest.mark.parametrize("stories", [(ORIGINAL, TRANSLATION), (TRANSLATION, ORIGINAL)])
async def test_both_in_one_import_are_linked_at_once(api: Served, stories: tuple[Json, Json]) -> None:
    await send_stories(api, *stories)
    assert await of(api, "die-faehre") == (True, 1)
    assert [one["outcome"] for one in await send_stories(api, *stories)] == ["unchanged"] * 2
    await send_stories(api, {**TRANSLATION, "body": "Sie fährt wieder."})
    assert await of(api, "die-faehre") == (True, 2)


async def test_original_that_comes_last_makes_a_new_version_that_the_log_tells_of(api: Served) -> None:
    await send_stories(api, TRANSLATION)
    since = (await api.editor.get("/v1/changes")).headers["x-seq"]
    await send_stories(api, ORIGINAL)
    assert await of(api, "die-faehre") == (True, 2)
    rows = (await api.editor.get("/v1/changes", params={"since": since})).json()["data"]
    assert [row["changed_fields"] for row in rows if row["event"] == "updated"] == [["translation_of"]]
    shown = (await api.editor.get("/v1/articles/the-ferry/translations")).json()["data"]
    assert [one["slug"] for one in shown] == ["die-faehre"]


async def test_export_says_what_an_article_is_a_translation_of(api: Served) -> None:
    original = await api.post(title="On the river", body="Text.")
    await api.post(title="Am Fluss", body="Text.", language="de", translation_of=original["id"])
    lines = [orjson.loads(line) for line in (await api.editor.get("/v1/export")).content.splitlines()[:-1]]
    named = {"origin": lines[0]["origin"], "slug": "on-the-river"}
    assert [one.get("original") for one in lines] == [None, named]
    assert "original" not in (await api.public.get("/v1/articles/am-fluss")).json()


@pytest.mark.parametrize("said", ["the-ferry", {"slug": "the-ferry"}, {"origin": "wire", "slug": 7}])
async def test_what_is_no_original_is_kept_as_it_came(api: Served, said: object) -> None:
    await send_stories(api, ORIGINAL, {**TRANSLATION, "original": said})
    assert (await read(api, "die-faehre"))["translation_of"] is None
    exported = (await api.editor.get("/v1/export", params={"language": "de"})).content.splitlines()[0]
    assert orjson.loads(exported)["original"] == said
