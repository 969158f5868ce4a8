"""Saved searches and feeds over a log that was pruned."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from conftest import ENGINES, Served
from support.old_log import Copy, delete, make_older, patch, post, prune

from app.changes.log import Logged
from app.db.database import Snapshot
from app.db.log_position import LogPosition

ON = ENGINES
pytestmark = pytest.mark.anyio


class Remembered:
    """Follows the log, and keeps nothing but its place and how often it was built."""

    def __init__(self) -> None:
        self.place: LogPosition | None = None
        self.rebuilt = 0

    def position(self) -> LogPosition | None:
        return self.place

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        self.place = place

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        self.place, self.rebuilt = place, self.rebuilt + 1

    def close(self) -> None:
        """Nothing is open."""


async def save_search(api: Served, slug: str, q: str) -> None:
    deadline = time.monotonic() + 20
    search = {"slug": slug, "q": q, "public": True}
    while (response := await api.editor.post("/v1/searches", json=search)).status_code == 503:
        assert time.monotonic() < deadline, response.text  # the index is not there yet
        await asyncio.sleep(0.05)
    assert response.status_code == 201, response.text


async def test_who_follows_a_saved_search_is_told_the_same(api: Served) -> None:
    first = await post(api.editor, "Dams of the region")
    await patch(api.editor, first, tags=["eu"])
    await save_search(api, "dams", "dams")
    second = await post(api.editor, "More dams")
    left = await post(api.editor, "Dams no more")
    follower = Copy(api.public, {"search": "dams"})
    deadline = time.monotonic() + 20
    while left not in follower.cards:
        assert time.monotonic() < deadline
        await follower.follow()
        await asyncio.sleep(0.02)
    await patch(api.editor, left, title="Bridges", body="<p>Of bridges.</p>")
    for tag in ("eu", "nato"):
        await patch(api.editor, left, tags=[tag])
        await patch(api.editor, second, tags=[tag])
    gone = await post(api.editor, "Dams that go")
    await delete(api.editor, gone, purge="true")
    while ("purged", gone) not in (await Copy(api.public, {"search": "dams"}).follow()).events:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await follower.follow()
    before = (await Copy(api.public, {"search": "dams"}).follow()).events
    assert (await api.public.get("/feeds/searches/dams.atom")).text.count("<at:deleted-entry") == 2
    make_older(api.db)
    assert (await prune(api, log_days=30)).log_rows > 1
    again = await Copy(api.public, {"search": "dams"}).follow()
    assert again.events == before
    assert set(again.cards) == {first, second} == set(follower.cards)
    await follower.follow()
    assert set(follower.cards) == {first, second}
    # Feeds tell of what has gone as long as the log is whole.
    assert "<at:deleted-entry" not in (await api.public.get("/feeds/searches/dams.atom")).text
    fourth = await post(api.editor, "Dams again")
    while fourth not in follower.cards:
        assert time.monotonic() < deadline
        await follower.follow()
        await asyncio.sleep(0.02)
    assert left not in follower.cards


@pytest.mark.long_on("postgresql")
async def test_feeds_tell_of_deletions_as_long_as_the_log_is_kept(api: Served) -> None:
    old, young = await post(api.editor, "Old story"), await post(api.editor, "Young story")
    await delete(api.editor, old)
    await patch(api.editor, old, tags=["eu"])
    await post(api.editor, "In between")
    make_older(api.db)
    await delete(api.editor, young)
    shown = (await api.public.get("/feeds/articles.atom")).text
    assert shown.count("<at:deleted-entry") == 2
    await prune(api, log_days=30)
    shown = (await api.public.get("/feeds/articles.atom")).text
    assert shown.count("<at:deleted-entry") == 1
