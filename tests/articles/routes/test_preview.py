"""A preview shows of a body exactly what a save keeps of it, says what a save says, and stores nothing."""

from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served
from hypothesis import given, settings
from hypothesis import strategies as st
from test_editing_http import FULL, create_article, patch

ON = ENGINES
pytestmark = pytest.mark.anyio

Json = dict[str, Any]
HOSTILE = (
    "<p onclick=alert(1)>a</p><script>b</script>",
    "<svg><p>x</p></svg><a href='javascript:alert(1)'>c</a>",
    "<h1>Big</h1>words <b>bold <i>both</b> it</i>",
    "&lt;p&gt; no <br> tags & signs",
    {"markdown": "# One\n\n* two\n\n<iframe src=x></iframe>\n\n| a | b |\n|---|---|\n| 1 | 2 |"},
    {"markdown": "A note[^1].\n\n[^1]: It is *here*."},
    {"text": "<p>no markup</p>\n\nSecond."},
    {"html": ""},
    None,
)


async def preview(api: Served, body: object, query: str = "", **more: object) -> Json:
    response = await api.editor.post(f"/v1/preview{query}", json={"body": body, **more})
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    shown: Json = response.json()
    return shown


@pytest.mark.parametrize("body", HOSTILE)
async def test_preview_is_what_a_save_keeps(desk: Served, body: object) -> None:
    shown = await preview(desk, body, "?include=body_text,body_markdown,body_blocks")
    saved = await desk.editor.post("/v1/articles", json={"title": "T", "body": body})
    assert saved.status_code == 201, saved.text
    query = {"include": "body,body_text,body_markdown,body_blocks"}
    article = (await desk.editor.get(f"/v1/articles/{saved.json()['id']}", params=query)).json()
    for name in ("body", "body_text", "body_markdown", "body_blocks", "word_count", "reading_minutes"):
        assert shown[name] == article[name], name
    told = orjson.loads(saved.headers.get("dateline-warnings", "[]"))
    assert shown["warnings"] == told


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="<>pb/='\" \n&;#ax*_[]()`|-", max_size=60), st.sampled_from(["html", "markdown", "text"]))
def test_previewed_body_that_is_sent_again_stays_as_it_is(text: str, kind: str) -> None:
    from app.articles.input import fields
    from app.articles.input.payloads import BodyIn, PreviewRequest

    sent = PreviewRequest.model_validate({"body": {kind: text}})
    again, words = fields.read_body(sent.body)
    assert fields.read_body(BodyIn(html=again)) == (again, words)


async def test_preview_stores_nothing(api: Served) -> None:
    article = await create_article(api, **FULL)
    before = (await api.editor.get(f"/v1/articles/{article['id']}")).headers["x-seq"]
    await preview(api, "<p>Other words.</p>", article=article["id"])
    after = await api.editor.get(f"/v1/articles/{article['id']}")
    assert (after.headers["x-seq"], after.json()) == (before, article)


async def test_preview_is_compared_with_a_version(api: Served) -> None:
    first = await create_article(api, **FULL)
    second = (await patch(api, first, {"body": "<p>First words.</p><p>Other ones.</p>"})).json()
    body = "<p>First words.</p><p>New ones.</p>"
    now = (await preview(api, body, article=second["slug"]))["diff"]
    assert (now["article"], now["from"], now["changed"]) == (first["id"], 2, True)
    assert [(one["change"], one["text"]) for one in now["body"]] == [
        ("same", "First words."), ("removed", "Other ones."), ("added", "New ones."),
    ]  # fmt: skip
    old = (await preview(api, body, article=first["id"], version=1))["diff"]
    assert [one["text"] for one in old["body"] if one["change"] == "removed"] == ["Second ones."]
    stays = (await preview(api, second["body"], article=first["id"]))["diff"]
    assert (stays["changed"], {one["change"] for one in stays["body"]}) == (False, {"same"})
    saved = (await patch(api, second, {"body": body})).json()
    differing = await api.editor.get(f"/v1/articles/{first['id']}/revisions/{saved['version']}/diff")
    assert differing.json()["body"] == now["body"]


DEEP = "<div>" * 200 + "x" + "</div>" * 200


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        ({"body": "a", "version": 1}, "invalid_value", "/version"),
        ({"body": "a", "article": "no-such"}, "invalid_value", "/article"),
        ({"body": "a", "article": 1, "version": 9}, "invalid_value", "/version"),
        ({"body": {"html": "a", "text": "b"}}, "invalid_value", "/body"),
        ({"body": {"html": DEEP}}, "invalid_value", "/body/html"),
        ({"article": 1}, "invalid_value", "/body"),
        ({"body": "a", "titel": "b"}, "unknown_field", "/titel"),
    ],
)
async def test_mistakes_are_named(desk: Served, sent: Json, code: str, pointer: str) -> None:
    await desk.editor.post("/v1/articles", json={"title": "There is one"})
    response = await desk.editor.post("/v1/preview", json=sent)
    assert response.status_code == 422, response.text
    [error] = response.json()["errors"]
    assert (error["code"], error["pointer"]) == (code, pointer)


async def test_version_is_shown_to_who_reads_drafts(desk: Served) -> None:
    sent = {"body": "a", "article": 1}
    writer = await desk.key("write")
    assert (await desk.public.post("/v1/preview", json={"body": "a"})).status_code == 401
    assert (await desk.public.post("/v1/preview", json={"body": "a"}, headers=writer)).status_code == 200
    assert (await desk.public.post("/v1/preview", json=sent, headers=writer)).status_code == 403


async def test_size_is_bounded_as_of_a_save(desk: Served) -> None:
    large = b'{"body": "' + b"x" * desk.settings.max_body_bytes + b'"}'
    for path in ("/v1/preview", "/v1/articles"):
        response = await desk.editor.post(path, content=large, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
