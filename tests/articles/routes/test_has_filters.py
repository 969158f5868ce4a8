"""What articles have and lack, when they came and when they went: lists, the index and clients that follow agree."""

from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served
from sqlalchemy import select, update
from sqlmodel import Session

from app.articles.filters import HAS
from app.models import Change, table

ON = ENGINES
pytestmark = pytest.mark.anyio

CHANGE = table(Change)
QUERIES = [f"{name}={word}" for word in HAS for name in ("has", "has_not")]
LEAVING = ("withdrawn", "trashed", "purged", "left_filter")
BODY = (
    "The ferry company of the northern isles said on Monday that its two oldest boats will be sold before winter, "
    "since the new pier at Low Water cannot take them; the islanders who work on board were told on Friday evening."
)
LINES = {"Content-Type": "application/x-ndjson"}


async def change(api: Served, method: str, path: str, **json: object) -> Any:
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    response = await api.editor.request(
        method, path, headers=headers, content=orjson.dumps(json) if json or method == "PATCH" else None
    )
    assert response.status_code in (200, 201, 204), response.text
    return response.json() if response.content else None


class Followers:
    """A client for each filter, which holds what the changes have told it."""

    def __init__(self, api: Served) -> None:
        self.api = api
        self.places = dict.fromkeys(QUERIES, "0")
        self.held: dict[str, set[int]] = {query: set() for query in QUERIES}

    async def check(self) -> None:
        """Each holds what its list shows, which the index shows too."""
        for query in QUERIES:
            feed = await self.api.public.get(f"/v1/changes?since={self.places[query]}&{query}")
            assert feed.status_code == 200, feed.text
            for row in feed.json()["data"]:
                if "article" in row:
                    ids, id = self.held[query], row["article"]["id"]
                    ids.discard(id) if row["event"] in LEAVING else ids.add(id)
            self.places[query] = feed.json()["next"]
            listed = (await self.api.public.get(f"/v1/articles?limit=100&{query}")).json()
            assert {one["id"] for one in listed["data"]} == self.held[query], query
            hits = await self.api.public.get(f"/v1/search?limit=100&{query}&min_seq={self.places[query]}")
            assert {hit["article"]["id"] for hit in hits.json()["data"]} == self.held[query], query


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_followers_lists_and_index_agree_whatever_happens(api: Served) -> None:
    """Also where another article is what changes: a translation or a copy of it."""
    followers = Followers(api)
    full = await api.post(
        title="Leaders meet", standfirst="In short.", regions=["belgium"], authors=["Ines Marlow"], tags=["NATO"],
        dateline={"text": "Brussels, June 2025", "date": "2025-06"}, source={"name": "The Herald"},
        images=[{"url": "https://herald.example/a.jpg"}], related=[{"title": "Nobody has written this yet"}],
    )  # fmt: skip
    bare = await api.post(title="Nothing else")
    await followers.check()
    french = await change(api, "POST", "/v1/articles", title="Une réunion", translation_of=full["id"])
    await followers.check()
    for status in ("published", "withdrawn", "published"):
        await change(api, "PATCH", f"/v1/articles/{french['id']}", status=status)
        await followers.check()
    second = await api.post(title="Ein Treffen", translation_of=full["id"])
    await change(api, "PATCH", f"/v1/articles/{french['id']}", translation_of=bare["id"])
    await followers.check()
    await change(api, "DELETE", f"/v1/articles/{second['id']}?purge=true")
    await followers.check()
    await change(api, "PATCH", f"/v1/articles/{full['id']}", tags=[{"name": "World", "kind": "section"}], authors=[])
    await followers.check()
    await change(api, "PATCH", f"/v1/articles/{full['id']}", correction="It was Monday.", standfirst=None)
    await change(api, "PATCH", f"/v1/articles/{bare['id']}", status="withdrawn")
    await followers.check()
    await change(api, "DELETE", f"/v1/articles/{bare['id']}?purge=true")
    await followers.check()


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_copies_are_found_by_the_earlier_article_while_both_are_public(api: Served) -> None:
    followers = Followers(api)
    lines = [{"id": id, "title": f"Story {id}", "body": BODY} for id in ("a", "b", "c")]
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    told = await api.editor.post("/v1/imports?origin=wire", content=content, headers=LINES)
    a, b, c = (orjson.loads(line)["id"] for line in told.content.splitlines()[:-1])

    async def find(query: str) -> list[int]:
        listed = (await api.public.get(f"/v1/articles?sort=created_at&{query}")).json()["data"]
        return [row["id"] for row in listed]

    await followers.check()
    assert (await find(f"copy_of={a}"), await find("has=copy")) == ([b, c], [a])
    place = (await api.public.get("/v1/changes?since=now")).json()["next"]
    await change(api, "PATCH", f"/v1/articles/{a}", status="withdrawn")
    await followers.check()
    assert (await find(f"copy_of={a}"), await find("has=copy")) == ([], [])
    feed = (await api.public.get(f"/v1/changes?since={place}&copy_of={a}")).json()["data"]
    assert [(row["event"], row["article"]["id"]) for row in feed] == [("left_filter", b), ("left_filter", c)]
    await change(api, "PATCH", f"/v1/articles/{a}", status="published")
    await change(api, "DELETE", f"/v1/articles/{b}?purge=true")
    await followers.check()
    assert await find(f"copy_of={a}") == [c]
    await change(api, "DELETE", f"/v1/articles/{a}?purge=true")
    await followers.check()
    assert (await find(f"copy_of={a}"), await find("has=copy")) == ([], [])


@pytest.mark.parametrize(
    "door", ["articles", "search", "changes", "export", "timeline", "trending", "articles/1/neighbours"]
)
async def test_the_same_word_in_both_is_refused_at_every_door(shared_api: Served, door: str) -> None:
    await shared_api.post(title="Leaders meet")
    response = await shared_api.public.get(f"/v1/{door}?has=image,region&has_not=region,date")
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert [(error["parameter"], error["code"]) for error in errors] == [
        ("has", "invalid_range"), ("has_not", "invalid_range"),
    ]  # fmt: skip
    assert "region" in errors[0]["detail"]
    [error] = (await shared_api.public.get(f"/v1/{door}?has_not=regions")).json()["errors"]
    assert (error["parameter"], error["allowed"], error["did_you_mean"]) == ("has_not", list(HAS), "region")


async def test_times_of_arrival_and_withdrawal_are_filters(api: Served) -> None:
    kept, gone = await api.post(title="Stays"), await api.post(title="Goes")
    await change(api, "PATCH", f"/v1/articles/{gone['id']}", status="withdrawn")
    day = str(kept["created_at"])[:10]
    for door in ("articles", "search"):
        totals = [
            (await api.public.get(f"/v1/{door}?created_{end}={value}&min_seq={await seq(api)}")).json()["page"]["total"]
            for end, value in (("from", day), ("to", day), ("from", "2199"), ("to", "2001"))
        ]
        assert totals == [1, 1, 0, 0]
    for query, ids in (
        (f"withdrawn_from={day}", [gone["id"]]),
        ("withdrawn_from=2199", []),
        (f"withdrawn_to={day}&status=withdrawn,published", [gone["id"]]),
        (f"withdrawn_to={day}&status=published", []),
    ):
        listed = (await api.editor.get(f"/v1/articles?{query}")).json()
        assert [row["id"] for row in listed["data"]] == ids, query
    for door in ("articles", "changes", "export"):
        asked = f"/v1/{door}?withdrawn_from={day}"
        refused = [await api.public.get(asked), await api.public.get(asked, headers=await api.key("write"))]
        assert [response.status_code for response in refused] == [401, 403]
        assert all("parameter withdrawn_from needs" in response.json()["detail"] for response in refused)
        assert (await api.public.get(asked, headers=await api.key("read_drafts"))).status_code == 200
    assert (await api.editor.get(f"/v1/search?withdrawn_from={day}")).status_code == 422


async def seq(api: Served) -> str:
    return str((await api.public.get("/v1/changes?since=now")).json()["next"])


async def test_rows_of_the_log_that_cannot_tell_are_not_followed(api: Served) -> None:
    """As versions before 0.2 wrote them."""
    await api.post(title="Leaders meet", standfirst="In short.", regions=["belgium"])

    def make_old(session: Session) -> None:
        for seq, after in session.connection().execute(select(CHANGE.c.seq, CHANGE.c.after)).all():
            if after is not None:
                old = {name: value for name, value in orjson.loads(after).items() if name not in ("has", "created_at")}
                session.connection().execute(
                    update(CHANGE).where(CHANGE.c.seq == seq).values(after=orjson.dumps(old).decode())
                )

    await api.db.write(make_old)
    for query in ("has=standfirst", "has_not=author", "created_from=2020", "copy_of=1"):
        response = await api.public.get(f"/v1/changes?since=0&{query}")
        assert (response.status_code, response.json()["code"]) == (410, "cursor_expired")
        assert response.json()["export"] == f"/v1/export?{query}"
        stream = await api.public.get(f"/v1/changes/stream?since=0&{query}")
        assert stream.status_code == 410
        assert (await api.public.get(f"/v1/changes?since={await seq(api)}&{query}")).status_code == 200
    told = (await api.public.get("/v1/changes?since=0&has=region,date&has_not=image,source")).json()
    assert [row["article"]["slug"] for row in told["data"]] == ["leaders-meet"]


async def test_unknown_articles_in_a_filter_warn(api: Served) -> None:
    """One that the caller may not see as one that nobody ever wrote."""
    known = (await api.post(title="Leaders meet"))["id"]
    draft = (await api.editor.post("/v1/articles", json={"title": "Draft"})).json()["id"]
    for address in ("/v1/articles?", "/v1/search?", "/v1/changes?since=0&"):
        for name in ("copy_of", "translation_of"):
            for id in (draft, 9_999_999):
                [warning] = (await api.public.get(f"{address}{name}={id}")).json()["warnings"]
                assert warning == {
                    "code": "unknown_article", "parameter": name, "detail": f"There is no article {id}."
                }, address  # fmt: skip
            assert (await api.public.get(f"{address}{name}={known}")).json()["warnings"] == []
    assert (await api.editor.get(f"/v1/articles?copy_of={draft}")).json()["warnings"] == []
