"""The export for the command line: everything in the archive, in every state, from the database directly."""

import time
from collections.abc import Callable

from app.articles.filters import ArticleFilter
from app.articles.reading.card_cache import Cards
from app.articles.render.article_json import ArticleParts
from app.changes import log
from app.context import AppContext, RequestContext
from app.db.database import Database
from app.db.log_position import LogHead, parse_token
from app.errors import CursorExpired
from app.http.auth import SCOPES, Caller
from app.regions import service as regions
from app.search.index import EngineIndex
from app.search.indexing.archive_indexes import open_engine
from app.settings import Settings
from app.sync.exports.export import Export, include_all_states


async def write(db: Database, settings: Settings, since: str | None, to: Callable[[bytes], object]) -> str:
    """Writes the lines and returns the place to follow on from. `since`: only articles that a change behind that place
    names; CursorExpired where it is not one of this archive's."""
    context = AppContext(settings, db, EngineIndex(db, open_engine(settings)), Cards(db, settings.site_url.rstrip("/")))
    try:
        head = await context.head()
        after = None if since is None else await _check_position(context, head, since)
        atlas = await regions.current(db, head.epoch, head.names_seq)
        view = RequestContext(Caller(0, frozenset(SCOPES)), head, atlas, int(time.time()))
        article_filter = include_all_states(ArticleFilter())
        async for piece in Export(context, view, ArticleParts.parse(b"", view.now), article_filter, after).lines():
            to(piece)
    finally:
        await db.reader.close()
    return head.position.token


async def _check_position(context: AppContext, head: LogHead, since: str) -> int:
    place = parse_token(since)
    if place is None or place.epoch != head.epoch or not await log.knows_place(context.db, head, place.seq, place.mark):
        raise CursorExpired("The archive's change log does not have that place; export everything.")
    return place.seq
