"""What an archive remembers of the addresses that it imported from: reads and writes one row each, never commits."""

from collections.abc import Mapping

import orjson
from sqlalchemy import Connection, delete, insert, select
from sqlmodel import Session

from app.importers.document import Bookmark
from app.models import ImportSource, table

SOURCE = table(ImportSource)


def load_state(connection: Connection, url: str) -> Mapping[str, object]:
    """The state last kept for the address; empty where there is none."""
    stored = connection.execute(select(SOURCE.c.state).where(SOURCE.c.url == url)).scalar_one_or_none()
    state = orjson.loads(stored) if stored else {}
    return state if isinstance(state, dict) else {}


def save_state(session: Session, bookmark: Bookmark, now: int, job: int | None = None) -> None:
    """Replaces what was kept before: of two imports of one address the later one counts. `job` is the import's."""
    session.connection().execute(delete(SOURCE).where(SOURCE.c.url == bookmark.url))
    row = {"url": bookmark.url, "state": orjson.dumps(bookmark.state).decode(), "updated_at": now, "job_id": job}
    session.connection().execute(insert(SOURCE).values(row))
