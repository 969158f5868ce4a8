"""Empty pages lead to the rows that there are: back from behind the last one, on from before the first one."""

from typing import Any

import orjson
import pytest
from conftest import Served

pytestmark = pytest.mark.anyio
ANY = {"If-Match": "*"}
Json = dict[str, Any]
BY_CURSOR = (
    "/v1/articles?", "/v1/articles?sort=published_at&", "/v1/articles?sort=title&", "/v1/articles?sort=-created_at&",
    "/v1/search?", "/v1/search?sort=published_at&", "/v1/search?q=harbour&sort=-published_at&",
    "/v1/searches/harbours?", "/v1/searches/harbours?sort=published_at&",
)  # fmt: skip
BY_NUMBER = (
    "/v1/articles?", "/v1/articles?sort=title&", "/v1/articles?sort=-updated_at&", "/v1/articles?tag=ports&",
    "/v1/articles?q=harbour&", "/v1/articles?q=harbour&sort=published_at&", "/v1/articles?id={ids}&",
    "/v1/search?", "/v1/search?q=harbour&", "/v1/search?q=harbour&sort=published_at&", "/v1/tags?", "/v1/regions?",
    "/v1/audit?",
)  # fmt: skip


async def get(api: Served, address: str) -> Json:
    response = await api.editor.get(address)
    assert response.status_code == 200, (address, response.text)
    body: Json = response.json()
    return body


def list_ids(body: Json) -> list[object]:
    return [row["article"]["id"] if "article" in row and "score" in row else row["id"] for row in body["data"]]


@pytest.fixture
async def harbours(api: Served) -> list[int]:
    """Three articles, the last of them without a date, and a search of them."""
    for number in (1, 2):
        date = f"2025-0{number}-01"
        await api.post(title=f"Harbour {number}", body="<p>harbour</p>", tags=["ports"], published_at=date)
    undated = {"title": "Harbour 3", "body": "<p>harbour</p>", "tags": ["ports"], "external_id": "3", "origin": "x"}
    lines = {"Content-Type": "application/x-ndjson"}
    imported = await api.editor.post("/v1/imports", content=orjson.dumps(undated), headers=lines)
    await get(api, f"/v1/search?min_seq={orjson.loads(imported.text.splitlines()[-1])['seq']}")
    saved = await api.editor.post("/v1/searches", json={"slug": "harbours", "q": "harbour"})
    assert saved.status_code == 201, saved.text
    articles = (await get(api, "/v1/articles"))["data"]
    assert [row["published_at"] is None for row in articles] == [False, False, True]
    return [row["id"] for row in articles]


@pytest.mark.parametrize("door", BY_NUMBER)
async def test_numbered_page_behind_the_last_leads_back_to_it(api: Served, harbours: list[int], door: str) -> None:
    door = door.format(ids=",".join(map(str, harbours)))
    total = (await get(api, f"{door}limit=2"))["page"]["total"]
    last = -(-total // 2)
    expected = list_ids(await get(api, f"{door}limit=2&page={last}"))
    for number in (last + 1, last + 7):
        empty = await get(api, f"{door}limit=2&page={number}")
        assert (empty["data"], empty["page"]["next"]) == ([], None)
        back = await get(api, f"{door}limit=2&cursor={empty['page']['previous']}")
        assert list_ids(back)[-1:] == expected[-1:], number
        first = await get(api, f"{door}limit=2&cursor={back['page']['previous']}") if back["page"]["previous"] else back
        assert first["data"]
    if "id=" not in door:
        uncounted = await get(api, f"{door}limit=2&page={last + 1}&count=none")
        back = await get(api, f"{door}limit=2&cursor={uncounted['page']['previous']}")
        assert list_ids(back) == expected


@pytest.mark.parametrize("door", ["/v1/articles?tag=ports&", "/v1/search?q=harbour&", "/v1/search?tag=ports&"])
async def test_numbered_page_of_nothing_leads_nowhere(api: Served, door: str) -> None:
    await api.post(title="Another")
    empty = await get(api, f"{door}page=3")
    assert (empty["data"], empty["page"]["next"], empty["page"]["previous"]) == ([], None, None)


@pytest.mark.parametrize("door", BY_CURSOR)
async def test_page_that_has_become_empty_leads_to_the_row_that_its_cursor_was_made_of(
    api: Served, harbours: list[int], door: str
) -> None:
    first = await get(api, f"{door}limit=1")
    second = await get(api, f"{door}limit=1&cursor={first['page']['next']}")
    third = await get(api, f"{door}limit=1&cursor={second['page']['next']}")
    for one in (first, third):
        gone = await api.editor.delete(f"/v1/articles/{list_ids(one)[0]}", headers=ANY)
        assert gone.status_code == 200, gone.text
        seq = gone.headers["x-seq"]
        assert (await api.public.get("/v1/search", params={"min_seq": seq})).status_code == 200
    behind = await get(api, f"{door}limit=1&cursor={second['page']['next']}")
    assert (behind["data"], behind["page"]["next"]) == ([], None)
    back = await get(api, f"{door}limit=1&cursor={behind['page']['previous']}")
    assert list_ids(back) == list_ids(second)
    before = await get(api, f"{door}limit=1&cursor={second['page']['previous']}")
    assert (before["data"], before["page"]["previous"]) == ([], None)
    onward = await get(api, f"{door}limit=1&cursor={before['page']['next']}")
    assert list_ids(onward) == list_ids(second)
