"""Articles that an archive exported itself, known by their number, time of creation and slug there where nothing else
names them: most that were made by hand have no id of their own. Never commits."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection, select, update

from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import EXISTING, ExistingRow
from app.db.sql import split_chunks
from app.models import Article, ArticleSlug, table

A, SLUG = table(Article), table(ArticleSlug)


@dataclass(frozen=True, slots=True)
class _Article:
    """One of this archive; `slugs` are all that it has or had."""

    origin: str
    created_at: int
    identity: str | None
    external_id: str | None
    slugs: frozenset[str]

    def is_named_by(self, m: Manuscript) -> bool:
        known = m.known
        if known is None or known.origin not in (None, self.origin):
            return False
        return known.slug in self.slugs and known.created_at == self.created_at


def identify(connection: Connection, manuscripts: Sequence[Manuscript], *, adopt: bool = False) -> list[Manuscript]:
    """The manuscripts, each with the identity of the article of this archive that it names; one that names none has the
    identity that versions before 0.2 gave such an article, where there is one. With `adopt` that article has the
    manuscript's own from now on."""
    articles = _read_articles(connection, {m.known.id for m in manuscripts if m.known is not None})
    return _match_former(connection, [_name(m, articles) for m in manuscripts], adopt=adopt)


def find_existing(
    connection: Connection, manuscripts: Sequence[Manuscript], *, lock: bool = False
) -> dict[tuple[str, str | int], ExistingRow]:
    """By (origin, identity) the articles of this archive that have no identity and that manuscripts name."""
    by_id = {m.known.id: m for m in manuscripts if m.known is not None and m.identity == m.known.identity}
    articles = _read_articles(connection, by_id)
    ids = [id for id, one in articles.items() if one.identity is None and one.is_named_by(by_id[id])]
    existing: dict[tuple[str, str | int], ExistingRow] = {}
    for some in split_chunks(ids):
        statement = select(*EXISTING).where(A.c.id.in_(some)).order_by(A.c.id)
        if lock:
            # FOR NO KEY UPDATE on PostgreSQL, which lets others point at the article meanwhile.
            statement = statement.with_for_update(key_share=True)
        for row in connection.execute(statement):
            existing[by_id[row[0]].origin, by_id[row[0]].identity or ""] = ExistingRow(*row)
    return existing


def _name(m: Manuscript, articles: Mapping[int, _Article]) -> Manuscript:
    article = articles.get(m.known.id) if m.known is not None else None
    if m.known is None or article is None or not article.is_named_by(m):
        return m
    identity = article.identity or m.known.identity
    # Kept beside an article elsewhere; here it has a column.
    extra = {name: value for name, value in orjson.loads(m.extra).items() if name != "first_published_at"}
    kept = orjson.dumps(extra).decode()
    return replace(
        m, origin=article.origin, identity=identity, external_id=article.external_id, former_identity=None, extra=kept
    )


def _match_former(connection: Connection, manuscripts: Sequence[Manuscript], *, adopt: bool) -> list[Manuscript]:
    by_origin: dict[str, set[str]] = defaultdict(set)
    for m in manuscripts:
        if m.former_identity is not None and m.identity is not None:
            by_origin[m.origin] |= {m.identity, m.former_identity}
    there = {
        (origin, identity): id
        for origin, identities in by_origin.items()
        for some in split_chunks(identities)
        for identity, id in connection.execute(
            select(A.c.identity, A.c.id).where(A.c.origin == origin, A.c.identity.in_(some))
        )
    }
    return [_adopt(connection, m, there, adopt=adopt) for m in manuscripts]


def _adopt(connection: Connection, m: Manuscript, there: dict[tuple[str, str], int], *, adopt: bool) -> Manuscript:
    if m.identity is None or m.former_identity is None or (m.origin, m.identity) in there:
        return m
    former = there.pop((m.origin, m.former_identity), None)  # one article is made of one line
    if former is None:
        return m
    if not adopt:
        return replace(m, identity=m.former_identity)
    connection.execute(update(A).where(A.c.id == former).values(identity=m.identity))
    return m


def _read_articles(connection: Connection, ids: Collection[int]) -> dict[int, _Article]:
    articles: dict[int, _Article] = {}
    for some in split_chunks(ids):
        slugs: dict[int, set[str]] = defaultdict(set)
        for id, slug in connection.execute(select(SLUG.c.article_id, SLUG.c.slug).where(SLUG.c.article_id.in_(some))):
            slugs[id].add(slug)
        columns = (A.c.id, A.c.origin, A.c.created_at, A.c.identity, A.c.external_id)
        for id, origin, created, identity, external in connection.execute(select(*columns).where(A.c.id.in_(some))):
            articles[id] = _Article(origin, created, identity, external, frozenset(slugs[id]))
    return articles
