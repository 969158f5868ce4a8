"""Gives articles their slugs and addresses, unique in the archive, old ones kept for ever."""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import count

from sqlalchemy import Connection, bindparam, select

from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import ExistingRow
from app.db.sql import AnyOf, make_insert
from app.errors import SlugTaken
from app.models import ArticleSlug, ArticleUrl, table
from app.text import keys

SLUG, URL = table(ArticleSlug), table(ArticleUrl)
_OWNERS = select(SLUG.c.slug, SLUG.c.article_id).where(AnyOf(SLUG.c.slug, "slugs"))
_URLS = select(URL.c.url_key, URL.c.article_id).where(AnyOf(URL.c.article_id, "articles"))
_NUMBERED = select(SLUG.c.slug).where(SLUG.c.slug >= bindparam("first"), SLUG.c.slug < bindparam("end"))


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
    asked = {"slugs": sorted({*candidates.values()})}
    owners = dict(connection.execute(_OWNERS, asked).all()) if candidates else {}
    taken = set(owners)
    for i in sorted(candidates, key=lambda i: old[i] is not None):  # new articles first
        slug, existing = candidates[i], old[i]
        is_own = existing is not None and owners.get(slug) == existing.id
        if slug in taken and not is_own:
            if strict and manuscripts[i].slug:
                raise SlugTaken(slug)
            # "." is the character behind "-": one range scan finds every numbered slug of this base.
            used = taken.union(connection.execute(_NUMBERED, {"first": f"{slug}-", "end": f"{slug}."}).scalars())
            slug = next(other for n in count(2) if (other := f"{slug}-{n}") not in used)
        if not is_own:
            taken.add(slug)
            free.add(i)
        chosen[i] = slug
    return chosen, free


def _find_owners(connection: Connection, slugs: Collection[str]) -> dict[str, int]:
    """The article that each of these slugs leads to; those that lead nowhere are left out."""
    return dict(connection.execute(_OWNERS, {"slugs": sorted(slugs)}).all()) if slugs else {}


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
    owners = _find_owners(connection, {slug for slug, _ in old_slugs})
    for i, (slug, id) in enumerate(old_slugs):
        if strict and owners.get(slug, id) != id:
            raise SlugTaken(slug, f"/previous_slugs/{i}")
    rows = [{"slug": slug, "article_id": id} for slug, id in dict(old_slugs).items() if slug not in owners]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, SLUG, rows))


def save_urls(connection: Connection, saved: Mapping[int, Manuscript]) -> None:
    """Notes addresses of articles at their source; several articles may have had the same one."""
    urls = [(url, id) for id, m in saved.items() for url in (m.source_url, *m.previous_urls) if url]
    if not urls:
        return
    urls_by_key = {(keys.url_key(url), id): url for url, id in urls}
    there = {(key, id) for key, id in connection.execute(_URLS, {"articles": sorted({id for _, id in urls})})}
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
    new_slugs -= {slug for slug, owner in _find_owners(connection, new_slugs).items() if owner == id}
    new_urls = {keys.url_key(url) for url in manuscript.previous_urls}
    if new_urls:
        new_urls.difference_update(connection.execute(_URLS, {"articles": [id]}).scalars())
    return [name for name, new in (("previous_slugs", new_slugs), ("previous_urls", new_urls)) if new]
