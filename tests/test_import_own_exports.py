"""What this archive exports as NDJSON comes back as the same articles, also those that nobody gave an id."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, served
from sqlalchemy import select
from sqlmodel import Session

from app.models import Article, table

__all__ = ["served"]
pytestmark = pytest.mark.anyio
ON = ENGINES
A = table(Article)
NDJSON = {"Content-Type": "application/x-ndjson"}
STATES = "published,draft,withdrawn,trashed"

Line = dict[str, Any]


async def _export(served: Served) -> list[Line]:
    lines = (await served.editor.get("/v1/export", params={"status": STATES})).text.splitlines()
    return [orjson.loads(line) for line in lines[:-1]]


async def _import(
    served: Served, lines: Sequence[Line], headers: Mapping[str, str] | None = None, **query: str
) -> list[Line]:
    """The results of the lines, which a dry run foresees."""
    content = b"\n".join(orjson.dumps(line) for line in lines)
    foreseen, results = [
        await _read_results(served, content, headers or served.editor.headers, {**query, "dry_run": dry})
        for dry in ("true", "false")
    ]
    assert _outcomes(foreseen) == _outcomes(results)
    return results


async def _read_results(
    served: Served, content: bytes, headers: Mapping[str, str], query: Mapping[str, str]
) -> list[Line]:
    answer = await served.public.post("/v1/imports", params=query, content=content, headers={**headers, **NDJSON})
    assert answer.status_code == 200, answer.text
    return [result for line in answer.text.splitlines() if "outcome" in (result := orjson.loads(line))]


def _outcomes(results: Sequence[Line]) -> list[str]:
    return [result["outcome"] for result in results]


async def _edit(served: Served, id: object, **changes: object) -> None:
    answer = await served.editor.patch(f"/v1/articles/{id}", json=changes, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def _elsewhere(lines: Sequence[Line]) -> list[Line]:
    """The lines as another archive exports them, where the articles have other numbers."""
    return [line | {"id": line["id"] + 1_000, "slug": f"other-{line['slug']}"} for line in lines]


async def test_export_imported_again_changes_nothing(served: Served) -> None:
    await served.post(title="By hand", body={"text": "Typed in."})
    await served.post(title="With an address", body={"text": "x"}, source={"name": "P", "url": "https://p.example/1"})
    await served.post(title="With an id", body={"text": "x"}, external_id="a1")
    await served.post(title="A draft", body={"text": "x"}, status="draft")
    before = await _export(served)
    assert _outcomes(await _import(served, before)) == ["unchanged"] * 4
    assert await _export(served) == before


async def test_article_as_the_api_shows_it_is_the_same_one(served: Served) -> None:
    made = await served.post(title="By hand", body={"text": "Typed in."})
    shown = (await served.editor.get(f"/v1/articles/{made['id']}")).json()
    assert "origin" not in shown
    assert _outcomes(await _import(served, [shown])) == ["unchanged"]
    [updated] = await _import(served, [shown | {"title": "Mended"}], overwrite="true")
    assert (updated["outcome"], updated["id"]) == ("updated", made["id"])
    assert _outcomes(await _import(served, [shown], origin="copies")) == ["created"]


async def test_edits_since_the_export_stay_until_it_overwrites(served: Served) -> None:
    made = await served.post(title="By hand", body={"text": "Typed in."})
    lines = await _export(served)
    await _edit(served, made["id"], title="Mended", slug="mended")
    [result] = await _import(served, lines)
    assert (result["outcome"], result["notes"]) == ("unchanged", ["edited here, source differs: title, slug"])
    [result] = await _import(served, lines, overwrite="true")
    assert (result["outcome"], result["id"]) == ("updated", made["id"])
    assert [(line["id"], line["title"]) for line in await _export(served)] == [(made["id"], "By hand")]


async def test_what_was_withdrawn_or_purged_here_does_not_come_back(served: Served) -> None:
    taken_back, purged = [await served.post(title=title, body={"text": title}) for title in ("One", "Two")]
    lines = await _export(served)
    for made in (taken_back, purged):
        address = f"/v1/articles/{made['id']}"
        assert (await served.editor.delete(address, headers={"If-Match": "*"})).status_code in (200, 204)
    answer = await served.editor.delete(f"/v1/articles/{purged['id']}?purge=true", headers={"If-Match": "*"})
    assert answer.status_code in (200, 204), answer.text
    results = await _import(served, [line | {"title": f"{line['title']} again"} for line in lines])
    notes = [["withdrawn here, left alone"], ["purged here, left alone"]]
    assert [(result["outcome"], result["notes"]) for result in results] == [("unchanged", note) for note in notes]
    assert len(await _export(served)) == 1


async def test_key_that_sees_no_drafts_is_refused_what_is_hidden(served: Served) -> None:
    made = await served.post(title="Hidden", body={"text": "x"}, status="draft")
    [line] = await _export(served)
    key = await served.key("write", "publish")
    [result] = await _import(served, [line | {"title": "Changed"}], key)
    assert result["outcome"] == "failed"
    assert str(made["slug"]) not in orjson.dumps(result).decode()
    assert [line["title"] for line in await _export(served)] == ["Hidden"]


async def test_line_of_another_archive_is_the_same_article_after_it_was_edited_there(served: Served) -> None:
    await served.post(title="By hand", body={"text": "Typed in."})
    there = _elsewhere(await _export(served))
    [created] = await _import(served, there)
    assert created["outcome"] == "created"
    assert _outcomes(await _import(served, there)) == ["unchanged"]
    edited = [line | {"title": "Mended there", "body": "<p>Typed in, and mended.</p>", "version": 2} for line in there]
    [updated] = await _import(served, edited)
    assert (updated["outcome"], updated["id"]) == ("updated", created["id"])
    await _edit(served, created["id"], title="Mended here")
    [kept] = await _import(served, [line | {"title": "Mended there again", "version": 3} for line in edited])
    assert (kept["outcome"], kept["notes"]) == ("unchanged", ["edited here, source differs: title"])
    assert _outcomes(await _import(served, there, origin="copies")) == ["created"]


async def test_articles_that_earlier_versions_made_of_an_export_are_known_again(served: Served) -> None:
    await served.post(title="By hand", body={"text": "Typed in."})
    [line] = _elsewhere(await _export(served))
    without = {name: value for name, value in line.items() if name != "created_at"}
    [created] = await _import(served, [without])
    assert created["outcome"] == "created"
    identities = await served.db.write(_identities)
    assert str(identities.value[created["id"]]).startswith("content:")
    assert _outcomes(await _import(served, [line])) == ["unchanged"]
    [updated] = await _import(served, [line | {"body": "<p>Other words.</p>"}])
    assert (updated["outcome"], updated["id"]) == ("updated", created["id"])


async def test_two_lines_of_the_same_text_stay_two_articles(served: Served) -> None:
    await served.post(title="Twice", body={"text": "The same."}, slug="first")
    await served.post(title="Twice", body={"text": "The same."}, slug="second")
    there = _elsewhere(await _export(served))
    assert _outcomes(await _import(served, there)) == ["created"] * 2
    assert _outcomes(await _import(served, there)) == ["unchanged"] * 2
    assert len(await _export(served)) == 4


def _identities(session: Session) -> dict[int, str | None]:
    return {row.id: row.identity for row in session.connection().execute(select(A.c.id, A.c.identity))}
