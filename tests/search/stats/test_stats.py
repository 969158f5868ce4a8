"""The archive in numbers: each is what SQL counts, and what the request beside it lists."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, literal_column, select

from app.articles.filters import HAS, HAS_CONDITIONS
from app.models import Article, ArticleTag, Tag, table
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

A, TAGGED, TAG = table(Article), table(ArticleTag), table(Tag)
Json = dict[str, Any]
HEADERS = {"If-Match": "*"}


@pytest.fixture(scope="module")
async def full_archive(shared_settings: Settings) -> AsyncIterator[Served]:
    """For reading only."""
    async with serve(shared_settings) as api:
        await fill(api)
        yield api


async def fill(api: Served) -> None:
    tags = ["NATO", "grain", {"name": "World", "kind": "section"}]
    for number in range(6):
        await api.post(
            title=f"Leaders meet {number}", tags=tags[: 1 + number % 3], authors=["Ines Marlow"][: number % 2],
            regions=["belgium"] if number % 2 else [], standfirst="In short." if number % 3 else None,
            published_at=f"2025-0{number + 1}-10T08:00:00Z",
        )  # fmt: skip
    for number, authors in enumerate((["Jon Abara"], ["Jon Abara", "Ines Marlow"], [])):
        await api.editor.post("/v1/articles", json={"title": f"A draft {number}", "authors": authors, "tags": ["once"]})
    for status in ("withdrawn", "draft"):
        made = await api.post(title=f"Goes {status}", tags=["NATO", "gone"])
        await api.editor.patch(f"/v1/articles/{made['id']}", json={"status": status}, headers=HEADERS)
    await api.post(title="The last one")


async def get_stats(api: Served, query: str = "", **headers: str) -> Json:
    seq = (await api.public.get("/v1/changes?since=now")).json()["next"]
    response = await api.public.get(f"/v1/stats?min_seq={seq}&{query}", headers=headers)
    assert response.status_code == 200, response.text
    stats: Json = response.json()
    return stats


def list_numbers(value: object) -> list[Json]:
    """Every number in the response with its request."""
    if isinstance(value, list):
        return [one for part in value for one in list_numbers(part)]
    if not isinstance(value, dict):
        return []
    return [value] if "request" in value else [one for part in value.values() for one in list_numbers(part)]


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
async def test_each_number_is_what_its_request_lists(full_archive: Served, zone: str) -> None:
    key = await full_archive.key("read_drafts")
    for headers in ({}, key):
        stats = await get_stats(full_archive, f"tz={zone}&days=3", **headers)
        numbers = list_numbers(stats)
        assert len(numbers) > 30
        for number in numbers:
            shown = await full_archive.public.get(number["request"], headers=headers)
            assert shown.status_code == 200, shown.text
            assert shown.json()["page"]["total"] == number["count"], number["request"]
        assert sum(day["created"]["count"] for day in stats["days"]) == 7
        assert (stats["unpublished"] is None) == (headers == {})
        assert {day["withdrawn"] is None for day in stats["days"]} == {headers == {}}


async def test_numbers_are_those_of_sql(full_archive: Served) -> None:
    stats = await get_stats(full_archive, **await full_archive.key("read_drafts"))
    published = A.c.status == "published"
    with full_archive.db.snapshot() as snapshot:
        count = snapshot.connection.execute

        def number(*conditions: Any) -> int:
            return int(count(select(func.count()).select_from(A).where(*conditions)).scalar_one())

        assert stats["published"]["count"] == number(published) == 7
        for word in HAS:
            there = number(published, HAS_CONDITIONS[word])
            assert (stats["having"][word]["count"], stats["lacking"][word]["count"]) == (there, 7 - there), word
        uses = select(TAGGED.c.tag_id, func.count().label("uses")).join(TAG, TAG.c.id == TAGGED.c.tag_id)
        uses = uses.join(A, A.c.id == TAGGED.c.article_id).where(published, TAG.c.kind != "contributor")
        used = [row.uses for row in count(uses.group_by(TAGGED.c.tag_id))]
        assert (stats["tags"]["used"]["count"], stats["tags"]["used_once"]["count"]) == (len(used), used.count(1))
        for state in ("draft", "scheduled", "withdrawn", "trashed"):
            assert stats["unpublished"][state]["count"] == number(A.c.status == state)
        assert stats["unpublished"]["draft"]["count"] == 4
        today = stats["days"][-1]
        assert today["withdrawn"]["count"] == number(A.c.status == "withdrawn") == 1
        assert today["updated"]["count"] == number(published, A.c.updated_at >= literal_column("1760000000"))
    by_author = {row["value"]: row["count"] for row in stats["unpublished"]["drafts_by_author"]}
    assert by_author == {"jon-abara": 2, "ines-marlow": 1}
    assert stats["unpublished"]["drafts_without_author"]["count"] == 2
    assert [row["value"] for row in stats["unpublished"]["drafts_by_author"]] == ["jon-abara", "ines-marlow"]
    one = await get_stats(full_archive, "authors=1", **await full_archive.key("read_drafts"))
    assert [row["value"] for row in one["unpublished"]["drafts_by_author"]] == ["jon-abara"]


async def test_drafts_move_nothing_that_the_public_sees(api: Served) -> None:
    await fill(api)
    before = await api.public.get("/v1/stats?days=2")
    await api.editor.post("/v1/articles", json={"title": "Nobody knows this yet", "tags": ["hush-hush", "NATO"]})
    after = await api.public.get("/v1/stats?days=2")
    assert (before.content, before.headers["etag"]) == (after.content, after.headers["etag"])
    assert b"draft" not in after.content
    assert await get_stats(api, **await api.key("write")) == await get_stats(api)


async def test_csv_has_a_line_for_each_number(full_archive: Served) -> None:
    key = await full_archive.key("read_drafts")
    response = await full_archive.public.get("/v1/stats?format=csv&bom=true&days=2", headers=key)
    assert response.headers["content-disposition"] == 'attachment; filename="dateline-stats.csv"'
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    shown = (await full_archive.public.get("/v1/stats?days=2", headers=key)).json()
    assert [(int(row["count"]), row["request"]) for row in rows] == [
        (number["count"], number["request"]) for number in list_numbers(shown)
    ]
    assert {(row["number"], row["value"], row["name"]) for row in rows} >= {
        ("published", "", ""), ("lacking", "region", ""), ("drafts_by_author", "jon-abara", "Jon Abara"),
        ("days", shown["days"][-1]["day"], "created"), ("tags", "used_once", ""),
    }  # fmt: skip
    refused = await full_archive.public.get("/v1/stats?bom=true")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "bom")
    assert orjson.loads((await full_archive.public.get("/v1/stats?days=367")).content)["code"] == "limit_too_large"
