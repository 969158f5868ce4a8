"""Sitemaps: every published page is in one file, with the time of the last change that the public saw of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from conftest import ENGINES, Served, serve

from app.settings import Settings
from app.sync.sitemaps import files, queries
from app.sync.sitemaps.months import SitemapMonths
from app.sync.sitemaps.queries import SitemapPart, SitemapRow
from app.text.addresses import Addresses

ON = ENGINES
pytestmark = pytest.mark.anyio

SITE = "https://news.example"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
IMAGE = "{http://www.google.com/schemas/sitemap-image/1.1}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
ADDRESSES = Addresses(SITE, "")


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings.model_copy(update={"site_url": SITE, "site_name": "The <Herald>"})) as running:
        yield running


async def read_map(site: Served, address: str) -> dict[str, str | None]:
    """Addresses with the times of their last changes."""
    response = await site.public.get(address.removeprefix(SITE))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    return {str(one.findtext(f"{MAP}loc")): one.findtext(f"{MAP}lastmod") for one in root}


async def patch(site: Served, id: object, **changes: object) -> None:
    response = await site.editor.patch(f"/v1/articles/{id}", json=changes, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text


async def test_index_leads_to_every_page(site: Served) -> None:
    for title, at in (("One", "2025-10-01"), ("Two", "2025-10"), ("Three", "2024-02-29T10:00:00Z"), ("Four", None)):
        await site.post(title=title, body="<p>x</p>", published_at=at or datetime.now(UTC).isoformat())
    line = b'{"title": "Timeless", "body": "<p>x</p>", "status": "published", "external_id": "u1"}'
    await site.editor.post("/v1/imports?origin=u", content=line, headers={"Content-Type": "application/x-ndjson"})
    index = await read_map(site, "/sitemap.xml")
    this_month = f"{datetime.now(UTC):%Y-%m}"
    assert list(index) == [
        f"{SITE}/sitemaps/{name}.xml" for name in ("news", this_month, "2025-10", "2024-02", "undated")
    ]
    pages = [set(await read_map(site, address)) for address in list(index)[1:]]
    assert pages == [{f"{SITE}/articles/{slug}" for slug in slugs} for slugs in
                     (["four"], ["one", "two"], ["three"], ["timeless"])]  # fmt: skip
    assert f"Sitemap: {SITE}/sitemap.xml" in (await site.public.get("/robots.txt")).text


async def test_images_of_an_article_are_named(site: Served) -> None:
    images = [{"url": "https://pic.example/a.jpg?w=1&h=2"}, {"url": "https://pic.example/b.png"}]
    await site.post(title="Images", body="<p>x</p>", images=images, published_at="2025-10-01")
    root = ElementTree.fromstring((await site.public.get("/sitemaps/2025-10.xml")).content)
    assert [one.text for one in root.iter(f"{IMAGE}loc")] == [image["url"] for image in images]


async def test_last_change_is_that_of_the_log_and_moves_the_index(site: Served) -> None:
    articles = [await site.post(title=f"Change {i}", body="<p>x</p>", published_at="2025-10-01") for i in range(2)]
    before = await read_map(site, "/sitemaps/2025-10.xml")
    started = datetime.now(UTC).replace(microsecond=0)
    await asyncio.sleep(1.1)
    await patch(site, articles[0]["id"], title="Changed")
    after = await read_map(site, "/sitemaps/2025-10.xml")
    changed, same = f"{SITE}/articles/change-0", f"{SITE}/articles/change-1"
    assert datetime.fromisoformat(str(after[changed])) > started
    assert after[same] == before[same]
    index = await read_map(site, "/sitemap.xml")
    assert index[f"{SITE}/sitemaps/2025-10.xml"] == after[changed]
    # A month that loses its only article is no longer named, and what moves is named where it is now.
    for article in articles:
        await patch(site, article["id"], published_at="2025-09-01")
    assert list(await read_map(site, "/sitemap.xml"))[1:] == [f"{SITE}/sitemaps/2025-09.xml"]
    assert (await site.public.get("/sitemaps/2025-10.xml")).status_code == 404


@pytest.mark.long_on("postgresql")
async def test_edits_of_drafts_and_of_what_was_withdrawn_move_nothing(site: Served) -> None:
    await site.post(title="Public", body="<p>x</p>", published_at="2025-10-01")
    withdrawn = await site.post(title="Withdrawn", body="<p>x</p>", published_at="2025-10-02")
    response = await site.editor.post("/v1/articles", json={"title": "Draft", "body": "<p>x</p>"})
    draft = response.json()
    await site.editor.delete(f"/v1/articles/{withdrawn['id']}", headers={"If-Match": "*"})
    addresses = ("/sitemap.xml", "/sitemaps/2025-10.xml", "/sitemaps/news.xml")
    before = [(await site.public.get(address)).content for address in addresses]
    await asyncio.sleep(1.1)
    await patch(site, draft["id"], title="Draft again", published_at="2025-10-05T00:00:00Z")
    await patch(site, withdrawn["id"], title="Withdrawn again")
    assert [(await site.public.get(address)).content for address in addresses] == before


async def test_news_has_two_days_of_what_has_a_time(site: Served) -> None:
    now = datetime.now(UTC)
    for title, hours in (("Fresh", 1), ("Fresh & first", 47), ("Stale", 49)):
        at = (now - timedelta(hours=hours)).isoformat()
        await site.post(title=title, body="<p>x</p>", published_at=at, language="en")
    await site.post(title="Coarse", body="<p>x</p>", published_at=f"{now:%Y-%m-%d}")
    response = await site.public.get("/sitemaps/news.xml")
    root = ElementTree.fromstring(response.content)
    assert [one.text for one in root.iter(f"{NEWS}title")] == ["Fresh", "Fresh & first"]
    assert {one.text for one in root.iter(f"{NEWS}name")} == {"The <Herald>"}
    assert {one.text for one in root.iter(f"{NEWS}language")} == {"en"}
    assert "max-age=25" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "name", ["2025-13", "2025-1", "2025-10-1", "2025-10-0", "2025-10-02", "undated-x", "2025-10-2", "x"]
)
async def test_files_that_are_not_in_the_index_are_not_found(site: Served, name: str) -> None:
    await site.post(title="One", body="<p>x</p>", published_at="2025-10-01")
    response = await site.public.get(f"/sitemaps/{name}.xml")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_without_a_site_there_is_no_sitemap(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        for address in ("/sitemap.xml", "/sitemaps/news.xml", "/sitemaps/2025-10.xml"):
            response = await api.public.get(address)
            assert response.status_code == 404
            assert "DATELINE_SITE_URL" in response.json()["detail"]
        assert "Sitemap" not in (await api.public.get("/robots.txt")).text


@pytest.mark.long_on("postgresql")
async def test_months_that_are_followed_are_those_that_are_measured_anew(site: Served) -> None:
    followed, ids = SitemapMonths(site.db), []
    context = site.app.state.archive
    for month in range(1, 6):
        article = await site.post(title=f"Month {month}", body="<p>x</p>", published_at=f"2025-0{month}-03")
        ids.append(article["id"])
        await followed.read(await context.head())
        if month % 2:
            await patch(site, ids[0], published_at=f"2024-0{month}-01")
        if month == 4:
            await site.editor.delete(f"/v1/articles/{ids[1]}", headers={"If-Match": "*"})
        head = await context.head()
        assert await followed.read(head) == await SitemapMonths(site.db).read(head)


def make_rows(count: int, images: str = "[]") -> list[SitemapRow]:
    return [SitemapRow(i, f"slug-{i}", "Title", "en", 0, images, 0) for i in range(count)]


def test_month_with_many_articles_has_several_files() -> None:
    months = {"2025-10": SitemapPart(2 * files.PER_FILE + 1, 0), "undated": SitemapPart(files.PER_FILE, None)}
    root = ElementTree.fromstring(files.write_index(months, ADDRESSES))
    names = [str(one.text).rpartition("/")[2] for one in root.iter(f"{MAP}loc")]
    assert names == ["news.xml", "2025-10.xml", "2025-10-2.xml", "2025-10-3.xml", "undated.xml"]
    assert files.parse_name("2025-10-3") == ("2025-10", 3)


@pytest.mark.slow
def test_file_stays_below_what_the_protocol_allows() -> None:
    images = "[" + ",".join(f'{{"url": "https://pic.example/{"x" * 1900}{i}.jpg"}}' for i in range(20)) + "]"
    body = files.write_articles(make_rows(files.PER_FILE, images), ADDRESSES)
    assert 40_000_000 < len(body) < 50_000_000
    assert body.count(b"<url>") == files.PER_FILE


async def test_offset_leads_to_the_rest_of_a_month(site: Served) -> None:
    for i in range(3):
        await site.post(title=f"Part {i}", body="<p>x</p>", published_at=f"2025-10-0{i + 1}")
    span = (1_759_276_800, 1_761_955_200)
    slugs = [row.slug for offset in range(3) for row in await queries.load_rows(site.db, span, offset, 1)]
    assert slugs == ["part-0", "part-1", "part-2"]
