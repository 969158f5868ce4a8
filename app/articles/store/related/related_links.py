"""Related posts: what is known of them, and the linking that happens in the transaction that makes it true.

An entry waits, with its normalised keys, until an article is published whose address, slug or (unique, three words or
more) title is the one it names. From then on it means that article, whatever either is called later: it is linked while
that is published, not while it is withdrawn, and linked again when it returns; nothing but the article's own status
says so. Linking moves neither `version` nor `updated_at` of the article that names it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, or_, select, text, union_all, update

from app.articles.manuscript import RelatedEntry
from app.db.sql import AnyOf, AnySelect, make_insert, split_chunks
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


_ENTRIES = (
    select(*(RELATED.c[name] for name in ("article_id", "title", "url", "target_id", "unlinked")))
    .where(AnyOf(RELATED.c.article_id, "articles"))
    .order_by(RELATED.c.article_id, RELATED.c.position)
)
_TITLES = select(A.c.id, A.c.title).where(AnyOf(A.c.id, "ids"))
_SOURCES = select(RELATED.c.article_id).where(AnyOf(RELATED.c.target_id, "targets"))
_REMOVE = delete(RELATED).where(AnyOf(RELATED.c.article_id, "articles"))
_UPDATE_TARGET = update(RELATED).where(RELATED.c.id == bindparam("row")).values(target_id=bindparam("target"))
_entries = select(*(RELATED.c[name] for name in _Waiting.__slots__)).where(RELATED.c.unlinked.is_(False))
_waiting = _entries.where(RELATED.c.target_id.is_(None))
# One statement for all ways in which an entry can wait.
_WAITING = union_all(
    # Not as `IS NULL`: SQLite would take the index of targets, and read every entry that waits.
    _entries.where(func.coalesce(RELATED.c.target_id, 0) == 0, AnyOf(RELATED.c.article_id, "saved")),
    _waiting.where(
        RELATED.c.title_key.in_(select(A.c.title_key).where(AnyOf(A.c.id, "published"), A.c.title_key != ""))
    ),
    _waiting.where(RELATED.c.slug_key.in_(select(SLUG.c.slug).where(AnyOf(SLUG.c.article_id, "published")))),
    _waiting.where(RELATED.c.url_key.in_(select(URL.c.url_key).where(AnyOf(URL.c.article_id, "published")))),
)
"""The entries of `saved` articles that wait, and those of any that may wait for `published` ones; some come twice."""


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
    for article, *values in connection.execute(_ENTRIES, {"articles": articles}) if articles else ():
        entries.setdefault(article, []).append(RelatedEntry(*values))
    return entries


def load_titles(connection: Connection, entries: Iterable[Iterable[RelatedEntry]]) -> dict[int, str]:
    """The titles of the articles that lists of entries mean, by id; what is gone is missing."""
    targets = {one.target for listed in entries for one in listed if one.target is not None}
    return dict(connection.execute(_TITLES, {"ids": sorted(targets)}).all()) if targets else {}


def replace(
    connection: Connection, entries: Mapping[int, Sequence[RelatedEntry]], existing: Collection[int], site_url: str
) -> None:
    """Writes the editors' entries of articles anew, in their order; `existing` have old ones. The caller has locked the
    linking."""
    if replaced := [id for id in entries if id in existing]:
        connection.execute(_REMOVE, {"articles": replaced})
    rows = [_row(id, i, one, site_url) for id, listed in entries.items() for i, one in enumerate(listed, 1)]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, RELATED, rows))


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
    return sorted({*connection.execute(_SOURCES, {"targets": sorted(targets)}).scalars()}) if targets else []


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
    rows = connection.execute(_WAITING, {"saved": saved, "published": published})
    waiting = {row[0]: _Waiting(*row) for row in rows}
    targets: dict[int, int] = {}
    for name, statement in _TARGETS:
        rest = [one for one in waiting.values() if one.id not in targets and getattr(one, name)]
        keys = sorted({getattr(one, name) for one in rest})
        by_key = {row[0]: row[1] for row in connection.execute(statement, {"keys": keys})} if keys else {}
        targets |= {one.id: by_key[getattr(one, name)] for one in rest if getattr(one, name) in by_key}
    pairs = [(one, targets[one.id]) for one in waiting.values() if targets.get(one.id) not in (None, one.article_id)]
    linked: dict[int, list[int]] = {}
    for one, target in pairs:
        linked.setdefault(one.article_id, []).append(target)
    if pairs:
        connection.execute(_UPDATE_TARGET, [{"row": one.id, "target": target} for one, target in pairs])
    return linked


_public = A.c.status == "published"
_TARGETS: tuple[tuple[str, AnySelect], ...] = (
    (
        "url_key",
        select(URL.c.url_key, func.min(A.c.id))
        .join(A, A.c.id == URL.c.article_id)
        .where(AnyOf(URL.c.url_key, "keys"), _public)
        .group_by(URL.c.url_key),
    ),
    (
        "slug_key",
        select(SLUG.c.slug, A.c.id).join(A, A.c.id == SLUG.c.article_id).where(AnyOf(SLUG.c.slug, "keys"), _public),
    ),
    (
        "title_key",
        select(A.c.title_key, func.min(A.c.id))
        .where(AnyOf(A.c.title_key, "keys"), _public)
        .group_by(A.c.title_key)
        .having(func.count() == 1),
    ),
)
"""What an entry is linked by, the surest first: an address, a slug, a title that only one published article has."""
