"""CSV of every list and table: the rows that JSON has, a file name, and a byte order mark where it is asked for."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import Served, serve

from app.settings import Settings

pytestmark = pytest.mark.anyio

DOORS = (
    "articles?", "search?q=leaders&", "timeline?interval=year&", "stats?days=2&", "matrix?rows=tag&columns=region&",
    "tags?", "regions?level=country&limit=3&", "export?",
)  # fmt: skip
Rows = list[dict[str, str]]


async def get_rows(api: Served, address: str) -> Rows:
    response = await api.public.get(address)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.text)))


async def get_json(api: Served, address: str) -> Any:
    return (await api.public.get(address)).json()


@pytest.fixture(scope="module")
async def full_archive(shared_settings: Settings) -> AsyncIterator[Served]:
    """For reading only."""
    async with serve(shared_settings) as api:
        await fill(api)
        yield api


async def fill(api: Served) -> None:
    await api.editor.post(
        "/v1/tags", json={"name": "NATO", "kind": "organisation", "names": {"fr": "OTAN"}, "aliases": ["the Pact"]}
    )
    await api.editor.post("/v1/tags", json={"name": "=1+1", "slug": "formula", "aliases": ["@SUM(A1)", "a|b"]})
    await api.post(title="=Leaders meet", tags=["nato", "formula"], regions=["belgium", "kenya"])
    await api.post(title="Leaders part", tags=["nato"], standfirst="+ more")


@pytest.mark.parametrize("door", DOORS)
async def test_every_sheet_names_its_file_and_has_a_mark_on_request(full_archive: Served, door: str) -> None:
    name = door.partition("?")[0]
    plain, marked = [await full_archive.public.get(f"/v1/{door}format=csv&bom={bom}") for bom in ("false", "true")]
    assert plain.headers["content-disposition"] == f'attachment; filename="dateline-{name}.csv"'
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    refused = await full_archive.public.get(f"/v1/{door}bom=true")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "bom")
    assert (await full_archive.public.get(f"/v1/{door}format=xlsx")).status_code == 406
    cells = [cell for row in csv.reader(io.StringIO(plain.text)) for cell in row]
    assert len(cells) > 5
    assert not [cell for cell in cells if cell[:1] in "=+@" and cell]


async def test_sheet_of_tags_has_the_list(full_archive: Served) -> None:
    rows = await get_rows(full_archive, "/v1/tags?format=csv&sort=-article_count")
    shown = (await get_json(full_archive, "/v1/tags?sort=-article_count"))["data"]
    assert [int(row["id"]) for row in rows] == [tag["id"] for tag in shown]
    by_slug = {row["slug"]: row for row in rows}
    nato, formula = by_slug["nato"], by_slug["formula"]
    assert (nato["names.language"], nato["names.name"], nato["aliases"]) == ("fr", "OTAN", "the Pact")
    assert (nato["kind"], nato["article_count"], formula["article_count"]) == ("organisation", "2", "1")
    assert (formula["name"], formula["aliases"]) == ("'=1+1", "a\\|b|@SUM(A1)")


async def test_sheet_of_regions_has_what_include_adds(full_archive: Served) -> None:
    address = "/v1/regions?q=belg&level=country&include=counts,ancestors,names"
    [row] = await get_rows(full_archive, f"{address}&format=csv")
    [region] = (await get_json(full_archive, address))["data"]
    assert (row["slug"], row["iso2"], row["article_count"]) == ("belgium", "BE", "1")
    assert row["groupings"].split("|") == region["groupings"]
    assert row["ancestors"].split("|") == [one["slug"] for one in region["ancestors"]]
    languages, names = (row[f"names.{part}"].split("|") for part in ("language", "name"))
    assert dict(zip(languages, names, strict=True)) == region["names"]
    [bare] = await get_rows(full_archive, "/v1/regions?q=belg&level=country&format=csv")
    assert "article_count" not in bare


async def test_sheet_of_a_search_has_the_hits_and_their_scores(full_archive: Served) -> None:
    address = "/v1/search?q=leaders&fields=title,tags.slug&limit=1"
    shown = await get_json(full_archive, address)
    response = await full_archive.public.get(f"{address}&format=csv")
    [row] = csv.DictReader(io.StringIO(response.text))
    [hit] = shown["data"]
    assert (int(row["id"]), float(row["score"])) == (hit["article"]["id"], hit["score"])
    assert row["tags.slug"] == "|".join(tag["slug"] for tag in hit["article"]["tags"])
    assert 'rel="next"' in response.headers["link"]
    assert (
        "unknown_tag"
        in (await full_archive.public.get("/v1/search?tag=nobody&format=csv")).headers["dateline-warnings"]
    )
    refused = await full_archive.public.get("/v1/search?q=leaders&format=csv&facets=tag&explain=true")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["facets", "explain"]
