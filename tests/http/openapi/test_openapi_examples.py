"""The examples of the document as requests to the archive that `make run` makes: they work, and what comes back is
what the document says, with headers that it names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from urllib.parse import quote

import anyio
import httpx
import pytest
from conftest import Served, serve, with_own_epoch
from described import Json, find_mistakes, is_nullable, list_operations, resolve
from samples import import_samples

from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OF_THE_CONNECTION = {"content-encoding", "content-length", "content-type", "date"}
NEEDS_MORE = {"restore_article", "stop_job", "undo_import"}
"""Changes of what a new archive does not have; the last would take the sample articles away."""
STREAM = "stream_changes"
AFTER_ITS_JOB = "get_job"
STATUSES = {
    "resolve_address": 307,
    "create_article": 201,
    "create_tag": 201,
    "create_region": 201,
    "create_search": 201,
    "delete_search": 204,
    "edit_articles": 202,
    "create_webhook": 201,
}
JSON = "application/json"
MADE_BEFORE = {"webhooks": 1, "jobs": 2, "searches": "grain-exports", "sitemaps": "2025-11"}
"""By folder, what tests make or set before they ask: a new archive has none, so that the document has no example."""


@pytest.fixture(scope="module")
def template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that tests copy."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copy(sqlite_template, folder)
    import_samples(Settings(data_dir=folder))
    return folder / sqlite_template.name


def make_settings(folder: Path) -> Settings:
    """With a site: a sitemap names its pages."""
    return Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15, site_url="https://news.example.org")


@pytest.fixture
async def archive(template: Path, tmp_path: Path) -> AsyncIterator[Served]:
    shutil.copy(template, tmp_path)
    async with serve(with_own_epoch(make_settings(tmp_path))) as api:
        made = await api.post(title="The index has come this far", body="<p>All that is before it too.</p>")
        await api.editor.delete(f"/v1/articles/{made['id']}", params={"purge": "true"}, headers={"If-Match": "*"})
        yield api


@pytest.fixture
async def document(archive: Served) -> Json:
    described: Json = (await archive.public.get("/openapi.json")).json()
    return described


def make_request(document: Json, method: str, path: str, operation: Json) -> httpx.Request:
    """As the examples of an operation say, and nothing else."""
    examples = {
        (one["in"], one["name"]): one.get("example", next(iter(one["schema"].get("examples", ())), None))
        for one in operation.get("parameters", ())
    }
    before = next((place for folder, place in MADE_BEFORE.items() if f"/{folder}/" in path), None)
    names = {name: examples["path", name] for name in re.findall(r"{(\w+)}", path)}
    address = path.format(**{name: quote(str(before if place is None else place)) for name, place in names.items()})
    query = {name: value for (place, name), value in examples.items() if place == "query" and value is not None}
    headers = {name: value for (place, name), value in examples.items() if place == "header" and value is not None}
    content: bytes | None = None
    if "requestBody" in operation:
        kind, body = next(iter(operation["requestBody"]["content"].items()))
        shown = body if "example" in body else resolve(document, body["schema"])
        content, headers["Content-Type"] = json.dumps(shown["example"]).encode(), kind
    return httpx.Request(method.upper(), f"http://test{address}", params=query, headers=headers, content=content)


async def send(api: Served, request: httpx.Request, **headers: str) -> httpx.Response:
    request.headers.update({"Authorization": api.editor.headers["Authorization"], **headers})
    return await api.public.send(request)


async def wait_for_index(api: Served, job: str) -> None:
    """Until the job has ended and the index has what it did: what reads the index is the same from then on."""
    for _ in range(500):
        ended = await api.editor.get(job)
        if ended.json()["state"] in ("done", "failed"):
            break
        await anyio.sleep(0.05)
    search = await api.public.get("/v1/search", params={"limit": 1, "min_seq": ended.headers["x-seq"]})
    assert search.status_code == 200, search.text


async def save_search(api: Served, document: Json) -> None:
    """That of the examples: a new archive has none."""
    operation = document["paths"]["/v1/searches"]["post"]
    saved = await send(api, make_request(document, "post", "/v1/searches", operation))
    assert saved.status_code == 201, saved.text


def find_faults(document: Json, operation: Json, response: httpx.Response) -> list[str]:
    """What of a response its operation does not say."""
    described = operation["responses"].get(str(response.status_code))
    if described is None:
        return [f"status {response.status_code}"]
    named = {name.lower() for name in described["headers"]} | OF_THE_CONNECTION
    faults = [f"header {name}" for name in response.headers if name not in named and not name.startswith("access-")]
    kind = response.headers.get("content-type", "").partition(";")[0]
    if not response.content or kind not in (JSON, "application/problem+json"):
        return faults
    return faults + find_mistakes(document, described["content"][kind]["schema"], response.json())


async def test_every_read_works_as_its_example_says(archive: Served, document: Json) -> None:
    await save_search(archive, document)
    reads = [one for one in list_operations(document) if one[0] == "get" and one[2]["operationId"] != STREAM]
    webhook = make_request(document, "post", "/v1/webhooks", document["paths"]["/v1/webhooks"]["post"])
    assert (await send(archive, webhook)).status_code == 201
    for method, path, operation in reads:
        name = operation["operationId"]
        if name == AFTER_ITS_JOB:
            edit = document["paths"]["/v1/articles/bulk"]["post"]
            begun = await send(archive, make_request(document, "post", "/v1/articles/bulk", edit))
            await wait_for_index(archive, begun.headers["location"])
        response = await send(archive, make_request(document, method, path, operation))
        assert response.status_code == STATUSES.get(name, 200), (name, response.text)
        assert find_faults(document, operation, response) == [], name
        if "304" in operation["responses"]:
            request = make_request(document, method, path, operation)
            unchanged = await send(archive, request, **{"If-None-Match": response.headers["etag"]})
            assert unchanged.status_code == 304, name
            assert find_faults(document, operation, unchanged) == [], name
    assert len(reads) > 25


async def test_every_change_works_as_its_example_says(archive: Served, document: Json) -> None:
    changes = [one for one in list_operations(document) if one[0] != "get" and one[2]["operationId"] not in NEEDS_MORE]
    # What is withdrawn or merged is no longer there to be changed.
    changes.sort(key=lambda one: (one[0] == "delete", "merge" in one[1]))
    for method, path, operation in changes:
        response = await send(archive, make_request(document, method, path, operation))
        assert response.status_code == STATUSES.get(operation["operationId"], response.status_code), response.text
        assert response.status_code < 300, (operation["operationId"], response.text)
        assert find_faults(document, operation, response) == [], operation["operationId"]
    assert len(changes) > 12


SELECTIONS = ("fields=title", "fields=tags.name,dateline.place", "fields=related.title&include=related")


async def test_what_fields_leave_out_is_not_required(archive: Served, document: Json) -> None:
    await save_search(archive, document)
    projecting = [
        (method, path, operation)
        for method, path, operation in list_operations(document)
        if any(one["name"] == "fields" for one in operation.get("parameters", ()))
        and method == "get"
        and operation["operationId"] != STREAM
    ]
    for (method, path, operation), query in product(projecting, SELECTIONS):
        asked = query.replace("include=related", "include=article") if "changes" in path else query
        request = make_request(document, method, path, operation)
        request = httpx.Request(method, request.url.copy_with(query=asked.encode()), headers=request.headers)
        response = await send(archive, request)
        assert response.status_code == 200, response.text
        assert find_faults(document, operation, response) == [], operation["operationId"]
    assert len(projecting) > 6


REFUSED: tuple[tuple[str, dict[str, str], int], ...] = (
    ("/v1/articles?limit=1000", {}, 422), ("/v1/articles?cursor=x", {}, 400), ("/v1/articles?status=draft", {}, 401),
    ("/v1/articles?format=xml", {}, 406), ("/v1/articles/none-of-this-name", {}, 404), ("/v1/audit", {}, 401),
    ("/v1/articles", {"Authorization": "Bearer dl_none"}, 401), ("/v1/changes?since=x", {}, 422),
)  # fmt: skip


async def test_refusals_are_as_described(archive: Served, document: Json) -> None:
    for address, headers, status in REFUSED:
        response = await archive.public.get(address, headers=headers)
        path = re.sub(r"/articles/[^?]+", "/articles/{ref}", address.partition("?")[0])
        assert response.status_code == status, response.text
        assert find_faults(document, document["paths"][path]["get"], response) == [], address


WHOLE = {"title": "A title", "body": "<p>A body.</p>"}
BODIES: dict[str, tuple[str, Json]] = {
    "create_article": ("/v1/articles", WHOLE),
    "update_article": ("/v1/articles/{article}", {}),
    "replace_article": ("/v1/articles/{article}", WHOLE),
    "create_tag": ("/v1/tags", {"name": "A tag"}),
    "update_tag": ("/v1/tags/nato", {}),
    "create_region": ("/v1/regions", {"level": "grouping", "name": "A grouping", "members": ["france"]}),
    "update_region": ("/v1/regions/nato", {}),
    "create_search": ("/v1/searches", {"slug": "nato", "q": "nato"}),
    "update_search": ("/v1/searches/nato", {}),
    "edit_articles": ("/v1/articles/bulk?dry_run=true", {"ids": [1], "add_tags": ["x"]}),
}
"""Where each body goes, and what else has to be in it."""


async def test_null_is_accepted_where_the_schema_has_it(archive: Served, document: Json) -> None:
    """Of a draft: a published article has to keep its date, which is no matter of its shape."""
    draft = (await archive.editor.post("/v1/articles", json=WHOLE)).json()
    tried = 0
    for method, _, operation in list_operations(document):
        if operation["operationId"] not in BODIES:
            continue
        path, others = BODIES[operation["operationId"]]
        kind, content = next(iter(operation["requestBody"]["content"].items()))
        for name, schema in resolve(document, content["schema"])["properties"].items():
            if not is_nullable(document, schema) or schema.get("readOnly"):
                continue
            response = await archive.editor.request(
                method,
                path.format(article=draft["id"]),
                content=json.dumps({**others, name: None}),
                headers={"If-Match": "*", "Content-Type": kind},
            )
            taken = response.status_code == 409 and response.json()["code"] == "slug_taken"
            assert response.status_code < 300 or taken, (operation["operationId"], name, response.text)
            tried += 1
    assert tried > 50
