"""Replaced versions that are compressed read as before; of those that are deleted, what editors decided stays known."""

import asyncio
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served
from sqlalchemy import delete as delete_from
from sqlalchemy import func, select, update
from support.old_log import ANY, delete, forecast, make_older, patch, post, prune

from app.articles.bulk import edited_since
from app.articles.bulk.edited_since import TouchedRow
from app.articles.store import authorship, revision_texts, revisions, stored_article
from app.articles.store.authorship import PrunedHistory
from app.audit.pruning import versions
from app.commands import check
from app.db.database import Database
from app.models import Article, Revision, table

ON = ENGINES
pytestmark = pytest.mark.anyio
Json = dict[str, Any]
A, REVISION = table(Article), table(Revision)
LINES = {"Content-Type": "application/x-ndjson"}
TEXT = " ".join(f"On the {number}th day the council met, and nobody knew of what." for number in range(90))


async def read_all(api: Served, id: int) -> list[bytes]:
    """What clients read of the versions of an article: the list, each, and what each has changed."""
    listed = await api.editor.get(f"/v1/articles/{id}/revisions", params={"limit": 100})
    pages = [listed.content]
    for one in listed.json()["data"]:
        for end in ("", "/diff"):
            response = await api.editor.get(f"/v1/articles/{id}/revisions/{one['version']}{end}")
            assert response.status_code == 200, response.text
            pages.append(response.content)
    return pages


def measure_versions(db: Database) -> int:
    with db.snapshot() as snapshot:
        size = func.length(REVISION.c.document) + func.coalesce(func.length(REVISION.c.packed), 0)
        return int(snapshot.connection.execute(select(func.sum(size))).scalar_one())


def list_versions(db: Database, id: int) -> list[int]:
    with db.snapshot() as snapshot:
        of = select(REVISION.c.version).where(REVISION.c.article_id == id).order_by(REVISION.c.version)
        return list(snapshot.connection.execute(of).scalars())


@pytest.mark.long_on("postgresql")
async def test_compressed_versions_read_as_before(api: Served) -> None:
    id = await post(api.editor, "A long story", body=f"<p>{TEXT}</p>")
    for number in range(70):
        await patch(api.editor, id, body=f"<p>{TEXT}</p><p>Added as number {number}.</p>")
    short = await post(api.editor, "Kürzer – 短")
    await patch(api.editor, short, standfirst="Ein Satz.")
    before, plain = [await read_all(api, one) for one in (id, short)], measure_versions(api.db)
    make_older(api.db, 0)
    assert (await prune(api, revision_days=1)).versions_compressed == 0  # all are young
    make_older(api.db, 2)
    expected = forecast(api, revision_days=1)
    report = await prune(api, revision_days=1)
    assert (
        (report.versions, report.versions_compressed) == (0, 71) == (expected.versions.rows, expected.compressed.rows)
    )
    assert measure_versions(api.db) < plain / 20
    after = [await read_all(api, one) for one in (id, short)]
    assert [_undate(page) for page in after] == [_undate(page) for page in before]
    assert (await prune(api, revision_days=1)).versions_compressed == 0
    assert check_versions(api.db) is None
    with api.db.engine.connect() as connection:
        connection.execute(delete_from(REVISION).where(REVISION.c.article_id == id, REVISION.c.version == 64))
        assert "63 versions have lost" in str(check._check_revisions(connection))
        connection.rollback()
    restored = await api.editor.post(f"/v1/articles/{id}/revisions/3/restore", headers=ANY)
    assert restored.status_code == 200, restored.text
    assert "Added as number 1." in restored.json()["body"]
    conflict = await api.editor.patch(f"/v1/articles/{id}", json={"title": "Late"}, headers={"If-Match": '"2"'})
    assert conflict.status_code == 412
    assert conflict.json()["changed_fields"] == ["body"]


def check_versions(db: Database) -> str | None:
    """What `dateline check` finds wrong of them."""
    with db.snapshot() as snapshot:
        return check._check_revisions(snapshot.connection)


def _undate(pages: list[bytes]) -> list[Any]:
    """Without when versions were saved, which the test has changed."""
    shown = [orjson.loads(page) for page in pages]
    for one in shown[0]["data"]:
        one.pop("saved_at")
    return shown


async def test_a_purge_takes_compressed_versions_with_it(api: Served) -> None:
    id = await post(api.editor, "A story")
    for number in range(5):
        await patch(api.editor, id, standfirst=f"Sentence {number}.")
    make_older(api.db)
    with api.db.snapshot() as snapshot:
        packed = versions.pack_texts(snapshot.connection, id, 1)
    assert len(packed) == 5
    await delete(api.editor, id, purge="true")
    assert api.db.write_now(versions.save_packed, id, packed).value == 0
    assert list_versions(api.db, id) == []


async def test_the_latest_are_kept_and_the_others_said_to_be_gone(api: Served) -> None:
    id = await post(api.editor, "A story")
    for number in range(6):
        await patch(api.editor, id, standfirst=f"Sentence {number}.")
    kept = [await read_one(api, id, number) for number in (5, 6)]
    assert (await prune(api, revisions_kept=2, revision_days=1)).versions == 0  # young ones all stay
    make_older(api.db)
    assert forecast(api, revisions_kept=2).versions.rows == 4
    assert (await prune(api, revisions_kept=2, revision_days=1)).versions == 4
    assert list_versions(api.db, id) == [5, 6]
    assert [await read_one(api, id, number) for number in (5, 6)] == kept
    listed = (await api.editor.get(f"/v1/articles/{id}/revisions")).json()["data"]
    assert [(one["version"], one["changed_fields"]) for one in listed] == [
        (7, ["standfirst"]),
        (6, ["standfirst"]),
        (5, []),
    ]
    for method, address in (("GET", "2"), ("GET", "2/diff"), ("POST", "2/restore")):
        response = await api.editor.request(method, f"/v1/articles/{id}/revisions/{address}", headers=ANY)
        assert response.status_code == 404
        assert "not kept any more" in response.json()["detail"]
    assert (await api.editor.get(f"/v1/articles/{id}")).json()["version"] == 7
    diff = await api.editor.get(f"/v1/articles/{id}/revisions/7/diff", params={"from": "2"})
    assert (diff.status_code, "not kept" in diff.json()["errors"][0]["detail"]) == (422, True)
    never = await api.editor.get(f"/v1/articles/{id}/revisions/99")
    assert (never.status_code, never.json().get("detail")) == (404, None) or "kept" not in never.text


async def read_one(api: Served, id: int, version: int) -> bytes:
    response = await api.editor.get(f"/v1/articles/{id}/revisions/{version}")
    assert response.status_code == 200
    return response.content


async def import_story(api: Served, **fields: object) -> Json:
    line = orjson.dumps({"id": "s1", "title": "Of the wire", "body": "The council met.", **fields})
    response = await api.editor.post("/v1/imports", params={"origin": "wire"}, content=line + b"\n", headers=LINES)
    assert response.status_code == 200, response.text
    return dict(orjson.loads(response.content.splitlines()[0]))


async def test_what_editors_decided_is_known_without_the_versions(api: Served) -> None:
    id = (await import_story(api))["id"]
    await patch(api.editor, id, title="As the editor has it")
    for number in range(6):  # from now on only the source changes it
        assert (await import_story(api, standfirst=f"Sentence {number}."))["outcome"] == "updated"
    with api.db.snapshot() as snapshot:
        current = stored_article.load(snapshot.connection, [id])[id]
        before = authorship.find_edited_fields(snapshot.connection, [current])[id]
        assert before == {"title"}
    for days, kept in ((100, 3), (100, 1)):  # in two rounds: the second goes on from what the first has kept
        make_older(api.db, days)
        assert (await prune(api, revisions_kept=kept)).versions > 0
    assert len(list_versions(api.db, id)) == 1
    with api.db.snapshot() as snapshot:
        assert authorship.find_edited_fields(snapshot.connection, [current])[id] == before
        assert authorship.find_edited(snapshot.connection, [id]) == {id}
        assert authorship.find_languages(snapshot.connection, current) == {current.columns["language"]}
    told = await import_story(api, title="As the wire has it now", standfirst="The last one.")
    assert told["outcome"] == "updated"
    shown = (await api.editor.get(f"/v1/articles/{id}")).json()
    assert (shown["title"], shown["standfirst"]) == ("As the editor has it", "The last one.")


async def bulk_edit(api: Served, **value: object) -> int:
    response = await api.editor.post("/v1/articles/bulk", json=value)
    assert response.status_code == 202, response.text
    return int((await wait_for_end(api, response.headers["location"]))["id"])


async def wait_for_end(api: Served, address: str, *, undo: bool = False) -> Json:
    for _ in range(500):
        record: Json = (await api.editor.get(address)).json()
        if (record["undo"] if undo else record)["state"] in ("done", "failed"):
            return record
        await asyncio.sleep(0.02)
    raise AssertionError(record)


async def undo(api: Served, id: int) -> Json:
    """What became of the only article of a bulk edit."""
    response = await api.editor.post(f"/v1/imports/{id}/undo")
    assert response.status_code in (200, 202), response.text
    assert (await wait_for_end(api, f"/v1/imports/{id}", undo=True))["undo"]["state"] == "done"
    [one] = (await api.editor.get(f"/v1/imports/{id}/articles")).json()["data"]
    return dict(one)


async def test_an_undo_without_its_version_leaves_the_article_and_says_so(api: Served) -> None:
    id = await post(api.editor, "A story", language="en")
    first = await bulk_edit(api, ids=[id], language="fr")
    second = await bulk_edit(api, ids=[id], language="nl")
    assert (await undo(api, second))["undone"] == "restored"
    make_older(api.db)
    assert (await prune(api, revisions_kept=2)).versions == 1
    assert list_versions(api.db, id) == [2, 3]
    one = await undo(api, first)
    assert (one["undone"], one["note"]) == ("kept", "the version before is not kept any more")
    shown = (await api.editor.get(f"/v1/articles/{id}")).json()
    assert (shown["version"], shown["language"]) == (4, "fr")


async def test_what_an_undo_has_put_back_stays(api: Served) -> None:
    id = await post(api.editor, "A story", language="en")
    await patch(api.editor, id, standfirst="By an editor.")
    edit = await bulk_edit(api, ids=[id], language="fr")
    assert (await undo(api, edit))["undone"] == "restored"
    make_older(api.db)
    # Version 2 is what version 4 is the same as; whose its fields are, is known by it.
    assert (await prune(api, revisions_kept=1)).versions == 1
    assert list_versions(api.db, id) == [2, 3]


async def test_nobody_knows_whose_a_lost_version_was(api: Served) -> None:
    id = await post(api.editor, "A story")
    for number in range(5):
        await patch(api.editor, id, standfirst=f"Sentence {number}.")
    with api.db.engine.begin() as connection:  # only version 3 was somebody's
        machines = update(REVISION).where(REVISION.c.article_id == id, REVISION.c.version != 3)
        connection.execute(machines.values(saved_by=authorship.ENRICH))
        connection.execute(update(A).where(A.c.id == id).values(saved_by=authorship.ENRICH))
    row = TouchedRow(id, "updated", 1, 2)
    with api.db.snapshot() as snapshot:
        reasons = edited_since.find_touched(snapshot.connection, 0, [row], by_person=True)
        assert reasons == {id: "edited since"}
    make_older(api.db)
    assert (await prune(api, revisions_kept=1)).versions == 4
    with api.db.snapshot() as snapshot:
        reasons = edited_since.find_touched(snapshot.connection, 0, [row], by_person=True)
        assert reasons == {id: "versions since are not kept any more"}
        late = TouchedRow(id, "updated", 4, 5)
        assert edited_since.find_touched(snapshot.connection, 0, [late], by_person=True) == {}


async def test_an_article_that_is_edited_meanwhile_is_left_for_the_next_time(api: Served) -> None:
    id = await post(api.editor, "A story")
    for number in range(4):
        await patch(api.editor, id, standfirst=f"Sentence {number}.")
    make_older(api.db)
    with api.db.snapshot() as snapshot:
        old = versions.find_old(snapshot.connection, id, 1, 0)
    assert old is not None
    assert list(old.numbers) == [1, 2, 3]
    await patch(api.editor, id, standfirst="The last.")
    assert api.db.write_now(versions.delete_old, old, old.numbers).value is None
    assert list_versions(api.db, id) == [1, 2, 3, 4, 5]


async def test_a_round_cut_off_between_portions_loses_nothing(api: Served) -> None:
    id = (await import_story(api))["id"]
    await patch(api.editor, id, title="As the editor has it")
    for number in range(4):
        await import_story(api, standfirst=f"Sentence {number}.")
    with api.db.snapshot() as snapshot:
        old = versions.find_old(snapshot.connection, id, 1, 0)
        current = stored_article.load(snapshot.connection, [id])[id]
    assert old is not None
    for number in old.numbers:  # one at a time: as if it were killed behind each
        assert api.db.write_now(versions.delete_old, old, [number]).value == 1
        with api.db.snapshot() as snapshot:
            assert authorship.find_edited_fields(snapshot.connection, [current])[id] == {"title"}
            assert revisions.get(snapshot.connection, id, old.current - 1) is not None


def test_texts_and_histories_are_read_as_they_were_written() -> None:
    texts = {4: "{}", 7: '{"title":"Kürzer – 短"}', 9: orjson.dumps({"body": TEXT}).decode()}
    packed = revision_texts.pack(texts)
    assert [base for _, base in packed.values()] == [9, 9, None]
    for version, (content, base) in packed.items():
        row = ("", content, *(("", packed[base][0]) if base is not None else (None, None)))
        assert revision_texts.read_text(*row) == texts[version]
    history = PrunedHistory(frozenset({"title", "tags"}), by_person=True, languages=frozenset({"en"}))
    assert PrunedHistory.read(history.write()) == history


def test_the_text_that_others_are_compressed_against_stays_with_them(db: Database) -> None:
    """A version that an undo has put back stays, and so does what it is compressed against."""
    old = {1, 2, 3}
    needed: dict[int, set[int | None]] = {1: {3, None}, 2: {3, None}, 3: {None}, 4: {None, 1}, 5: {None}}
    versions._keep_needed(needed[4], needed, old)
    assert old == {2}
    with db.engine.begin() as connection:
        assert connection.execute(delete_from(REVISION)).rowcount == 0
