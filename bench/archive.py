"""Made-up archives for measuring: words, tags and regions by Zipf's law, ten years of dates.

The rows go straight into the tables, without the change log: what is measured is reading. A million articles take some
minutes, most of them for the index.
"""

import random
import time
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

from sqlalchemy import Connection, insert, select

from app.articles.store import links
from app.changes import log
from app.commands import open_archive
from app.db.database import Database
from app.models import Article, ArticleRegion, ArticleSlug, ArticleTag, Source, Tag, TagName, table
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.search.indexing.indexer import Indexer
from app.settings import Settings

WORDS, LENGTH, TAGS = 40_000, 220, 500
NEWEST = 1_790_000_000
BATCH = 10_000
Row = dict[str, object]


def make_vocabulary(chance: random.Random) -> list[str]:
    """Pronounceable words; the first is the commonest."""
    word_set: dict[str, None] = {}
    while len(word_set) < WORDS:
        length = chance.randrange(2, 6)
        word_set["".join(chance.choice("bcdfgklmnprst") + chance.choice("aeiou") for _ in range(length))] = None
    return list(word_set)


def make_articles(count: int, seed: int = 3, length: int = LENGTH) -> Iterator[Row]:
    """Repeatable rows of so many words."""
    chance = random.Random(seed)
    words = make_vocabulary(chance)
    weights = list(accumulate(1 / (rank + 2) for rank in range(WORDS)))
    for number in range(1, count + 1):
        text = chance.choices(words, cum_weights=weights, k=length)
        title, at = " ".join(text[:8]), NEWEST - chance.randrange(10 * 365 * 86_400)
        yield {
            "id": number, "version": 1, "status": "published", "slug": f"article-{number}", "language": "en",
            "title": title, "title_derived": False, "title_key": title, "sort_title": title, "source_id": 1,
            "body": "".join(f"<p>{' '.join(text[i : i + 55])}</p>" for i in range(8, length, 55)), "images": "[]",
            "corrections": "[]", "seo": "{}", "extra": "{}", "word_count": length - 8, "origin": "bench",
            "identity": f"id:{number}", "external_id": str(number), "content_hash": "", "published_at": at,
            "published_precision": "instant", "first_published_at": at, "updated_at": at, "created_at": at,
            "public_once": True,
        }  # fmt: skip


def build_archive(folder: Path, count: int, length: int = LENGTH) -> Settings:
    """The archive with its index, made where it is not there yet."""
    settings = Settings(data_dir=folder, index_heap_mb=256)
    db = open_archive.open_archive(settings)
    with db.snapshot() as snapshot:
        is_filled = snapshot.connection.execute(select(table(Article).c.id).limit(1)).first()
    if is_filled is None:
        began = time.monotonic()
        with db.hold_write_lock(), db.engine.begin() as connection:
            _fill_tables(connection, count, length)
        filled = time.monotonic()
        _build_index(db, settings)
        ended = time.monotonic()
        print(f"{count} articles: tables {filled - began:.0f} s, index {ended - filled:.0f} s")
    db.close_now()
    return settings


def _fill_tables(connection: Connection, count: int, length: int) -> None:
    chance = random.Random(5)
    atlas = regions.read(connection)
    places = [place.id for place in atlas.by_id.values() if place.level == "country"]
    tags = [
        {"id": n, "slug": f"tag-{n}", "name": f"Tag {n}", "sort_name": f"tag {n}", "kind": "topic"}
        for n in range(1, TAGS + 1)
    ]
    names = [{"tag_id": n, "name": f"Tag {n}", "name_key": f"tag {n}", "alias": False} for n in range(1, TAGS + 1)]
    connection.execute(insert(table(Source)), [{"id": 1, "slug": "bench", "name": "Bench"}])
    connection.execute(insert(table(Tag)), tags)
    connection.execute(insert(table(TagName)), names)
    of_tag = list(accumulate(1 / rank for rank in range(1, TAGS + 1)))
    of_place = list(accumulate(1 / rank for rank in range(1, len(places) + 1)))
    for rows in _split_into_batches(make_articles(count, length=length)):
        connection.execute(insert(table(Article)), rows)
        connection.execute(insert(table(ArticleSlug)), [{"slug": r["slug"], "article_id": r["id"]} for r in rows])
        tagged = [
            {"article_id": r["id"], "tag_id": tag, "position": i, "published_at": r["published_at"], "public": True}
            for r in rows
            for i, tag in enumerate(dict.fromkeys(chance.choices(range(1, TAGS + 1), cum_weights=of_tag, k=3)))
        ]
        connection.execute(insert(table(ArticleTag)), tagged)
        placed = [row for r in rows for row in region_rows(r, chance.choices(places, cum_weights=of_place)[0], atlas)]
        connection.execute(insert(table(ArticleRegion)), placed)


def region_rows(article: Row, place: int, atlas: Atlas) -> Iterator[Row]:
    for region, (position, own, within) in links.spread(((place, 1),), atlas).items():
        yield {
            "article_id": article["id"],
            "region_id": region,
            "position": position,
            "roles": own,
            "roles_within": within,
            "published_at": article["published_at"],
            "public": True,
        }


def _split_into_batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _build_index(db: Database, settings: Settings) -> None:
    indexer = Indexer(settings.index_path, settings.index_heap_mb)
    assert indexer.acquire()
    with db.snapshot() as snapshot:
        indexer.rebuild(snapshot, log.head(snapshot).position)
    indexer.close()
