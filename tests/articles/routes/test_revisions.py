"""Every version is kept, shown as it was, compared, and can be gone back to; whatever door replaced it."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from conftest import Served
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session
from support.stories import NOW, story
from test_editing_http import FULL, create_article, patch, send

from app.articles import service
from app.articles.html import bodies
from app.articles.render import version_diff

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def get(desk: Served, article: Json, below: str = "", **parameters: Any) -> Json:
    response = await desk.editor.get(f"/v1/articles/{article['id']}/revisions{below}", params=parameters)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def test_versions_are_listed_shown_compared_and_restored(api: Served) -> None:
    first = await create_article(api, **FULL, slug="danube", status="published")
    second = (await patch(api, first, {"title": "A river is kept open", "tags": ["rivers"]})).json()
    body = second["body"].replace("Second ones.", "Other ones.") + "<p>Third ones.</p>"
    third = (await patch(api, second, {"body": body, "dateline": None, "slug": "danube-river"})).json()
    listed = await get(api, first)
    assert [(one["version"], one["changed_fields"]) for one in listed["data"]] == [
        (3, ["body", "dateline", "regions", "slug"]), (2, ["tags", "title"]), (1, []),
    ]  # fmt: skip
    assert {one["saved_by"] for one in listed["data"]} == {"test"}
    assert [await get(api, first, f"/{version}") for version in (1, 2, 3)] == [first, second, third]
    differing = await get(api, first, "/3/diff")
    assert (differing["from"], differing["to"]) == (2, 3)
    assert [(one["change"], one["text"]) for one in differing["body"]] == [
        ("same", "First words."), ("removed", "Second ones."), ("added", "Other ones."), ("added", "Third ones."),
    ]  # fmt: skip
    whole = await get(api, first, "/3/diff", **{"from": 1})
    assert whole["changed_fields"] == ["body", "dateline", "regions", "slug", "tags", "title"]
    assert {"field": "title", "before": first["title"], "after": third["title"]} in whole["fields"]
    back = await send(api, "POST", third, version='"3"', below="/revisions/1/restore")
    assert back.status_code == 200, back.text
    now = back.json()
    kept = {"version", "slug", "updated_at", "url"}
    assert {name for name in now if now[name] != first[name]} <= kept
    assert (now["version"], now["slug"]) == (4, "danube-river")
    stale = await send(api, "POST", third, version='"3"', below="/revisions/1/restore")
    assert (stale.status_code, stale.json()["changed_fields"]) == (
        412,
        ["body", "dateline", "regions", "tags", "title"],
    )


async def test_list_of_versions_is_paged_like_others(desk: Served) -> None:
    article = await create_article(desk)
    for n in range(4):
        article = (await patch(desk, article, {"standfirst": f"Line {n}"})).json()
    page = await get(desk, article, limit=2)
    assert ([one["version"] for one in page["data"]], page["page"]["total"]) == ([5, 4], 5)
    rest = await get(desk, article, limit=3, cursor=page["page"]["next"])
    assert [(one["version"], one["changed_fields"]) for one in rest["data"]] == [
        (3, ["standfirst"]), (2, ["standfirst"]), (1, []),
    ]  # fmt: skip
    assert rest["page"]["next"] is None


async def test_what_there_is_not_and_who_may_not_see(desk: Served) -> None:
    article = await create_article(desk, status="published", body="<p>One.</p>")
    path = f"/v1/articles/{article['id']}/revisions"
    for below in ("/7", "/0", "/x", "/7/diff", "/99999999999"):
        assert (await desk.editor.get(path + below)).status_code == 404
    wrong = await desk.editor.get(f"{path}/1/diff?from=9")
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "from")
    first = await get(desk, article, "/1/diff")
    assert (first["from"], [one["change"] for one in first["body"]]) == (None, ["added"])
    restore = f"{path}/7/restore"
    assert (await desk.editor.post(restore, headers={"If-Match": "*"})).status_code == 404
    assert (await desk.editor.post(f"{path}/1/restore")).status_code == 428
    same = await desk.editor.post(f"{path}/1/restore", headers={"If-Match": "*"})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    writer = await desk.key("write", "read_drafts")
    for below in ("", "/1", "/1/diff"):
        assert (await desk.public.get(path + below)).status_code == 401
        assert (await desk.public.get(path + below, headers=await desk.key("write"))).status_code == 403
        assert (await desk.public.get(path + below, headers=writer)).status_code == 200
    refused = await desk.public.post(f"{path}/1/restore", headers=writer | {"If-Match": "*"})
    assert (refused.status_code, refused.json()["scope"]) == (403, "publish")


async def test_versions_replaced_by_other_doors_are_kept_too(api: Served) -> None:
    def list_imported(session: Session, *numbers: int) -> list[int]:
        due = [story(api.db, n, title=f"Draft {numbers} of it", published_at=NOW + 100) for n in numbers[:1]]
        return [one.id for one in service.upsert(session, due, now=NOW, site_url="")]

    [id] = (await api.db.write(list_imported, 7)).value
    assert (await api.db.write(list_imported, 7, 8)).value == [id]
    await api.db.write(service.go_live, now=NOW + 200)
    await api.db.write(service.withdraw, [id], now=NOW + 300, by="the desk")
    listed = await get(api, {"id": id})
    assert [(one["version"], one["status"], one["saved_by"], one["changed_fields"]) for one in listed["data"]] == [
        (4, "withdrawn", "the desk", ["status"]),
        (3, "published", "schedule", ["status"]),
        (2, "scheduled", "import", ["title"]),
        (1, "scheduled", "import", []),
    ]


async def test_version_shows_what_it_was_linked_to_by_todays_names(desk: Served) -> None:
    target = await create_article(desk, title="A target of some links", slug="target", status="published")
    article = await create_article(desk, related=[{"article": "target"}, {"title": "Not written yet"}], source="Herald")
    changed = (await patch(desk, article, {"related": [], "source": None, "translation_of": target["id"]})).json()
    assert await get(desk, article, "/1") == article
    assert (await send(desk, "DELETE", target, params={"purge": "true"})).status_code == 204
    shown = await get(desk, article, "/1")
    assert [(post["title"], post["article"]) for post in shown["related"]] == [("Not written yet", None)]
    back = await send(desk, "POST", changed, version="*", below="/revisions/2/restore")
    assert (back.status_code, back.json()["translation_of"]) == (200, None)


def _paragraphs(numbers: Iterable[int]) -> str:
    return "\n".join(f"<p>Paragraph {number}.</p>" for number in numbers)


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=25), st.lists(st.integers(0, 30), max_size=25), st.booleans())
def test_both_bodies_can_be_read_off_their_diff(old: list[int], new: list[int], large: bool) -> None:
    """Also where they have more paragraphs than are compared pair by pair."""
    more = range(100, 1_200) if large else range(0)
    before, after = _paragraphs([*old, *more]), _paragraphs([*more, *new])
    shown = version_diff.compare_paragraphs(before, after)
    for body, left_out in ((before, "added"), (after, "removed")):
        assert [one["text"] for one in shown if one["change"] != left_out] == [b.text for b in bodies.blocks(body)]
    if large:
        assert sum(one["change"] == "same" for one in shown) >= len(more)


def test_a_diff_of_thousands_of_paragraphs_takes_no_seconds() -> None:
    before = _paragraphs(range(14_000))
    after = _paragraphs(number if number % 2 else number + 20_000 for number in range(14_000))
    began = time.process_time()
    shown = version_diff.compare_paragraphs(before, after)
    assert time.process_time() - began < 2
    assert Counter(one["change"] for one in shown) == {"same": 7_000, "removed": 7_000, "added": 7_000}
