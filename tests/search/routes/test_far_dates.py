"""The first and the last dates that are understood, in zones far from UTC: responses, never failures."""

from collections.abc import Iterator

import pytest
from conftest import Served

pytestmark = pytest.mark.anyio

FAR = (
    ("0001-01-01", "Pacific/Kiritimati"), ("0001", "Etc/GMT+12"), ("0001-01-01T00:00:00+14:00", "UTC"),
    ("2200-12-31", "Etc/GMT+12"), ("2200", "Pacific/Kiritimati"), ("9999-12-31", "UTC"),
)  # fmt: skip
NAMES = ("_from", "_to", "until", "since", "year", "archive", "at")


def list_requests(paths: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> Iterator[tuple[str, str, bool]]:
    """Each path that is read without a reference, with each of its parameters that takes a date."""
    for path, operations in paths.items():
        names = {one["name"] for one in operations.get("get", {}).get("parameters", ()) if one["in"] == "query"}
        if "{" not in path and path not in ("/v1/changes/stream", "/metrics"):
            yield from ((path, name, "tz" in names) for name in sorted(names) if name.endswith(NAMES))


async def test_dates_at_either_end_fail_nowhere(shared_api: Served) -> None:
    document = (await shared_api.public.get("/openapi.json")).json()
    requests = list(list_requests(document["paths"]))
    assert len(requests) > 50
    failed = []
    for path, name, has_zone in requests:
        for value, zone in FAR:
            query = {name: value} | ({"tz": zone} if has_zone else {})
            response = await shared_api.editor.get(path, params=query)
            if response.status_code >= 500:
                failed.append((path, query))
    assert failed == []


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("interval=year&published_from=0001-01-01&published_to=0002-01-01&tz=Asia/Tokyo",
         "0000-12-31T14:41:01Z", "0002-12-31T14:41:01Z"),
        ("interval=day&published_from=0001-01-01&published_to=0001-01-03&tz=Pacific/Auckland",
         "0000-12-31T12:20:56Z", "0001-01-03T12:20:56Z"),
        ("interval=week&published_from=0001-01-01&published_to=0001-01-03&tz=Etc/GMT%2B12",
         "0001-01-01T12:00:00Z", "0001-01-08T12:00:00Z"),
        ("interval=year&published_from=2199&published_to=2200-12-31&tz=Etc/GMT%2B12",
         "2199-01-01T12:00:00Z", "2201-01-01T12:00:00Z"),
    ],
)  # fmt: skip
async def test_timeline_begins_and_ends_where_its_zone_does(
    shared_api: Served, query: str, first: str, last: str
) -> None:
    response = await shared_api.public.get(f"/v1/timeline?{query}")
    assert response.status_code == 200, response.text
    buckets = response.json()["buckets"]
    assert (buckets[0]["start"], buckets[-1]["end"]) == (first, last)
    sheet = await shared_api.public.get(f"/v1/timeline?{query}&format=csv")
    assert first in sheet.text


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("until=0001-01-01&window=7d", "0000-12-26T00:00:00Z"),
        ("until=0001-01-01&window=365d", "0000-01-03T00:00:00Z"),
        ("until=0001-12-31&window=366d", "0000-12-31T00:00:00Z"),
        ("until=0001-12-30&window=366d", "0000-12-30T00:00:00Z"),
    ],
)
async def test_window_may_begin_before_the_first_year(shared_api: Served, query: str, first: str) -> None:
    response = await shared_api.public.get(f"/v1/trending?{query}")
    assert response.status_code == 200, response.text
    assert response.json()["window"]["from"] == first
