"""What a second run of an import over HTTP says of articles that were edited in between."""

import orjson
import pytest
from conftest import serve
from test_import_jobs import send_job
from test_threeway import HERE, STORY

from app.articles.reimport import three_way_merge
from app.http import auth
from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_job_and_stream_count_by_note_and_overwrite(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as local:
        lines = {"Content-Type": "application/x-ndjson"}
        first, later = (orjson.dumps(STORY | {"title": title}) for title in ("One", "Two"))
        await local.editor.post("/v1/imports", content=first, headers=lines)
        changed = {"title": HERE}
        [slug] = [one["slug"] for one in (await local.public.get("/v1/articles")).json()["data"]]
        await local.editor.patch(f"/v1/articles/{slug}", json=changed, headers={"If-Match": "*"})
        note = three_way_merge.EDITED.format("title")
        response = await local.editor.post("/v1/imports", content=later, headers=lines)
        result, last = [orjson.loads(line) for line in response.content.splitlines()]
        assert (result["outcome"], result["notes"]) == ("unchanged", [note])
        assert last["notes"] == [{"note": note, "count": 1, "first": 1}]
        third = orjson.dumps(STORY | {"title": "Three"})
        job = await send_job(local.editor, third, lines | {"Prefer": "respond-async"})
        assert job["notes"] == [{"note": note, "count": 1, "first": "body:1"}]
        job = await send_job(local.editor, third, lines | {"Prefer": "respond-async"}, overwrite="true")
        assert (job["progress"]["updated"], job["notes"], job["overwrite"]) == (1, [], True)
        assert (await local.public.get(f"/v1/articles/{slug}")).json()["title"] == "Three"


async def test_key_that_is_called_import_is_an_editors(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as local:
        token = (await local.db.write(auth.create_key, "import", auth.SCOPES)).value
        key = {"Authorization": f"Bearer {token}"}
        lines = {"Content-Type": "application/x-ndjson"}
        await local.editor.post("/v1/imports", content=orjson.dumps(STORY), headers=lines)
        await local.public.patch("/v1/articles/a-dam-holds", json={"title": HERE}, headers=key | {"If-Match": "*"})
        changed = orjson.dumps(STORY | {"title": "Two"})
        response = await local.editor.post("/v1/imports", content=changed, headers=lines)
        assert orjson.loads(response.content.splitlines()[0])["notes"] == [three_way_merge.EDITED.format("title")]


@pytest.mark.slow
async def test_key_without_read_drafts_gets_no_note_of_a_withdrawn_article(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as local:
        lines = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
        await send_job(local.editor, orjson.dumps(STORY), lines)
        await local.editor.delete("/v1/articles/a-dam-holds", headers={"If-Match": "*"})
        job = await send_job(local.editor, orjson.dumps(STORY | {"title": "Two"}), lines)
        assert [one["note"] for one in job["notes"]] == [three_way_merge.WITHDRAWN]
        publisher = await local.key("publish")
        shown = (await local.public.get(f"/v1/imports/{job['id']}", headers=publisher)).json()
        assert shown["notes"] == []
        assert (await local.public.get("/v1/articles/a-dam-holds")).status_code == 410
