"""The response cache under writes at full speed, on SQLite, and on PostgreSQL with two servers of one archive."""

import os

import pytest
from conftest import ENGINES
from support import linearizable
from support.listening import listen

from app.settings import Settings

ON = ENGINES
pytestmark = [pytest.mark.torture, pytest.mark.anyio]
SECONDS = float(os.environ.get("TORTURE_SECONDS", "20"))


async def test_no_reader_ever_sees_an_older_version_after_a_newer_one(settings: Settings) -> None:
    other = settings.model_copy(update={"index_dir": settings.data_dir / "other"})
    async with listen(settings) as first:
        await first.post(title="Moving", slug="moving", tags=["moving"])
        if settings.database_url.startswith("sqlite"):
            history = await linearizable.run(first.editor, [first.address], SECONDS, 12)
        else:
            async with listen(other) as second:
                history = await linearizable.run(first.editor, [first.address, second.address], SECONDS, 8)
        kept = first.app.state.cache
        reported = f"{dict(history.counts)}, hits {kept.hits}, misses {kept.misses}, waited {kept.waited}"
    assert not history.stale, history.stale[:5]
    assert min(history.counts[what] for what in ("write", "200", "304")) >= SECONDS, reported
    assert kept.hits > kept.misses, reported
