"""Bodies that are too deep and addresses that lead to no page: refused over HTTP, harmless where they are kept."""

import json
from collections.abc import Callable, Mapping

import pytest
from conftest import Served
from sqlalchemy import insert, select, update
from sqlmodel import Session

from app.articles.html import bodies
from app.articles.html.open_elements import MAX_DEPTH
from app.articles.render import body_views
from app.articles.repair import unsafe_links
from app.commands import open_archive
from app.db.database import Database
from app.models import Article, ArticleUrl, RelatedPost, table
from app.settings import Settings
from app.text.urls import normalize, resolve, safe_or_none

pytestmark = pytest.mark.anyio

A, RELATED, URL = table(Article), table(RelatedPost), table(ArticleUrl)
DEEP = {
    "/body": "<div>" * 500 + "x",
    "/body/html": {"html": "<table><tr><td>" * 1_000 + "x"},
    "/body/markdown": {"markdown": "> " * 500 + "x"},
}
HOSTILE = (
    "javascript:alert(1)", " javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
    "file:///etc/passwd", "vbscript:x", "//evil.example/x", "/relative", "https:javascript:alert(1)", "https://",
    "https://a.example/\r\nX: y", "https://a.example/\u2028x", "https://a b.example/", "https://\"><script>.example/",
    "ftp://a.example/", "mailto:a@a.example", "https://a.example/" + "x" * 2_000,
)  # fmt: skip


@pytest.mark.parametrize("pointer", DEEP)
async def test_body_that_is_too_deep_is_refused_with_its_pointer(shared_api: Served, pointer: str) -> None:
    response = await shared_api.editor.post("/v1/articles", json={"title": "Deep", "body": DEEP[pointer]})
    assert response.status_code == 422
    [wrong] = response.json()["errors"]
    assert wrong["pointer"] == pointer
    assert str(MAX_DEPTH) in wrong["detail"]


@pytest.mark.parametrize("list_item", ["- " * 60 + "x", "\n".join("  " * n + "- item" for n in range(60))])
async def test_markdown_lists_within_lists_are_refused_or_kept_whole(shared_api: Served, list_item: str) -> None:
    response = await shared_api.editor.post("/v1/articles", json={"title": "Deep", "body": {"markdown": list_item}})
    assert response.status_code == 422
    half = list_item[: len(list_item) // 3]
    response = await shared_api.editor.post(
        "/v1/articles?include=body_text", json={"title": "Deep", "body": {"markdown": half}}
    )
    assert response.status_code == 201


async def test_body_saved_when_nothing_bounded_its_depth_is_shown_flat(api: Served) -> None:
    made = await api.post(title="Deep", body="<p>flat</p>", tags=["deep"])
    deep = "<table><tbody><tr><td>" * 500 + "the words" + "</td></tr></tbody></table>" * 500

    def save(session: Session) -> None:
        session.connection().execute(update(A).where(A.c.id == made["id"]).values(body=deep))

    await api.db.write(save)
    includes = "body,body_text,body_markdown,body_blocks"
    response = await api.public.get("/v1/articles", params={"include": includes, "tag": "deep"})
    assert response.status_code == 200
    [shown] = response.json()["data"]
    item = (await api.public.get(f"/v1/articles/{made['id']}?include={includes}")).json()
    assert {name: item[name] for name in includes.split(",")} == {name: shown[name] for name in includes.split(",")}
    for name in ("body", "body_text", "body_markdown"):
        assert "the words" in shown[name]
    assert len(shown["body"]) < len(deep) / 4
    assert shown["body_blocks"]
    again = await api.editor.put(f"/v1/articles/{made['id']}", json=item, headers={"If-Match": "*"})
    assert again.status_code == 200, again.text


def test_article_that_cannot_be_shown_leaves_the_others_in_the_list() -> None:
    def raise_broken(body: str) -> object:
        if "broken" in body:
            raise RuntimeError("no view of this")
        return bodies.to_text(body)

    shown = body_views.render_all(
        {"body_text"}, {1: "<p>fine</p>", 2: "<p>a <b>broken</b> one</p>"}, {"body_text": raise_broken}
    )
    assert shown == {1: {"body_text": "fine"}, 2: {"body_text": "a broken one"}}


async def test_import_of_a_deep_body_keeps_its_words_and_says_so(api: Served) -> None:
    line = {"id": "d", "title": "Deep", "body": "<blockquote>" * 900 + "<p>first</p><p>second</p>"}
    sent = {"Content-Type": "application/x-ndjson"}
    response = await api.editor.post("/v1/imports?origin=deep", content=json.dumps(line).encode(), headers=sent)
    result = json.loads(response.text.splitlines()[0])
    assert result["outcome"] == "created"
    text = (await api.editor.get(f"/v1/articles/{result['id']}?include=body_text")).json()["body_text"]
    assert text.split() == ["first", "second"]


def writable(document: Mapping[str, object]) -> list[tuple[str, str]]:
    """Every property of what clients send that is called `url` or `…_url(s)`, with the name of its shape."""
    components = document["components"]
    assert isinstance(components, dict)
    return [
        (shape, name)
        for shape, schema in components["schemas"].items()
        for name, said in schema.get("properties", {}).items()
        if (name in ("url", "urls") or name.endswith(("_url", "_urls"))) and not said.get("readOnly")
    ]


WRITES: dict[tuple[str, str], Callable[[str], dict[str, object]]] = {
    ("ImageIn", "url"): lambda url: {"images": [{"url": url}]},
    ("SourceIn", "url"): lambda url: {"source": {"name": "S", "url": url}},
    ("SeoIn", "canonical_url"): lambda url: {"seo": {"canonical_url": url}},
    ("RelatedIn", "url"): lambda url: {"related": [{"title": "A related post", "url": url}]},
    ("ArticleCreate", "previous_urls"): lambda url: {"previous_urls": [url]},
    ("ArticlePatch", "previous_urls"): lambda url: {"previous_urls": [url]},
    ("ArticlePut", "previous_urls"): lambda url: {"previous_urls": [url]},
    ("ImportAddress", "url"): lambda url: {"url": url},
    ("WebhookCreate", "url"): lambda url: {"name": "An app", "url": url},
    ("WebhookPatch", "url"): lambda url: {"name": "An app", "url": url},
}
"""How each of them is sent."""
PATHS = {"ImportAddress": "/v1/imports", "WebhookCreate": "/v1/webhooks", "WebhookPatch": "/v1/webhooks"}
"""Where to, unless as an article."""


async def test_every_address_that_can_be_written_refuses_what_leads_to_no_page(api: Served) -> None:
    document = (await api.public.get("/openapi.json")).json()
    values = [one for one in writable(document) if one[0].endswith(("In", "Create", "Patch", "Put", "Address"))]
    assert {*values} == {*WRITES}
    for place in values:
        path = PATHS.get(place[0], "/v1/articles")
        for url in HOSTILE:
            body = WRITES[place](url) | ({"title": "T", "body": "b"} if path == "/v1/articles" else {})
            response = await api.editor.post(path, json=body)
            assert response.status_code == 422, (place, url)
            assert any("url" in error["pointer"] for error in response.json()["errors"]), (place, url)


async def test_quotes_and_brackets_of_an_address_are_encoded_and_come_back_unchanged(api: Served) -> None:
    written = "https://a.example/a\"b'c<d>[e]?q={f}#`g|"
    made = await api.post(title="T", related=[{"title": "R", "url": written}], images=[{"url": written}])
    shown = (await api.editor.get(f"/v1/articles/{made['id']}")).json()
    encoded = "https://a.example/a%22b%27c%3Cd%3E%5Be%5D?q=%7Bf%7D#%60g%7C"
    assert shown["images"][0]["url"] == shown["related"][0]["url"] == encoded
    again = await api.editor.put(f"/v1/articles/{made['id']}", json=shown, headers={"If-Match": "*"})
    assert again.json()["version"] == shown["version"]


async def test_import_leaves_an_address_out_that_leads_to_no_page_and_keeps_the_item(api: Served) -> None:
    bad = "javascript:alert(1)"
    line = {
        "id": "u", "title": "T", "body": "b", "url": bad, "canonical_url": bad, "previous_urls": [bad],
        "images": [{"url": bad}, {"url": "https://a.example/i.jpg"}], "related": [{"title": "R", "url": bad}],
        "source": {"name": "S", "url": bad},
    }  # fmt: skip
    sent = {"Content-Type": "application/x-ndjson"}
    response = await api.editor.post("/v1/imports?origin=u", content=json.dumps(line).encode(), headers=sent)
    id = json.loads(response.text.splitlines()[0])["id"]
    shown = (await api.editor.get(f"/v1/articles/{id}")).text
    assert "javascript" not in shown
    assert "https://a.example/i.jpg" in shown
    assert '"R"' in shown


async def plant(api: Served, id: object) -> None:
    """Addresses as archives may have them from before they were refused."""

    def save(session: Session) -> None:
        connection = session.connection()
        bad = "javascript:alert(1)"
        values = {
            "source_url": bad,
            "seo": json.dumps({"canonical_url": bad}),
            "images": json.dumps([{"url": bad, "alt": "A"}]),
        }
        connection.execute(update(A).where(A.c.id == id).values(**values))
        row = {"article_id": id, "position": 1, "title": "R", "url": bad, "unlinked": False}
        connection.execute(insert(RELATED).values(**row))
        connection.execute(insert(URL).values(url_key="k", article_id=id, url=bad))

    await api.db.write(save)


async def test_address_that_was_kept_before_is_shown_as_null_and_migrate_takes_it_out(api: Served) -> None:
    made = await api.post(title="Old")
    await plant(api, made["id"])
    for _ in range(2):
        response = await api.editor.get(f"/v1/articles/{made['id']}")
        assert "javascript" not in response.text
        shown = response.json()
        assert shown["images"][0] | {"alt": "A"} == shown["images"][0]
        assert shown["images"][0]["url"] is shown["related"][0]["url"] is shown["seo"]["canonical_url"] is None
        assert "javascript" not in (await api.editor.get("/v1/export")).text
        if _ == 0:
            result = (await api.db.write(unsafe_links.null_unsafe_addresses)).value
            assert [one.split(": ")[1] for one in result] == ["images", "previous_urls", "related", "seo", "source"]
            assert (await api.db.write(unsafe_links.null_unsafe_addresses)).value == []
    saved = await api.editor.put(f"/v1/articles/{made['id']}", json=shown, headers={"If-Match": "*"})
    assert saved.status_code == 200, saved.text


def test_migrate_names_what_it_takes_out_also_where_the_schema_is_current(db: Database, settings: Settings) -> None:
    def save(session: Session) -> None:
        from app.articles import service
        from app.articles.manuscript import Manuscript

        service.create(session, Manuscript("o", None, None, "T", "", 0, "en"), now=1, site_url="", by="test")
        session.connection().execute(update(A).values(source_url="data:text/html,x"))

    open_archive.migrate(settings)
    db.write_now(save)
    said = open_archive.migrate(settings)
    assert "source: 'data:text/html,x'" in said
    with db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(A.c.source_url)).scalar() is None


@pytest.mark.parametrize("value", HOSTILE)
def test_what_leads_to_no_page_is_no_address(value: str) -> None:
    assert safe_or_none(value) is None
    with pytest.raises(ValueError, match=r"address|host|URL"):
        normalize(value)


def test_relative_addresses_are_seen_from_their_page() -> None:
    assert resolve("/a b.jpg", "https://a.example/x/") == "https://a.example/a%20b.jpg"
    assert resolve("//c.example/d", "https://a.example/") == "https://c.example/d"
    assert resolve("/a") is None
    assert resolve("javascript:x", "https://a.example/") is None
