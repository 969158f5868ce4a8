"""Related posts: what is known of them, and the linking that happens in the transaction that makes it true.

An entry waits, with its normalised keys, until an article is published whose address, slug or (unique, three words or
more) title is the one it names. From then on it means that article, whatever either is called later: it is linked while
that is published, not while it is withdrawn, and linked again when it returns; nothing but the article's own status
says so. Linking moves neither `version` nor `updated_at` of the article that names it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, text, update

from app.articles.manuscript import RelatedEntry
from app.db.sql import AnySelect, split_chunks
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


def load_entries(connection: Connection, articles: Collection[int]) -> dict[int, list[RelatedEntry]]:
    """The editors' entries of articles as they are kept, in their order; articles without any are left out."""
    entries: dict[int, list[RelatedEntry]] = {}
    columns = [RELATED.c[name] for name in ("article_id", "title", "url", "target_id", "unlinked")]
    for ids in split_chunks(articles, CHUNK):
        rows = select(*columns).where(RELATED.c.article_id.in_(ids)).order_by(RELATED.c.article_id, RELATED.c.position)
        for article, *values in connection.execute(rows):
            entries.setdefault(article, []).append(RelatedEntry(*values))
    return entries


def load_titles(connection: Connection, entries: Iterable[Iterable[RelatedEntry]]) -> dict[int, str]:
    """The titles of the articles that lists of entries mean, by id; what is gone is missing."""
    targets = {one.target for listed in entries for one in listed if one.target is not None}
    return {
        id: title
        for ids in split_chunks(sorted(targets), CHUNK)
        for id, title in connection.execute(select(A.c.id, A.c.title).where(A.c.id.in_(ids)))
    }


def replace(
    connection: Connection, entries: Mapping[int, Sequence[RelatedEntry]], existing: Collection[int], site_url: str
) -> None:
    """Writes the editors' entries of articles anew, in their order; `existing` have old ones. The caller has locked the
    linking."""
    for ids in split_chunks([id for id in entries if id in existing], CHUNK):
        connection.execute(delete(RELATED).where(RELATED.c.article_id.in_(ids)))
    rows = [_row(id, i, one, site_url) for id, listed in entries.items() for i, one in enumerate(listed, 1)]
    if rows:
        connection.execute(insert(RELATED), rows)


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
    meaning = select(RELATED.c.article_id)
    sources = {
        source
        for ids in split_chunks(sorted(targets), CHUNK)
        for source in connection.execute(meaning.where(RELATED.c.target_id.in_(ids))).scalars()
    }
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

    Returns article → targets newly linked. The caller has locked the linking.
    """
    waiting: dict[int, _Waiting] = {}
    for statement in _select_waiting(saved, published):
        waiting |= {row[0]: _Waiting(*row) for row in connection.execute(statement)}
    targets: dict[int, int] = {}
    for name, statement, key in _TARGETS:
        rest = [one for one in waiting.values() if one.id not in targets and getattr(one, name)]
        by_key: dict[str, int] = {}
        for keys in split_chunks(sorted({getattr(one, name) for one in rest}), CHUNK):
            chunk = statement.where(key.in_(keys), A.c.status == "published")
            by_key |= {row[0]: row[1] for row in connection.execute(chunk)}
        targets |= {one.id: by_key[getattr(one, name)] for one in rest if getattr(one, name) in by_key}
    pairs = [(one, targets[one.id]) for one in waiting.values() if targets.get(one.id) not in (None, one.article_id)]
    linked: dict[int, list[int]] = {}
    for one, target in pairs:
        linked.setdefault(one.article_id, []).append(target)
    if pairs:
        update_target = update(RELATED).where(RELATED.c.id == bindparam("row")).values(target_id=bindparam("target"))
        connection.execute(update_target, [{"row": one.id, "target": target} for one, target in pairs])
    return linked


def _select_waiting(saved: Sequence[int], published: Sequence[int]) -> Iterator[AnySelect]:
    """The entries of `saved` articles that wait, and those of any that may wait for `published` ones."""
    for ids in split_chunks(saved, CHUNK):
        yield _waiting.where(RELATED.c.article_id.in_(ids))
    for ids in split_chunks(published, CHUNK):
        titles = select(A.c.title_key).where(A.c.id.in_(ids), A.c.title_key != "")
        yield _waiting.where(RELATED.c.title_key.in_(titles))
        yield _waiting.where(RELATED.c.slug_key.in_(select(SLUG.c.slug).where(SLUG.c.article_id.in_(ids))))
        yield _waiting.where(RELATED.c.url_key.in_(select(URL.c.url_key).where(URL.c.article_id.in_(ids))))


_TARGETS: tuple[tuple[str, AnySelect, ColumnElement[str]], ...] = (
    (
        "url_key",
        select(URL.c.url_key, func.min(A.c.id)).join(A, A.c.id == URL.c.article_id).group_by(URL.c.url_key),
        URL.c.url_key,
    ),
    ("slug_key", select(SLUG.c.slug, A.c.id).join(A, A.c.id == SLUG.c.article_id), SLUG.c.slug),
    (
        "title_key",
        select(A.c.title_key, func.min(A.c.id)).group_by(A.c.title_key).having(func.count() == 1),
        A.c.title_key,
    ),
)
"""What an entry is linked by, the surest first: an address, a slug, a title that only one published article has."""
