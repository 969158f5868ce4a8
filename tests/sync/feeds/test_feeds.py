"""Feeds over HTTP: what they say of articles, where they go on, what they tell of deletions, and to whom."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import jsonschema_rs
import orjson
import pytest
from conftest import ENGINES, Served, serve

from app.settings import Settings
from app.sync.feeds import json_feed

ON = ENGINES
pytestmark = pytest.mark.anyio

SITE, API = "https://news.example", "https://api.news.example"
ATOM, DC = "{http://www.w3.org/2005/Atom}", "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"
DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
MEDIA = "{http://search.yahoo.com/mrss/}"
BASE = "{http://www.w3.org/XML/1998/namespace}base"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
FORMATS = ("rss", "atom", "json")
TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


@pytest.fixture(scope="module")
async def api(shared_settings: Settings) -> AsyncIterator[Served]:
    """One archive for all: each test has a tag of its own."""
    named = {"site_url": SITE, "api_url": API, "site_name": "The Herald & Co"}
    async with serve(shared_settings.model_copy(update=named)) as running:
        yield running


async def get(api: Served, address: str) -> str:
    response = await api.public.get(address)
    assert response.status_code == 200, response.text
    return response.text


async def read_atom(api: Served, address: str) -> Element:
    return ElementTree.fromstring(await get(api, address))


def list_titles(feed: Element) -> list[str | None]:
    return [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]


def list_links(feed: Element) -> dict[str, str]:
    return {link.attrib["rel"]: link.attrib["href"] for link in feed.findall(f"{ATOM}link")}


def list_deleted(feed: Element) -> list[str]:
    return [gone.attrib["ref"] for gone in feed.iter(DELETED)]


def name(article: dict[str, object]) -> str:
    return f"tag:api.news.example,2025:article/{article['id']}"


async def change(api: Served, article: dict[str, object], **changes: object) -> None:
    response = await api.editor.patch(f"/v1/articles/{article['id']}", json=changes, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text


async def delete(api: Served, article: dict[str, object], query: str = "") -> None:
    response = await api.editor.delete(f"/v1/articles/{article['id']}{query}", headers={"If-Match": "*"})
    assert response.status_code in (200, 204), response.text


async def test_article_is_the_same_in_all_formats(api: Served) -> None:
    article = await api.post(
        title="Tea & <Sympathy>",
        standfirst="A & B",
        body="<p>Whole <b>text</b></p>",
        language="fr",
        tags=["formats"],
        authors=["Ann Marlow", "Bo Li"],
        regions=["belgium"],
        images=[{"url": "https://pic.example/a.JPG?w=1", "caption": "A cup"}, {"url": "https://pic.example/b"}],
        published_at="2025-10-03T10:00:00Z",
    )
    link = f"{SITE}/articles/tea-sympathy"
    item = ElementTree.fromstring(await get(api, "/feeds/tags/formats.rss?content=full")).find("channel/item")
    assert item is not None
    texts = {child.tag: child.text for child in item}
    assert texts["title"] == "Tea & <Sympathy>"
    assert texts["link"] == link
    assert texts["guid"] == name(article)
    assert parsedate_to_datetime(str(texts["pubDate"])) == datetime(2025, 10, 3, 10, tzinfo=UTC)
    assert texts["description"] == "A & B"
    assert texts[CONTENT] == article["body"]
    assert [one.text for one in item.findall(f"{DC}creator")] == ["Ann Marlow", "Bo Li"]
    assert [one.text for one in item.findall("category")] == ["formats", "Belgium"]
    assert item.attrib[LANGUAGE] == "fr"
    enclosures = [one.attrib for one in item.findall("enclosure")]
    assert enclosures == [{"url": "https://pic.example/a.JPG?w=1", "length": "0", "type": "image/jpeg"}]
    # Readers take any media:description for the text, and addresses within a text for ones of the feed's page.
    assert item.findtext(f"{MEDIA}content/{MEDIA}title") == "A cup"
    assert item.attrib[BASE] == link

    entry = (await read_atom(api, "/feeds/tags/formats.atom?content=full")).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}id") == name(article)
    assert entry.findtext(f"{ATOM}title") == "Tea & <Sympathy>"
    assert entry.findtext(f"{ATOM}content") == article["body"]
    assert entry.findtext(f"{ATOM}published") == "2025-10-03T10:00:00Z"
    assert [one.findtext(f"{ATOM}name") for one in entry.iter(f"{ATOM}author")] == ["Ann Marlow", "Bo Li"]
    assert [one.attrib["label"] for one in entry.iter(f"{ATOM}category")] == ["formats", "Belgium"]
    assert entry.attrib[LANGUAGE] == "fr"
    images = [one.attrib["href"] for one in entry.iter(f"{ATOM}link") if one.attrib["rel"] == "enclosure"]
    assert images == ["https://pic.example/a.JPG?w=1", "https://pic.example/b"]

    [shown] = (await api.public.get("/feeds/tags/formats.json?content=full")).json()["items"]
    assert shown["id"] == name(article)
    assert shown["url"] == link
    assert shown["content_html"] == article["body"]
    assert shown["summary"] == "A & B"
    assert shown["authors"] == [{"name": "Ann Marlow"}, {"name": "Bo Li"}]
    assert shown["tags"] == ["formats", "Belgium"]
    assert shown["language"] == "fr"
    assert shown["date_published"] == "2025-10-03T10:00:00Z"
    assert [one["mime_type"] for one in shown["attachments"]] == ["image/jpeg"]


async def test_summary_has_no_body(api: Served) -> None:
    await api.post(title="Short", standfirst="In short", body="<p>zanzibar</p>", tags=["summaries"])
    await api.post(title="Shorter", body="<p>zanzibar</p>", tags=["summaries"])
    for format in FORMATS:
        assert "zanzibar" not in await get(api, f"/feeds/tags/summaries.{format}")
    items = (await api.public.get("/feeds/tags/summaries.json")).json()["items"]
    assert {item["content_text"] for item in items} == {"In short", "Shorter"}


@pytest.mark.parametrize("format", FORMATS)
async def test_control_characters_in_titles_leave_a_feed_that_can_be_read(api: Served, format: str) -> None:
    tag = f"control-{format}"
    await api.post(title="Be\x01ll \x0b\ufffe\U0001f600 ]]>", body="<p>x\x02y ]]></p>", tags=[tag])
    text = await get(api, f"/feeds/tags/{tag}.{format}?content=full")
    if format != "json":
        ElementTree.fromstring(text)
    assert "\U0001f600" in text


@pytest.mark.parametrize(
    ("published_at", "precision", "coarse"),
    [("2025-10-03", "day", "2025-10-03"), ("2025-10", "month", "2025-10"), ("2025", "year", "2025")],
)
async def test_coarse_date_never_becomes_an_instant(
    api: Served, published_at: str, precision: str, coarse: str
) -> None:
    tag = f"coarse-{precision}"
    article = await api.post(title="Some day", body="<p>x</p>", tags=[tag], published_at=published_at)
    assert article["published_precision"] == precision
    rss = ElementTree.fromstring(await get(api, f"/feeds/tags/{tag}.rss"))
    assert rss.find("channel/item/pubDate") is None
    entry = (await read_atom(api, f"/feeds/tags/{tag}.atom")).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.find(f"{ATOM}published") is None
    assert entry.findtext(f"{ATOM}updated") == article["updated_at"]
    [item] = (await api.public.get(f"/feeds/tags/{tag}.json")).json()["items"]
    assert "date_published" not in item
    assert item["_dateline"] == {"date_published": coarse}


async def test_article_without_a_date_has_none_and_comes_last(api: Served) -> None:
    await api.post(title="Dated", body="<p>x</p>", tags=["undated"], published_at="2020-01-01T00:00:00Z")
    line = b'{"title": "Timeless", "body": "<p>x</p>", "tags": ["undated"], "status": "published", "external_id": "u1"}'
    response = await api.editor.post(
        "/v1/imports?origin=u", content=line, headers={"Content-Type": "application/x-ndjson"}
    )
    assert b'"created"' in response.content, response.text
    feed = await read_atom(api, "/feeds/tags/undated.atom")
    assert list_titles(feed) == ["Dated", "Timeless"]
    timeless = feed.findall(f"{ATOM}entry")[1]
    assert timeless.find(f"{ATOM}published") is None
    assert timeless.findtext(f"{ATOM}updated")
    rss = ElementTree.fromstring(await get(api, "/feeds/tags/undated.rss"))
    assert [item.findtext("pubDate") is None for item in rss.iter("item")] == [False, True]
    archive = await read_atom(api, "/feeds/tags/undated.atom?archive=undated")
    assert list_titles(archive) == ["Timeless"]
    assert list_links(archive)["next-archive"].endswith("archive=2020-01")
    oldest = await read_atom(api, "/feeds/tags/undated.atom?archive=2020-01")
    assert list_links(oldest)["prev-archive"].endswith("archive=undated")


async def test_pages_of_a_feed_meet_every_article_once(api: Served) -> None:
    for number in range(7):
        await api.post(title=f"Page {number}", body="<p>x</p>", tags=["pages"], language="en")
    address: str | None = f"{API}/feeds/tags/pages.atom?limit=3&language=en"
    titles: list[str | None] = []
    while address is not None:
        feed = await read_atom(api, address.removeprefix(API))
        titles += list_titles(feed)
        links = list_links(feed)
        assert ("first" in links) is ("cursor" in links["self"])
        address = links.get("next")
    assert titles == [f"Page {number}" for number in reversed(range(7))]


async def test_cursor_of_another_feed_is_refused(api: Served) -> None:
    for number in range(2):
        await api.post(title=f"Cursor {number}", body="<p>x</p>", tags=["cursors"])
    address = list_links(await read_atom(api, "/feeds/tags/cursors.atom?limit=1"))["next"].removeprefix(API)
    other = address.replace("tags/cursors", "articles")
    response = await api.public.get(other)
    assert (response.status_code, response.json()["code"]) == (400, "cursor_mismatch")


async def test_full_texts_beyond_the_limit_go_on_in_the_next_document(api: Served) -> None:
    body = "<p>" + "long " * 45_000 + "</p>"
    for number in range(9):
        await api.post(title=f"Long {number}", body=body, tags=["long"])
    titles, address = list[str | None](), "/feeds/tags/long.atom?content=full"
    sizes = []
    while address:
        text = await get(api, address)
        sizes.append(len(text))
        feed = ElementTree.fromstring(text)
        titles += list_titles(feed)
        address = list_links(feed).get("next", "").removeprefix(API)
    assert titles == [f"Long {number}" for number in reversed(range(9))]
    assert len(sizes) == 2
    assert max(sizes) < 1_700_000
    assert len(list_titles(await read_atom(api, "/feeds/tags/long.atom"))) == 9


async def test_archive_has_each_month_that_has_ended(api: Served) -> None:
    now = datetime.now(UTC)
    for title, at in (("June", "2024-06-05"), ("July", "2024-07-05"), ("September", "2024-09-30T23:59:59Z")):
        await api.post(title=title, body="<p>x</p>", tags=["months"], published_at=at)
    await api.post(title="Now", body="<p>x</p>", tags=["months"])
    feed = await read_atom(api, "/feeds/tags/months.atom")
    assert list_titles(feed) == ["Now", "September", "July", "June"]
    assert feed.find(ARCHIVE) is None
    months, address = [], list_links(feed).get("prev-archive")
    while address is not None:
        document = await read_atom(api, address.removeprefix(API))
        assert document.find(ARCHIVE) is not None
        links = list_links(document)
        assert links["current"] == list_links(feed)["self"]
        assert document.findtext(f"{ATOM}id") == feed.findtext(f"{ATOM}id")
        months.append(list_titles(document))
        address = links.get("prev-archive")
    assert months == [["September"], ["July"], ["June"]]
    middle = list_links(await read_atom(api, "/feeds/tags/months.atom?archive=2024-07"))
    assert (middle["prev-archive"][-7:], middle["next-archive"][-7:]) == ("2024-06", "2024-09")
    for month in (f"{now:%Y-%m}", "2031-01", "2024-13", "july"):
        response = await api.public.get(f"/feeds/tags/months.atom?archive={month}")
        assert (response.status_code, response.json()["code"]) == (422, "invalid_value")
    response = await api.public.get("/feeds/tags/months.atom?archive=2024-07&sort=-updated_at")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_range")


async def test_archived_document_stays_as_it_is_while_newer_articles_come(api: Served) -> None:
    await api.post(title="Old", body="<p>x</p>", tags=["stable"], published_at="2024-06-05T01:00:00Z")
    await api.post(title="Later", body="<p>x</p>", tags=["stable"], published_at="2024-08-05T01:00:00Z")
    before = await get(api, "/feeds/tags/stable.atom?archive=2024-06")
    article = await api.post(title="New", body="<p>x</p>", tags=["stable"])
    await delete(api, article)
    assert await get(api, "/feeds/tags/stable.atom?archive=2024-06") == before


async def test_what_left_a_feed_is_told_until_it_comes_back(api: Served) -> None:
    stays, left, gone, purged = [
        await api.post(title=title, body="<p>x</p>", tags=["leaving"]) for title in ("Stays", "Left", "Gone", "Purged")
    ]
    await change(api, left, tags=["elsewhere"])
    await delete(api, gone)
    await delete(api, purged, "?purge=true")
    await change(api, stays, title="Stays on")
    feed = await read_atom(api, "/feeds/tags/leaving.atom")
    assert list_titles(feed) == ["Stays on"]
    assert list_deleted(feed)[:3] == [name(purged), name(gone), name(left)]
    deleted = (await api.public.get("/feeds/tags/leaving.json")).json()["_dateline"]["deleted"]
    assert [one["id"] for one in deleted] == list_deleted(feed)
    assert datetime.now(UTC) - datetime.fromisoformat(deleted[0]["when"]) < timedelta(minutes=5)
    assert name(left) not in list_deleted(await read_atom(api, "/feeds/articles.atom"))
    assert name(gone) in list_deleted(await read_atom(api, "/feeds/articles.atom"))
    await change(api, left, tags=["leaving"])
    feed = await read_atom(api, "/feeds/tags/leaving.atom")
    assert list_titles(feed) == ["Left", "Stays on"]
    assert name(left) not in list_deleted(feed)


async def test_what_never_was_public_is_not_told(api: Served) -> None:
    response = await api.editor.post(
        "/v1/articles", json={"title": "Secret", "body": "<p>x</p>", "tags": ["secret-desk", "leaving"]}
    )
    draft = response.json()
    await delete(api, draft)
    response = await api.editor.delete(f"/v1/articles/{draft['id']}?purge=true", headers={"If-Match": "*"})
    for format in FORMATS:
        assert f'article/{draft["id"]}"' not in await get(api, f"/feeds/articles.{format}?limit=100")
        assert (await api.public.get(f"/feeds/tags/secret-desk.{format}")).status_code == 404


@pytest.mark.parametrize("format", FORMATS)
async def test_feed_is_revalidated_and_compressed(api: Served, format: str) -> None:
    await api.post(title="Again", body="<p>x</p>", tags=[f"again-{format}"])
    address = f"/feeds/tags/again-{format}.{format}"
    response = await api.public.get(address)
    assert response.headers["content-type"] == f"{TYPES[format]}; charset=utf-8"
    assert response.headers["content-encoding"] in ("zstd", "gzip")
    assert response.headers["cache-control"].startswith("public, max-age=30")
    assert f'<{API}{address}>; rel="self"' in response.headers["link"]
    again = await api.public.get(address, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await api.post(title="And again", body="<p>x</p>", tags=[f"again-{format}"])
    again = await api.public.get(address, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 200


async def test_feeds_of_tags_regions_authors_and_sections(api: Served) -> None:
    await api.post(
        title="Kinds",
        body="<p>x</p>",
        tags=["kinds", {"name": "Opinion", "kind": "section"}],
        authors=["Cy Twombly"],
        regions=["iceland"],
    )
    for path in ("tags/kinds", "tags/opinion", "sections/opinion", "authors/cy-twombly", "regions/iceland"):
        feed = await read_atom(api, f"/feeds/{path}.atom")
        assert list_titles(feed) == ["Kinds"], path
        assert list_titles(await read_atom(api, f"/feeds/{path}.atom?language=fr")) == []
    assert list_titles(await read_atom(api, "/feeds/regions/northern-europe.atom")) == ["Kinds"]
    assert (await read_atom(api, "/feeds/regions/iceland.atom")).findtext(f"{ATOM}title") == "The Herald & Co · Iceland"
    for path in ("tags/cy-twombly", "authors/kinds", "sections/kinds", "planets/mars", "regions/mars", "tags/nothing"):
        response = await api.public.get(f"/feeds/{path}.atom")
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), path


async def test_merged_tag_and_other_references_lead_to_the_feed_that_it_is_now(api: Served) -> None:
    await api.post(title="Merged", body="<p>x</p>", tags=["old-name", "new-name"])
    response = await api.editor.post("/v1/tags/old-name/merge", json={"into": "new-name"})
    assert response.status_code in (200, 202), response.text
    response = await api.public.get("/feeds/tags/old-name.rss?content=full")
    assert (response.status_code, response.headers["location"]) == (301, "/feeds/tags/new-name.rss?content=full")
    response = await api.public.get("/feeds/regions/BE.json")
    assert (response.status_code, response.headers["location"]) == (301, "/feeds/regions/belgium.json")


@pytest.mark.parametrize("format", FORMATS)
async def test_feed_of_nothing_is_valid_and_empty(api: Served, format: str) -> None:
    response = await api.editor.post("/v1/tags", json={"name": f"Empty {format}", "kind": "topic"})
    assert response.status_code == 201, response.text
    for address in (f"/feeds/tags/empty-{format}.{format}", f"/feeds/articles.{format}?tag=no-such-tag"):
        response = await api.public.get(address)
        assert response.status_code == 200
        if format == "json":
            assert response.json()["items"] == []
        else:
            assert "entry>" not in response.text
            assert "<item" not in response.text
            ElementTree.fromstring(response.text)
    assert "unknown_tag" in response.headers["dateline-warnings"]


async def test_feed_of_a_search_has_what_matches_newest_first(api: Served) -> None:
    for day, title in enumerate(("Quokka one", "Quokka two", "Nothing"), 1):
        await api.post(title=title, body="<p>x</p>", published_at=f"2025-0{day}-05T00:00:00Z")
    feed = await read_atom(api, "/feeds/articles.atom?q=quokka&limit=1")
    links = list_links(feed)
    assert list_titles(feed) == ["Quokka two"]
    assert list_titles(await read_atom(api, links["next"].removeprefix(API))) == ["Quokka one"]
    assert links["prev-archive"].endswith("archive=2025-02")
    archive = await read_atom(api, links["prev-archive"].removeprefix(API))
    assert list_titles(archive) == ["Quokka two"]
    assert list_links(archive)["prev-archive"].endswith("archive=2025-01")
    response = await api.public.get("/feeds/articles.atom?q=quokka&sort=-updated_at")
    assert response.json()["code"] == "invalid_range"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("foo=1", "unknown_parameter"),
        ("status=draft", "unknown_parameter"),
        ("content=some", "invalid_value"),
        ("limit=101", "limit_too_large"),
        ("region=nowhere", "unknown_region"),
        ("cursor=x", "cursor_invalid"),
        (f"q={'a' * 513}", "query_too_complex"),
    ],
)
async def test_bad_parameters_are_problems(api: Served, query: str, code: str) -> None:
    response = await api.public.get(f"/feeds/articles.rss?{query}")
    assert response.json()["code"] == code
    assert response.headers["content-type"] == "application/problem+json"


async def test_unknown_format_is_not_found_and_says_which_there_are(api: Served) -> None:
    response = await api.public.get("/feeds/articles.xml")
    assert response.status_code == 404
    assert ".atom" in response.json()["detail"]


async def test_trailing_noise_and_order_of_parameters_make_no_other_feed(api: Served) -> None:
    one = await api.public.get("/feeds/articles.atom?language=en&tag=pages&utm_source=x")
    other = await api.public.get("/feeds/articles.atom?tag=pages&language=en")
    assert one.text == other.text
    head = await api.public.head("/feeds/articles.atom?tag=pages&language=en")
    assert head.headers["etag"].removeprefix("W/") == one.headers["etag"].removeprefix("W/")


async def test_key_sees_what_the_public_sees(api: Served) -> None:
    await api.editor.post("/v1/articles", json={"title": "Hidden draft", "body": "<p>x</p>", "tags": ["pages"]})
    public = await api.public.get("/feeds/tags/pages.atom")
    private = await api.editor.get("/feeds/tags/pages.atom")
    assert private.text == public.text
    assert private.headers["cache-control"].startswith("private")


def encode_login(name_and_password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(name_and_password.encode()).decode()}"}


async def test_key_may_be_the_password_of_basic_on_feeds_only(sqlite_settings: Settings) -> None:
    settings = sqlite_settings.model_copy(update={"public_reads": False, "site_url": SITE, "api_url": API})
    async with serve(settings) as api:
        bearer = await api.key("read_drafts")
        key = bearer["Authorization"].removeprefix("Bearer ")
        feeds = ("/feeds/articles.rss", "/feeds/regions/belgium.json")
        for address in feeds:
            refused = await api.public.get(address)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == 'Basic realm="Dateline", charset="UTF-8", Bearer'
            for headers in (bearer, encode_login(f"reader:{key}"), encode_login(f":{key}")):
                response = await api.public.get(address, headers=headers)
                assert response.status_code == 200
                assert response.headers["cache-control"].startswith("private")
            for wrong in ("reader:dl_1_x", f"{key}:", "no colon", f"reader:{key}x"):
                assert (await api.public.get(address, headers=encode_login(wrong))).status_code == 401
            assert (await api.public.get(address, headers={"Authorization": "Basic %%%"})).status_code == 401
        for address in ("/v1/articles", "/sitemap.xml", "/sitemaps/news.xml", "/sitemaps/2025-01.xml"):
            refused = await api.public.get(address, headers=encode_login(f"reader:{key}"))
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await api.public.get("/robots.txt")).text == "User-agent: *\nDisallow: /\n"


async def test_addresses_are_paths_without_settings(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        article = await api.post(title="Plain", body="<p>x</p>")
        entry = (await read_atom(api, "/feeds/articles.atom")).find(f"{ATOM}entry")
        assert entry is not None
        assert entry.findtext(f"{ATOM}id") == f"tag:localhost,2025:article/{article['id']}"
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.attrib["href"] == "/v1/articles/plain"
        evil = await api.public.get("/feeds/articles.atom", headers={"Host": "evil.example"})
        assert "evil.example" not in evil.text


@pytest.mark.parametrize("named", [{}, {"site_name": "The Herald", "site_url": SITE, "api_url": API}])
async def test_json_feed_is_as_it_is_described(sqlite_settings: Settings, named: dict[str, str]) -> None:
    validator = jsonschema_rs.Draft202012Validator(json_feed.SCHEMA, validate_formats=True)
    async with serve(sqlite_settings.model_copy(update=named)) as api:
        first = await api.post(title="Plain", body="<p>x</p>")
        await api.post(title="Described", body="<p>x</p>", standfirst="y", language="en", published_at="2024-05")
        await delete(api, first)
        for query in ("", "?content=summary", "?limit=1", "?archive=2024-05"):
            feed = orjson.loads(await get(api, f"/feeds/articles.json{query}"))
            assert [error.message for error in validator.iter_errors(feed)] == []


async def follow_pages(api: Served, address: str) -> tuple[dict[str, str], set[str]]:
    """Entries by their id and update, and what is told to be deleted, of all pages."""
    entries: dict[str, str] = {}
    deleted: set[str] = set()
    while address:
        feed = await read_atom(api, address)
        for entry in feed.iter(f"{ATOM}entry"):
            entries[str(entry.findtext(f"{ATOM}id"))] = str(entry.findtext(f"{ATOM}title"))
        deleted |= set(list_deleted(feed))
        address = list_links(feed).get("next", "").removeprefix(API)
    return entries, deleted


async def test_deletions_are_those_that_the_changes_tell(api: Served) -> None:
    """Whoever goes by the feed ends with the list, for each kind of filter."""
    articles: list[dict[str, Any]] = []
    for number in range(12):
        articles.append(
            await api.post(title=f"Copy {number}", body="<p>x</p>", tags=["copying"], regions=["chad"], language="en")
        )
    addresses = [f"/feeds/{path}" for path in ("tags/copying.atom", "regions/chad.atom", "articles.atom?tag=copying")]
    copies = {address: (await follow_pages(api, address))[0] for address in addresses}
    for i, article in enumerate(articles):
        match i % 4:
            case 0:
                await delete(api, article)
            case 1:
                await change(api, article, tags=["other"], regions=["mali"])
            case 2:
                await change(api, article, title=f"Changed {i}")
    for address in addresses:
        entries, deleted = await follow_pages(api, address)
        copy = {id: title for id, title in (copies[address] | entries).items() if id not in deleted}
        assert copy == entries
        assert len(copy) == 6


def test_archive_cuts_a_filter_to_its_month() -> None:
    from app.articles.filters import ArticleFilter
    from app.sync.feeds import pages

    month = pages.cut_to_archive(ArticleFilter(published=(None, 5)), "1970-01")
    assert month == replace(ArticleFilter(), published=(0, 5))
    assert pages.format_month(-1) == "1969-12"
    assert pages.find_end("1999-12") == pages.find_start("2000-01")
