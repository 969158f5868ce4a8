"""Published articles without a date: only imports make them, they come last whichever way, and no date finds them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import ENGINES, Served, serve
from test_index_filters import _empty_postgresql

from app.articles.repair import invented_dates
from app.commands import check
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES

ITEMS: list[dict[str, object]] = [
    {"id": "a", "title": "Oldest", "published_at": "2001-01-01T00:00:00Z"},
    {"id": "b", "title": "Undated one"},
    {"id": "c", "title": "Newest", "published_at": "2020-01-01T00:00:00Z"},
    {"id": "d", "title": "Undated two", "tags": ["peace", "war"]},
    {"id": "e", "title": "Middle", "published_at": "2010-01-01T00:00:00Z"},
    {"id": "f", "title": "Undated three"},
    {"id": "g", "title": "Hidden", "status": "draft"},
]
DOWN = ["newest", "middle", "oldest", "undated-three", "undated-two", "undated-one"]
UP = ["oldest", "middle", "newest", "undated-one", "undated-two", "undated-three"]
COMMON = {"tags": ["peace"], "regions": ["belgium"], "body": "The council met.", "language": "en"}


async def _import(api: Served, *items: dict[str, object], wait: bool = True) -> None:
    body = "".join(json.dumps(COMMON | item) + "\n" for item in items)
    headers = {"Content-Type": "application/x-ndjson"}
    response = await api.editor.post("/v1/imports?origin=press.example", content=body, headers=headers)
    last = json.loads(response.text.splitlines()[-1])
    assert last["summary"]["failed"] == 0, response.text
    if wait:
        ready = await api.public.get("/v1/search", params={"limit": 1, "min_seq": last["seq"]})
        assert ready.status_code == 200, ready.text


@pytest.fixture
async def own_press(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings) as api:
        await _import(api, *ITEMS)
        yield api


@pytest.fixture(scope="module")
async def press(shared_settings: Settings) -> AsyncIterator[Served]:
    """The same articles, for reading only."""
    async with serve(shared_settings) as api:
        await _import(api, *ITEMS)
        yield api


async def _get(api: Served, path: str, **params: object) -> Any:
    response = await api.public.get(path, params={k: str(v) for k, v in params.items()})
    assert response.status_code == 200, response.text
    return response.json()


def _slugs(shown: Any) -> list[str]:
    return [row.get("article", row)["slug"] for row in shown["data"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", [{}, {"tag": "peace"}, {"tag": "peace,war"}, {"region": "europe"}, {"origin": "press.example"}]
)
@pytest.mark.parametrize(("sort", "order"), [("-published_at", DOWN), ("published_at", UP)])
async def test_undated_articles_come_last_in_lists_by_date(
    press: Served, where: dict[str, str], sort: str, order: list[str]
) -> None:
    for path in ("/v1/articles", "/v1/search"):
        assert _slugs(await _get(press, path, sort=sort, **where)) == order, path
        numbered = [await _get(press, path, sort=sort, limit=2, page=page, **where) for page in (1, 2, 3)]
        assert [slug for page in numbered for slug in _slugs(page)] == order, path
        assert numbered[0]["page"]["total"] == 6
        for size in (1, 2, 4):
            await _read_there_and_back(press, path, order, sort=sort, limit=size, **where)


async def _read_there_and_back(api: Served, path: str, order: list[str], **params: object) -> None:
    page = await _get(api, path, **params)
    there = _slugs(page)
    while page["page"]["next"]:
        page = await _get(api, path, cursor=page["page"]["next"], **params)
        there += _slugs(page)
    assert there == order, path
    back = _slugs(page)
    while page["page"]["previous"]:
        page = await _get(api, path, cursor=page["page"]["previous"], **params)
        back = _slugs(page) + back
    assert back == order, path


async def test_no_date_finds_an_undated_article(press: Served) -> None:
    for path in ("/v1/articles", "/v1/search"):
        for asked in (
            {"published_to": "2199"},
            {"published_from": "1000"},
            {"year": "2000,2001,2009,2010,2019,2020"},
        ):
            for tz in ("UTC", "America/New_York"):
                body = _slugs(await _get(press, path, **asked, tz=tz, sort="published_at"))
                assert body == ["oldest", "middle", "newest"], (path, asked)
    shown = await _get(press, "/v1/timeline", interval="year")
    assert (sum(bucket["count"] for bucket in shown["buckets"]), shown["undated"], shown["too_coarse"]) == (3, 3, 0)
    ranged = await _get(press, "/v1/timeline", interval="year", published_from="2001", published_to="2020")
    assert (sum(bucket["count"] for bucket in ranged["buckets"]), ranged["undated"]) == (3, 0)
    years = (await _get(press, "/v1/search", q="council", facets="year"))["facets"]["year"]
    assert sum(row["count"] for row in years) == 3
    relevant = await _get(press, "/v1/search", q="council", recency="strong")
    assert relevant["page"]["total"] == 6


async def test_undated_article_is_shown_without_any_date_of_publication(press: Served) -> None:
    shown = await _get(press, "/v1/articles/undated-one")
    assert [shown[n] for n in ("published_at", "published_precision", "first_published_at")] == [None, None, None]
    beside = await _get(press, "/v1/articles/undated-two/neighbours")
    assert (beside["newer"]["slug"], beside["older"]["slug"]) == ("undated-three", "undated-one")
    edge = await _get(press, "/v1/articles/undated-three/neighbours")
    assert (edge["newer"]["slug"], edge["older"]["slug"]) == ("oldest", "undated-two")
    filtered = await _get(press, "/v1/articles/undated-two/neighbours", published_from="2005")
    assert (filtered["newer"]["slug"], filtered["older"]) == ("middle", None)
    first = await _get(press, "/v1/articles/oldest/neighbours")
    assert (first["newer"]["slug"], first["older"]["slug"]) == ("middle", "undated-three")
    csv = await press.public.get("/v1/articles?format=csv&fields=slug,published_at&limit=6")
    assert csv.text.splitlines()[-1].endswith('"undated-one",""')


async def _change(api: Served, slug: str, **fields: object) -> Any:
    seen = await api.editor.get(f"/v1/articles/{slug}")
    headers = {"If-Match": seen.headers["etag"]}
    return await api.editor.patch(f"/v1/articles/{slug}", json=fields, headers=headers)


async def test_an_edit_keeps_an_article_undated_until_a_date_is_given(own_press: Served) -> None:
    edited = (await _change(own_press, "undated-one", standfirst="Corrected.")).json()
    assert (edited["status"], edited["published_at"], edited["version"]) == ("published", None, 2)
    same = (await _change(own_press, "undated-one", published_at=None, status="published")).json()
    assert (same["published_at"], same["version"]) == (None, 2)
    dated = (await _change(own_press, "undated-one", published_at="1999-05")).json()
    assert (dated["published_at"], dated["published_precision"]) == ("1999-05-01T00:00:00Z", "month")
    assert dated["first_published_at"] == "1999-05-01T00:00:00Z"
    refused = await _change(own_press, "undated-one", published_at=None)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/published_at")


async def test_publishing_by_hand_sets_the_date(own_press: Served) -> None:
    assert (await _change(own_press, "undated-one", status="withdrawn")).json()["published_at"] is None
    again = (await _change(own_press, "undated-one", status="published")).json()
    assert again["published_at"] == again["updated_at"]
    assert again["published_precision"] == "instant"
    assert (await _change(own_press, "hidden", status="published")).json()["published_at"] is not None
    made = await own_press.post(title="By hand", body="Words")
    assert made["published_at"] is not None


async def test_a_second_import_leaves_an_undated_article_undated(own_press: Served) -> None:
    await _import(own_press, {"id": "b", "title": "Undated one", "standfirst": "New words"})
    shown = await _get(own_press, "/v1/articles/undated-one")
    assert (shown["version"], shown["published_at"], shown["status"]) == (2, None, "published")


@pytest.mark.slow
async def test_changes_and_export_cope_with_undated_articles(
    press: Served, shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    rows = (await _get(press, "/v1/changes", since=0, include="article", tag="peace", limit=100))["data"]
    assert [row["card"]["published_at"] for row in rows].count(None) == 3
    dated = (await _get(press, "/v1/changes", since=0, published_from="1000", limit=100))["data"]
    assert sum(row["event"] == "published" for row in dated) == 3
    exported = [json.loads(line) for line in (await press.public.get("/v1/export")).text.splitlines()][:-1]
    assert sum(line["published_at"] is None for line in exported) == 3
    url = _empty_postgresql(request.getfixturevalue("postgres_server")) if shared_settings.database_url else ""
    other = Settings(data_dir=tmp_path_factory.mktemp("other"), database_url=url, index_interval=0.02, index_heap_mb=15)
    from app.commands import open_archive

    open_archive.open_archive(other).close_now()
    async with serve(other) as api:
        await _import(api, *exported)
        assert _slugs(await _get(api, "/v1/articles")) == DOWN[:3] + _slugs(await _get(api, "/v1/articles"))[3:]
        again = [json.loads(line) for line in (await api.public.get("/v1/export")).text.splitlines()][:-1]
    by_slug = {line["slug"]: line for line in again}
    for line in exported:
        for name in ("published_at", "published_precision", "first_published_at", "status"):
            assert by_slug[line["slug"]][name] == line[name], (line["slug"], name)


async def test_links_and_index_agree_with_undated_articles(press: Served) -> None:
    assert [one for one in check.run_checks(press.db, press.settings) if not one.good] == []
    tags = await _get(press, "/v1/tags")
    assert {row["slug"] for row in tags["data"]} >= {"peace", "war"}


async def test_dates_of_earlier_imports_are_listed_and_taken_away_on_demand_only(own_press: Served) -> None:
    from sqlalchemy import update

    from app.models import Article, ArticleTag, table

    articles, tagged = table(Article), table(ArticleTag)
    with (
        own_press.db.hold_write_lock(),
        own_press.db.engine.begin() as connection,
    ):  # as an earlier version has left them
        connection.execute(
            update(articles)
            .where(articles.c.published_at.is_(None), articles.c.status == "published")
            .values(published_at=articles.c.created_at, first_published_at=articles.c.created_at)
        )
        at = articles.select().with_only_columns(articles.c.published_at).where(articles.c.id == tagged.c.article_id)
        connection.execute(update(tagged).where(tagged.c.public).values(published_at=at.scalar_subquery()))
    by_hand = await own_press.post(title="By hand", body="Words")
    with own_press.db.snapshot() as snapshot:
        suspects = invented_dates.find(snapshot.connection)
    assert sorted(one.slug for one in suspects) == ["undated-one", "undated-three", "undated-two"]
    result = next(one for one in check.run_checks(own_press.db, own_press.settings) if one.name == "dates")
    assert result.good
    assert result.detail.startswith("3 articles")
    assert check.remove_dates(own_press.db, suspects) == 3
    assert check.remove_dates(own_press.db, suspects) == 0
    shown = await _get(own_press, "/v1/articles/undated-one")
    assert (shown["published_at"], shown["first_published_at"], shown["version"]) == (None, None, 2)
    assert _slugs(await _get(own_press, "/v1/articles", tag="peace")) == DOWN
    assert (await _get(own_press, f"/v1/articles/{by_hand['id']}"))["published_at"] == by_hand["published_at"]
