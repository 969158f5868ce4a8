"""What rose in a window that has passed: as if it had been asked for then."""

from typing import Any

import pytest
from conftest import Served

pytestmark = pytest.mark.anyio


async def fill(api: Served) -> None:
    """A tag that is always there, and one that rose in June 2025."""
    for day in range(1, 29):
        for month, tags in ((5, ["grain"]), (6, ["grain", "storm"] if 10 <= day < 17 else ["grain"])):
            at = f"2025-{month:02}-{day:02}T08:00:00Z"
            row = {"title": f"Of {at}", "tags": tags, "published_at": at, "status": "published"}
            assert (await api.editor.post("/v1/articles", json=row)).status_code == 201
    await api.post(title="The last one")


async def get_trends(api: Served, query: str) -> Any:
    response = await api.public.get(f"/v1/trending?window=7d&{query}")
    assert response.status_code == 200, response.text
    return response


async def test_past_window_shows_what_rose_then(api: Served) -> None:
    await fill(api)
    response = await get_trends(api, "until=2025-06-16")
    assert response.json()["window"] == {"from": "2025-06-10T00:00:00Z", "to": "2025-06-17T00:00:00Z"}
    first = response.json()["data"][0]
    assert (first["value"], first["count"], first["score"] > 20) == ("storm", 7, True)
    assert "max-age=30" in response.headers["cache-control"]
    for other in ("until=2025-06-08", "until=2025-06-28T00:00:00Z"):
        assert [row for row in (await get_trends(api, other)).json()["data"] if row["score"] > 1] == []
    assert (await get_trends(api, "until=2025-05")).json()["window"]["to"] == "2025-06-01T00:00:00Z"


async def test_window_ends_now_at_the_latest(api: Served) -> None:
    await fill(api)
    now = await get_trends(api, "")
    assert (await get_trends(api, "until=now")).json() == now.json()
    assert (await get_trends(api, "until=now-1h")).json()["window"] != now.json()["window"]
    refused = await api.public.get("/v1/trending?until=2199")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "until")


async def test_other_dates_than_the_windows_are_refused(api: Served) -> None:
    await api.post(title="Leaders meet")
    refused = await api.public.get("/v1/trending?published_from=2025&until=2025-06")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["published_from"]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_range")
