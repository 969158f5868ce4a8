"""Articles of feeds that come under another id than before, found by where they stand. Never commits."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import EXISTING, ExistingRow
from app.models import Article, ArticleUrl, table
from app.text import keys as text_keys

A, URL = table(Article), table(ArticleUrl)
CHUNK = 500


def find_existing(
    connection: Connection, manuscripts: Sequence[Manuscript], known: Collection[int], *, lock: bool = False
) -> dict[tuple[str, str | int], ExistingRow]:
    """By (origin, identity) the one article of that origin that stands at a manuscript's address now, where it is none
    of `known`, which have come under their own ids. `lock`: it stays as it is until the commit."""
    by_origin: dict[str, dict[str, Manuscript]] = defaultdict(dict)
    for manuscript in manuscripts:
        if manuscript.address is not None and manuscript.identity is not None:
            by_origin[manuscript.origin][manuscript.address] = manuscript
    matches: dict[tuple[str, str | int], ExistingRow] = {}
    for origin, by_address in by_origin.items():
        keys = sorted(by_address)
        for i in range(0, len(keys), CHUNK):
            for key, article in _at(connection, origin, keys[i : i + CHUNK], known, lock=lock).items():
                matches[origin, by_address[key].identity or ""] = article
    return matches


def _at(
    connection: Connection, origin: str, keys: Sequence[str], known: Collection[int], *, lock: bool
) -> dict[str, ExistingRow]:
    """By the key of its address; none where several stand at one. Of an article that counts its items, as WordPress
    does, the feed knows less than the archive has: it is not the feed's to change."""
    statement = (
        select(URL.c.url_key, A.c.source_url, A.c.external_id, *EXISTING)
        .join(A, A.c.id == URL.c.article_id)
        .where(URL.c.url_key.in_(keys), A.c.origin == origin)
        .order_by(A.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=A, key_share=True)
    matches: dict[str, list[ExistingRow]] = defaultdict(list)
    for key, url, external_id, *row in connection.execute(statement):
        stands_there = url is not None and text_keys.url_key(url) == key
        if stands_there and row[0] not in known and not (external_id or "").isdigit():
            matches[key].append(ExistingRow(*row))
    return {key: articles[0] for key, articles in matches.items() if len(articles) == 1}
