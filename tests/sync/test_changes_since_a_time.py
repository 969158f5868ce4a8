"""Changes since a time: everything that was committed then or later, and places that tell nothing of drafts."""

import random
from dataclasses import replace
from typing import Any

import pytest
from conftest import ENGINES, Served
from sqlalchemy import func, select, update
from sqlmodel import Session
from support.stories import story, write

from app.changes import log
from app.http.params.times import format_time
from app.sync import time_position

pytestmark = pytest.mark.anyio
ON = ENGINES

START = 1_700_000_000


def set_times(session: Session, times: list[int], public: list[bool]) -> None:
    """The last rows of the log were committed then, all others before, and for all to see."""
    connection = session.connection()
    connection.execute(update(log.CHANGE).values(at=START - 1_000, public=True))
    last = connection.execute(select(func.max(log.CHANGE.c.seq))).scalar_one()
    for i, (at, shown) in enumerate(zip(times, public, strict=True), last - len(times) + 1):
        connection.execute(update(log.CHANGE).where(log.CHANGE.c.seq == i).values(at=at, public=shown))


async def read_since(api: Served, since: str, **query: str) -> list[str]:
    response = await api.public.get("/v1/changes", params={"since": since, **query})
    assert response.status_code == 200, response.text
    return [change["at"] for change in response.json()["data"]]


async def test_changes_since_a_time_are_those_committed_then_or_later(api: Served) -> None:
    await write(api.db, *(story(api.db, number) for number in range(8)))
    times = [START + seconds for seconds in (0, 0, 5, 5, 5, 90_000, 90_000, 90_001)]
    await api.db.write(set_times, times, [True] * 8)
    for at in (START - 1, *times, START + 3, START + 100_000):
        expected = [format_time(one) for one in times if one >= at]
        assert await read_since(api, format_time(at)) == expected
    assert await read_since(api, "2023-11-15") == [format_time(one) for one in times[5:]]
    assert await read_since(api, "2023-11-15", tz="Asia/Tokyo") == [format_time(one) for one in times]
    assert await read_since(api, "now-1d") == []
    assert len(await read_since(api, "2023")) == 8


@pytest.mark.parametrize("seed", range(20))
async def test_no_row_at_a_time_or_later_lies_before_its_place(shared_api: Served, seed: int) -> None:
    """Whatever clocks do, and wherever drafts lie."""
    chance, api = random.Random(seed), shared_api
    await write(api.db, *(story(api.db, number) for number in range(9 * seed, 9 * seed + 9)))
    times = [START + chance.randint(0, 6) for _ in range(9)]
    public = [chance.random() < 0.6 for _ in range(9)]
    await api.db.write(set_times, times, public)
    stored = await api.app.state.archive.head()
    [*rows] = enumerate(zip(times, public, strict=True), stored.seq - 8)
    last_public = max((seq for seq, (_, shown) in rows if shown), default=stored.seq - 9)
    head = replace(stored, public_seq=last_public)
    for at in range(START - 1, START + 8):
        first = min((seq for seq, (time, _) in rows if time >= at), default=stored.seq + 1)
        place = await time_position.find(api.db, head, at, drafts=True)
        assert place is not None
        assert place.seq == first - 1
        shown = await time_position.find(api.db, head, at, drafts=False)
        assert shown is not None
        assert shown.seq == max((seq for seq, (_, one) in rows if one and seq < first), default=stored.seq - 9)


@pytest.mark.parametrize(
    ("since", "code"),
    [("2100", "invalid_value"), ("2100-01-01T00:00:00Z", "invalid_value"), ("2020-01-01T00:00:00", "offset_required"),
     ("yesterday", "invalid_value"), ("now-1x", "invalid_value"), ("2023-13-01", "invalid_value")],
)  # fmt: skip
async def test_time_that_is_none_or_has_not_come_is_refused(shared_api: Served, since: str, code: str) -> None:
    for path in ("/v1/changes", "/v1/changes/stream"):
        response = await shared_api.public.get(path, params={"since": since})
        body: Any = response.json()
        assert (response.status_code, body["code"], body["errors"][0]["parameter"]) == (422, code, "since")
