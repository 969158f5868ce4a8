"""How far the indexes of each server are, as rows that pruning can see: what an index has yet to read of the change log
stays, on whichever machine it is."""

import asyncio
import logging
import socket
from collections.abc import Iterator

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session

from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.db.log_position import LogPosition
from app.db.sql import clock
from app.errors import Unavailable
from app.models import IndexPosition, table
from app.search.indexing.archive_indexes import list_indexes
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings

PLACE = table(IndexPosition)
FIRST_SECONDS, SECONDS = 30, 600
DAY = 86_400
AWAY_DAYS = 14
"""An index that nobody has heard of for so long holds nothing any more: its machine may be gone for good. When it comes
back it is copied from another one, or built anew."""

log = logging.getLogger(__name__)


def read_places(settings: Settings) -> Iterator[tuple[str, LogPosition]]:
    """Of this machine's indexes, each with its name; none of one that is not there."""
    for index in list_indexes(settings):
        position = TantivyEngine(index.root, index.holding).position()
        if position is not None:
            yield index.name, position


def name_server(settings: Settings) -> str:
    """The machine and the folder of the indexes: the same after a new start, and another one for each server."""
    return f"{socket.gethostname()[:60]}:{settings.index_path.absolute()}"


def save(session: Session, server: str, place: LogPosition) -> None:
    """Keeps the place of the index that is furthest behind; removes those that nobody has heard of for long."""
    connection, values = session.connection(), {"epoch": place.epoch, "seq": place.seq, "at": clock()}
    if not connection.execute(update(PLACE).where(PLACE.c.server == server).values(values)).rowcount:
        connection.execute(insert(PLACE).values(server=server, **values))
    connection.execute(delete(PLACE).where(PLACE.c.at < clock() - AWAY_DAYS * DAY))


def find_places(connection: Connection, epoch: int) -> list[tuple[str, int]]:
    """By the names of servers: up to which row of this log their indexes were when they said so last."""
    known = PLACE.c.epoch == epoch, PLACE.c.at >= clock() - AWAY_DAYS * DAY
    rows = connection.execute(select(PLACE.c.server, PLACE.c.seq).where(*known).order_by(PLACE.c.server))
    return [(server, seq) for server, seq in rows]


async def run(db: Database, settings: Settings, first_seconds: float = FIRST_SECONDS) -> None:
    """For ever, beside a server that keeps indexes."""
    set_actor(Actor("server", "index places"))
    await asyncio.sleep(first_seconds)
    while True:
        await db.condition.wait_until_writable()
        try:
            places = [place for _, place in await asyncio.to_thread(lambda: list(read_places(settings)))]
            if places:
                await db.write(save, name_server(settings), min(places, key=lambda place: place.seq))
        except Unavailable as error:
            log.warning("how far the indexes are could not be noted: %s", error.detail)
        except Exception:
            log.exception("how far the indexes are could not be noted; trying again")
        await asyncio.sleep(SECONDS)
