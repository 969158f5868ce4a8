"""Keys that see a part of the archive: how they are made and listed, what they are told of themselves, what they are
refused, and how they follow what they were made for."""

import json
import sys
from collections.abc import AsyncIterator, Callable

import httpx
import orjson
import pytest
from conftest import Served, serve
from support.stories import story, write

from app.__main__ import main
from app.articles import service
from app.audit.entitlements.opening import OpenedArchives
from app.audit.entitlements.terms import Terms
from app.context import AppContext, RequestContext
from app.db.database import Database
from app.errors import DatabaseUnavailable
from app.http import auth
from app.settings import Settings

pytestmark = pytest.mark.anyio

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command, on an archive in which nobody reads without a key: its exit status, and all that it wrote."""
    monkeypatch.setenv("DATELINE_DATABASE_URL", settings.url)
    monkeypatch.setenv("DATELINE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DATELINE_PUBLIC_READS", "false")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dateline", "keys", *arguments])
        try:
            main()
            status: object = 0
        except SystemExit as end:
            status = end.code or 0
        assert isinstance(status, int)
        return status, "".join(capfd.readouterr())

    return call


@pytest.fixture
async def closed_archive(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings.model_copy(update={"public_reads": False})) as api:
        yield api


async def make(api: Served, asked: Terms, rate_limit: int | None = None) -> dict[str, str]:
    made = await api.db.write(auth.create_key, "partner", (), None, asked.encode(), rate_limit)
    return {"Authorization": f"Bearer {made.value}"}


async def _fill(api: Served) -> None:
    stories = (
        {"title": "A match is won", "body": "<p>goalkeeper heroics</p>", "standfirst": "Late", "tags": ["sport"]},
        {"title": "A vote is lost", "body": "<p>parliament uproar</p>", "tags": ["politics"]},
    )
    for one in stories:
        made = await api.editor.post("/v1/articles", json={"status": "published", **one})
        assert made.status_code == 201, made.text
    indexed = await api.editor.get("/v1/search", params={"limit": 1, "min_seq": made.headers["x-seq"]})
    assert indexed.status_code == 200, indexed.text


async def _titles(api: Served, address: str, key: dict[str, str]) -> list[str]:
    response = await api.public.get(address, headers=key)
    assert response.status_code == 200, response.text
    rows = response.json()["data"]
    return sorted((row.get("article") or row)["title"] for row in rows)


def test_key_is_made_and_listed_by_what_it_may_see(run: Run, db: Database) -> None:
    db.write_now(service.upsert, [story(db, 1, tags=["sport"])], now=1_760_000_000, site_url="")
    options = ("--only", "tag=sport&region=europe", "--embargo", "6h", "--without", "body")
    status, written = run("create", "--name", "partner", *options)
    assert (status, written.startswith("dl_")) == (0, True), written
    [row] = json.loads(run("list", "--json")[1])
    expected = {"only": "tag=sport&region=europe", "embargo_hours": 6, "without": ["body"], "missing": []}
    assert (row["scopes"], row["entitlement"], row["rate_limit"]) == ("", expected, None)
    assert run("create", "--name", "reader", "--rate-limit", "60")[0] == 0
    rows = json.loads(run("list", "--json")[1])
    assert [(one["scopes"], one["entitlement"], one["rate_limit"]) for one in rows[1:]] == [("", None, 60)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "tag=sprot"), "no tag 'sprot'"),
        (("--only", "status=draft"), "status"),
        (("--only", "id=7"), "cannot be narrowed by id"),
        (("--only", "published_from=now-7d"), "relative to now"),
        (("--only", ""), "names no filter"),
        (("--embargo", "soon"), "6h, 2d"),
        (("--embargo", "0h"), "1 to"),
        (("--without", "title"), "cannot be left out"),
        (("--without", "colour"), "has no 'colour'"),
        (("--only", "tag=x", "--scope", "write"), "has no scope"),
    ],
)
def test_what_no_key_can_have_is_an_error_that_says_so(
    run: Run, db: Database, options: tuple[str, ...], said: str
) -> None:
    status, written = run("create", "--name", "partner", *options)
    assert status != 0
    assert said in " ".join(written.replace("│", " ").split())


def test_key_cannot_be_made_to_see_less_than_everybody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_PUBLIC_READS", "true")
    status, written = run("create", "--name", "partner", "--embargo", "1h")
    assert (status, "DATELINE_PUBLIC_READS=false" in written) == (1, True)


async def test_server_that_everybody_reads_refuses_such_a_key(api: Served) -> None:
    key = await make(api, Terms(embargo_hours=1))
    for address in ("/v1/articles", "/v1/export", "/v1/key", "/v1/changes", "/feeds/articles.rss"):
        refused = await api.public.get(address, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "entitlement_unused"), address


async def test_key_without_any_scope_sees_what_is_published(closed_archive: Served) -> None:
    await _fill(closed_archive)
    made = await closed_archive.db.write(auth.create_key, "reader", ())
    key = {"Authorization": f"Bearer {made.value}"}
    assert len(await _titles(closed_archive, "/v1/articles", key)) == 2
    assert (await closed_archive.public.get("/v1/articles?status=draft", headers=key)).status_code == 403
    feed = await closed_archive.public.get("/feeds/articles.rss", auth=httpx.BasicAuth("any", made.value))
    assert feed.status_code == 200
    assert all(title in feed.text for title in ("A match is won", "A vote is lost"))


async def test_filter_of_a_key_holds_for_lists_searches_and_counts(closed_archive: Served) -> None:
    await _fill(closed_archive)
    tag = (await closed_archive.editor.get("/v1/tags/sport")).json()["id"]
    key = await make(closed_archive, Terms(f"tag={tag}"))
    for address in ("/v1/articles", "/v1/search", "/v1/search?q=won+OR+lost", "/v1/articles?tag=sport,politics"):
        assert await _titles(closed_archive, address, key) == ["A match is won"], address
    assert (await closed_archive.public.get("/v1/stats", headers=key)).json()["published"]["count"] == 1
    shown = (await closed_archive.public.get("/v1/tags", headers=key)).json()["data"]
    assert [(row["slug"], row["article_count"]) for row in shown] == [("sport", 1)]
    own = (await closed_archive.public.get("/v1/key", headers=key)).json()
    assert own["entitlement"] == {"only": "tag=sport", "embargo_hours": None, "without": [], "missing": []}
    for write_address in ("/v1/articles", "/v1/tags"):
        assert (await closed_archive.public.post(write_address, json={"title": "x"}, headers=key)).status_code == 403


@pytest.mark.parametrize("address", ["/v1/export", "/v1/stats", "/v1/tags", "/v1/articles", "/v1/search?q=lost"])
async def test_database_that_fails_for_a_moment_opens_nothing(
    closed_archive: Served, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    await _fill(closed_archive)
    tag = (await closed_archive.editor.get("/v1/tags/sport")).json()["id"]
    key = await make(closed_archive, Terms(f"tag={tag}"))
    opened, tries = OpenedArchives.open, []

    async def fail_once(self: OpenedArchives, context: AppContext, view: RequestContext) -> object:
        tries.append(view)
        if len(tries) == 1:
            raise DatabaseUnavailable
        return await opened(self, context, view)

    monkeypatch.setattr(OpenedArchives, "open", fail_once)
    response = await closed_archive.public.get(address, headers=key)
    assert (response.status_code, "A vote is lost" in response.text) == (503, False), response.text


async def test_saved_search_has_the_part_of_it_that_a_key_sees(closed_archive: Served) -> None:
    await _fill(closed_archive)
    tag = (await closed_archive.editor.get("/v1/tags/sport")).json()["id"]
    key = await make(closed_archive, Terms(f"tag={tag}", without=("body",)))
    saved = {"slug": "results", "q": "won OR lost", "public": True}
    made = await closed_archive.editor.post("/v1/searches", json=saved)
    assert made.status_code == 201, made.text
    own = await closed_archive.editor.get("/v1/searches/results")
    assert own.json()["page"]["total"] == 2
    shown = await closed_archive.public.get("/v1/searches/results", headers=key)
    assert [row["article"]["title"] for row in shown.json()["data"]] == ["A match is won"]
    assert shown.json()["page"]["total"] == 1
    feed = await closed_archive.public.get("/feeds/searches/results.atom", headers=key)
    assert ("A match is won" in feed.text, "A vote is lost" in feed.text) == (True, False)
    for address in ("/v1/changes?search=results", "/v1/changes/stream?search=results"):
        refused = await closed_archive.public.get(address, headers=key)
        assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "search"), address


async def test_what_is_left_out_is_nowhere_and_cannot_be_searched(closed_archive: Served) -> None:
    await _fill(closed_archive)
    key = await make(closed_archive, Terms(without=("body", "standfirst", "images", "related")))
    addresses = [
        "/v1/articles", "/v1/articles/1", "/v1/search?q=match", "/v1/export", "/v1/export?format=csv",
        "/v1/changes?include=article", "/v1/articles?format=csv", "/feeds/articles.json", "/feeds/articles.atom",
        *(f"/v1/articles/1?format={name}" for name in ("jsonld", "ninjs", "markdown", "text")),
        *(f"/v1/articles?format={name}" for name in ("jsonld", "ninjs", "markdown", "text")),
    ]  # fmt: skip
    for address in addresses:
        response = await closed_archive.public.get(address, headers=key)
        assert response.status_code == 200, (address, response.text)
        assert not any(word in response.text for word in ("goalkeeper", "Late", "example.org/a.jpg")), address
    item = (await closed_archive.public.get("/v1/articles/1", headers=key)).json()
    assert {"body", "standfirst", "images", "related"}.isdisjoint(item)
    assert {"title", "tags", "url"} <= item.keys()
    for q in ("goalkeeper", '"goalkeeper heroics"', "goal*", "late", "match -goalkeepers goalkeeper"):
        assert await _titles(closed_archive, f"/v1/search?q={q}", key) == [], q
    assert await _titles(closed_archive, "/v1/search?q=match+-goalkeeper", key) == ["A match is won"]
    assert await _titles(closed_archive, "/v1/search?q=sport", key) == ["A match is won"]
    for address, parameter in (
        ("/v1/articles?fields=title,body", "fields"),
        ("/v1/articles?include=body_text", "include"),
        ("/v1/articles/1?fields=images.url", "fields"),
        ("/v1/articles/1?format=ninjs&include=body", "include"),
        ("/v1/search?q=match&highlight=body", "highlight"),
        ("/v1/search?q=body:goalkeeper", "q"),
        ("/v1/export?include=body", "include"),
        ("/v1/changes?include=body", "include"),
        ("/feeds/articles.rss?content=full", "content"),
    ):
        refused = await closed_archive.public.get(address, headers=key)
        assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, parameter), address
        assert "This key is not given" in refused.json()["errors"][0]["detail"]


async def test_what_depends_on_articles_that_are_hidden_is_refused_or_left_out(closed_archive: Served) -> None:
    await _fill(closed_archive)
    key = await make(closed_archive, Terms(embargo_hours=1))
    for address in ("/v1/articles?has=translation", "/v1/search?has_not=copy", "/v1/search?q=match&explain=true"):
        refused = await closed_archive.public.get(address, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value"), address
    tag = (await closed_archive.editor.get("/v1/tags/sport")).json()["id"]
    results = (
        await closed_archive.public.get("/v1/search?q=metch", headers=await make(closed_archive, Terms(f"tag={tag}")))
    ).json()
    assert (results["data"], results["query"]["corrections"], results["query"]["did_you_mean"]) == ([], [], None)


async def test_key_follows_its_tag_into_another_and_its_follower_begins_anew(closed_archive: Served) -> None:
    await _fill(closed_archive)
    tag = (await closed_archive.editor.get("/v1/tags/sport")).json()["id"]
    key = await make(closed_archive, Terms(f"tag={tag}"))
    place = (await closed_archive.public.get("/v1/changes?since=0", headers=key)).json()["next"]
    merged = await closed_archive.editor.post("/v1/tags/sport/merge", json={"into": "politics"})
    assert merged.status_code in (200, 202), merged.text
    assert len(await _titles(closed_archive, "/v1/articles", key)) == 2
    own = (await closed_archive.public.get("/v1/key", headers=key)).json()
    assert own["entitlement"]["only"] == "tag=politics"
    told = await closed_archive.public.get("/v1/changes", params={"since": place}, headers=key)
    assert (told.status_code, told.json()["code"]) == (410, "filter_changed")


async def test_key_whose_tag_is_gone_sees_nothing(closed_archive: Served) -> None:
    await _fill(closed_archive)
    key = await make(closed_archive, Terms("tag=999"))
    assert await _titles(closed_archive, "/v1/articles", key) == []
    assert await _titles(closed_archive, "/v1/articles", await make(closed_archive, Terms("tag_not=999"))) == []
    assert (await closed_archive.public.get("/v1/key", headers=key)).json()["entitlement"]["missing"] == ["999"]


async def test_key_has_a_limit_of_its_own_and_its_use_is_counted(closed_archive: Served) -> None:
    await write(closed_archive.db, story(closed_archive.db, 1, status="published"))
    key = await make(closed_archive, Terms(embargo_hours=1), rate_limit=3)
    sizes = 0
    for left in (2, 1, 0):
        response = await closed_archive.public.get("/v1/articles", headers=key)
        assert response.headers["ratelimit"].startswith(f'"key";r={left};'), response.headers
        assert response.headers["ratelimit-policy"] == '"key";q=3;w=60'
        sizes += len(response.content)
    refused = await closed_archive.public.get("/v1/articles", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    id = int(key["Authorization"].split("_")[1])
    assert closed_archive.db.usage[id] == (3, sizes)
    await auth.write_use(closed_archive.db, id, 1_760_000_000)
    await auth.write_use(closed_archive.db, id, 1_760_000_000)
    with closed_archive.db.snapshot() as snapshot:
        rows = snapshot.connection.exec_driver_sql("SELECT requests, bytes FROM key_usage").all()
    assert [tuple(row) for row in rows] == [(3, sizes)]
    metrics = (await closed_archive.public.get("/metrics", headers=await closed_archive.key("read_drafts"))).text
    assert f'dateline_key_requests_total{{key="{id}"}} 3.0' in metrics


async def test_use_of_a_key_is_shown_to_it(closed_archive: Served) -> None:
    key = await make(closed_archive, Terms(embargo_hours=1), rate_limit=30)
    first = await closed_archive.public.get("/v1/articles", headers=key)
    own = orjson.loads((await closed_archive.public.get("/v1/key", headers=key)).content)
    assert own["usage"]["today"] == {"requests": 1, "bytes": len(first.content)}
    assert own["limits"]["requests_per_minute"] == 30
