"""Tables: read by their first line, and what this archive exports as one comes back without changing anything."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, api
from hypothesis import given
from hypothesis import strategies as st
from support.exports import documents, failures, read
from test_import_jobs import send_job

from app.http import csv_text
from app.importers.document import Document, DocumentBody, Failure, ParseContext, SourceDate
from app.importers.formats import detect
from app.importers.formats.exports import csv_table

__all__ = ["api"]
ON = ENGINES
pytestmark = pytest.mark.long_on("postgresql")
HEAD = "id,title,body,tags,published_at,desk\n"
ROW = 'a1,Fog,"Fog lay on the water, and\nnothing moved.",sea|fog,2025-05-06,west\n'


def table(content: bytes | str, charset: str | None = None) -> list[Document | Failure]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(csv_table.parse(io.BytesIO(data), "t.csv", ParseContext(charset=charset)))  # type: ignore[arg-type] # no others


def parse_one(content: bytes | str, charset: str | None = None) -> Document:
    [result] = table(content, charset)
    assert isinstance(result, Document), result
    return result


def test_first_line_names_what_the_columns_hold() -> None:
    document = parse_one(HEAD + ROW)
    assert (document.external_id, document.title, document.tags) == ("a1", "Fog", ("sea", "fog"))
    assert document.body == DocumentBody("text", "Fog lay on the water, and nothing moved.")
    assert document.published == SourceDate(1746489600, "day")
    assert (dict(document.extra), document.where) == ({"desk": "west"}, "t.csv:2")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_cells_are_parted_by_what_the_names_are_parted_by(sign: str) -> None:
    text = f'title{sign}body{sign}author\n"One; two, three"{sign}Met.{sign}Ann Lee\n'
    assert parse_one(text).authors == ("Ann Lee",)
    assert parse_one(f"sep={sign}\n{text}").authors == ("Ann Lee",)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + "title,body\nÅland,På vattnet\n".encode(),
        "title,body\nÅland,På vattnet\n".encode("cp1252"),
        "title\tbody\r\nÅland\tPå vattnet\r\n".encode("utf-16"),
        "title,body\rÅland,På vattnet\r".encode(),
    ],
)
def test_encodings_and_line_ends_of_spreadsheets_are_read(data: bytes) -> None:
    document = parse_one(data)
    assert (document.title, document.body and document.body.content) == ("Åland", "På vattnet")


def test_bytes_are_read_as_the_request_says() -> None:
    assert parse_one("title,body\nПорт,Туман\n".encode("cp1251"), "windows-1251").title == "Порт"


def test_order_of_days_and_months_is_the_one_that_other_rows_show() -> None:
    day = SourceDate(1743724800, "day")  # 4 April 2025, as 25/12/2025 beside it says
    rows = "title,body,date\nA,Met.,04/04/2025\nB,Met.,03/04/2025\nC,Met.,{}\n"
    reported, untold = (table(rows.format(date)) for date in ("25/12/2025", "2025-12-25"))
    assert [one.published for one in reported if isinstance(one, Document)][:2] == [
        day,
        replace(day, instant=1743638400),
    ]
    left = untold[1]
    assert isinstance(left, Document)
    assert (left.published, left.extra["date"]) == (None, "03/04/2025")


def test_row_that_does_not_fit_fails_alone_with_its_line() -> None:
    items = table(f'title,body\nOne,Met.\nTwo\nThree,Met.,more\nFour,"a"b\nFive,"x\ny"\n{"Six"},Met.\n')
    assert [one.where for one in items] == [f"t.csv:{line}" for line in (2, 3, 4, 5, 6, 8)]
    assert [isinstance(one, Failure) for one in items] == [False, True, True, True, False, False]


def test_quote_that_is_never_closed_is_one_failure() -> None:
    items = table('title,body\nOne,Met.\nTwo,"Met.\nThree,Met.\n')
    assert [isinstance(one, Failure) for one in items] == [False, True]
    assert isinstance(items[1], Failure)
    assert "opened in this row" in items[1].reason


@pytest.mark.parametrize(
    ("text", "said"),
    [("name,email\nAnn,a@b.example\n", "no column with a title"), ("title,title\nA,B\n", "two columns"), ("", "empty")],
)
def test_table_that_holds_no_articles_is_refused(text: str, said: str) -> None:
    [failure] = table(text)
    assert isinstance(failure, Failure)
    assert said in failure.reason


def test_fields_of_any_size_are_read_up_to_the_bound() -> None:
    assert len((parse_one("title,body\nOne," + "x" * 10_000_000 + "\n").body or _list_none()).content) == 10_000_000
    items = table("title,body\nOne," + "x" * (csv_table.MAX_ROW + 1) + "\nTwo,Met.\n")
    assert [isinstance(one, Failure) for one in items] == [True, False]


def _list_none() -> Any:
    raise AssertionError


def test_text_that_merely_has_commas_is_no_table(tmp_path: Path) -> None:
    assert detect.detect_format("a", b"Title, body, author\n\nA text that begins oddly, but is one.\n") == "text"
    assert detect.detect_format("a", HEAD.encode() + ROW.encode()) == "csv"
    assert detect.detect_format("a.csv", b"x") == "csv"
    (tmp_path / "notes.txt").write_text("Fog, wind, rain\n\nOn the water, the quay, the hill.\n")
    assert documents(read(tmp_path / "notes.txt"))[0].title == "Fog, wind, rain"
    (tmp_path / "subscribers.csv").write_text("email,name\na@b.example,Ann\n")
    assert failures(read(tmp_path / "subscribers.csv"))


@given(st.lists(st.text("a|\\+'=-x\uff1d\uff20", min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
def test_lists_in_cells_come_back_whatever_is_in_them(entries: list[str]) -> None:
    sheet = csv_text.write_rows([["title", "previous_slugs"], ["Fog", entries]])
    assert parse_one(sheet).previous_slugs == tuple(entries)


RICH: dict[str, object] = {
    "title": "=Fog|mist",
    "standfirst": "'-30-",
    "body": {"html": "<p>One, “two”.</p><ul><li>a</li></ul>"},
    "dateline": {"text": "GENEVA, 5 May 2025", "place": "Geneva", "date": "2025-05-05"},
    "authors": ["Ann Lee", "Bo | Ek"],
    "tags": [{"name": "Sea\\air"}, {"name": "Fog"}, {"name": "Fog", "kind": "section"}],
    "regions": [{"slug": "france", "roles": ["about", "mention"]}, "italy"],
    "images": [
        {"url": "https://x.example/1.jpg", "caption": "A|b", "width": 3},
        {"url": "https://x.example/2.jpg", "alt": "Two"},
    ],
    "source": {"name": "Port News", "url": "https://x.example/fog"},
    "signature": "@port",
    "external_id": "-x1",
    "seo": {"title": "+Fog", "canonical_url": "https://x.example/c"},
    "status": "published",
    "published_at": "2025-05-06T07:08:09Z",
}


async def _export(api: Served) -> list[dict[str, object]]:
    lines = (await api.editor.get("/v1/export?status=published,draft")).text.splitlines()
    return [orjson.loads(line) for line in lines[:-1]]


async def _sheet(api: Served, path: str) -> str:
    response = await api.editor.get(path)
    assert response.status_code == 200, response.text
    return response.text


async def _import_content(api: Served, content: str | bytes, **query: str) -> dict[str, int]:
    data = content.encode() if isinstance(content, str) else content
    job = await send_job(api.editor, data, {"Content-Type": "text/csv"}, **query)
    assert [one["reason"] for one in job["results"] if one["reason"]] == []
    return {name: count for name, count in job["progress"].items() if count and name != "read"}


@pytest.mark.slow
@pytest.mark.anyio
async def test_export_as_csv_imported_again_changes_nothing(api: Served) -> None:
    await api.post(**RICH)
    await api.post(title="Plain", body="No block tags here", status="draft")
    before = await _export(api)
    for path in (
        "/v1/export?format=csv&status=published,draft",
        "/v1/articles?format=csv",
        "/v1/articles?format=csv&include=body&fields=slug,version,created_at,title,tags,images,regions,standfirst",
    ):
        assert set(await _import_content(api, await _sheet(api, path))) == {"unchanged"}
    assert await _export(api) == before


@pytest.mark.anyio
async def test_row_changes_only_what_its_table_has_columns_for(api: Served) -> None:
    await api.post(**RICH)
    [before] = await _export(api)
    sheet = await _sheet(api, "/v1/articles?format=csv&fields=slug,title,version,created_at")
    [row] = csv.DictReader(io.StringIO(sheet))
    changed = {**row, "title": "New words"}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(changed))
    writer.writeheader()
    writer.writerow(changed)
    assert await _import_content(api, text.getvalue(), dry_run="true") == {"updated": 1}
    assert await _import_content(api, text.getvalue()) == {"updated": 1}
    [after] = await _export(api)
    assert {name for name in after if after[name] != before[name]} == {"title", "version", "updated_at"}
    assert after["title"] == "New words"


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_an_editor_changed_since_the_export_stays(api: Served) -> None:
    shown = await api.post(**RICH)
    sheet = await _sheet(api, "/v1/export?format=csv")
    address = f"/v1/articles/{shown['id']}"
    edit = {"title": "By the editor", "signature": "@editor"}
    response = await api.editor.patch(address, json=edit, headers={"If-Match": '"1"'})
    assert response.status_code == 200, response.text
    assert await _import_content(api, sheet) == {"unchanged": 1}
    row = sheet.replace("'=Fog|mist", "By the table").replace("'+Fog", "Search words")
    job = await send_job(api.editor, row.encode(), {"Content-Type": "text/csv"})
    assert [one["note"] for one in job["notes"]] == ["edited here, source differs: title"]
    payload = (await api.editor.get(address)).json()
    assert (payload["title"], payload["signature"], payload["seo"]["title"]) == (
        "By the editor",
        "@editor",
        "Search words",
    )


@pytest.mark.slow
@pytest.mark.anyio
async def test_overwrite_takes_the_tables_side(api: Served) -> None:
    shown = await api.post(**RICH)
    sheet = await _sheet(api, "/v1/export?format=csv")
    address = f"/v1/articles/{shown['id']}"
    edit = {"title": "By the editor", "signature": "@editor"}
    assert (await api.editor.patch(address, json=edit, headers={"If-Match": '"1"'})).status_code == 200
    row = sheet.replace("'=Fog|mist", "By the table")
    assert await _import_content(api, row, overwrite="true", dry_run="true") == {"updated": 1}
    assert await _import_content(api, row, overwrite="true") == {"updated": 1}
    payload = (await api.editor.get(address)).json()
    assert (payload["title"], payload["signature"]) == ("By the table", "@port")


@pytest.mark.slow
@pytest.mark.anyio
async def test_table_from_elsewhere_says_nothing_of_what_it_has_no_columns_for(api: Served) -> None:
    whole = "id,title,body,tags,signature,desk\na1,Fog,Fog lay on the water.,sea|fog,@port,west\n"
    assert await _import_content(api, whole, origin="port") == {"created": 1}
    [before] = await _export(api)
    assert await _import_content(api, "id,title,signature\na1,Mist,\n", origin="port") == {"updated": 1}
    [after] = await _export(api)
    assert (after["title"], after["signature"]) == ("Mist", None)
    same = ("body", "tags", "authors", "published_at", "status", "slug")
    assert [after[name] for name in same] == [before[name] for name in same]
    headers = {"If-Match": "*"}
    address = f"/v1/articles/{after['id']}"
    assert (await api.editor.patch(address, json={"title": "Haar"}, headers=headers)).status_code == 200
    job = await send_job(api.editor, b"id,title\na1,Rime\n", {"Content-Type": "text/csv"}, origin="port")
    assert [one["note"] for one in job["notes"]] == ["edited here, source differs: title"]
    assert (await api.editor.get(address)).json()["title"] == "Haar"


@pytest.mark.anyio
async def test_base_of_relative_addresses_reaches_what_reads_the_job(api: Served) -> None:
    sheet = 'id,title,body\na1,Fog,"<p><a href=""/sea/"">Sea</a></p>"\n'
    assert await _import_content(api, sheet, base_url="https://port.example") == {"created": 1}
    assert 'href="https://port.example/sea/"' in str((await _export(api))[0]["body"])


@pytest.mark.anyio
async def test_withdrawn_article_stays_withdrawn(api: Served) -> None:
    shown = await api.post(**RICH)
    sheet = (await _sheet(api, "/v1/export?format=csv")).replace("'=Fog|mist", "By the table")
    response = await api.editor.delete(f"/v1/articles/{shown['id']}", headers={"If-Match": '"1"'})
    assert response.status_code in (200, 204), response.text
    job = await send_job(api.editor, sheet.encode(), {"Content-Type": "text/csv"})
    assert (job["progress"]["unchanged"], job["notes"][0]["note"]) == (1, "withdrawn here, left alone")
    assert (await api.public.get(f"/v1/articles/{shown['id']}")).status_code == 410


@pytest.mark.anyio
async def test_table_of_another_archive_brings_articles_of_its_own(api: Served) -> None:
    await api.post(**RICH)
    [before] = await _export(api)
    sheet = (await _sheet(api, "/v1/export?format=csv")).replace(str(before["created_at"]), "2001-02-03T04:05:06Z")
    assert await _import_content(api, sheet, origin="elsewhere") == {"created": 1}
    _, other = await _export(api)
    same = ("title", "standfirst", "body", "dateline", "authors", "tags", "images", "source", "signature", "seo")
    assert {name: other[name] for name in same} == {name: before[name] for name in same}
    assert json.dumps(other["regions"]) == json.dumps(before["regions"])


@pytest.mark.slow
@pytest.mark.anyio
async def test_row_of_another_archive_without_an_id_is_the_same_article_after_an_edit_there(api: Served) -> None:
    await api.post(title="By hand", body={"text": "Typed in."})
    [before] = await _export(api)
    sheet = (await _sheet(api, "/v1/export?format=csv")).replace(str(before["created_at"]), "2001-02-03T04:05:06Z")
    assert await _import_content(api, sheet) == {"created": 1}
    assert await _import_content(api, sheet) == {"unchanged": 1}
    assert await _import_content(api, sheet.replace("Typed in.", "Typed in, and mended.")) == {"updated": 1}
    assert [line["body"] for line in await _export(api)] == [before["body"], "<p>Typed in, and mended.</p>"]
