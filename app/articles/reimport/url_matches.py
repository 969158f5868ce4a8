"""Articles that come under another id than before, or in another format, found by where they stand. Never commits."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.articles.manuscript import Manuscript, is_numbered
from app.articles.store.row_columns import EXISTING, ExistingRow
from app.db.sql import split_chunks
from app.models import Article, ArticleUrl, SourceBaseline, table
from app.text import keys as text_keys

A, URL, BASELINE = table(Article), table(ArticleUrl), table(SourceBaseline)
_COUNTING = ("wxr", "wordpress")
"""Formats whose items are known by a number, and whole."""
CHUNK = 500
Key = tuple[str, str | int]


@dataclass(frozen=True, slots=True)
class PageMatch:
    """The article that stands at an item's own address, which another format has brought; `is_numbered`: it is known by
    a number. `is_taken_over`: the item alone is, so that its source has more of it."""

    row: ExistingRow
    is_numbered: bool
    is_taken_over: bool


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
        select(URL.c.url_key, A.c.source_url, A.c.identity, *EXISTING)
        .join(A, A.c.id == URL.c.article_id)
        .where(URL.c.url_key.in_(keys), A.c.origin == origin)
        .order_by(A.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=A, key_share=True)
    matches: dict[str, list[ExistingRow]] = defaultdict(list)
    for key, url, identity, *row in connection.execute(statement):
        stands_there = url is not None and text_keys.url_key(url) == key
        if stands_there and row[0] not in known and not is_numbered(identity):
            matches[key].append(ExistingRow(*row))
    return {key: articles[0] for key, articles in matches.items() if len(articles) == 1}


def find_pages(
    connection: Connection, manuscripts: Sequence[Manuscript], known: Collection[int], *, lock: bool = False
) -> dict[Key, PageMatch]:
    """By (origin, identity) the article of that origin which stands at the own address of an item that is new, has its
    title, and only other formats have told of: two items of one format and different ids are two articles, and so are
    two titles that one address had. `known` are those that came under their own ids."""
    new: dict[tuple[str, str], list[Manuscript]] = defaultdict(list)
    for m in manuscripts:
        if m.page is not None and m.identity is not None and m.format:
            new[m.origin, m.page].append(m)
    alone = {page: some[0] for page, some in new.items() if len({m.identity for m in some}) == 1}
    there = _load_pages(connection, alone, known, lock=lock)
    formats = _load_formats(connection, [one.row.id for rows in there.values() for one in rows])
    return {
        (m.origin, m.identity or ""): match
        for page, m in alone.items()
        for match in _choose_match(m, there.get(page, []), formats)
    }


def _choose_match(m: Manuscript, there: Sequence["_AtPage"], formats: dict[int, set[str]]) -> Iterator[PageMatch]:
    title = text_keys.words_key(m.title)
    first = next((one for one in there if formats[one.row.id] and one.title == title), None)
    if first is not None and not any(m.format in formats[one.row.id] for one in there):
        is_taken_over = m.format in _COUNTING and m.is_numbered and not first.is_numbered
        yield PageMatch(first.row, first.is_numbered, is_taken_over)


class _AtPage(NamedTuple):
    """An article that stands at an address; `title` as titles are compared; `is_numbered`: it is known by a number."""

    row: ExistingRow
    title: str
    is_numbered: bool


def _load_pages(
    connection: Connection, pages: Collection[tuple[str, str]], known: Collection[int], *, lock: bool
) -> dict[tuple[str, str], list[_AtPage]]:
    """By (origin, key) the articles that stand there now."""
    by_origin: dict[str, list[str]] = defaultdict(list)
    for origin, key in pages:
        by_origin[origin].append(key)
    by_page: dict[tuple[str, str], list[_AtPage]] = defaultdict(list)
    for origin, page_keys in by_origin.items():
        statement = (
            select(URL.c.url_key, A.c.source_url, A.c.identity, A.c.title, *EXISTING)
            .join(A, A.c.id == URL.c.article_id)
            .where(A.c.origin == origin)
            .order_by(A.c.id)
        )
        if lock:
            statement = statement.with_for_update(of=A, key_share=True)
        for some in split_chunks(page_keys):
            for key, url, identity, title, *row in connection.execute(statement.where(URL.c.url_key.in_(some))):
                if url is not None and text_keys.url_key(url) == key and row[0] not in known:
                    numbered = is_numbered(identity)
                    by_page[origin, key].append(_AtPage(ExistingRow(*row), text_keys.words_key(title), numbered))
    return by_page


def _load_formats(connection: Connection, ids: Sequence[int]) -> dict[int, set[str]]:
    formats: dict[int, set[str]] = {id: set() for id in ids}
    for some in split_chunks(list(formats)):
        rows = select(BASELINE.c.article_id, BASELINE.c.format).where(BASELINE.c.article_id.in_(some))
        for id, kind in connection.execute(rows):
            formats[id].add(kind)
    return formats
