"""PostgreSQL that is refused, full, killed or promoted: responses say so within a second, and all goes on by itself."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from conftest import Served, serve
from torture.drivers.article_writers import WriteRecord, count_wrong, write_articles
from torture.drivers.pgbouncer import MODES, run_pgbouncer
from torture.drivers.postgres_cluster import FAST, PostgresNode, join_urls, join_urls_by_query, run_nodes

from app.commands import open_archive
from app.db.database import DatabaseProblem
from app.db.engines import create_postgres_engine, read_url
from app.db.postgres.address import HostOrder, complete
from app.db.postgres.connection_pool import ConnectionPool
from app.db.postgres.prepared import PREPARE_AFTER
from app.settings import Settings

pytestmark = pytest.mark.anyio

STORY: dict[str, object] = {"title": "A harbour is dredged", "body": "<p>Ships wait.</p>"}
FORMS = pytest.mark.parametrize(
    "url",
    [
        "postgresql://desk:se%40cret@first:5433,second:5434/archive?sslmode=disable",
        "postgres://desk:se%40cret@/archive?host=first,second&port=5433,5434&sslmode=disable",
        "postgresql+psycopg:///archive?host=first,second&port=5433,5434&user=desk&password=se%40cret&sslmode=disable",
    ],
)


@FORMS
def test_several_hosts_are_read_in_every_form_of_libpq(url: str) -> None:
    read = read_url(url)
    assert (read.dialect, read.database) == ("postgresql", "archive")
    assert read.parameters == {
        "host": "first,second", "port": "5433,5434", "user": "desk", "password": "se@cret", "dbname": "archive",
        "sslmode": "disable",
    }  # fmt: skip
    assert "se@cret" not in repr(read)


def test_what_the_address_says_holds_and_the_rest_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    several = read_url("postgresql://a,b/archive?connect_timeout=9").parameters
    assert complete(several, for_writing=True)["target_session_attrs"] == "read-write"
    assert complete(several, for_writing=True)["connect_timeout"] == "9"
    assert int(complete(several, for_writing=True)["tcp_user_timeout"]) <= 10_000
    assert "target_session_attrs" not in complete(several, for_writing=False)
    assert "target_session_attrs" not in complete(read_url("postgresql://a/archive").parameters, for_writing=True)
    own = read_url("postgresql://a,b/archive?target_session_attrs=any").parameters
    assert complete(own, for_writing=True)["target_session_attrs"] == "any"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in complete(read_url("postgresql://a/archive").parameters, for_writing=True)


@pytest.mark.parametrize(
    ("address", "host", "port", "order"),
    [
        ("a:1,b:2,c:3", "b", 2, ("b,a,c", "2,1,3")),
        ("a,b", "b", 5432, ("b,a", ",")),
        ("a:1,a:2", "a", 2, ("a,a", "2,1")),
        ("a:1,b:2", "elsewhere", 9, ("a,b", "1,2")),
    ],
)
def test_host_that_was_connected_to_is_tried_first(address: str, host: str, port: int, order: tuple[str, str]) -> None:
    hosts = HostOrder(read_url(f"postgresql://{address}/archive").parameters)
    hosts.note_host(host, port)
    assert (hosts.parameters["host"], hosts.parameters["port"]) == order
    hosts.note_host(host, port)
    assert (hosts.parameters["host"], hosts.parameters["port"]) == order


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://desk:secret@host/archive?sslmod=disable", 'invalid URI query parameter: "sslmod"'),
        ("postgresql://desk:secret@[::1/archive", "cannot read it"),
        ("postgresql://desk:secret%zz@host/archive", "cannot read it"),
    ],
)
def test_address_that_libpq_cannot_read_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(DatabaseProblem, match="DATELINE_DATABASE_URL") as refused:
        read_url(url)
    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("database", "replica"),
    [("", "postgresql://a/b"), ("postgresql://a/b", "sqlite:///c.db"), ("postgresql://a/b", "nonsense")],
)
def test_replica_is_one_of_postgres(database: str, replica: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database, replica_url=replica)
    with pytest.raises(DatabaseProblem, match="DATELINE_REPLICA_URL"):
        open_archive.open_archive(settings)


@pytest.fixture(scope="module")
def node() -> Iterator[PostgresNode]:
    """A server of this module alone, with few connections."""
    with run_nodes(1, {**FAST, "max_connections": "30", "superuser_reserved_connections": "0"}) as nodes:
        yield nodes[0]


def make_settings(folder: Path, url: str, **more: object) -> Settings:
    settings = Settings(
        data_dir=folder, database_url=url, index_interval=0.02, index_heap_mb=15, write_connections=2,
        read_connections=4, **more,  # type: ignore[arg-type] # settings by their names
    )  # fmt: skip
    open_archive.open_archive(settings).close_now()
    return settings


async def read_ready(api: Served) -> dict[str, object]:
    ready: dict[str, object] = (await api.public.get("/health/ready")).json()
    return ready


async def wait_until(api: Served, is_met: Callable[[dict[str, object]], bool], seconds: float = 20) -> None:
    """Until `/health/ready` says it."""
    deadline = time.monotonic() + seconds
    while not is_met(ready := await read_ready(api)):
        assert time.monotonic() < deadline, ready
        await asyncio.sleep(0.05)


async def list_responses(api: Served, id: object) -> list[tuple[httpx.Response, float]]:
    """To reads and writes of every kind at once, with their seconds."""

    async def send(client: httpx.AsyncClient, method: str, path: str, **more: object) -> tuple[httpx.Response, float]:
        began = time.monotonic()
        response = await client.request(method, path, **more)  # type: ignore[arg-type] # httpx's own
        return response, time.monotonic() - began

    lines = {"content": b'{"external_id":"a","title":"A"}\n', "headers": {"Content-Type": "application/x-ndjson"}}
    paths = (
        f"/v1/articles/{id}",
        "/v1/articles?count=exact",
        "/v1/search?q=harbour",
        "/v1/changes?since=0",
        "/v1/tags",
    )
    drafts = ("/v1/audit", f"/v1/articles/{id}/revisions", "/v1/stats", "/v1/imports", "/v1/searches", "/v1/jobs/1")
    writes = (("POST", "/v1/articles", {"json": STORY}), ("POST", "/v1/imports?dry_run=true", lines))
    return await asyncio.gather(
        *(send(api.public, "GET", path, headers={"Cache-Control": "no-cache"}) for path in paths),
        *(send(api.editor, "GET", path) for path in (*paths, *drafts)),
        *(send(api.editor, method, path, **more) for method, path, more in writes for _ in range(4)),
    )


def check_refusals(responses: list[tuple[httpx.Response, float]]) -> None:
    for response, seconds in responses:
        said = (str(response.request.url), response.text)
        assert response.status_code == 503, said
        assert response.json()["code"] == "database_unavailable", said
        assert int(response.headers["retry-after"]) > 0
        assert "127.0.0.1" not in response.text, said
        assert seconds < 1, said


@pytest.mark.slow
async def test_database_that_is_gone_is_told_within_a_second_and_comes_back(node: PostgresNode, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, node.url())
    async with serve(settings) as api:
        id = (await api.post(**STORY))["id"]
        await asyncio.to_thread(node.kill)
        try:
            check_refusals(await list_responses(api, id))
            await asyncio.sleep(1.5)  # what is tried in the background is not tried ever more rarely
            check_refusals(await list_responses(api, id))
            ready = await read_ready(api)
            assert (ready["status"], ready["database"]) == ("unavailable", False)
            assert (await api.public.get("/health/live")).status_code == 200
        finally:
            await asyncio.to_thread(node.start)
        began = time.monotonic()
        await wait_until(api, lambda ready: ready["status"] == "ok")
        assert (await api.post(**STORY))["status"] == "published"
        assert {response.status_code // 100 for response, _ in await list_responses(api, id)} <= {2, 4}
        assert time.monotonic() - began < 5


@pytest.mark.slow
async def test_server_that_has_no_connection_left_is_waited_for(node: PostgresNode, tmp_path: Path) -> None:
    """Connections that are open serve those who ask; one that cannot have any says so."""
    settings = make_settings(tmp_path, node.url())
    async with serve(settings) as api:
        id = (await api.post(**STORY))["id"]
        with ExitStack() as stack:
            try:
                for _ in range(40):
                    stack.enter_context(psycopg.connect(node.url()))
            except psycopg.OperationalError:
                pass
            for _ in range(3):
                responses = [response for response, _ in await list_responses(api, id)]
                assert {response.status_code for response in responses} <= {200, 201, 404, 503}
                assert {one.json()["code"] for one in responses if one.status_code == 503} <= {"database_unavailable"}
            # All at once, on fewer connections than it may have.
            reads = await asyncio.gather(*(api.public.get(f"/v1/articles?limit={i + 1}") for i in range(50)))
            assert {read.status_code for read in reads} == {200}
            await api.db.reader.close()
        await wait_until(api, lambda ready: ready["status"] == "ok")
        assert (await api.post(**STORY))["status"] == "published"


@pytest.mark.torture
@pytest.mark.parametrize("join", [join_urls, join_urls_by_query])
async def test_promoted_standby_is_written_to(join: Callable[[list[PostgresNode]], str], tmp_path: Path) -> None:
    with run_nodes(2) as nodes:
        first, second = nodes
        await asyncio.to_thread(second.follow, first)
        first.configure({"synchronous_standby_names": "standby"})
        first.reload()
        await asyncio.to_thread(first.wait_for_standby)
        async with serve(make_settings(tmp_path, join([second, first]))) as api:
            record, ending = WriteRecord(), asyncio.Event()
            tasks = [
                asyncio.create_task(write_articles(record, api.editor, {}, f"Quay {i}", 10_000, ending))
                for i in range(4)
            ]
            await asyncio.sleep(1)
            before = len(record.saved)
            await asyncio.to_thread(first.kill)
            await asyncio.to_thread(second.promote)
            promoted = time.monotonic()
            await asyncio.sleep(2)
            ending.set()
            await asyncio.gather(*tasks)
            assert before
            assert min(at for at in record.at if at > promoted) - promoted < 1.5
            assert {status for status, _ in record.refusals} <= {503, 409}
            assert not record.without_retry
            assert count_wrong(record, await load_titles(api)) == (0, 0)
            assert (await read_ready(api))["database"] is True


async def load_titles(api: Served) -> dict[int, str]:
    with api.db.snapshot() as snapshot:
        rows = snapshot.connection.exec_driver_sql("SELECT id, title FROM article")
        return {row[0]: row[1] for row in rows}


@pytest.mark.torture
@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_pgbouncer_stands_between(mode: str, tmp_path: Path) -> None:
    """Everything that a server does, from the first migration on, and several clients at once."""
    with run_nodes(1) as nodes, run_pgbouncer(nodes[0], mode) as url:
        async with serve(make_settings(tmp_path, url)) as api:
            record = WriteRecord()
            await asyncio.gather(*(write_articles(record, api.editor, {}, f"Quay {i}", 10) for i in range(8)))
            assert (len(record.saved), record.refusals) == (80, {})
            assert count_wrong(record, await load_titles(api)) == (0, 0)
            changes = [await change_title(api, id, f"Pier {id}") for id in record.saved.values()]
            assert set(changes) == {200}
            responses = [response for response, _ in await list_responses(api, next(iter(record.saved.values())))]
            assert {response.status_code // 100 for response in responses} <= {2, 4}
            hits = await api.public.get("/v1/search", params={"q": "pier", "min_seq": responses[0].headers["x-seq"]})
            assert hits.status_code == 200


@pytest.mark.slow
async def test_turn_of_a_request_that_has_gone_is_that_of_the_next(node: PostgresNode) -> None:
    pool = ConnectionPool(read_url(node.url()).parameters, 1)
    try:
        slow = asyncio.create_task(pool.fetch(b"SELECT pg_sleep(0.2)", {}))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(pool.fetch(b"SELECT %(i)s::int", {"i": i})) for i in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        slow.add_done_callback(lambda _: waiting[1].cancel())  # by then it may have its turn
        assert (await asyncio.gather(*waiting, return_exceptions=True))[2] == [(2,)]
        cut = asyncio.create_task(pool.fetch(b"SELECT pg_sleep(9)", {}))
        await asyncio.sleep(0.1)
        cut.cancel()
        assert await asyncio.wait_for(pool.fetch(b"SELECT 1", {}), 2) == [(1,)]
    finally:
        await pool.close()


@pytest.mark.slow
def test_statements_are_prepared_where_sessions_last(node: PostgresNode) -> None:
    assert find_threshold(node.url()) == PREPARE_AFTER
    for mode in MODES:
        with run_pgbouncer(node, mode) as url:
            assert find_threshold(url) is None


def find_threshold(url: str) -> int | None:
    engine = create_postgres_engine(read_url(url).parameters, 1)
    try:
        with engine.connect() as connection:
            threshold: int | None = connection.connection.driver_connection.prepare_threshold  # type: ignore[union-attr] # psycopg's
            return threshold
    finally:
        engine.dispose()


async def change_title(api: Served, id: int, title: str) -> int:
    etag = (await api.editor.get(f"/v1/articles/{id}")).headers["etag"]
    changed = await api.editor.patch(f"/v1/articles/{id}", json={"title": title}, headers={"If-Match": etag})
    return changed.status_code
