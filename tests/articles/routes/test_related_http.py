"""What leads from one article to others, and from an address to an article."""

from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import Session
from support.newsroom import Newsroom, newsroom

from app.models import Article, table

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio


async def test_related_posts_come_in_order_once_and_unresolved_ones_stay(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/articles/cables/related")
    assert [(row["position"], row["status"], row["title"]) for row in shown["data"]] == [
        (1, "unresolved", "A story that nobody has written yet"),
        (2, "linked", "Leaders meet at the summit in Brussels"),
    ]
    assert shown["data"][0]["article"] is None
    assert shown["data"][1]["article"]["slug"] == "summit"
    item: Any = await newsroom.get("/v1/articles/cables")
    assert item["related"] == shown["data"]


async def test_related_obey_limit_kind_fields_and_language(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/articles/cables/related", limit=1)
    assert len(shown["data"]) == 1
    assert await newsroom.get("/v1/articles/kenya/related", kind="editorial") == {"data": []}
    shown = await newsroom.get("/v1/articles/cables/related", fields="regions.name", names_in="fr", kind="editorial")
    assert shown["data"][1]["article"] == {
        "id": newsroom.ids["summit"],
        "regions": [{"name": "Belgique"}, {"name": "Bruxelles"}],
    }
    item: Any = await newsroom.get("/v1/articles/cables", names_in="fr")
    assert item["related"][1]["article"]["regions"][0]["name"] == "Belgique"
    assert (await newsroom.served.public.get("/v1/articles/cables/related?limit=101")).status_code == 422


async def test_related_post_that_may_not_be_seen_is_left_out(newsroom: Newsroom) -> None:
    made = await newsroom.served.post(
        title="Links to what is hidden", related=[{"article": "hidden"}, {"article": newsroom.ids["gone"]}]
    )
    path = f"/v1/articles/{made['slug']}"
    assert (await newsroom.get(path))["related"] == []
    assert await newsroom.get(f"{path}/related", kind="editorial") == {"data": []}
    seen: Any = await newsroom.edit(path)
    assert [row["article"]["slug"] for row in seen["related"]] == ["hidden", "gone"]
    await newsroom.served.db.write(_remove, int(str(made["id"])))


def _remove(session: Session, id: int) -> None:
    session.connection().execute(delete(table(Article)).where(table(Article).c.id == id))


async def test_neighbours_are_the_next_in_time_within_a_filter(newsroom: Newsroom) -> None:
    async def get_neighbours(slug: str, **asked: object) -> list[str | None]:
        shown: Any = await newsroom.get(f"/v1/articles/{slug}/neighbours", **asked)
        return [shown[side] and shown[side]["slug"] for side in ("newer", "older")]

    assert await get_neighbours("grain") == ["summit", "cables"]
    assert await get_neighbours("summit") == [None, "grain"]
    assert await get_neighbours("cables", tag="nato") == ["grain", None]
    assert await get_neighbours("grain", region="kenya") == [None, "uchaguzi"]
    assert await get_neighbours("summit", tag="no-such-tag") == [None, None]
    short: Any = await newsroom.get("/v1/articles/grain/neighbours", fields="slug")
    assert short["older"] == {"id": newsroom.ids["cables"], "slug": "cables"}
    assert (await newsroom.served.public.get("/v1/articles/grain/neighbours?limit=3")).status_code == 422


async def test_translations_are_the_same_story_in_other_languages(newsroom: Newsroom) -> None:
    async def get_translations(slug: str) -> list[str]:
        shown: Any = await newsroom.get(f"/v1/articles/{slug}/translations", fields="slug")
        return [row["slug"] for row in shown["data"]]

    made = await newsroom.served.post(
        title="Auf Deutsch", language="de", translation_of=newsroom.ids["kenya"], status="published"
    )
    assert await get_translations("kenya") == [str(made["slug"]), "uchaguzi"]
    assert await get_translations("uchaguzi") == [str(made["slug"]), "kenya"]
    assert await get_translations("grain") == []
    address = f"/v1/articles/{made['id']}?purge=true"
    assert (await newsroom.served.editor.delete(address, headers={"If-Match": "*"})).is_success
    assert await get_translations("kenya") == ["uchaguzi"]


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ({"url": "https://news.example/articles/grain"}, "grain"),
        ({"url": "https://www.news.example/articles/the-summit/#top"}, "summit"),
        ({"url": "http://old.example/summit/"}, "summit"),
        ({"url": "https://herald.example/summit?utm_campaign=a"}, "summit"),
        ({"external_id": "A,1"}, "summit"),
        ({"external_id": "A,1", "origin": "herald.example"}, "summit"),
    ],
)
async def test_address_resolves_to_its_article(newsroom: Newsroom, asked: dict[str, str], slug: str) -> None:
    response = await newsroom.served.public.get("/v1/resolve", params=asked)
    assert (response.status_code, response.headers["location"]) == (307, f"/v1/articles/{slug}")


async def test_shared_address_returns_candidates(newsroom: Newsroom) -> None:
    response = await newsroom.served.public.get("/v1/resolve?url=https://shared.example/live")
    assert response.status_code == 300
    assert {row["slug"] for row in response.json()["data"]} == {"summit", "grain"}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("url=https://nowhere.example/", 404, "not_found"),
        ("url=https://news.example/articles/hidden", 404, "not_found"),
        ("url=https://old.example/gone", 410, "gone"),
        ("external_id=A,1&origin=elsewhere", 404, "not_found"),
        ("", 422, "invalid_value"),
        ("url=https://a.example&external_id=1", 422, "invalid_range"),
        ("url=https://a.example&url=https://b.example", 422, "duplicate_parameter"),
        ("url=http://[", 404, "not_found"),
    ],
)
async def test_address_that_leads_nowhere_says_why(newsroom: Newsroom, query: str, status: int, code: str) -> None:
    response = await newsroom.served.public.get(f"/v1/resolve?{query}")
    assert (response.status_code, response.json()["code"]) == (status, code)
