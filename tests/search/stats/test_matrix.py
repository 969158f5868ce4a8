"""Tables of one dimension by another: each cell is what SQL counts, and what the filters of its row and column find."""

import csv
import io
import random
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import text

from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

Json = dict[str, Any]
DIMENSIONS = ("tag", "region", "author", "section", "source", "language", "year", "month", "week", "day")
TIMES = DIMENSIONS[6:]
PLACES = ("belgium", "ukraine", "estonia", "kenya")


@pytest.fixture(scope="module")
async def full_archive(shared_settings: Settings) -> AsyncIterator[Served]:
    """For reading only."""
    async with serve(shared_settings) as api:
        await fill(api)
        yield api


async def fill(api: Served) -> None:
    """Articles that differ in everything."""
    chance = random.Random(7)
    for number in range(30):
        response = await api.editor.post("/v1/articles", json={
            "title": f"Leaders meet {number}", "status": "published",
            "tags": [*chance.sample(["NATO", "grain", "energy"], chance.randrange(3)),
                     *chance.sample([{"name": "World", "kind": "section"}], chance.randrange(2))],
            "authors": chance.sample(["Ines Marlow", "Jon Abara"], chance.randrange(3)),
            "regions": chance.sample(PLACES, chance.randrange(3)),
            "language": chance.choice(["en", "fr"]),
            "source": chance.choice([None, {"name": "The Herald"}, {"name": "The Post"}]),
            "published_at": chance.choice(
                ["2023-12-31T23:30:00Z", "2024-02", "2024-03-01", "2025", "2025-06-10T08:00:00Z"]
            ),
        })  # fmt: skip
        assert response.status_code == 201, response.text
    await api.post(title="The last one", published_at="2025-06-11T00:10:00+01:00")


async def get_matrix(api: Served, query: str) -> Json:
    response = await api.public.get(f"/v1/matrix?{query}")
    assert response.status_code == 200, response.text
    matrix: Json = response.json()
    return matrix


def make_filter(dimension: str, value: str) -> str:
    if dimension in ("month", "day"):
        return f"published_from={value}&published_to={value}"
    if dimension == "week":
        monday = datetime.fromisoformat(value).replace(tzinfo=UTC)
        sunday = datetime.fromtimestamp(monday.timestamp() + 6 * 86_400, UTC).date()
        return f"published_from={value}&published_to={sunday}"
    return f"{dimension}={value}"


def pairs() -> Iterable[tuple[str, str]]:
    chance = random.Random(3)
    every = [(a, b) for a, b in product(DIMENSIONS, DIMENSIONS) if a != b and not (a in TIMES and b in TIMES)]
    return sorted({("region", "month"), ("day", "tag"), *chance.sample(every, 6)})


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_cells_are_what_the_filters_of_row_and_column_find(full_archive: Served) -> None:
    """Dates that are a month or a year are in no finer period."""
    for rows, columns in pairs():
        matrix = await get_matrix(
            full_archive, f"rows={rows}&columns={columns}&published_to=2026-01-01&tz=Europe/Brussels"
        )
        assert matrix["data"], (rows, columns)
        for row in matrix["data"]:
            for i, (column, cell) in enumerate(zip(matrix["column_values"], row["cells"], strict=True)):
                if cell or i % 97 == 0:
                    query = f"{make_filter(rows, row['value'])}&{make_filter(columns, column['value'])}"
                    both = f"/v1/search?limit=100&tz=Europe/Brussels&published_to=2026-01-01&{query}"
                    both = both.replace("&published_to=2026-01-01", "") if "published_from" in query else both
                    hits = (await full_archive.public.get(both)).json()["data"]
                    vague = {"day": ("month", "year"), "week": ("month", "year"), "month": ("year",)}
                    unfit = (*vague.get(rows, ()), *vague.get(columns, ()))
                    fitting = [hit for hit in hits if hit["article"]["published_precision"] not in unfit]
                    assert cell == len(fitting), query


async def test_numbers_are_those_of_sql(full_archive: Served) -> None:
    matrix = await get_matrix(full_archive, "rows=tag&columns=language")
    counted = text(
        "SELECT tag.slug, article.language, count(*) FROM article JOIN article_tag ON article_id = article.id "
        "JOIN tag ON tag.id = tag_id AND kind NOT IN ('contributor', 'section') WHERE status = 'published' "
        "GROUP BY tag.slug, article.language"
    )
    totals = text("SELECT language, count(*) FROM article WHERE status = 'published' GROUP BY language")
    with full_archive.db.snapshot() as snapshot:
        by_sql = {(row[0], row[1]): row[2] for row in snapshot.connection.execute(counted)}
        languages = {row[0]: row[1] for row in snapshot.connection.execute(totals)}
    names = [column["value"] for column in matrix["column_values"]]
    cells = {(row["value"], name): n for row in matrix["data"] for name, n in zip(names, row["cells"], strict=True)}
    assert {place: n for place, n in cells.items() if n} == by_sql
    assert {column["value"]: column["total"] for column in matrix["column_values"]} == languages
    assert matrix["total"] == sum(languages.values()) == 31
    assert [row["total"] for row in matrix["data"]] == [sum(row["cells"]) for row in matrix["data"]]
    assert [row["total"] for row in matrix["data"]] == sorted((row["total"] for row in matrix["data"]), reverse=True)


async def test_transposed_table_has_the_same_cells(full_archive: Served) -> None:
    for one, other in (("region", "month"), ("author", "tag"), ("source", "year")):
        matrix, turned = [
            await get_matrix(full_archive, f"rows={a}&columns={b}&published_to=2026-01-01")
            for a, b in ((one, other), (other, one))
        ]
        assert [list(row) for row in zip(*(row["cells"] for row in matrix["data"]), strict=True)] == [
            row["cells"] for row in turned["data"]
        ]
        assert matrix["total"] == turned["total"]


async def test_vague_and_missing_dates_are_counted_beside(api: Served) -> None:
    for at in ("2025", "2025-06", "2025-06-10", "2025-06-10T08:00:00Z"):
        await api.post(title=f"Leaders meet {at}", published_at=at, regions=["belgium"])
    beside = {}
    for columns in ("year", "month", "week", "day"):
        matrix = await get_matrix(api, f"rows=region&columns={columns}&published_to=2025-12-31")
        beside[columns] = (matrix["total"], matrix["too_coarse"], matrix["undated"])
        assert sum(matrix["data"][0]["cells"]) == matrix["total"] == matrix["data"][0]["total"]
    assert beside == {"year": (4, 0, 0), "month": (3, 1, 0), "week": (2, 2, 0), "day": (2, 2, 0)}


async def test_too_many_cells_are_refused_with_ways_to_narrow(api: Served) -> None:
    await api.post(title="Long ago", published_at="1990-01-01T00:00:00Z", tags=[f"tag {i}" for i in range(40)])
    response = await api.public.get("/v1/matrix?rows=tag&columns=month")
    assert (response.status_code, response.json()["code"]) == (422, "too_many_buckets")
    for way in ("rows_limit", "longer periods", "published_from"):
        assert way in response.json()["detail"]
    for query, parameter in (("rows=day&columns=tag", "rows"), ("rows=tag&columns=day", "columns")):
        refused = (await api.public.get(f"/v1/matrix?{query}")).json()
        [error] = refused["errors"]
        assert (error["code"], error["parameter"]) == ("too_many_buckets", parameter)
        assert "published_from" in error["detail"]
        assert "longer periods" in error["detail"]
    narrowed = await get_matrix(api, "rows=tag&columns=month&rows_limit=2")
    assert [len(narrowed["data"]), narrowed["total"]] == [2, 1]


async def test_years_bound_the_periods_as_dates_do(api: Served) -> None:
    for at in ("2022-05", "2023-12-31T23:30:00Z", "2024-02", "2025-01-01T08:00:00Z"):
        await api.post(title=f"Leaders meet {at}", published_at=at)
    for door in ("matrix?rows=language&columns=month", "timeline?interval=month"):
        for zone in ("UTC", "Asia/Tokyo"):
            await compare_years_with_dates(api, f"/v1/{door}&tz={zone}")


async def compare_years_with_dates(api: Served, address: str) -> None:
    for years, dates in (
        ("year=2024", "published_from=2024&published_to=2024"),
        ("year=2022,2023,2024", "published_from=2022&published_to=2024"),
        ("year=2023,2024&published_from=2023-12", "published_from=2023-12&published_to=2024"),
        ("year=2024&published_to=2024-03", "published_from=2024&published_to=2024-03"),
    ):
        shown = [(await api.public.get(f"{address}&{query}")).json() for query in (years, dates)]
        assert shown[0] == shown[1], (address, years)
    nowhere = await api.public.get(f"{address}&year=2022&published_from=2024")
    assert (nowhere.status_code, nowhere.json().get("total", 0)) == (200, 0), address


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("rows=tag&columns=tag", ["rows", "columns"]),
        ("rows=year&columns=month", ["rows", "columns"]),
        ("rows=region", ["columns"]),
        ("rows=region&columns=month&columns_limit=3", ["columns_limit"]),
        ("rows=tag&columns=month&region_level=city", ["region_level"]),
        ("rows=kind&columns=month", ["rows"]),
    ],
)
async def test_what_makes_no_table_is_refused(full_archive: Served, query: str, parameters: list[str]) -> None:
    response = await full_archive.public.get(f"/v1/matrix?{query}")
    assert response.status_code == 422
    assert [error["parameter"] for error in response.json()["errors"]] == parameters


async def test_empty_archive_has_an_empty_table_and_filters_narrow(api: Served) -> None:
    made = await api.post(title="Leaders meet", regions=["belgium"], tags=["NATO"], authors=["Ines Marlow"])
    await api.post(title="Elsewhere", regions=["kenya"], tags=["grain"])
    for query, total in (("tag=nato", 1), ("q=elsewhere", 1), ("has=author", 1), ("tag=nobody", 0), ("", 2)):
        matrix = await get_matrix(api, f"rows=region&columns=author&{query}")
        assert matrix["total"] == total
    assert (await get_matrix(api, "rows=region&columns=author&tag=nobody"))["warnings"][0]["code"] == "unknown_tag"
    await api.editor.patch(f"/v1/articles/{made['id']}", json={"status": "withdrawn"}, headers={"If-Match": "*"})
    matrix = await get_matrix(api, "rows=region&columns=month&region_level=country,region&region=europe")
    assert (matrix["total"], matrix["data"], matrix["column_values"]) == (0, [], [])


async def test_csv_has_the_totals_last(full_archive: Served) -> None:
    query = "rows=region&columns=language"
    response = await full_archive.public.get(f"/v1/matrix?{query}&format=csv")
    assert response.headers["content-disposition"] == 'attachment; filename="dateline-matrix.csv"'
    matrix = await get_matrix(full_archive, query)
    head, *rows, totals = csv.reader(io.StringIO(response.text))
    assert head == ["value", "name", *(column["name"] for column in matrix["column_values"]), "total"]
    assert rows == [[row["value"], row["name"], *map(str, row["cells"]), str(row["total"])] for row in matrix["data"]]
    assert totals[2:] == [*(str(column["total"]) for column in matrix["column_values"]), str(matrix["total"])]


async def test_periods_that_have_an_end_are_kept_as_long_as_other_lists(api: Served) -> None:
    """Those that go on to the present one are another list tomorrow."""
    await api.post(title="Leaders meet", published_at="2024-05-01T10:00:00Z")
    for address in ("/v1/timeline?interval=month", "/v1/matrix?rows=tag&columns=month"):
        for query, seconds in (("year=2024", 30), ("published_to=2024", 30), ("published_from=2024", 25), ("", 25)):
            response = await api.public.get(f"{address}&{query}")
            assert f"max-age={seconds}," in response.headers["cache-control"], (address, query)
