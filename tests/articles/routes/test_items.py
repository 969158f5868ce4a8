"""One article: who sees it, where old names lead, its formats and its tags for caches."""

from typing import Any

import pytest
from support.newsroom import Newsroom, newsroom

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio


async def test_item_is_found_by_id_and_slug_in_full(newsroom: Newsroom) -> None:
    by_slug: Any = await newsroom.get("/v1/articles/summit")
    assert await newsroom.get(f"/v1/articles/{newsroom.ids['summit']}") == by_slug
    assert by_slug["body"] == "<h2>First</h2><p>They met.</p><ul><li>One</li></ul>"
    assert by_slug["related"] == []
    assert by_slug["dateline"] == {
        "text": "Brussels, June 2025",
        "place": "Brussels",
        "region": "belgium",
        "date": "2025-06",
        "precision": "month",
    }
    assert by_slug["source"] == {"slug": "herald-the", "name": "Herald, The", "url": "https://herald.example/summit"}
    assert [author["name"] for author in by_slug["authors"]] == ["Ines Marlow"]
    assert [(tag["slug"], tag["kind"]) for tag in by_slug["tags"]] == [("nato", "organisation"), ("world", "section")]


async def test_old_slug_redirects_and_keeps_the_query(newsroom: Newsroom) -> None:
    for below in ("", "/related", "/neighbours"):
        response = await newsroom.served.public.get(f"/v1/articles/the-summit{below}?fields=title&utm_x=%20y")
        assert response.status_code == 308
        assert response.headers["location"] == f"/v1/articles/summit{below}?fields=title&utm_x=%20y"
        assert response.headers["cache-control"] == "public, max-age=60"
    response = await newsroom.served.editor.get("/v1/articles/the-summit")
    assert response.headers["cache-control"] == "private, max-age=60"


async def test_hidden_and_missing_are_the_same_bytes(newsroom: Newsroom) -> None:
    refs = ["no-such-slug", "999999", "9" * 40, "hidden", str(newsroom.ids["hidden"]), "later", "a%00b"]
    responses = [await newsroom.served.public.get(f"/v1/articles/{ref}{below}")
               for ref in refs for below in ("", "/related", "/neighbours")]  # fmt: skip
    assert {response.status_code for response in responses} == {404}
    assert len({response.content for response in responses}) == 1
    assert len({str(sorted(response.headers.items())) for response in responses}) == 1
    assert responses[0].headers["cache-control"] == "public, max-age=5"
    assert (await newsroom.edit("/v1/articles/hidden"))["status"] == "draft"


async def test_withdrawn_article_is_gone_with_date_and_reason(newsroom: Newsroom) -> None:
    for path in ("gone", str(newsroom.ids["gone"]), "gone/related", "gone/neighbours"):
        response = await newsroom.served.public.get(f"/v1/articles/{path}")
        assert response.status_code == 410
        shown = response.json()
        assert (shown["code"], shown["withdrawn_at"], shown["reason"]) == (
            "gone", "2023-11-14T22:13:20Z", "It was wrong.",
        )  # fmt: skip
        assert response.headers["cache-control"] == "public, max-age=5"
    assert (await newsroom.edit("/v1/articles/gone"))["status"] == "withdrawn"


async def test_format_wins_over_accept_and_what_is_missing_is_refused(newsroom: Newsroom) -> None:
    public = newsroom.served.public
    for accept in ("text/html", "application/pdf, image/*"):
        refused = await public.get("/v1/articles/summit", headers={"Accept": accept})
        assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
        assert (await public.get("/v1/articles/summit?format=json", headers={"Accept": accept})).status_code == 200
    assert (await public.get("/v1/articles/summit?format=pdf")).status_code == 406
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert (await public.get("/v1/articles/summit", headers=browser)).status_code == 200


async def test_item_tag_carries_the_version_and_gets_304(newsroom: Newsroom) -> None:
    public = newsroom.served.public
    response = await public.get("/v1/articles/summit")
    assert response.headers["etag"].startswith('W/"1-')  # packed
    other = await public.get("/v1/articles/summit?fields=title")
    assert other.headers["etag"].startswith('"1-')  # too short to be packed
    assert other.headers["etag"] != response.headers["etag"]
    again = await public.get("/v1/articles/summit", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await public.head("/v1/articles/summit", headers={"If-None-Match": '"1-other"'})
    assert (head.status_code, head.content) == (200, b"")
    assert response.headers["cache-tag"].split() == [
        f"article:{newsroom.ids['summit']}", "tag:ines-marlow", "tag:nato", "tag:world", "region:belgium",
        "region:brussels",
    ]  # fmt: skip
    assert len(response.headers["x-seq"]) == 32


async def test_fields_keep_parts_and_include_adds_views(newsroom: Newsroom) -> None:
    assert await newsroom.get("/v1/articles/summit", fields="title,tags.name,dateline.place") == {
        "id": newsroom.ids["summit"],
        "title": "Leaders meet at the summit in Brussels",
        "dateline": {"place": "Brussels"},
        "tags": [{"name": "NATO"}, {"name": "World"}],
    }
    assert set(await newsroom.get("/v1/articles/summit", fields="title", include="body_text")) == {
        "id", "title", "body_text",
    }  # fmt: skip
    full = await newsroom.get("/v1/articles/summit", include="body_blocks,body_markdown")
    assert {"body", "related", "body_blocks", "body_markdown"} <= set(full)
    blocks: Any = full["body_blocks"]
    assert [set(block) for block in blocks] == [{"id", "type", "text", "html"}] * 3


async def test_unknown_addresses_and_methods_are_problems(newsroom: Newsroom) -> None:
    public = newsroom.served.public
    missing = await public.get("/v1/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    wrong = await public.delete("/v1/search")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, "method_not_allowed", "GET, HEAD")
    wrong = await public.put("/v1/articles")
    assert wrong.headers["allow"] == "GET, HEAD, POST"
