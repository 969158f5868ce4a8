"""What this archive exports as NDJSON comes back as the same articles, also those that nobody gave an id."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, api
from sqlalchemy import select, update
from sqlmodel import Session

from app.models import Article, table
from app.text.keys import url_key

__all__ = ["api"]
pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]
ON = ENGINES
A = table(Article)
NDJSON = {"Content-Type": "application/x-ndjson"}
STATES = "published,draft,withdrawn,trashed"

Line = dict[str, Any]


async def _export(api: Served) -> list[Line]:
    lines = (await api.editor.get("/v1/export", params={"status": STATES})).text.splitlines()
    return [orjson.loads(line) for line in lines[:-1]]


async def _import(
    api: Served, lines: Sequence[Line], headers: Mapping[str, str] | None = None, **query: str
) -> list[Line]:
    """The results of the lines, which a dry run foresees."""
    content = b"\n".join(orjson.dumps(line) for line in lines)
    foreseen, results = [
        await _read_results(api, content, headers or api.editor.headers, {**query, "dry_run": dry})
        for dry in ("true", "false")
    ]
    assert _outcomes(foreseen) == _outcomes(results)
    return results


async def _read_results(
    api: Served, content: bytes, headers: Mapping[str, str], query: Mapping[str, str]
) -> list[Line]:
    response = await api.public.post("/v1/imports", params=query, content=content, headers={**headers, **NDJSON})
    assert response.status_code == 200, response.text
    return [result for line in response.text.splitlines() if "outcome" in (result := orjson.loads(line))]


def _outcomes(results: Sequence[Line]) -> list[str]:
    return [result["outcome"] for result in results]


async def _edit(api: Served, id: object, **changes: object) -> None:
    response = await api.editor.patch(f"/v1/articles/{id}", json=changes, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text


def _move_elsewhere(lines: Sequence[Line]) -> list[Line]:
    """The lines as another archive exports them, where the articles have other numbers."""
    return [line | {"id": line["id"] + 1_000, "slug": f"other-{line['slug']}"} for line in lines]


async def test_export_imported_again_changes_nothing(api: Served) -> None:
    await api.post(title="By hand", body={"text": "Typed in."})
    await api.post(title="With an address", body={"text": "x"}, source={"name": "P", "url": "https://p.example/1"})
    await api.post(title="With an id", body={"text": "x"}, external_id="a1")
    await api.post(title="A draft", body={"text": "x"}, status="draft")
    before = await _export(api)
    assert _outcomes(await _import(api, before)) == ["unchanged"] * 4
    assert await _export(api) == before


async def test_article_as_the_api_shows_it_is_the_same_one(api: Served) -> None:
    made = await api.post(title="By hand", body={"text": "Typed in."})
    shown = (await api.editor.get(f"/v1/articles/{made['id']}")).json()
    assert "origin" not in shown
    assert _outcomes(await _import(api, [shown])) == ["unchanged"]
    [updated] = await _import(api, [shown | {"title": "Mended"}], overwrite="true")
    assert (updated["outcome"], updated["id"]) == ("updated", made["id"])
    assert _outcomes(await _import(api, [shown], origin="copies")) == ["created"]


async def test_edits_since_the_export_stay_until_it_overwrites(api: Served) -> None:
    made = await api.post(title="By hand", body={"text": "Typed in."})
    lines = await _export(api)
    await _edit(api, made["id"], title="Mended", slug="mended")
    [result] = await _import(api, lines)
    assert (result["outcome"], result["notes"]) == ("unchanged", ["edited here, source differs: title, slug"])
    [result] = await _import(api, lines, overwrite="true")
    assert (result["outcome"], result["id"]) == ("updated", made["id"])
    assert [(line["id"], line["title"]) for line in await _export(api)] == [(made["id"], "By hand")]


async def test_what_was_withdrawn_or_purged_here_does_not_come_back(api: Served) -> None:
    taken_back, purged = [await api.post(title=title, body={"text": title}) for title in ("One", "Two")]
    lines = await _export(api)
    for made in (taken_back, purged):
        address = f"/v1/articles/{made['id']}"
        assert (await api.editor.delete(address, headers={"If-Match": "*"})).status_code in (200, 204)
    response = await api.editor.delete(f"/v1/articles/{purged['id']}?purge=true", headers={"If-Match": "*"})
    assert response.status_code in (200, 204), response.text
    results = await _import(api, [line | {"title": f"{line['title']} again"} for line in lines])
    notes = [["withdrawn here, left alone"], ["purged here, left alone"]]
    assert [(result["outcome"], result["notes"]) for result in results] == [("unchanged", note) for note in notes]
    assert len(await _export(api)) == 1


async def test_key_that_sees_no_drafts_is_refused_what_is_hidden(api: Served) -> None:
    made = await api.post(title="Hidden", body={"text": "x"}, status="draft")
    [line] = await _export(api)
    key = await api.key("write", "publish")
    [result] = await _import(api, [line | {"title": "Changed"}], key)
    assert result["outcome"] == "failed"
    assert str(made["slug"]) not in orjson.dumps(result).decode()
    assert [line["title"] for line in await _export(api)] == ["Hidden"]


async def test_line_of_another_archive_is_the_same_article_after_it_was_edited_there(api: Served) -> None:
    await api.post(title="By hand", body={"text": "Typed in."})
    there = _move_elsewhere(await _export(api))
    [created] = await _import(api, there)
    assert created["outcome"] == "created"
    assert _outcomes(await _import(api, there)) == ["unchanged"]
    edited = [line | {"title": "Mended there", "body": "<p>Typed in, and mended.</p>", "version": 2} for line in there]
    [updated] = await _import(api, edited)
    assert (updated["outcome"], updated["id"]) == ("updated", created["id"])
    await _edit(api, created["id"], title="Mended here")
    [kept] = await _import(api, [line | {"title": "Mended there again", "version": 3} for line in edited])
    assert (kept["outcome"], kept["notes"]) == ("unchanged", ["edited here, source differs: title"])
    assert _outcomes(await _import(api, there, origin="copies")) == ["created"]


async def test_articles_that_earlier_versions_made_of_an_export_are_known_again(api: Served) -> None:
    await api.post(title="By hand", body={"text": "Typed in."})
    [line] = _move_elsewhere(await _export(api))
    without = {name: value for name, value in line.items() if name != "created_at"}
    [created] = await _import(api, [without])
    assert created["outcome"] == "created"
    identities = await api.db.write(_identities)
    assert str(identities.value[created["id"]]).startswith("content:")
    assert _outcomes(await _import(api, [line])) == ["unchanged"]
    [updated] = await _import(api, [line | {"body": "<p>Other words.</p>"}])
    assert (updated["outcome"], updated["id"]) == ("updated", created["id"])


async def test_articles_that_earlier_versions_knew_by_an_address_with_references_are_known_again(api: Served) -> None:
    line = {"url": "https://harbour.example/?p=1&amp;lang=en", "title": "Quay", "body": "The quay is open."}
    [created] = await _import(api, [line])
    resolved = (await api.db.write(_identities)).value[created["id"]]
    assert resolved == "url:harbour.example?lang=en&p=1"
    former = update(A).where(A.c.id == created["id"]).values(identity=f"url:{url_key(line['url'])}")
    await api.db.write(lambda session: session.connection().execute(former))
    [again] = await _import(api, [line])
    assert (again["outcome"], again["id"]) == ("unchanged", created["id"])
    assert (await api.db.write(_identities)).value == {created["id"]: resolved}
    plain = line | {"url": "https://harbour.example/?p=1&lang=en"}
    assert [result["id"] for result in await _import(api, [plain])] == [created["id"]]


async def test_two_lines_of_the_same_text_stay_two_articles(api: Served) -> None:
    await api.post(title="Twice", body={"text": "The same."}, slug="first")
    await api.post(title="Twice", body={"text": "The same."}, slug="second")
    there = _move_elsewhere(await _export(api))
    assert _outcomes(await _import(api, there)) == ["created"] * 2
    assert _outcomes(await _import(api, there)) == ["unchanged"] * 2
    assert len(await _export(api)) == 4


def _identities(session: Session) -> dict[int, str | None]:
    return {row.id: row.identity for row in session.connection().execute(select(A.c.id, A.c.identity))}


async def test_words_of_an_export_are_taken_as_they_stand(api: Served) -> None:
    words = {"title": "Use &amp; in HTML", "standfirst": "And &lt;p&gt;.", "signature": "Q &#38; A"}
    await api.post(body={"text": "Body."}, authors=[{"name": "A &amp; B"}], **words)
    before = await _export(api)
    assert _outcomes(await _import(api, before)) == ["unchanged"]
    assert await _export(api) == before
    [result] = await _import(api, _move_elsewhere(before), origin="copies")
    copy = (await api.editor.get(f"/v1/articles/{result['id']}")).json()
    assert {name: copy[name] for name in words} == words
    assert [author["name"] for author in copy["authors"]] == ["A &amp; B"]


async def test_what_an_editor_emptied_stays_empty_elsewhere(api: Served) -> None:
    line = {"id": "w-1", "origin": "wire", "title": "The Louvre opens", "body": "Paris in France.", "byline": "Ann Lee"}
    [result] = await _import(api, [line])
    assert (await api.editor.get(f"/v1/articles/{result['id']}")).json()["regions"]
    await _edit(api, result["id"], regions=[], authors=[])
    [exported] = await _export(api)
    exported["byline"] = "Ann Lee"  # as an import keeps what it could not read
    [result] = await _import(api, _move_elsewhere([exported]), origin="copies")
    copy = (await api.editor.get(f"/v1/articles/{result['id']}")).json()
    assert (copy["regions"], copy["authors"]) == ([], [])
    suggested = (await api.editor.get(f"/v1/articles/{result['id']}/suggestions")).json()
    assert any(one["kind"] == "region" for one in suggested["data"])
