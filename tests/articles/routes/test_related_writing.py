"""The editors' list of related posts over HTTP: what is accepted, what comes back, what the public never sees."""

import shutil
from collections.abc import AsyncIterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Served, serve
from sqlalchemy import update
from sqlmodel import Session

from app.articles import service
from app.http.conditional import parse_versions
from app.models import Article, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
A, NUMBER = table(Article), count(1)


@pytest.fixture(scope="module")
async def local(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("relating")
    shutil.copy(sqlite_template, folder)
    async with serve(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as server:
        yield server


def publish(session: Session, id: int) -> None:
    """A draft, by the clock."""
    session.connection().execute(update(A).where(A.c.id == id).values(status="scheduled", published_at=1))
    service.go_live(session, now=1_800_000_000)


class RelatedStory:
    """An article and its list of related posts."""

    def __init__(self, api: Served, made: Mapping[str, Any]) -> None:
        self.served, self.id, self.slug, self.title = api, int(made["id"]), made["slug"], made["title"]
        self.path = f"/v1/articles/{self.slug}"

    async def put(self, body: object, **headers: str) -> httpx.Response:
        """With the version as it is now, unless `if_match` gives one."""
        payload = {name.replace("_", "-"): value for name, value in headers.items()}
        payload.setdefault("if-match", (await self.served.editor.get(self.path)).headers["etag"])
        return await self.served.editor.put(f"{self.path}/related", json=body, headers=payload)

    async def save(self, body: object) -> list[dict[str, Any]]:
        response = await self.put(body)
        assert response.status_code == 200, response.text
        return list(response.json()["data"])

    async def list_rows(self, *, editor: bool = False) -> list[tuple[str, str | None, int | None]]:
        """(status, title, id of the article) of the editors' rows, to the public unless `editor`."""
        client = self.served.editor if editor else self.served.public
        rows = (await client.get(f"{self.path}/related", params={"kind": "editorial"})).json()["data"]
        return [(row["status"], row["title"], row["article"] and row["article"]["id"]) for row in rows]

    async def item(self) -> dict[str, Any]:
        return dict((await self.served.editor.get(self.path)).json())

    async def withdraw(self) -> None:
        await self.served.db.write(service.withdraw, [self.id], now=1_800_000_000)


async def story(api: Served, title: str = "", **article: object) -> RelatedStory:
    number = next(NUMBER)
    body = {"title": title or f"Story number {number} of many", "status": "published", **article}
    response = await api.editor.post("/v1/articles", json=body)
    assert response.status_code == 201, response.text
    return RelatedStory(api, response.json())


async def test_list_is_replaced_and_moves_the_version(local: Served) -> None:
    source, target = await story(local, related=["What was there"]), await story(local)
    before = await source.item()
    response = await source.put(
        ["Only a title", {"article": target.slug}, {"title": "Both", "url": "https://a.example/b"}]
    )
    assert response.status_code == 200, response.text
    assert [row["title"] for row in response.json()["data"]] == ["Only a title", target.title, "Both"]
    after = await source.item()
    assert (after["version"], parse_versions(response.headers["etag"])) == (2, frozenset({2}))
    assert after["updated_at"] >= before["updated_at"]
    assert after["related"] == response.json()["data"]
    changes = (await local.public.get("/v1/changes?since=0&limit=1000")).json()["data"]
    [last] = [row for row in changes if row["article"] and row["article"]["id"] == source.id][-1:]
    assert (last["event"], last["changed_fields"]) == ("updated", ["related"])


async def test_what_reading_gives_is_accepted_back_and_changes_nothing(local: Served) -> None:
    hidden, shown = await story(local, status="draft"), await story(local)
    url = f"https://else.example/{shown.slug}"
    values = ["A title alone", {"article": hidden.slug}, {"article": shown.id, "title": "Own words"}, {"url": url}]
    source = await story(local)
    await source.save(values)
    for kind in ("all", "editorial"):
        response = await local.editor.get(f"{source.path}/related", params={"kind": kind})
        again = await source.put(response.json(), if_match=response.headers["etag"])
        assert (again.status_code, parse_versions(again.headers["etag"])) == (200, frozenset({2})), again.text
    assert [row["title"] for row in again.json()["data"]] == ["A title alone", hidden.title, "Own words", None]


async def test_if_match_is_needed_and_compared(local: Served) -> None:
    source = await story(local)
    bare = await local.editor.put(f"{source.path}/related", json=[])
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition_required")
    stale = await source.put(["Some title"], if_match='"7"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    for good in ('W/"1-abc"', "*"):
        assert (await source.put(["Some title"], if_match=good)).status_code == 200
    assert (await source.item())["version"] == 2


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ([{"article": "no-such-article"}], "/0/article", "invalid_value"),
        (["Good", {"article": {"title": "No ref"}, "title": "x"}], "/1/article", "invalid_value"),
        ({"data": [{"titel": "x"}]}, "/data/0/titel", "unknown_field"),
        ([{"position": 1}], "/0", "invalid_value"),
        ([""], "/0", "invalid_value"),
        ([7], "/0", "invalid_value"),
        ([{"unlinked": True}], "/0", "invalid_value"),
        ([{"title": "x", "unlinked": "yes"}], "/0/unlinked", "invalid_value"),
        ({"related": []}, "/data", "invalid_value"),
        (["x"] * 101, "", "invalid_value"),
    ],
)
async def test_bad_entry_is_named_and_changes_nothing(local: Served, body: object, pointer: str, code: str) -> None:
    source = await story(local, related=["What was there"])
    response = await source.put(body)
    assert response.status_code == 422, response.text
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in response.json()["errors"]]
    assert (await source.item())["version"] == 1
    assert await source.list_rows() == [("unresolved", "What was there", None)]


async def test_article_is_not_related_to_itself(local: Served) -> None:
    source = await story(local)
    response = await source.put({"data": ["Good", {"article": source.id}]})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/data/1/article")


async def test_scope_goes_by_the_state_of_the_article(local: Served) -> None:
    draft, public = await story(local, status="draft"), await story(local)
    writer = await local.key("write", "read_drafts")
    for one, expected in ((draft, 200), (public, 403)):
        response = await local.public.put(
            f"{one.path}/related", json=["A title"], headers={**writer, "If-Match": '"1"'}
        )
        assert response.status_code == expected, response.text
    assert (await local.public.put(f"{public.path}/related", json=[])).status_code == 401
    reader = await local.key("read_drafts")
    assert (await local.public.put(f"{public.path}/related", json=[], headers=reader)).status_code == 403
    blind = await local.key("write", "publish")
    hidden = await local.public.put(
        f"{public.path}/related", json=[{"article": draft.id}], headers={**blind, "If-Match": "*"}
    )
    unknown = await local.public.put(
        f"{public.path}/related", json=[{"article": 10**9}], headers={**blind, "If-Match": "*"}
    )
    assert (hidden.status_code, hidden.json()["code"]) == (unknown.status_code, unknown.json()["code"])
    assert (
        await local.public.put(f"{draft.path}/related", json=[], headers={**blind, "If-Match": "*"})
    ).status_code == 404


async def test_withdrawn_article_leaves_nothing_but_the_editors_words(local: Served) -> None:
    target = await story(local)
    bare, worded, read = await story(local), await story(local), await story(local)
    await bare.save([{"article": target.slug}])
    await worded.save([{"article": target.slug, "title": "In the editors' words"}])
    await read.save((await bare.item())["related"])
    await target.withdraw()
    assert await bare.list_rows() == await read.list_rows() == []
    assert await worded.list_rows() == [("unresolved", "In the editors' words", None)]
    assert await bare.list_rows(editor=True) == [("linked", target.title, target.id)]
    await story(local, title=target.title)
    assert await worded.list_rows() == [("unresolved", "In the editors' words", None)]


async def test_draft_that_is_linked_shows_once_it_is_published(local: Served) -> None:
    target = await story(local, status="draft")
    source = await story(local)
    await source.save([{"article": target.id, "title": "Words about a draft"}, {"article": target.id}])
    assert await source.list_rows() == []
    unresolved = await local.public.get("/v1/articles", params={"has": "unresolved", "id": source.id})
    assert unresolved.json()["data"] == []
    await local.db.write(publish, target.id)
    assert await source.list_rows() == [("linked", "Words about a draft", target.id)]


async def test_unlinked_entry_stays_so_until_it_is_linked_again(local: Served) -> None:
    target = await story(local)
    source = await story(local, related=[target.title])
    [row] = (await source.item())["related"]
    assert row["article"]["id"] == target.id
    unlinked = [("unresolved", target.title, None)]
    await source.save([{**row, "unlinked": True}])
    assert await source.list_rows() == unlinked
    await source.save(["Another title", target.title])
    assert (await source.list_rows())[1:] == unlinked
    [_, row] = (await source.item())["related"]
    assert row["unlinked"] is True
    await source.save([{**row, "unlinked": False}])
    assert await source.list_rows() == [("linked", target.title, target.id)]


async def test_entry_twice_is_shown_once(local: Served) -> None:
    target = await story(local)
    source = await story(local)
    await source.save([{"article": target.id}, "One title", {"article": target.slug, "title": "Again"}, "One title"])
    assert await source.list_rows() == [("linked", target.title, target.id), ("unresolved", "One title", None)]


async def test_stale_writer_is_told_what_changed(local: Served) -> None:
    source = await story(local)
    await source.save(["Some title"])
    stale = (await source.put(["Another title"], if_match='"1"')).json()
    assert (stale["code"], stale["changed_fields"]) == ("precondition_failed", ["related"])


async def test_purged_article_lets_entries_wait_for_another(local: Served) -> None:
    target = await story(local)
    source = await story(local)
    await source.save([{"article": target.id}, {"article": target.id, "title": "The editors' own words"}])
    heir = await story(local, title="The editors' own words")
    gone = await local.editor.delete(target.path, params={"purge": "true"}, headers={"If-Match": "*"})
    assert gone.status_code == 204, gone.text
    assert await source.list_rows() == [("linked", "The editors' own words", heir.id)]
    changes = (await local.public.get("/v1/changes?since=0&limit=1000")).json()["data"]
    assert [(row["event"], row["article"]["id"]) for row in changes[-2:]] == [
        ("purged", target.id),
        ("linked", source.id),
    ]


async def test_article_edited_elsewhere_keeps_its_list(local: Served) -> None:
    target = await story(local)
    source = await story(local, related=[target.title, {"title": "Never this one", "unlinked": True}])
    edited = await local.editor.patch(source.path, json={"standfirst": "New"}, headers={"If-Match": "*"})
    put = await local.editor.put(source.path, json=edited.json(), headers={"If-Match": "*"})
    assert (put.status_code, put.json()["version"]) == (200, 2), put.text
    assert [row["unlinked"] for row in put.json()["related"]] == [False, True]
    own = await local.editor.patch(source.path, json={"related": [{"article": source.id}]}, headers={"If-Match": "*"})
    assert own.json()["errors"][0]["pointer"] == "/related/0/article"
