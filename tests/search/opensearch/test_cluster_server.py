"""A server whose searches run on a cluster, from outside: what clients see while all is well, and while it is not."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest
from conftest import Served, serve
from guarded_node import find_closed_port, serve_node

from app.audit.pruning import index_positions
from app.commands import check
from app.commands.options import load_settings
from app.db.database import DatabaseProblem
from app.search.index import EngineIndex
from app.search.indexing.rebuild import rebuild_indexes
from app.search.opensearch.cluster import SearchCluster
from app.settings import Settings

pytestmark = pytest.mark.anyio
BODY = "The council votes on the budget of the city. Ferries are late."


@pytest.fixture(name="cluster_settings")
def name_cluster(sqlite_settings: Settings, opensearch_url: str) -> Settings:
    """Copies of one template are one archive to whatever goes by its epoch: each has a prefix of its own here."""
    own = {
        "search_url": (opensearch_url,),
        "search_prefix": f"t{secrets.token_hex(6)}",
        "search_replicas": 0,
        "search_timeout": 2.0,
    }
    return sqlite_settings.model_copy(update=own)


@pytest.fixture(name="api")
async def serve_on_cluster(cluster_settings: Settings) -> AsyncIterator[Served]:
    async with serve(cluster_settings) as running:
        yield running
    cluster = SearchCluster(cluster_settings)
    for name in cluster.request("GET", f"/{cluster_settings.search_prefix}-*/_alias"):
        cluster.request("DELETE", f"/{name}")


async def publish(api: Served, **article: object) -> dict[str, object]:
    """Its JSON, once the index of the cluster has it, which is made at the first start."""
    response = await api.editor.post("/v1/articles", json={"status": "published", **article})
    assert response.status_code == 201, response.text
    deadline, params = time.monotonic() + 30, {"limit": "1", "min_seq": response.headers["x-seq"]}
    while (await api.public.get("/v1/search", params=params)).status_code != 200:
        assert time.monotonic() < deadline
    made: dict[str, object] = response.json()
    return made


async def test_article_is_found_changed_and_withdrawn(api: Served) -> None:
    made = await publish(api, title="Budget vote", body=BODY, tags=["Budget"])
    response = await api.public.get(
        "/v1/search", params={"q": "budgt ferry", "facets": "tag", "highlight": "body", "explain": "true"}
    )
    assert response.status_code == 200, response.text
    payload = response.json()
    assert payload["page"]["total"] == 1
    assert payload["query"]["corrections"][0]["word"] == "budgt"
    assert "<mark>" in payload["data"][0]["highlights"]["body"][0]
    assert payload["facets"]["tag"][0]["count"] == 1
    listed = (await api.public.get("/v1/articles", params={"tag": "budget"})).json()
    assert listed["page"]["total"] == 1
    timeline = await api.public.get("/v1/timeline", params={"q": "budget", "interval": "year"})
    assert sum(bucket["count"] for bucket in timeline.json()["buckets"]) == 1
    gone = await api.editor.delete(f"/v1/articles/{made['id']}", headers={"If-Match": "*"})
    assert gone.status_code in (200, 204), gone.text
    after = await api.public.get("/v1/search", params={"q": "budget"})
    assert after.json()["page"]["total"] == 0


async def test_drafts_are_found_by_those_who_may(api: Served) -> None:
    response = await api.editor.post("/v1/articles", json={"title": "Secret plans", "body": BODY, "status": "draft"})
    seq = response.headers["x-seq"]
    params = {"q": "secret", "status": "draft", "min_seq": seq}
    deadline = time.monotonic() + 30
    while (mine := await api.editor.get("/v1/articles", params=params)).status_code == 503:
        assert time.monotonic() < deadline
    assert mine.json()["page"]["total"] == 1, mine.text
    assert (await api.public.get("/v1/search", params={"q": "secret"})).json()["page"]["total"] == 0


async def test_saved_search_reads_its_words_and_finds(api: Served) -> None:
    await publish(api, title="Budget vote", body=BODY)
    made = await api.editor.post("/v1/searches", json={"slug": "money", "q": "budget ferry"})
    assert made.status_code == 201, made.text
    results = await api.editor.get("/v1/searches/money")
    assert results.json()["page"]["total"] == 1, results.text


async def test_check_compares_the_cluster_and_reindex_builds_it_anew(api: Served) -> None:
    await publish(api, title="Budget vote", body=BODY)
    await asyncio.to_thread(rebuild_indexes, api.db, api.settings)
    results = await asyncio.to_thread(check.run_checks, api.db, api.settings)
    named = {result.name: result for result in results}
    assert {"search cluster", "search cluster, drafts", "index of words"} <= named.keys()
    assert [result for result in results if not result.good] == []


async def wait_for_problem(api: Served) -> dict[str, object]:
    """What the server says of itself, which stays ready, once it has noticed."""
    for _ in range(100):
        response = await api.public.get("/health/ready")
        assert response.status_code == 200
        ready: dict[str, object] = response.json()
        if ready["problem"]:
            return ready
        await asyncio.sleep(0.05)
    raise AssertionError("nothing is said")


async def read_metrics(api: Served) -> str:
    return (await api.editor.get("/metrics")).text


async def test_requests_to_the_cluster_are_counted(api: Served) -> None:
    await publish(api, title="Budget vote", body=BODY)
    assert (await api.public.get("/v1/search", params={"q": "budget"})).json()["page"]["total"] == 1
    counted = await read_metrics(api)
    assert "dateline_search_cluster_failing 0.0" in counted
    for work in ("search", "write", "manage"):
        assert f'dateline_search_cluster_seconds_count{{result="ok",work="{work}"}}' in counted


async def test_indexes_of_the_cluster_hold_the_log(api: Served) -> None:
    await publish(api, title="Budget vote", body=BODY)
    deadline = time.monotonic() + 10
    while len(await asyncio.to_thread(index_positions.read_all_places, api.settings)) < 4:
        assert time.monotonic() < deadline, "both indexes and the words of both"
        await asyncio.sleep(0.1)
    lost = api.settings.model_copy(update={"search_url": ("http://127.0.0.1:9",)})
    assert await asyncio.to_thread(index_positions.read_all_places, lost) == []


async def test_search_is_503_while_the_cluster_is_away_and_reads_go_on(api: Served) -> None:
    made = await publish(api, title="Budget vote", body=BODY)
    index = api.app.state.archive.index
    assert isinstance(index, EngineIndex)
    engine = index.engine
    lost = SearchCluster(api.settings.model_copy(update={"search_url": ("http://127.0.0.1:9",)}))
    there, engine.cluster = engine.cluster, lost  # type: ignore[attr-defined] # that of this engine
    engine.places.cluster, engine._latest = lost, None  # type: ignore[attr-defined] # what it asks
    try:
        response = await api.public.get("/v1/search", params={"q": "ferries"})
        assert response.status_code == 503
        assert response.json()["code"] == "index_behind"
        assert int(response.headers["retry-after"]) >= 1
        assert (await api.public.get(f"/v1/articles/{made['id']}")).status_code == 200
        listed = (await api.public.get("/v1/articles", params={"language": "en"})).json()
        assert [row["id"] for row in listed["data"]] == [made["id"]]
        ready = await wait_for_problem(api)
        assert ready["index"] is False
        assert "cannot be reached" in str(ready["problem"])
        assert "dateline_search_cluster_failing 1.0" in await read_metrics(api)
    finally:
        engine.cluster = engine.places.cluster = there  # type: ignore[attr-defined] # as before
    engine._latest = None  # type: ignore[attr-defined] # of the cluster that is away
    assert (await api.public.get("/v1/search", params={"q": "ferries"})).json()["page"]["total"] == 1


async def _search_in_vain(api: Served) -> str:
    response = await api.public.get("/v1/search", params={"q": "budget"})
    assert response.status_code == 503
    return str(response.json()["detail"])


async def test_server_that_starts_before_the_cluster_searches_once_it_is_there(
    cluster_settings: Settings, opensearch_url: str
) -> None:
    address = find_closed_port()
    settings = cluster_settings.model_copy(update={"search_url": (address,)})
    async with serve(settings) as api:
        body = {"title": "Budget vote", "body": BODY, "status": "published"}
        made = await api.editor.post("/v1/articles", json=body)
        assert made.status_code == 201
        assert (await api.public.get(f"/v1/articles/{made.json()['id']}")).status_code == 200
        deadline = time.monotonic() + 20
        while "search cluster cannot be asked" not in (away := await _search_in_vain(api)):
            assert "being built" in away, "the words of this machine, until they are there"
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        with serve_node(opensearch_url, port=int(address.rpartition(":")[2])):
            deadline = time.monotonic() + 30
            while (response := await api.public.get("/v1/search", params={"q": "budget"})).status_code != 200:
                assert time.monotonic() < deadline, response.text
                await asyncio.sleep(0.1)
            assert response.json()["page"]["total"] == 1
            cluster = SearchCluster(settings)
            for name in cluster.request("GET", f"/{settings.search_prefix}-*/_alias"):
                cluster.request("DELETE", f"/{name}")


def test_settings_of_the_cluster_go_together() -> None:
    with pytest.raises(ValueError, match="go together"):
        Settings(search_url=("http://a:1",), search_user="me")
    with pytest.raises(ValueError, match="takes the place"):
        Settings(search_url=("http://a:1",), search_user="me", search_password="it", search_api_key="key")


def test_settings_that_do_not_go_together_are_told_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_SEARCH_USER", "me")
    with pytest.raises(DatabaseProblem, match=r"^DATELINE_SEARCH_USER and DATELINE_SEARCH_PASSWORD go together\.$"):
        load_settings()
