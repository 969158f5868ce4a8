"""What reads cost the database: as many statements for twenty rows as for one, whatever is asked for; and what is kept
in memory shows every change that moves no version."""

import tracemalloc
from collections.abc import AsyncIterator
from itertools import combinations
from typing import cast

import pytest
from conftest import Served, serve
from support.newsroom import CountingReader

from app.articles.reading.item_cache import Item, Items
from app.context import AppContext
from app.http import responses
from app.settings import Settings

pytestmark = pytest.mark.anyio

# The least of three: on SQLite the head is read again only after a commit, which the noting of a key's use is too.
# Bodies, the state of an item and a page of tags are in memory by then.
LISTS = {
    "/v1/articles": 1,
    "/v1/articles?tag=harbour": 1,
    "/v1/articles?tag=harbour,rare": 1,
    "/v1/articles?region=europe": 1,
    "/v1/articles?tag=harbour&region=europe&published_from=2001": 1,
    "/v1/articles?tag_not=rare&sort=title": 1,
    "/v1/articles?page=1": 1,
    "/v1/articles?fields=title,tags.name,regions.slug": 1,
    "/v1/articles?fields=title&include=related,body": 2,
    "/v1/articles?include=body_text,body_blocks&names_in=fr": 2,
    "/v1/search?q=harbour": 1,
    "/v1/search?q=harbour&fields=title&include=body": 1,
    "/v1/tags": 0,
    "/v1/regions": 0,
}
ITEMS = {
    "/v1/articles/story-1": 0,
    "/v1/articles/story-1?fields=title&include=body": 0,
    "/v1/articles/story-1?names_in=fr": 0,
    "/v1/articles/story-1/related?kind=editorial": 2,
}


@pytest.fixture
async def plain(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """A server that caches no responses, with twenty-one articles."""
    async with serve(sqlite_settings.model_copy(update={"cache_mb": 0})) as api:
        for number in range(21):
            story: dict[str, object] = {
                "title": f"Harbour {number}", "slug": f"story-{number}", "body": "<p>Ships.</p>", "status": "published",
                "published_at": f"2020-01-{number + 1:02}", "tags": ["harbour"] if number else ["harbour", "rare"],
                "regions": ["belgium"], "related": [{"article": "story-0"}] if number else [],
            }  # fmt: skip
            made = await api.editor.post("/v1/articles", json=story)
            assert made.status_code == 201, made.text
        await api.public.get(f"/v1/articles?min_seq={made.headers['x-seq']}")
        yield api


async def _statements(api: Served, counting: CountingReader, path: str) -> int:
    counting.count = 0
    await api.public.get(path)
    return counting.count


async def test_reads_take_the_same_few_statements_for_one_row_and_for_twenty(plain: Served) -> None:
    counting = CountingReader(plain)
    plain.db.reader = counting
    spent: dict[str, list[int]] = {}
    try:
        for path in (*LISTS, *ITEMS):
            sizes = [f"{path}{'&' if '?' in path else '?'}limit={limit}" for limit in (20, 1)] if path in LISTS else []
            for asked in sizes or [path]:
                assert (await plain.public.get(asked)).status_code == 200, asked
                spent.setdefault(path, []).append(min([await _statements(plain, counting, asked) for _ in range(3)]))
    finally:
        plain.db.reader = counting.inner
    assert spent == {path: [most] * 2 for path, most in LISTS.items()} | {path: [most] for path, most in ITEMS.items()}


async def test_a_remembered_item_shows_what_moves_no_version(plain: Served) -> None:
    async def get_related(path: str) -> list[object]:
        shown = (await plain.public.get(path)).json()
        return [post["article"]["title"] for post in shown["related"] if post["status"] == "linked"]

    assert await get_related("/v1/articles/story-1") == await get_related("/v1/articles/story-1") == ["Harbour 0"]
    etag = {"If-Match": "*"}
    assert (await plain.editor.patch("/v1/articles/story-0", json={"title": "Quay"}, headers=etag)).is_success
    assert await get_related("/v1/articles/story-1") == ["Quay"]
    assert (await plain.editor.delete("/v1/articles/story-0", headers=etag)).is_success
    assert await get_related("/v1/articles/story-1") == []
    tag = (await plain.editor.get("/v1/tags/harbour")).headers["etag"]
    assert (await plain.editor.patch("/v1/tags/harbour", json={"name": "Port"}, headers={"If-Match": tag})).is_success
    shown = (await plain.public.get("/v1/articles/story-1")).json()
    assert [one["name"] for one in shown["tags"]] == ["Port"]


async def test_a_remembered_translation_names_its_original_only_while_that_is_public(plain: Served) -> None:
    original = (await plain.public.get("/v1/articles/story-3")).json()["id"]
    made = await plain.editor.post(
        "/v1/articles", json={"title": "Haven", "slug": "haven", "status": "published", "translation_of": original}
    )
    assert made.status_code == 201
    seen = [(await plain.public.get("/v1/articles/haven")).json()["translation_of"] for _ in range(2)]
    assert seen == [original, original]
    for change, shown in (("withdrawn", None), ("published", original)):
        response = await plain.editor.patch(f"/v1/articles/{original}",
                                          json={"status": change}, headers={"If-Match": "*"})  # fmt: skip
        assert response.is_success, response.text
        assert (await plain.public.get("/v1/articles/haven")).json()["translation_of"] == shown


async def test_a_body_that_was_shown_leaves_memory_with_its_article(plain: Served) -> None:
    bodies = cast("AppContext", plain.app.state.archive).cards.bodies
    path, etag = "/v1/articles?include=body&id=2", {"If-Match": "*"}
    for _ in range(2):
        [shown] = (await plain.public.get(path)).json()["data"]
        assert shown["body"] == "<p>Ships.</p>"
    assert bodies.size
    changed = await plain.editor.patch("/v1/articles/2", json={"body": "<p>Boats.</p>"}, headers=etag)
    assert changed.is_success
    [shown] = (await plain.public.get(path)).json()["data"]
    assert shown["body"] == "<p>Boats.</p>"
    assert bodies.size
    assert (await plain.editor.delete("/v1/articles/2", headers=etag)).is_success
    assert (await plain.public.get(path)).json()["data"] == []
    assert not bodies.size


async def test_a_page_of_tags_shows_a_new_name_at_once(plain: Served) -> None:
    for name in ("Quay", "Port"):
        [tag] = (await plain.public.get("/v1/tags?q=rare")).json()["data"]
        response = await plain.editor.patch(f"/v1/tags/{tag['id']}", json={"name": f"Rare {name}"},
                                          headers={"If-Match": "*"})  # fmt: skip
        assert response.is_success, response.text
        [tag] = (await plain.public.get("/v1/tags?q=rare")).json()["data"]
        assert tag["name"] == f"Rare {name}"


def _make_item(length: int) -> Item:
    rendered = responses.build_item(b"x" * length, etag='"1-a"', token="a", public=True, tags=["article:1"])
    return Item(rendered, "article:1", (1, 1, "a", "published", 1, None, None, None, "[]"))


async def test_items_forget_who_was_not_asked_for_longest_and_stay_in_their_bound() -> None:
    items = Items(most=800_000)
    for number in range(300):
        items.put(number, _make_item(1_000))
        items.get(0)
    assert items.held <= 800_000
    assert items.get(0) is not None
    assert items.get(1) is None
    assert items.get(299) is not None
    items.put("huge", _make_item(100_000))
    assert items.get("huge") is None
    before = items.held
    items.put(299, _make_item(1_500))
    assert items.held == before + 500


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["Nobody has written this yet", "Никто этого ещё не написал", "Nobody yet \N{PENCIL}\N{FISH}"]
)
async def test_items_count_all_the_memory_that_keeping_them_takes(plain: Served, words: str) -> None:
    many = [{"title": f"{words}, number {number}"} for number in range(100)]
    made = await plain.editor.post("/v1/articles", json={"title": "Many", "status": "published", "related": many})
    ref = made.json()["id"]
    names = ["slug", "status", "language", "title", "signature", "word_count", "url", "updated_at", "created_at"]
    fields = [",".join(some) for some in combinations(names, 3)]
    await plain.public.get(f"/v1/articles/{ref}?fields=version")
    items = cast("AppContext", plain.app.state.archive).items
    held = items.held
    tracemalloc.start()
    for some in fields:
        await plain.public.get(f"/v1/articles/{ref}?fields={some}")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert items.held - held >= 600 * len(fields)
    # The client of the test and what is compiled once take their part of it.
    assert taken < 2 * (items.held - held) + 400_000
