"""Gives articles their slugs and addresses, unique in the archive, old ones kept for ever."""

import re
from collections.abc import Mapping, Sequence
from itertools import count

from sqlalchemy import Connection, select

from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import ExistingRow
from app.db.sql import make_insert, split_chunks
from app.errors import SlugTaken
from app.models import ArticleSlug, ArticleUrl, table
from app.text import keys

SLUG, URL = table(ArticleSlug), table(ArticleUrl)
_OWNERS = select(SLUG.c.slug, SLUG.c.article_id)


def choose_slugs(
    connection: Connection, manuscripts: Sequence[Manuscript], old: Sequence[ExistingRow | None], *, strict: bool
) -> tuple[list[str], set[int]]:
    """The slug of each article, and the places of those that lead nowhere yet and have to be claimed. A new article
    gets its own or one made from the title, with `-2` … behind it where that is taken; a known one the one that is
    named, and the old one goes on leading to it. One that got a number because its slug was taken keeps that, unless an
    editor names it.

    `strict`: a given slug that is taken raises SlugTaken instead.
    """
    chosen = [existing.slug if existing is not None else "" for existing in old]
    free: set[int] = set()
    candidates: dict[int, str] = {}
    for i, (manuscript, existing) in enumerate(zip(manuscripts, old, strict=True)):
        slug = keys.slug(manuscript.slug or manuscript.title, "article")
        if existing is None or (manuscript.slug and _is_elsewhere(slug, existing.slug, strict=strict)):
            candidates[i] = slug
    owners = {
        slug: id
        for some in split_chunks(sorted({*candidates.values()}))
        for slug, id in connection.execute(_OWNERS.where(SLUG.c.slug.in_(some)))
    }
    taken = set(owners)
    for i in sorted(candidates, key=lambda i: old[i] is not None):  # new articles first
        slug, existing = candidates[i], old[i]
        is_own = existing is not None and owners.get(slug) == existing.id
        if slug in taken and not is_own:
            if strict and manuscripts[i].slug:
                raise SlugTaken(slug)
            # "." is the character behind "-": one range scan finds every numbered slug of this base.
            numbered = select(SLUG.c.slug).where(SLUG.c.slug >= f"{slug}-", SLUG.c.slug < f"{slug}.")
            used = taken.union(connection.execute(numbered).scalars())
            slug = next(other for n in count(2) if (other := f"{slug}-{n}") not in used)
        if not is_own:
            taken.add(slug)
            free.add(i)
        chosen[i] = slug
    return chosen, free


def _is_elsewhere(new_slug: str, slug: str, *, strict: bool) -> bool:
    return new_slug != slug if strict else not re.fullmatch(f"{re.escape(new_slug)}(-[0-9]+)?", slug)


def claim_slugs(connection: Connection, ids_by_slug: Mapping[str, int]) -> None:
    """Takes chosen slugs for articles. Another transaction that took one meanwhile makes this one run again."""
    rows = [{"slug": slug, "article_id": id} for slug, id in ids_by_slug.items()]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, SLUG, rows))


def save_previous_slugs(connection: Connection, saved: Mapping[int, Manuscript], *, strict: bool) -> None:
    """Notes old slugs of articles. Of those that lead elsewhere `strict` makes an error; without it they stay where
    they lead."""
    old_slugs = [(keys.slug(slug, "article"), id) for id, m in saved.items() for slug in m.previous_slugs]
    owners = {
        slug: id
        for some in split_chunks(sorted({slug for slug, _ in old_slugs}))
        for slug, id in connection.execute(_OWNERS.where(SLUG.c.slug.in_(some)))
    }
    for i, (slug, id) in enumerate(old_slugs):
        if strict and owners.get(slug, id) != id:
            raise SlugTaken(slug, f"/previous_slugs/{i}")
    rows = [{"slug": slug, "article_id": id} for slug, id in dict(old_slugs).items() if slug not in owners]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, SLUG, rows))


def save_urls(connection: Connection, saved: Mapping[int, Manuscript]) -> None:
    """Notes addresses of articles at their source; several articles may have had the same one."""
    urls = [(url, id) for id, m in saved.items() for url in (m.source_url, *m.previous_urls) if url]
    urls_by_key = {(keys.url_key(url), id): url for url, id in urls}
    known = select(URL.c.url_key, URL.c.article_id)
    there = {
        (key, id)
        for some in split_chunks(sorted({id for _, id in urls}))
        for key, id in connection.execute(known.where(URL.c.article_id.in_(some)))
    }
    rows = [
        {"url_key": key, "article_id": id, "url": url}
        for (key, id), url in urls_by_key.items()
        if (key, id) not in there
    ]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, URL, rows))


def find_additions(connection: Connection, id: int, manuscript: Manuscript) -> list[str]:
    """`previous_slugs` and `previous_urls`, where they bring addresses that do not lead to the article yet."""
    new_slugs = {keys.slug(slug, "article") for slug in manuscript.previous_slugs}
    for some in split_chunks(sorted(new_slugs)):
        owners = connection.execute(_OWNERS.where(SLUG.c.slug.in_(some)))
        new_slugs -= {slug for slug, owner in owners if owner == id}
    new_urls = {keys.url_key(url) for url in manuscript.previous_urls}
    if new_urls:
        new_urls.difference_update(connection.execute(select(URL.c.url_key).where(URL.c.article_id == id)).scalars())
    return [name for name, new in (("previous_slugs", new_slugs), ("previous_urls", new_urls)) if new]
