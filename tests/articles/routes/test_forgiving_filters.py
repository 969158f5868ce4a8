"""What a filter names is understood where it can be, and told of where it is not there; what may not be seen is
refused, by whom it may not be."""

from collections.abc import AsyncIterator

import orjson
import pytest
from conftest import Served, serve
from httpx import Response

from app.settings import Settings

pytestmark = pytest.mark.anyio

DOORS = (
    "articles?", "search?", "articles/1/neighbours?", "changes?", "timeline?", "trending?", "export?",
    "matrix?rows=tag&columns=region&", "articles?format=csv&", "search?format=csv&",
)  # fmt: skip


@pytest.fixture(scope="module")
async def two_articles(shared_settings: Settings) -> AsyncIterator[Served]:
    """For reading only."""
    async with serve(shared_settings) as api:
        await fill(api)
        yield api


async def fill(api: Served) -> None:
    await api.post(title="Leaders meet", regions=["belgium"], tags=["NATO"], language="en")
    await api.post(title="A vote", regions=["united-kingdom"], tags=["elections"])


@pytest.mark.parametrize(
    ("ref", "slug", "warned"),
    [
        ("belgium", "leaders-meet", False), ("Belgium", "leaders-meet", False), ("BELGIUM", "leaders-meet", False),
        ("BE", "leaders-meet", False), ("be", "leaders-meet", False), ("bel", "leaders-meet", False),
        ("M49:056", "leaders-meet", False), ("Belgique", "leaders-meet", True), ("uk", "a-vote", True),
        ("UK", "a-vote", True), ("united-KINGDOM", "a-vote", False), ("United Kingdom", "a-vote", True),
    ],
)  # fmt: skip
async def test_regions_are_understood_in_any_case_and_by_alias(
    two_articles: Served, ref: str, slug: str, warned: bool
) -> None:
    for door in ("articles?count=none&", "search?"):
        shown = (await two_articles.public.get(f"/v1/{door}region={ref}")).json()
        assert [row.get("article", row)["slug"] for row in shown["data"]] == [slug]
        assert [warning["code"] for warning in shown["warnings"]] == ["read_as"] * warned
    moved = await two_articles.public.get(f"/v1/regions/{ref}?names_in=fr")
    if moved.status_code == 308:
        assert moved.headers["location"].endswith("?names_in=fr")
        moved = await two_articles.public.get(moved.headers["location"])
    assert moved.json()["slug"] in ("belgium", "united-kingdom")


async def test_unknown_region_is_an_error_still(two_articles: Served) -> None:
    response = await two_articles.public.get("/v1/articles?region=belgiun")
    [error] = response.json()["errors"]
    assert (response.status_code, error["code"], error["did_you_mean"]) == (422, "unknown_region", "belgium")
    assert (await two_articles.public.get("/v1/regions/belgiun")).status_code == 404


def read_warnings(response: Response) -> list[tuple[str, str | None]]:
    assert response.is_success, response.text
    header = response.headers.get("dateline-warnings")
    warnings = response.json()["warnings"] if header is None else orjson.loads(header)
    return [(one["code"], one.get("did_you_mean")) for one in warnings]


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_with_filters_warns_of_what_is_not_there(two_articles: Served, door: str) -> None:
    warned = await two_articles.public.get(f"/v1/{door}tag=election")
    assert read_warnings(warned) == [("unknown_tag", "elections")]
    if "export" not in door and "csv" not in door:
        assert (await two_articles.public.get(f"/v1/{door}tag=nato")).json()["warnings"] == []


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_with_filters_warns_of_a_language_that_no_article_has(two_articles: Served, door: str) -> None:
    for language, meant in (("xx", None), ("en-GB", "en"), ("fr_FR", None)):
        warned = await two_articles.public.get(f"/v1/{door}language={language}")
        assert read_warnings(warned) == [("unknown_language", meant)], language
    if "export" not in door and "csv" not in door:
        assert (await two_articles.public.get(f"/v1/{door}language=EN")).json()["warnings"] == []


@pytest.mark.parametrize("language", ["english", "e%20n", "e", "en-", "1", "en-abcdefghi", "en_" + "a_" * 16 + "a"])
async def test_language_that_is_no_tag_is_warned_of_in_filters_and_refused_in_bodies(
    two_articles: Served, language: str
) -> None:
    """A filter that is stored is read for as long as it stays, also where it never meant anything."""
    for door in ("articles", "search", "changes"):
        response = await two_articles.public.get(f"/v1/{door}?language=en,{language}")
        assert read_warnings(response) == [("unknown_language", "en" if language[:3] in ("en-", "en_") else None)], door
    unquoted, url = language.replace("%20", " "), "https://receiver.example"
    webhook = {"name": "a", "url": url, "filter": {"language": unquoted}}
    made = await two_articles.editor.post("/v1/webhooks", json=webhook)
    assert made.status_code == 201
    assert (await two_articles.editor.get("/v1/webhooks")).status_code == 200
    refused = await two_articles.editor.post("/v1/articles", json={"title": "A", "language": unquoted})
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, ["/language"])


async def test_language_of_a_draft_is_known_to_those_who_may_see_it(api: Served) -> None:
    await api.post(title="A public one", language="en")
    for language in ("nl", "zh-x-private"):
        made = await api.editor.post("/v1/articles", json={"title": "Een concept", "language": language})
        assert made.json()["language"] == language
        assert read_warnings(await api.public.get(f"/v1/articles?language={language}"))[0][0] == "unknown_language"
        assert read_warnings(await api.editor.get(f"/v1/articles?language={language}")) == []


async def test_language_that_is_yet_to_come_is_followed_with_a_warning(api: Served) -> None:
    await api.post(title="A public one", language="en")
    saved = await api.editor.post("/v1/searches", json={"slug": "dutch", "q": "een", "filters": {"language": "nl"}})
    assert (saved.status_code, read_warnings(saved)) == (201, [("unknown_language", None)])
    payload = {"name": "a", "url": "https://receiver.example", "filter": {"language": "nl"}, "enabled": False}
    made = await api.editor.post("/v1/webhooks", json=payload)
    assert (made.status_code, read_warnings(made)) == (201, [("unknown_language", None)])
    post = await api.post(title="Een dam", language="nl")
    shown = await api.public.get("/v1/articles?language=nl")
    assert ([one["id"] for one in shown.json()["data"]], read_warnings(shown)) == ([post["id"]], [])
    assert read_warnings(await api.editor.get(f"/v1/webhooks/{made.json()['id']}")) == []
    results = await api.editor.get("/v1/searches/dutch")
    assert ([one["article"]["id"] for one in results.json()["data"]], read_warnings(results)) == ([post["id"]], [])


async def test_changes_warn_of_what_the_caller_may_not_know(api: Served) -> None:
    """As of what is not there at all."""
    await fill(api)
    await api.editor.post("/v1/articles", json={"title": "A draft", "tags": ["hush-hush"]})
    for tag in ("hush-hush", "nothing-like-it"):
        assert read_warnings(await api.public.get(f"/v1/changes?tag={tag}")) == [("unknown_tag", None)]
    assert read_warnings(await api.editor.get("/v1/changes?tag=hush-hush")) == []


@pytest.mark.parametrize("door", ["articles", "changes", "changes/stream", "export"])
@pytest.mark.parametrize("status", ["draft", "scheduled", "withdrawn", "trashed", "published,draft"])
async def test_what_is_not_public_needs_a_key_and_the_scope(two_articles: Served, door: str, status: str) -> None:
    address = f"/v1/{door}?status={status}"
    refused = await two_articles.public.get(address)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    key = await two_articles.key("write", "publish", "admin")
    refused = await two_articles.public.get(address, headers=key)
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"].count("read_drafts")) == (
        403, "missing_scope", 1,
    )  # fmt: skip
