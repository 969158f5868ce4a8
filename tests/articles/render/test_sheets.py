"""Articles as CSV: the columns that `fields` names, lists in a cell, nothing that a spreadsheet would run."""

import csv
import io
import json

import pytest
from support.newsroom import Newsroom, newsroom

from app.http import csv_text

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio


async def _table(newsroom: Newsroom, path: str, **asked: object) -> list[dict[str, str]]:
    response = await newsroom.served.public.get(path, params=asked)  # type: ignore[arg-type] # text and numbers
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(response.text)))


async def test_list_as_csv_has_a_line_for_each_article(newsroom: Newsroom) -> None:
    rows = await _table(newsroom, "/v1/articles", format="csv", slug="summit")
    item = await newsroom.get("/v1/articles/summit")
    [row] = rows
    assert (row["id"], row["title"], row["standfirst"]) == (str(item["id"]), item["title"], item["standfirst"] or "")
    assert row["tags.slug"].split("|") == [tag["slug"] for tag in item["tags"]]  # type: ignore[attr-defined]
    assert "body" not in row


async def test_fields_and_include_choose_the_columns(newsroom: Newsroom) -> None:
    rows = await _table(newsroom, "/v1/articles", format="csv", fields="slug,regions.name", include="body", limit=2)
    assert [list(row) for row in rows] == [["id", "slug", "regions.name", "body"]] * 2
    as_json = await newsroom.served.public.get("/v1/articles?include=body&limit=2")
    assert [row["body"] for row in rows] == [article["body"] for article in as_json.json()["data"]]


async def test_csv_page_leads_to_the_next(newsroom: Newsroom) -> None:
    first = await newsroom.served.public.get("/v1/articles?format=csv&limit=1&fields=slug")
    second = await newsroom.served.public.get(first.links["next"]["url"])
    as_json = await newsroom.served.public.get("/v1/articles?limit=2&fields=slug")
    slugs = [csv.reader([page.text.splitlines()[1]]).__next__()[1] for page in (first, second)]
    assert slugs == [row["slug"] for row in as_json.json()["data"]]


async def test_export_as_csv_has_every_article(newsroom: Newsroom) -> None:
    rows = await _table(newsroom, "/v1/export", format="csv")
    total = (await newsroom.served.public.get("/v1/articles?status=published")).json()["page"]["total"]
    assert len(rows) == total > 3
    [summit] = [row for row in rows if row["slug"] == "summit"]
    item = await newsroom.get("/v1/articles/summit")
    assert (summit["body"], "related.title" in summit) == (item["body"], False)


async def test_what_a_list_warns_of_stands_in_a_header_beside_csv(newsroom: Newsroom) -> None:
    for path in ("/v1/articles?format=csv", "/v1/export?format=csv", "/v1/export?x=", "/v1/timeline?format=csv"):
        response = await newsroom.served.public.get(f"{path.removesuffix('?x=')}{'&' if 'csv' in path else '?'}tag=zzz")
        [warning] = json.loads(response.headers["dateline-warnings"])
        assert (warning["code"], warning["parameter"]) == ("unknown_tag", "tag")
    many = "&".join(f"tag=unknown-{number}" for number in range(100))
    response = await newsroom.served.public.get(f"/v1/articles?format=csv&{many}")
    *first, last = json.loads(response.headers["dateline-warnings"])
    assert len(response.headers["dateline-warnings"]) < 4_000
    assert (first[0]["code"], last["code"]) == ("unknown_tag", "more_warnings")
    assert last["detail"].startswith(f"{100 - len(first)} more")
    assert "dateline-warnings" not in (await newsroom.served.public.get("/v1/articles?format=csv")).headers


async def test_unknown_format_of_a_list_is_refused(newsroom: Newsroom) -> None:
    response = await newsroom.served.public.get("/v1/articles?format=xlsx")
    assert (response.status_code, response.json()["allowed"]) == (
        406,
        ["json", "csv", "jsonld", "ninjs", "markdown", "text"],
    )


def test_entries_of_lists_keep_their_places_and_their_bars() -> None:
    row: list[object] = [["a|b", "c\\d"], [["about", "mention"], ["about"]], [None, None], "'=x", "'x"]
    assert csv_text.write_rows([row]).decode() == '"a\\|b|c\\\\d","about+mention|about","|","\'\'=x","\'x"\r\n'


def test_text_is_quoted_and_what_begins_like_a_formula_is_made_harmless() -> None:
    row: list[object] = ["=1+1", "-2", "@a", "a=b", ["+x", None, "y"], 3, None]
    assert csv_text.write_rows([row]).decode() == '"\'=1+1","\'-2","\'@a","a=b","\'+x||y",3,""\r\n'
    wide = [f"{sign}SUM(A1)" for sign in "\uff1d\uff0b\uff0d\uff20"]  # spreadsheets in Chinese and Japanese run these
    assert csv_text.write_rows([wide]).decode().count("\"'") == len(wide)
