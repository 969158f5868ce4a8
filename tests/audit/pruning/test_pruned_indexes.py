"""Indexes over a log that was pruned: what one has yet to read stays, wherever it is; and one that comes back too late
shows nothing that is public no more."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from conftest import ENGINES, lifespan, serve
from sqlalchemy import update
from sqlmodel import Session
from support.old_log import delete, forecast, make_older, patch, post, prune, wait_for_indexes

from app.audit.pruning import index_positions
from app.changes import log
from app.db.database import Database
from app.main import create_app
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio


def move_to(settings: Settings, folder: Path) -> Settings:
    """A server of the same archive on another machine."""
    return settings.model_copy(update={"data_dir": folder})


async def test_an_index_that_was_away_shows_nothing_that_is_public_no_more(settings: Settings, tmp_path: Path) -> None:
    async with serve(settings) as away:
        hidden, stays = await post(away.editor, "Zeppelins in secret"), await post(away.editor, "Zeppelins for all")
        await wait_for_indexes(away)
    async with serve(move_to(settings, tmp_path / "another")) as api:
        await delete(api.editor, hidden)
        await patch(api.editor, hidden, title="Zeppelins, rewritten")  # of which the public is told nothing
        await post(api.editor, "News")
        make_older(api.db)
        assert (await prune(api, log_days=30)).log_rows > 0
    app = create_app(settings, follow=False)
    async with lifespan(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as public:
        response = await public.get("/v1/search", params={"q": "zeppelins"})
        assert (response.status_code, response.json()["code"]) == (503, "index_behind")
        listed = (await public.get("/v1/articles", params={"tag": "none", "limit": "5"})).json()
        assert (listed["data"], listed["page"]["total"]) == ([], None)
    async with serve(settings) as back:
        await wait_for_indexes(back)
        deadline = time.monotonic() + 20
        while (response := await back.public.get("/v1/search", params={"q": "zeppelins"})).status_code != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert [hit["article"]["id"] for hit in response.json()["data"]] == [stays]


def _let_pass(session: Session, days: int) -> None:
    session.connection().execute(update(index_positions.PLACE).values(at=index_positions.PLACE.c.at - days * 86_400))


async def test_what_an_index_of_another_machine_has_yet_to_read_stays(settings: Settings, tmp_path: Path) -> None:
    other = move_to(settings, tmp_path / "another")
    async with serve(other) as away:
        id = await post(away.editor, "A story")
        await wait_for_indexes(away)
        await note_place(away.db, other)
    async with serve(settings) as api:
        for tag in ("eu", "nato", "asean"):
            await patch(api.editor, id, tags=[tag])
        make_older(api.db)
        await wait_for_indexes(api)
        await note_place(api.db, settings)
        held = forecast(api, log_days=30)
        assert (held.log.rows, held.held_by) == (0, (f"the indexes of {index_positions.name_server(other)}",))
        assert (await prune(api, log_days=30)).log_rows == 0
        await api.db.write(_let_pass, index_positions.AWAY_DAYS - 1)
        assert forecast(api, log_days=30).log.rows == 0
        await api.db.write(_let_pass, 2)
        await note_place(api.db, settings)
        with api.db.snapshot() as snapshot:
            epoch = log.head(snapshot).epoch
            known = index_positions.find_places(snapshot.connection, epoch)
            assert index_positions.find_places(snapshot.connection, epoch + 1) == []
        assert [server for server, _ in known] == [index_positions.name_server(settings)]
        assert (await prune(api, log_days=30)).log_rows == 2


async def note_place(db: Database, settings: Settings) -> None:
    """As a server does beside its indexes."""
    task = asyncio.create_task(index_positions.run(db, settings, first_seconds=0))
    deadline, server = time.monotonic() + 20, index_positions.name_server(settings)
    while True:
        with db.snapshot() as snapshot:
            known = dict(index_positions.find_places(snapshot.connection, log.head(snapshot).epoch))
        if server in known:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
