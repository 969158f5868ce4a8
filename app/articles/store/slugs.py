"""Gives articles their slugs and addresses, unique in the archive, old ones kept for ever."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from app.articles.manuscript import Manuscript
from app.db.sql import insert_rows
from app.errors import SlugTaken
from app.models import ArticleSlug, ArticleUrl, table
from app.text import keys

SLUG, URL = table(ArticleSlug), table(ArticleUrl)


def choose_slugs(connection: Connection, manuscripts: Sequence[Manuscript], *, strict: bool) -> list[str]:
    """A free slug for each new article: its own or one made from the title, with `-2` … behind it where taken.

    `strict`: a given slug that is taken raises SlugTaken instead.
    """
    candidates = [keys.slug(m.slug, "article") if m.slug else keys.slug(m.title, "article") for m in manuscripts]
    taken = _find_taken(connection, sorted(set(candidates)))
    chosen = []
    for manuscript, slug in zip(manuscripts, candidates, strict=True):
        if slug in taken:
            if strict and manuscript.slug:
                raise SlugTaken(slug)
            slug = _next_free(connection, slug, taken)
        taken.add(slug)
        chosen.append(slug)
    return chosen


def _find_taken(connection: Connection, slugs: Sequence[str]) -> set[str]:
    taken: set[str] = set()
    for i in range(0, len(slugs), 500):
        taken.update(connection.execute(select(SLUG.c.slug).where(SLUG.c.slug.in_(slugs[i : i + 500]))).scalars())
    return taken


def find_owners(connection: Connection, slugs: Sequence[str]) -> dict[str, int]:
    """The articles that slugs lead to."""
    owners: dict[str, int] = {}
    for i in range(0, len(slugs), 500):
        known = select(SLUG.c.slug, SLUG.c.article_id).where(SLUG.c.slug.in_(slugs[i : i + 500]))
        owners |= {row[0]: row[1] for row in connection.execute(known)}
    return owners


def _next_free(connection: Connection, slug: str, taken: set[str]) -> str:
    # "." is the character behind "-": one range scan finds every numbered slug of this base.
    numbered = select(SLUG.c.slug).where(SLUG.c.slug >= f"{slug}-", SLUG.c.slug < f"{slug}.")
    used = taken.union(connection.execute(numbered).scalars())
    number = 2
    while f"{slug}-{number}" in used:
        number += 1
    return f"{slug}-{number}"


def claim_slugs(connection: Connection, rows: Iterable[tuple[str, int]]) -> None:
    """Takes chosen slugs for articles. Another transaction that took one meanwhile makes this one run again."""
    chosen = [{"slug": slug, "article_id": id} for slug, id in rows]
    insert_rows(connection, SLUG, chosen)


def save_slugs(connection: Connection, rows: Iterable[tuple[str, int]]) -> None:
    """Notes slugs of articles; those that lead somewhere already stay where they lead."""
    ids_by_slug = dict(rows)
    taken = _find_taken(connection, sorted(ids_by_slug))
    new = [{"slug": slug, "article_id": id} for slug, id in ids_by_slug.items() if slug not in taken]
    insert_rows(connection, SLUG, new)


def save_urls(connection: Connection, rows: Iterable[tuple[str, int]]) -> None:
    """Notes addresses of articles; several articles may have had the same one."""
    urls_by_key = {(keys.url_key(url), id): url for url, id in rows if url}
    ids = sorted({id for _, id in urls_by_key})
    there: set[tuple[str, int]] = set()
    for i in range(0, len(ids), 500):
        known = select(URL.c.url_key, URL.c.article_id).where(URL.c.article_id.in_(ids[i : i + 500]))
        there.update((row[0], row[1]) for row in connection.execute(known))
    new = [
        {"url_key": key, "article_id": id, "url": url}
        for (key, id), url in urls_by_key.items()
        if (key, id) not in there
    ]
    insert_rows(connection, URL, new)


def find_additions(connection: Connection, id: int, manuscript: Manuscript) -> list[str]:
    """`previous_slugs` and `previous_urls`, where they bring addresses that do not lead to the article yet."""
    previous = {keys.slug(slug, "article") for slug in manuscript.previous_slugs}
    slugs = {slug for slug, owner in find_owners(connection, sorted(previous)).items() if owner == id}
    urls: set[str] = set()
    if manuscript.previous_urls:
        urls = set(connection.execute(select(URL.c.url_key).where(URL.c.article_id == id)).scalars())
    names = ["previous_slugs"] if previous - slugs else []
    return names + (["previous_urls"] if {keys.url_key(url) for url in manuscript.previous_urls} - urls else [])
