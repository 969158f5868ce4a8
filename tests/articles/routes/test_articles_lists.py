"""What a list says of itself: pages, totals, links, states, ids, shapes, caching."""

import re
from typing import Any

import pytest
from support.newsroom import CountingReader, Newsroom, newsroom

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio


async def test_numbered_pages_have_links_and_cursors(newsroom: Newsroom) -> None:
    response = await newsroom.served.public.get("/v1/articles?limit=2&page=2&utm_x=1&tag_not=nope")
    page = response.json()["page"]
    assert [row["slug"] for row in response.json()["data"]] == ["cables", "uchaguzi"]
    assert (page["limit"], page["number"], page["total"], page["total_is"]) == (2, 2, 5, "exact")
    assert response.headers["link"] == ", ".join(
        f'</v1/articles?limit=2&tag_not=nope&page={n}>; rel="{rel}"'
        for rel, n in (("next", 3), ("prev", 1), ("first", 1), ("last", 3))
    )
    before = await newsroom.slugs(limit=2, tag_not="nope", cursor=page["previous"])
    after = await newsroom.slugs(limit=2, tag_not="nope", cursor=page["next"])
    assert (before, after) == (["summit", "grain"], ["kenya"])


async def test_cursor_mode_links_onward_and_back(newsroom: Newsroom) -> None:
    first = await newsroom.served.public.get("/v1/articles?limit=3")
    assert first.json()["page"]["previous"] is None
    assert 'rel="next", </v1/articles?limit=3>; rel="first"' in first.headers["link"]
    second = await newsroom.served.public.get(first.headers["link"].split(">")[0].lstrip("<"))
    assert [row["slug"] for row in second.json()["data"]] == ["uchaguzi", "kenya"]
    assert second.json()["page"]["next"] is None
    assert 'rel="prev"' in second.headers["link"]


async def test_cursor_survives_what_may_change_and_nothing_else(newsroom: Newsroom) -> None:
    cursor = (await newsroom.get("/v1/articles", limit=1))["page"]["next"]  # type: ignore[index]
    assert await newsroom.slugs(limit=4, cursor=cursor, fields="slug", include="body", count="none") == [
        "grain", "cables", "uchaguzi", "kenya",
    ]  # fmt: skip
    for other in ("/v1/articles?tag=nato&", "/v1/articles?sort=title&", "/v1/tags?", "/v1/regions?"):
        response = await newsroom.served.public.get(f"{other}cursor={cursor}")
        assert (response.status_code, response.json()["code"]) == (400, "cursor_mismatch"), other
    for broken in (f"{str(cursor)[:-1]}", "x", "AAAA" * 100):
        response = await newsroom.served.public.get(f"/v1/articles?cursor={broken}")
        assert (response.status_code, response.json()["code"]) == (400, "cursor_invalid")


async def test_count_none_leaves_the_total_out(newsroom: Newsroom) -> None:
    page = (await newsroom.get("/v1/articles", count="none", page=1, limit=2))["page"]
    assert (page["total"], page["total_is"]) == (None, "none")  # type: ignore[index]


async def test_ids_keep_their_order_and_name_what_is_missing(newsroom: Newsroom) -> None:
    ids = newsroom.ids
    asked = [ids["kenya"], ids["hidden"], ids["summit"], 999_999, ids["gone"], ids["kenya"]]
    shown: Any = await newsroom.get("/v1/articles", id=",".join(map(str, asked)))
    assert [row["slug"] for row in shown["data"]] == ["kenya", "summit"]
    assert shown["page"]["missing"] == [ids["hidden"], 999_999, ids["gone"]]
    first: Any = await newsroom.get("/v1/articles", id=",".join(map(str, asked)), limit=1)
    assert [row["slug"] for row in first["data"]] == ["kenya"]
    asked_again = {"id": ",".join(map(str, asked)), "limit": 1, "cursor": first["page"]["next"]}
    assert await newsroom.slugs(**asked_again) == ["summit"]
    sorted_: Any = await newsroom.get("/v1/articles", id=",".join(map(str, asked)), sort="-published_at")
    assert [row["slug"] for row in sorted_["data"]] == ["summit", "kenya"]
    assert sorted_["page"]["missing"] == [ids["hidden"], 999_999, ids["gone"]]
    response = await newsroom.served.public.get("/v1/articles?id=" + ",".join(map(str, range(1, 102))))
    assert response.status_code == 422


async def test_other_states_need_a_scope(newsroom: Newsroom) -> None:
    assert (await newsroom.served.public.get("/v1/articles?status=draft")).status_code == 401
    key = await newsroom.served.key("write")
    refused = await newsroom.served.public.get("/v1/articles?status=draft,published", headers=key)
    assert (refused.status_code, refused.json()["code"], refused.json()["scope"]) == (
        403, "missing_scope", "read_drafts",
    )  # fmt: skip
    shown: Any = await newsroom.edit("/v1/articles", status="draft,scheduled,withdrawn")
    assert [row["slug"] for row in shown["data"]] == ["later", "gone", "hidden"]
    assert (shown["page"]["total"], shown["page"]["total_is"]) == (3, "exact")


async def test_drafts_are_nowhere_for_the_public(newsroom: Newsroom) -> None:
    public = newsroom.served.public
    for path in (
        "/v1/articles?limit=100&include=body,related",
        "/v1/articles?tag=nato",
        "/v1/articles?slug=hidden",
        "/v1/articles/cables/related",
        "/v1/articles/summit/neighbours",
        "/v1/tags?limit=100",
        "/v1/tags?q=hush",
        "/v1/regions?include=counts&q=belgium",
    ):
        shown = (await public.get(path)).text
        assert "hush" not in shown, path
        assert "hidden" not in shown, path
        assert "Nobody knows" not in shown, path
    counted: Any = await newsroom.get("/v1/tags", q="nato")
    assert [(row["slug"], row["article_count"]) for row in counted["data"]] == [("nato", 2)]
    assert (await public.get("/v1/tags/hush-hush")).status_code == 404
    guess = (await public.get("/v1/articles?tag=hush-hush")).json()["warnings"]
    assert [one["code"] for one in guess] == ["unknown_tag"]
    assert (await newsroom.edit("/v1/tags/hush-hush"))["article_count"] == 0


async def test_fields_and_include_compose_in_constant_statements(newsroom: Newsroom) -> None:
    db = newsroom.served.db
    counting = CountingReader(newsroom.served)
    db.reader = counting
    try:
        spent = []
        for limit in (1, 5):
            counting.count = 0
            shown: Any = await newsroom.get(
                "/v1/articles",
                limit=limit,
                fields="title,tags.name,regions.slug,related.title",
                include="body,body_text,body_markdown,body_blocks",
                count="none",
                names_in="fr",
                tag_not="nope",
            )
            spent.append(counting.count)
        plain = []
        for limit in (20, 19, 18):
            counting.count = 0
            await newsroom.get("/v1/articles", count="none", limit=limit)
            plain.append(counting.count)
    finally:
        db.reader = counting.inner
    # One less where the cards are in memory; one, the log's head, is the cache's. What the server does by itself may
    # fall between them, so that of several the least counts.
    assert min(spent) <= 9
    assert min(plain) <= 4
    summit = shown["data"][0]
    assert set(summit) == {
        "id", "title", "tags", "regions", "related", "body", "body_text", "body_markdown", "body_blocks",
    }  # fmt: skip
    assert summit["tags"] == [{"name": "NATO"}, {"name": "World"}]
    assert summit["regions"] == [{"slug": "belgium"}, {"slug": "brussels"}]
    assert summit["body_text"] == "First\n\nThey met.\n\nOne"
    assert summit["body_markdown"] == "## First\n\nThey met.\n\n- One"
    assert [block["type"] for block in summit["body_blocks"]] == ["heading", "paragraph", "list_item"]


async def test_card_has_every_property_and_lower_case_language(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/articles", tag="shipping")
    [card] = shown["data"]
    assert "body" not in card
    assert "related" not in card
    assert card["language"] == "pt-br"
    assert (card["published_at"], card["published_precision"]) == ("2025-06-01T00:00:00Z", "month")
    assert (card["standfirst"], card["dateline"], card["source"], card["images"]) == (None, None, None, [])
    assert card["url"] == "https://news.example/articles/grain"
    assert all(isinstance(region.pop("id"), int) for region in card["regions"])
    assert card["regions"] == [
        {"slug": "ukraine", "name": "Ukraine", "level": "country", "roles": ["mention"]},
        {"slug": "turkey", "name": "Turkey", "level": "country", "roles": ["about"]},
    ]
    french: Any = await newsroom.get("/v1/articles", tag="shipping", names_in="fr-CA")
    assert [region["name"] for region in french["data"][0]["regions"]] == ["Ukraine", "Turquie"]


async def test_public_list_may_be_shared_and_a_keyed_one_not(newsroom: Newsroom) -> None:
    shared = await newsroom.served.public.get("/v1/articles?limit=1", headers={"Accept-Encoding": "identity"})
    assert shared.headers["cache-control"] == "public, max-age=30, stale-while-revalidate=60"
    assert shared.headers["vary"] == "Accept, Accept-Encoding, Authorization"
    assert shared.headers["cache-tag"] == f"list article:{newsroom.ids['summit']}"
    assert shared.headers["surrogate-key"] == shared.headers["cache-tag"]
    assert "x-request-id" not in shared.headers
    again = await newsroom.served.public.get(
        "/v1/articles?limit=1", headers={"If-None-Match": f'"x", W/{shared.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == f"W/{shared.headers['etag']}"  # it takes packed responses
    head = await newsroom.served.public.head("/v1/articles?limit=1", headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(shared.content))
    private = await newsroom.served.editor.get("/v1/articles?limit=1")
    assert private.headers["cache-control"].startswith("private")
    assert "cache-tag" not in private.headers
    assert "x-request-id" in private.headers
    assert re.fullmatch(r"app;dur=[0-9]+\.[0-9]", private.headers["server-timing"])
    assert "server-timing" not in shared.headers
    clocked = await newsroom.served.public.get("/v1/articles?published_from=now-7d")
    assert clocked.headers["cache-control"] == "public, max-age=25, stale-while-revalidate=30"


async def test_cross_origin_headers_do_not_depend_on_the_caller(newsroom: Newsroom) -> None:
    for headers in ({}, {"Origin": "https://site.example"}):
        response = await newsroom.served.public.get("/v1/articles", headers=headers)
        assert response.headers["access-control-allow-origin"] == "*"
        exposed = {name.strip() for name in response.headers["access-control-expose-headers"].split(",")}
        assert exposed >= {"ETag", "Link", "Location", "Allow", "X-Seq", "Retry-After", "X-Request-Id"}
    asked = {
        "Origin": "https://site.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-match",
    }
    assert (await newsroom.served.public.options("/v1/articles", headers=asked)).status_code == 200
