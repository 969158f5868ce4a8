"""Related posts: what is known of them, and the linking that happens in the transaction that makes it true.

An entry waits, with its normalised keys, until an article is published whose address, slug or (unique, three words or
more) title is the one it names. From then on it means that article, whatever either is called later: it is linked while
that is published, not while it is withdrawn, and linked again when it returns; nothing but the article's own status
says so. Linking moves neither `version` nor `updated_at` of the article that names it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, insert, or_, select, text, update

from app.articles.manuscript import RelatedEntry
from app.articles.store import related_merge
from app.db.sql import split_chunks
from app.models import Article, ArticleSlug, ArticleUrl, RelatedPost, table
from app.text import keys as texts

A, RELATED, SLUG, URL = table(Article), table(RelatedPost), table(ArticleSlug), table(ArticleUrl)
CHUNK = 300


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: int
    article_id: int
    title_key: str | None
    slug_key: str | None
    url_key: str | None


_waiting = select(RELATED.c.id, RELATED.c.article_id, RELATED.c.title_key, RELATED.c.slug_key, RELATED.c.url_key).where(
    RELATED.c.target_id.is_(None), RELATED.c.unlinked.is_(False)
)


def lock_linking(connection: Connection) -> None:
    """On PostgreSQL one transaction at a time goes on from here to its commit; SQLite has one writer anyway.

    Without it two that publish each other's targets would both miss them, one that writes entries anew and one that
    links them would wait for each other, and of those that want one slug some would lose again and again.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(4701)"))


def replace(
    connection: Connection, rows: Sequence[tuple[int, Sequence[RelatedEntry]]], existing: Sequence[int], site_url: str
) -> list[int]:
    """Writes the editors' entries of articles, in their order; `existing` may have old ones. Returns those of them
    whose entries are not what they were. The caller stands in line."""
    stored = _load_entries(connection, existing)
    settled = _merge_entries(connection, dict(rows), stored)
    others = {id: new for id, new in settled.items() if new != stored.get(id, [])}
    for ids in split_chunks([id for id in others if id in stored], CHUNK):
        connection.execute(delete(RELATED).where(RELATED.c.article_id.in_(ids)))
    rows_to_insert = [_row(id, i, one, site_url) for id, new in others.items() for i, one in enumerate(new, 1)]
    if rows_to_insert:
        connection.execute(insert(RELATED), rows_to_insert)
    known = set(existing)
    return [id for id in others if id in known]


def merge_stored(connection: Connection, article: int, entries: Sequence[RelatedEntry]) -> tuple[RelatedEntry, ...]:
    """What `replace` would keep of an article's entries: to be compared with what there is."""
    return tuple(_merge_entries(connection, {article: entries}, _load_entries(connection, [article]))[article])


def _merge_entries(
    connection: Connection, entries: Mapping[int, Sequence[RelatedEntry]], stored: Mapping[int, Sequence[RelatedEntry]]
) -> dict[int, list[RelatedEntry]]:
    meant = {one.target for some in (entries, stored) for listed in some.values() for one in listed}
    titles = _titles(connection, sorted(id for id in meant if id is not None))
    return {id: related_merge.merge_entries(listed, stored.get(id, ()), titles, id) for id, listed in entries.items()}


def _load_entries(connection: Connection, articles: Sequence[int]) -> dict[int, list[RelatedEntry]]:
    entries: dict[int, list[RelatedEntry]] = {}
    columns = [RELATED.c[name] for name in ("article_id", "title", "url", "target_id", "unlinked")]
    for ids in split_chunks(articles, CHUNK):
        rows = select(*columns).where(RELATED.c.article_id.in_(ids)).order_by(RELATED.c.article_id, RELATED.c.position)
        for article, *values in connection.execute(rows):
            entries.setdefault(article, []).append(RelatedEntry(*values))
    return entries


def _titles(connection: Connection, articles: Sequence[int]) -> dict[int, str]:
    titles: dict[int, str] = {}
    for ids in split_chunks(articles, CHUNK):
        titles |= {row[0]: row[1] for row in connection.execute(select(A.c.id, A.c.title).where(A.c.id.in_(ids)))}
    return titles


def _row(article: int, position: int, one: RelatedEntry, site_url: str) -> dict[str, object]:
    return {
        "article_id": article,
        "position": position,
        "title": one.title,
        "url": one.url,
        "target_id": one.target,
        "title_key": texts.title_key(one.title) if one.title else None,
        "slug_key": _slug_key(one.url, site_url) if one.url else None,
        "url_key": texts.url_key(one.url) if one.url else None,
        "unlinked": one.unlinked,
    }


def _slug_key(url: str, site_url: str) -> str | None:
    """The slug that an address of this site ends in; another site's addresses say nothing about our slugs."""
    inside = (url.startswith("/") and not url.startswith("//")) or (
        site_url and texts.url_key(url).startswith(texts.url_key(site_url) + "/")
    )
    return texts.last_segment(url) if inside else None


def find_sources(connection: Connection, targets: Collection[int]) -> list[int]:
    """The articles with an entry that means one of `targets`: what they show changes when these come or go."""
    sources: set[int] = set()
    for ids in split_chunks(sorted(targets), CHUNK):
        meaning = select(RELATED.c.article_id).where(RELATED.c.target_id.in_(ids))
        sources.update(connection.execute(meaning).scalars())
    return sorted(sources)


def release_targets(connection: Connection, targets: Sequence[int]) -> None:
    """Before articles go for good: entries that mean them wait again by their own words, and `link` may find them
    another. Those without any go too, and so do those that meant what never was public: nobody has seen them."""
    for ids in split_chunks(targets, CHUNK):
        hidden = select(A.c.id).where(A.c.id.in_(ids), A.c.public_once.is_(False))
        wordless = RELATED.c.title.is_(None) & RELATED.c.url.is_(None)
        meaning = RELATED.c.target_id.in_(ids)
        connection.execute(delete(RELATED).where(meaning, or_(wordless, RELATED.c.target_id.in_(hidden))))
        connection.execute(update(RELATED).where(meaning).values(target_id=None))


def link(connection: Connection, saved: Sequence[int], published: Sequence[int]) -> dict[int, list[int]]:
    """Links what can be linked now: entries of `saved` articles, and entries anywhere that wait for `published` ones.

    Returns article → targets newly linked. The caller stands in line.
    """
    waiting = {one.id: one for one in _waiting_in(connection, saved)}
    waiting |= {one.id: one for one in _waiting_for(connection, published)}
    if not waiting:
        return {}
    targets = _targets(connection, list(waiting.values()))
    pairs = [(one, targets[one.id]) for one in waiting.values() if targets.get(one.id)]
    linked: dict[int, list[int]] = {}
    for one, target in pairs:
        linked.setdefault(one.article_id, []).append(target)
    if pairs:
        statement = update(RELATED).where(RELATED.c.id == bindparam("row")).values(target_id=bindparam("target"))
        connection.execute(statement, [{"row": one.id, "target": target} for one, target in pairs])
    return linked


def _waiting_in(connection: Connection, articles: Sequence[int]) -> list[_Waiting]:
    rows: list[_Waiting] = []
    for ids in split_chunks(articles, CHUNK):
        result = connection.execute(_waiting.where(RELATED.c.article_id.in_(ids)))
        rows += (_Waiting(*row) for row in result)
    return rows


def _waiting_for(connection: Connection, published: Sequence[int]) -> list[_Waiting]:
    rows: list[_Waiting] = []
    for ids in split_chunks(published, CHUNK):
        keys = (
            (RELATED.c.title_key, select(A.c.title_key).where(A.c.id.in_(ids), A.c.title_key != "")),
            (RELATED.c.slug_key, select(SLUG.c.slug).where(SLUG.c.article_id.in_(ids))),
            (RELATED.c.url_key, select(URL.c.url_key).where(URL.c.article_id.in_(ids))),
        )
        for column, of_published in keys:
            rows += (_Waiting(*row) for row in connection.execute(_waiting.where(column.in_(of_published))))
    return rows


def _targets(connection: Connection, waiting: Sequence[_Waiting]) -> dict[int, int]:
    """Entry → published article, by address, then slug, then a title that only one published article has."""
    by_url = _look_up(
        connection,
        select(URL.c.url_key, func.min(A.c.id)).join(A, A.c.id == URL.c.article_id).group_by(URL.c.url_key),
        URL.c.url_key,
        [one.url_key for one in waiting],
    )
    by_slug = _look_up(
        connection,
        select(SLUG.c.slug, A.c.id).join(A, A.c.id == SLUG.c.article_id),
        SLUG.c.slug,
        [one.slug_key for one in waiting],
    )
    by_title = _look_up(
        connection,
        select(A.c.title_key, func.min(A.c.id)).group_by(A.c.title_key).having(func.count() == 1),
        A.c.title_key,
        [one.title_key for one in waiting],
    )
    targets: dict[int, int] = {}
    for one in waiting:
        target = by_url.get(one.url_key or "") or by_slug.get(one.slug_key or "") or by_title.get(one.title_key or "")
        if target is not None and target != one.article_id:
            targets[one.id] = target
    return targets


def _look_up(
    connection: Connection, statement: Select[str, int], column: ColumnElement[str], keys: Sequence[str | None]
) -> dict[str, int]:
    distinct = sorted({key for key in keys if key})
    ids_by_key: dict[str, int] = {}
    for some in split_chunks(distinct, CHUNK):
        chunk = statement.where(column.in_(some))
        ids_by_key |= {row[0]: row[1] for row in connection.execute(chunk.where(A.c.status == "published"))}
    return ids_by_key
