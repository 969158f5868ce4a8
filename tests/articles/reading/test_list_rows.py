"""Lists whose filter no index of SQL bounds: the same rows as SQL alone has, also while the search index is behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain, pairwise

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve

from app.articles.filters import BITS, ArticleFilter
from app.articles.reading import queries
from app.articles.reading.query_plan import FEW, QueryPlan
from app.db.log_position import parse_token
from app.main import create_app
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

COUNT, UNDATED = FEW + 300, 60
FILTERS = {
    "language=de": ArticleFilter(languages=("de",)),
    "language=fr": ArticleFilter(languages=("fr",)),
    "language=en": ArticleFilter(languages=("en",)),
    "language=xx": ArticleFilter(languages=("xx",)),
    "has_not=image": ArticleFilter(has_not=BITS["image"]),
    "has_not=date": ArticleFilter(has_not=BITS["date"]),
}
SORTS = ("-published_at", "published_at", "-updated_at", "created_at", "title")


def make_line(number: int) -> bytes:
    """The oldest are French, a few here and there German; without pictures are the older half."""
    is_dated = number >= UNDATED
    language = "de" if number % 97 == 5 else "fr" if number < 400 else "en"
    article: dict[str, object] = {
        "external_id": f"n{number}", "title": f"Story {number * 7919 % COUNT}", "body": "<p>x</p>",
        "language": language, "status": "published", "tags": ["common"],
        "images": [{"url": "https://pic.example/a.jpg"}] if number > COUNT // 2 else [],
    }  # fmt: skip
    if is_dated:
        article["published_at"] = f"20{10 + number // 250:02}-{1 + number // 21 % 12:02}-{1 + number % 28:02}T10:00:00Z"
    return orjson.dumps(article) + b"\n"


@dataclass(frozen=True)
class Archive:
    """A server whose index stays as it is, however its articles change."""

    api: Served

    async def walk(self, query: str, step: int = 90) -> list[int]:
        """All ids of a list, page by page."""
        ids, cursor = list[int](), ""
        while True:
            response = await self.api.public.get(f"/v1/articles?{query}&limit={step}&fields=id{cursor}")
            assert response.status_code == 200, response.text
            payload = response.json()
            ids += [one["id"] for one in payload["data"]]
            if payload["page"]["next"] is None:
                return ids
            cursor = f"&cursor={payload['page']['next']}"

    async def list_by_sql(self, article_filter: ArticleFilter, sort: str) -> list[int]:
        return [row.id for row in await queries.load_page(self.api.db, article_filter, sort, 10 * COUNT)]

    async def change(self, id: int, **changes: object) -> None:
        response = await self.api.editor.patch(f"/v1/articles/{id}", json=changes, headers={"If-Match": "*"})
        assert response.status_code == 200, response.text


@pytest.fixture(scope="module")
async def archive(shared_settings: Settings) -> AsyncIterator[Archive]:
    settings = shared_settings.model_copy(update={"enrich": False, "cache_mb": 0})
    async with serve(settings) as api:
        lines = b"".join(map(make_line, range(COUNT)))
        headers = {"Content-Type": "application/x-ndjson"}
        response = await api.editor.post("/v1/imports?origin=lists", content=lines, headers=headers)
        assert response.text.count('"created"') >= COUNT, response.text[-300:]
        await api.post(title="The last one", body="<p>x</p>", language="en")
        key = api.editor.headers["authorization"]
    app = create_app(settings, follow=False)
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test") as public,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers={"authorization": key}) as editor,
    ):
        yield Archive(Served(app, settings, public, editor))
    await app.state.archive.db.close()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("query", FILTERS)
async def test_list_has_the_rows_that_sql_alone_has(archive: Archive, query: str, sort: str) -> None:
    expected = await archive.list_by_sql(FILTERS[query], sort)
    assert await archive.walk(f"{query}&sort={sort}") == expected
    if expected:
        middle = expected[len(expected) // 2]
        newest = await archive.list_by_sql(FILTERS[query], "-published_at")
        place = newest.index(middle)
        response = await archive.api.public.get(f"/v1/articles/{middle}/neighbours?{query}&fields=id")
        shown = [one and one["id"] for one in (response.json()["newer"], response.json()["older"])]
        around = [None, *newest, None]
        assert shown == [around[place], around[place + 2]]


@pytest.mark.parametrize("query", ["language=de", "language=fr", "has_not=date", "language=en"])
async def test_pages_lead_back_and_are_found_by_their_number(archive: Archive, query: str) -> None:
    expected, pages = await archive.list_by_sql(FILTERS[query], "-published_at"), list[list[int]]()
    address = f"/v1/articles?{query}&limit=7&fields=id"
    cursors = [""]
    for _ in range(3):
        payload = (await archive.api.public.get(address + cursors[-1])).json()
        pages.append([one["id"] for one in payload["data"]])
        cursors.append(f"&cursor={payload['page']['next']}")
    assert list(chain(*pages)) == expected[:21]
    previous = payload["page"]["previous"]
    back = (await archive.api.public.get(f"{address}&cursor={previous}")).json()
    assert [one["id"] for one in back["data"]] == expected[7:14]
    third = (await archive.api.public.get(f"{address}&page=3")).json()
    assert [one["id"] for one in third["data"]] == expected[14:21]


async def test_page_before_an_article_without_a_date_has_others_without_one(archive: Archive) -> None:
    expected = await archive.list_by_sql(FILTERS["language=fr"], "-published_at")
    pages, cursor = [], ""
    while True:
        payload = (await archive.api.public.get(f"/v1/articles?language=fr&limit=50&fields=id{cursor}")).json()
        pages.append((payload["page"]["previous"], [one["id"] for one in payload["data"]]))
        if payload["page"]["next"] is None:
            break
        cursor = f"&cursor={payload['page']['next']}"
    for (_, before), (previous, _) in pairwise(pages):
        back = await archive.api.public.get(f"/v1/articles?language=fr&limit=50&fields=id&cursor={previous}")
        assert [one["id"] for one in back.json()["data"]] == before
    assert list(chain(*(ids for _, ids in pages))) == expected


async def test_rare_filters_are_asked_of_the_index(archive: Archive) -> None:
    await archive.walk("language=de")
    memo, head = archive.api.app.state.archive.memo, await archive.api.app.state.archive.head()
    plan = memo.get(head, ("driver", FILTERS["language=de"], "-published_at"))
    assert isinstance(plan, QueryPlan)
    assert plan.scan is not None
    assert plan.scan.estimate(91) > FEW


async def test_list_is_that_of_the_database_while_the_index_is_behind(archive: Archive) -> None:
    """Last: what it changes the index never learns."""
    german = await archive.list_by_sql(FILTERS["language=de"], "-published_at")
    await archive.change(german[0], status="withdrawn")
    await archive.change(german[1], language="en")
    await archive.change(german[5], published_at="2001-01-01T00:00:00Z")
    english = await archive.list_by_sql(FILTERS["language=en"], "-published_at")
    await archive.change(english[3], language="de")
    payload = {"title": "Neu", "body": "<p>x</p>", "language": "de", "status": "published"}
    created = await archive.api.editor.post("/v1/articles", json=payload)
    for sort in SORTS:
        expected = await archive.list_by_sql(FILTERS["language=de"], sort)
        assert await archive.walk(f"language=de&sort={sort}", 5) == expected
    for language in ("de", "en"):
        expected = await archive.list_by_sql(FILTERS[f"language={language}"], "-published_at")
        page = (await archive.api.public.get(f"/v1/articles?language={language}&limit=1")).json()["page"]
        assert (page["total"], page["total_is"]) == (len(expected), "exact")
    newest = await archive.list_by_sql(FILTERS["language=de"], "-published_at")
    assert newest[0] == created.json()["id"]
    assert not {german[0], german[1]} & set(newest)
    feed = (await archive.api.public.get("/feeds/articles.json?language=de&limit=100")).json()
    assert [int(one["id"].rpartition("/")[2]) for one in feed["items"]] == newest


@pytest.mark.parametrize("path", [
    "search?q=story", "search?q=story&format=csv", "search?q=story&format=markdown", "suggest?q=common", "stats",
    "timeline?interval=year", "trending", "matrix?rows=tag&columns=language", "tags", "tags/common",
    "tags/common/related", "regions?include=counts",
])  # fmt: skip
async def test_what_comes_of_the_index_has_the_place_of_the_index(archive: Archive, path: str) -> None:
    """Behind the one that changes what the index never learns."""
    listed = await archive.api.public.get("/v1/articles?limit=1")
    counted = await archive.api.public.get(f"/v1/{path}")
    assert counted.status_code == 200, counted.text
    head = await archive.api.app.state.archive.head()
    at = parse_token(counted.headers["x-seq"])
    assert at is not None
    assert at.seq == archive.api.app.state.archive.index.seq() < head.public_seq
    assert parse_token(listed.headers["x-seq"]) == head.public_position
    for token in (counted.headers["x-seq"], listed.headers["x-seq"]):
        changes = await archive.api.public.get(f"/v1/changes?since={token}")
        assert changes.status_code == 200, changes.text
        assert bool(changes.json()["data"]) is (token == counted.headers["x-seq"])
