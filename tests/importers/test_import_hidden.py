"""Imports by keys that may not see what is not public: they change nothing of it, and learn no more of it than that an
identity or a slug is taken."""

import asyncio
import re
import secrets

import httpx
import orjson
import pytest
from conftest import ENGINES, Served

from app.articles import service
from app.articles.service import Saved
from app.db.database import Database
from app.importers import batches, pipeline
from app.importers.document import Document, DocumentBody, Failure
from app.importers.prepare import PreparedItem

pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]
ON = ENGINES
Json = dict[str, object]
NDJSON = {"Content-Type": "application/x-ndjson"}
NOW = 1_800_000_000
LATER = "2199-01-01T00:00:00Z"


async def make_hidden(api: Served) -> dict[str, Json]:
    """An article in every state that is not public, by its external id."""
    made: dict[str, Json] = {}
    for state in ("draft", "scheduled", "withdrawn", "trashed"):
        body = {"title": f"Secret {state}", "external_id": state, "origin": "wire", "slug": f"secret-{state}"}
        body |= {"status": {"withdrawn": "published", "trashed": "draft"}.get(state, state)}
        body |= {"published_at": LATER} if state == "scheduled" else {}
        response = await api.editor.post("/v1/articles", json=body)
        assert response.status_code == 201, response.text
        made[state] = response.json()
    for state in ("withdrawn", "trashed"):
        path = f"/v1/articles/{made[state]['id']}"
        deleted = await api.editor.delete(path, headers={"If-Match": "*"})
        assert (deleted.status_code, deleted.json()["status"]) == (200, state)
    return {state: (await api.editor.get(f"/v1/articles/{one['id']}")).json() for state, one in made.items()}


def lines(*names: str, **fields: object) -> bytes:
    items = ({"id": name, "title": f"Guess at {name}", "body": "Words.", **fields} for name in names)
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


async def stream(api: Served, key: dict[str, str], content: bytes, **query: str) -> list[Json]:
    query = {"origin": "wire", **query}
    response = await api.public.post("/v1/imports", params=query, content=content, headers=NDJSON | key)
    assert response.status_code == 200, response.text
    return [orjson.loads(line) for line in response.content.splitlines()][:-1]


async def job(api: Served, key: dict[str, str], content: bytes, kind: str = "application/x-ndjson") -> str:
    """The address of a job that has ended."""
    headers = {"Content-Type": kind, "Prefer": "respond-async", **key}
    response = await api.public.post("/v1/imports?origin=wire", content=content, headers=headers)
    assert response.status_code == 202, response.text
    for _ in range(500):
        result = await api.public.get(response.headers["location"], headers=key)
        if result.json()["state"] in ("done", "failed"):
            return str(response.headers["location"])
        await asyncio.sleep(0.02)
    raise AssertionError(result.text)


async def read(api: Served, key: dict[str, str], address: str) -> Json:
    payload: Json = (await api.public.get(address, headers=key)).json()
    return payload


@pytest.mark.slow
async def test_item_that_meets_a_hidden_article_is_refused_alike_whatever_its_state(api: Served) -> None:
    hidden = await make_hidden(api)
    await api.post(title="Public", external_id="public", origin="wire")
    key = await api.key("write", "publish")
    names = (*hidden, "public", "new")
    for query in ({"dry_run": "true"}, {}):
        reported = await stream(api, key, lines(*names), **query)
        refused = [{name: one[name] for name in one if name != "line"} for one in reported[:4]]
        assert refused[0] == refused[1] == refused[2] == refused[3]
        assert {"outcome": "failed", "id": None, "slug": None, "copy_of": None}.items() <= refused[0].items()
        assert "read_drafts" in str(refused[0]["reason"])
        assert [one["outcome"] for one in reported[4:]] == ["unchanged", "created"]  # an editor wrote the first
    of_job = await read(api, key, await job(api, key, lines(*names)))
    results = of_job["results"]
    assert isinstance(results, list)
    assert [one["outcome"] for one in results] == ["failed"] * 4 + ["unchanged"] * 2
    assert all((one["id"], one["slug"], one["reason"]) == (None, None, refused[0]["reason"]) for one in results[:4])
    for one in hidden.values():
        assert (await api.editor.get(f"/v1/articles/{one['id']}")).json() == one


async def test_row_that_names_a_hidden_article_is_refused_alike(api: Served) -> None:
    """A table names articles of this archive by what its own exports have, whatever their origin is."""
    hidden = await make_hidden(api)
    key = await api.key("write", "publish")
    names = ("id", "slug", "version", "created_at")
    rows = [",".join(str(one[name]) for name in names) for one in hidden.values()]
    table = "\n".join([",".join((*names, "title")), *(f"{row},Guess" for row in rows), "9,none,1,2001-02-03,New"])
    of_job = await read(api, key, await job(api, key, table.encode(), "text/csv"))
    results = of_job["results"]
    assert isinstance(results, list)
    assert [one["reason"] for one in results] == [batches.HIDDEN] * 4 + [None]
    assert [(one["id"], one["slug"]) for one in results[:4]] == [(None, None)] * 4
    assert of_job["notes"] == []
    for one in hidden.values():
        assert (await api.editor.get(f"/v1/articles/{one['id']}")).json() == one


async def test_key_that_may_see_hidden_articles_imports_as_before(api: Served) -> None:
    await make_hidden(api)
    key = await api.key("write", "publish", "read_drafts")
    reported = await stream(api, key, lines("draft", "scheduled", status="draft"))
    assert [(one["outcome"], one["id"] is None) for one in reported] == [("unchanged", False)] * 2
    assert all("edited here" in str(one["notes"]) for one in reported)
    address = await job(api, key, lines("draft", "new", status="draft"))
    of_job = await read(api, key, address)
    results = of_job["results"]
    assert isinstance(results, list)
    assert [(one["outcome"], one["slug"] is None) for one in results] == [("unchanged", False), ("created", False)]
    for_others = await read(api, await api.key("publish"), address)
    assert [(one["id"], one["slug"]) for one in for_others["results"]] == [(None, None)] * 2  # type: ignore[attr-defined] # a list


async def test_job_does_not_tell_others_that_items_repeat_hidden_articles(api: Served) -> None:
    words = " ".join(secrets.token_hex(4) for _ in range(300))
    secret = await api.editor.post("/v1/articles", json={"title": "Secret", "body": {"text": words}})
    assert secret.status_code == 201
    key, publisher = await api.key("publish", "read_drafts"), await api.key("publish")
    address = await job(api, key, lines("copy", body=words))
    values = [await read(api, one, address) for one in (key, publisher)]
    noted = [any("nearly the same text" in note["note"] for note in one["notes"]) for one in values]  # type: ignore[attr-defined] # a list
    repeats = [one["results"][0]["copy_of"] for one in values]  # type: ignore[index] # a list
    assert (noted, repeats) == ([True, False], [secret.json()["id"], None])


@pytest.mark.parametrize("sees_hidden", [True, False])
def test_file_of_a_known_name_tells_nothing_of_a_hidden_article(db: Database, sees_hidden: bool) -> None:
    first = Document(
        "a.md", title="Harbour closes", body=DocumentBody("text", "Fishermen waited yesterday beside their boats.")
    )
    other = Document(
        "a.md", title="Budget passes", body=DocumentBody("text", "Ministers applauded loudly throughout the session.")
    )

    def prepare_item(one: Document) -> PreparedItem | Failure:
        [result] = pipeline.prepare_all(db, [("a.md", one)], "files", enrich=False, sees_hidden=sees_hidden)
        return result

    known = prepare_item(first)
    assert isinstance(known, PreparedItem)
    [saved] = db.write_now(batches.save_batch, [known], site_url="").value
    assert isinstance(saved, Saved)
    stranger = prepare_item(other)
    assert isinstance(stranger, Failure)
    assert f"article {saved.id}," in stranger.reason
    db.write_now(service.withdraw, [saved.id], now=NOW)
    hidden = prepare_item(other)
    if sees_hidden:
        assert isinstance(hidden, Failure)
        assert "another article came from a file of this name;" in hidden.reason
    else:
        assert isinstance(hidden, PreparedItem)
        assert db.write_now(batches.save_batch, [hidden], site_url="", sees_hidden=False).value == [batches.HIDDEN]


async def test_hidden_articles_cannot_be_named_in_writes(api: Served) -> None:
    """A taken slug and a taken identity can be seen, which is documented; nothing else."""
    hidden = await make_hidden(api)
    key = await api.key("write", "publish")

    async def write(**fields: object) -> httpx.Response:
        return await api.public.post("/v1/articles", json={"title": "Probe", **fields}, headers=key)

    for one in hidden.values():
        for field in ({"translation_of": one["id"]}, {"related": [{"article": one["id"]}]}):
            there = await write(**field)
            missing = await write(**{name: _rename_hidden(value) for name, value in field.items()})
            assert (there.status_code, missing.status_code) == (422, 422)
            assert _without_numbers(there) == _without_numbers(missing)
        taken = await write(slug=one["slug"])
        known = await write(external_id=one["external_id"], origin="wire")
        assert [(one.status_code, one.json()["code"]) for one in (taken, known)] == [
            (409, "slug_taken"), (409, "external_id_taken"),
        ]  # fmt: skip
        assert not re.search(rf"\b{one['id']}\b", taken.text.replace(str(taken.json()["request_id"]), ""))
        assert (await write(title=one["title"])).json()["slug"] == f"{one['slug']}-2"


def _rename_hidden(value: object) -> object:
    """The same of an article that there is none of."""
    return 999_999 if isinstance(value, int) else [{"article": 999_999}]


def _without_numbers(response: httpx.Response) -> str:
    shown = response.json()
    return "".join(c for c in str(shown | {"request_id": None}) if not c.isdigit())
