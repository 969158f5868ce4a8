"""Articles as JSON-LD, ninjs, Markdown and plain text over HTTP: which one comes, what it says, and what it never
says."""

import json
from typing import Any

import pytest
from conftest import Served

pytestmark = pytest.mark.anyio

TYPES = {
    "json": "application/json",
    "jsonld": "application/ld+json",
    "ninjs": "application/ninjs+json",
    "markdown": "text/markdown; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
STRUCTURED = tuple(TYPES)[1:]
Json = dict[str, Any]


async def make_article(api: Served, **article: object) -> Json:
    default: Json = {"title": "Ferry returns", "body": "<p>It came back.</p>", "language": "en"}
    return await api.post(**{**default, **article})


@pytest.mark.parametrize("format", TYPES)
async def test_format_and_accept_choose_the_same_response(api: Served, format: str) -> None:
    article = await make_article(api)
    path = f"/v1/articles/{article['id']}"
    named = await api.public.get(path, params={"format": format}, headers={"Accept": "application/json;q=0"})
    accepted = await api.public.get(path, headers={"Accept": f"text/html;q=0.3, {TYPES[format]}"})
    for response in (named, accepted):
        assert (response.status_code, response.headers["content-type"]) == (200, TYPES[format]), response.text
        assert "Accept" in response.headers["vary"]
    assert named.content == accepted.content


async def test_etags_differ_by_format_and_each_is_good_for_its_own(api: Served) -> None:
    article = await make_article(api)
    path = f"/v1/articles/{article['id']}"
    tags = {}
    for format in TYPES:
        response = await api.public.get(path, params={"format": format})
        tags[format] = response.headers["etag"]
        assert response.headers["etag"].removeprefix("W/").startswith('"1-')
        same = await api.public.get(path, params={"format": format}, headers={"If-None-Match": tags[format]})
        assert (same.status_code, same.content) == (304, b"")
        head = await api.public.head(path, params={"format": format})
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tags[format])
        assert head.headers["content-type"] == TYPES[format]
    assert len(set(tags.values())) == len(TYPES)
    changed = await api.editor.patch(path, json={"title": "Ferry is back"}, headers={"If-Match": tags["ninjs"]})
    assert changed.status_code == 200, changed.text
    again = await api.public.get(path, params={"format": "text"}, headers={"If-None-Match": tags["text"]})
    assert again.text.startswith("Ferry is back")


@pytest.mark.parametrize("format", ["jsonl", "xml", "csv"])
async def test_unknown_format_of_an_article_is_not_acceptable(api: Served, format: str) -> None:
    article = await make_article(api)
    response = await api.public.get(f"/v1/articles/{article['id']}", params={"format": format})
    assert response.status_code == 406
    assert response.json()["allowed"] == list(TYPES)


@pytest.mark.parametrize("door", ["articles?", "search?", "search?q=ferry&"])
async def test_lists_have_every_format(api: Served, door: str) -> None:
    for number in range(3):
        await make_article(api, title=f"Ferry {number}")
    address = f"/v1/{door}limit=2&include=body,related"
    cards = (await api.public.get(address)).json()["data"]
    for format in STRUCTURED:
        response = await api.public.get(f"{address}&format={format}")
        assert (response.status_code, response.headers["content-type"]) == (200, TYPES[format]), response.text
        assert 'rel="next"' in response.headers["link"]
        assert response.text.count("It came back.") >= 2
        accepted = await api.public.get(address, headers={"Accept": TYPES[format]})
        assert (accepted.headers["content-type"], accepted.content[:9]) == (TYPES[format], response.content[:9])
    nodes = (await api.public.get(f"{address}&format=jsonld")).json()
    assert (nodes["@type"], nodes["numberOfItems"]) == ("ItemList", 3)
    titles = [card.get("article", card)["title"] for card in cards]
    assert [one["item"]["headline"] for one in nodes["itemListElement"]] == titles
    package = (await api.public.get(f"{address}&format=ninjs")).json()
    assert (package["type"], [one["name"] for one in package["associations"]]) == ("composite", titles)
    text = (await api.public.get(f"{address}&format=text")).text
    assert text.split("=" * 72)[1].strip().startswith(titles[1])
    markdown = (await api.public.get(f"{address}&format=markdown")).text
    assert [part.strip().splitlines()[0] for part in markdown.split("\n---\n")] == [f"# {one}" for one in titles]
    bare = await api.public.get(f"/v1/{door}format=jsonld")
    assert "articleBody" not in bare.text


async def test_list_ignores_accept_of_nothing_that_there_is(api: Served) -> None:
    await make_article(api)
    response = await api.public.get("/v1/articles", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    sheet = await api.public.get("/v1/articles", headers={"Accept": "text/csv"})
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/v1/articles/{id}?fields=title", "fields"),
        ("/v1/articles/{id}?include=body_blocks", "include"),
        ("/v1/articles?fields=title", "fields"),
        ("/v1/articles?include=body,body_text", "include"),
        ("/v1/articles?bom=true", "bom"),
        ("/v1/search?q=ferry&facets=tag", "facets"),
        ("/v1/search?q=ferry&highlight=title", "highlight"),
        ("/v1/search?q=ferry&explain=true", "explain"),
    ],
)
async def test_what_a_format_has_no_room_for_is_refused(api: Served, address: str, parameter: str) -> None:
    article = await make_article(api)
    for format in STRUCTURED:
        response = await api.public.get(f"{address.format(id=article['id'])}&format={format}")
        assert response.status_code == 422, response.text
        assert [one["parameter"] for one in response.json()["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("written", "published"), [("2024", "2024"), ("2024-03", "2024-03"), ("2024-03-05", "2024-03-05")]
)
async def test_coarse_date_never_becomes_an_instant(api: Served, written: str, published: str) -> None:
    line = {"title": "Coarse", "body": "Words.", "external_id": "c", "published_at": written}
    sent = await api.editor.post(
        "/v1/imports?origin=wire", content=json.dumps(line), headers={"Content-Type": "application/x-ndjson"}
    )
    assert sent.status_code == 200, sent.text
    [article] = (await api.public.get("/v1/articles")).json()["data"]
    path = f"/v1/articles/{article['id']}"
    node = (await api.public.get(f"{path}?format=jsonld")).json()
    assert node["datePublished"] == published
    item = (await api.public.get(f"{path}?format=ninjs")).json()
    assert item.keys().isdisjoint(("firstCreated", "contentCreated", "embargoedUntil"))
    said = json.loads(item["descriptions"][-1]["value"])
    assert said["published_precision"] == article["published_precision"] != "instant"


async def test_article_without_a_date_has_none_in_any_format(api: Served) -> None:
    line = {"id": 5, "version": 1, "published_precision": None, "slug": "undated", "title": "Undated", "body": "A.",
            "published_at": None, "status": "published"}  # fmt: skip
    sent = await api.editor.post(
        "/v1/imports?origin=wire", content=json.dumps(line), headers={"Content-Type": "application/x-ndjson"}
    )
    assert sent.status_code == 200, sent.text
    node = (await api.public.get("/v1/articles/undated?format=jsonld")).json()
    item = (await api.public.get("/v1/articles/undated?format=ninjs")).json()
    assert "datePublished" not in node
    assert item.keys().isdisjoint(("firstCreated", "contentCreated"))


async def test_markup_in_any_text_cannot_end_a_script(api: Served) -> None:
    end = "</script><!--<script>"
    await make_article(
        api, title=f"A {end} title", slug="ends", standfirst=end, signature=end, body="<p>&lt;/script&gt;</p>",
        tags=[{"name": f"T {end}", "kind": "topic"}], related=[{"title": end}],
    )  # fmt: skip
    for address in ("articles/ends?format=jsonld", "articles?format=jsonld&include=body,related"):
        response = await api.public.get(f"/v1/{address}")
        assert b"<" not in response.content
        node = response.json() if "articles/" in address else response.json()["itemListElement"][0]["item"]
        assert node["headline"] == f"A {end} title"


async def test_parts_of_an_article_stand_where_schema_org_has_them(api: Served) -> None:
    original = await make_article(api, title="Original", slug="original", language="fr")
    article = await make_article(
        api, title="Ferry", standfirst="It is back.", signature="Wire.", tags=[{"name": "World", "kind": "section"}],
        dateline={"text": "Oslo, May 2024.", "place": "Oslo", "date": "2024-05", "precision": "month"},
        source={"name": "The Herald", "url": "https://herald.example/1"}, translation_of=original["id"],
        images=[{"url": "https://x.example/1.jpg", "alt": "A boat", "width": 10, "height": 5}],
        related=[{"title": "Lost", "url": "https://x.example/lost"}],
    )  # fmt: skip
    corrected = await api.editor.patch(
        f"/v1/articles/{article['id']}", json={"title": "Ferry!", "correction": "The name."}, headers={"If-Match": "*"}
    )
    assert corrected.status_code == 200, corrected.text
    node = (await api.public.get(f"/v1/articles/{article['id']}?format=jsonld")).json()
    assert node["dateline"] == "Oslo, May 2024."
    assert (node["abstract"], node["creditText"], node["articleSection"]) == ("It is back.", "Wire.", ["World"])
    assert [place["name"] for place in node["locationCreated"]]
    assert node["isBasedOn"]["publisher"]["name"] == "The Herald"
    assert node["correction"][0]["text"] == "The name."
    assert node["translationOfWork"]["headline"] == "Original"
    assert node["image"][0]["width"] == {"@type": "QuantitativeValue", "value": 10, "unitCode": "E37"}
    back = (await api.public.get("/v1/articles/original?format=jsonld")).json()
    assert [one["headline"] for one in back["workTranslation"]] == ["Ferry!"]
    item = (await api.public.get("/v1/articles/original?format=ninjs")).json()
    assert [(one["rel"], one["name"]) for one in item["associations"]] == [("translation", "Ferry!")]


async def test_translation_that_is_withdrawn_is_named_no_more(api: Served) -> None:
    original = await make_article(api, title="Original", slug="original")
    other = await make_article(api, title="Zweite Fassung", language="de", translation_of=original["id"])
    path = "/v1/articles/original"
    for format in ("jsonld", "ninjs"):
        assert "Zweite Fassung" in (await api.public.get(path, params={"format": format})).text
    tags = (await api.public.get(path, params={"format": "jsonld"})).headers["cache-tag"]
    assert f"article:{other['id']}" in tags.split()
    gone = await api.editor.delete(f"/v1/articles/{other['id']}", headers={"If-Match": "*"})
    assert gone.status_code == 200, gone.text
    for format in STRUCTURED:
        assert "Zweite" not in (await api.public.get(path, params={"format": format})).text
        assert "Zweite" not in (await api.editor.get(path, params={"format": format})).text


async def test_long_structured_data_is_compressed(api: Served) -> None:
    article = await make_article(api, body=f"<p>{'words ' * 300}</p>")
    for format in STRUCTURED:
        address = f"/v1/articles/{article['id']}?format={format}"
        response = await api.public.get(address, headers={"Accept-Encoding": "gzip"})
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["etag"].startswith("W/")


async def test_old_slug_and_withdrawn_article_are_as_in_json(api: Served) -> None:
    article = await make_article(api, slug="old")
    await api.editor.patch(f"/v1/articles/{article['id']}", json={"slug": "new"}, headers={"If-Match": "*"})
    moved = await api.public.get("/v1/articles/old?format=ninjs")
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/articles/new?format=ninjs")
    await api.editor.delete(f"/v1/articles/{article['id']}", headers={"If-Match": "*"})
    assert (await api.public.get("/v1/articles/new?format=ninjs")).status_code == 410
    assert (await api.public.get("/v1/articles/none?format=ninjs")).status_code == 404
