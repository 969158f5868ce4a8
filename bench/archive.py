"""Made-up archives for measuring: words, tags and regions by Zipf's law, ten years of dates, saved as by an import."""

import random
import time
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

from sqlmodel import Session

from app import opening
from app.articles import service
from app.articles.manuscript import Manuscript
from app.changes.follower import Following, catch_up
from app.db import Database
from app.regions import service as regions
from app.search.indexer import Indexer
from app.settings import Settings
from app.tags.service import Wanted

WORDS, LENGTH, TAGS = 40_000, 220, 500
NEWEST = 1_790_000_000
BATCH = 2_000


def vocabulary(chance: random.Random) -> list[str]:
    """Pronounceable words; the first is the commonest."""
    made: dict[str, None] = {}
    while len(made) < WORDS:
        length = chance.randrange(2, 6)
        made["".join(chance.choice("bcdfgklmnprst") + chance.choice("aeiou") for _ in range(length))] = None
    return list(made)


def manuscripts(count: int, places: list[int], seed: int = 3) -> Iterator[Manuscript]:
    """Repeatable articles of about 220 words with three tags and one region each."""
    chance = random.Random(seed)
    words = vocabulary(chance)
    weights = list(accumulate(1 / (rank + 2) for rank in range(WORDS)))
    tag_weights = list(accumulate(1 / (rank + 1) for rank in range(TAGS)))
    place_weights = list(accumulate(1 / (rank + 1) for rank in range(len(places))))
    for number in range(count):
        text = chance.choices(words, cum_weights=weights, k=LENGTH)
        tags = dict.fromkeys(chance.choices(range(TAGS), cum_weights=tag_weights, k=3))
        yield Manuscript(
            origin="bench",
            identity=f"id:{number}",
            external_id=str(number),
            title=" ".join(text[:8]),
            body="".join(f"<p>{' '.join(text[i : i + 55])}</p>" for i in range(8, LENGTH, 55)),
            word_count=LENGTH - 8,
            language="en",
            tags=tuple(Wanted(f"Tag {tag}", "topic") for tag in tags),
            regions=((chance.choices(places, cum_weights=place_weights)[0], 1),),
            status="published",
            published_at=NEWEST - chance.randrange(10 * 365 * 86_400),
        )


def build(folder: Path, count: int) -> Settings:
    """The archive with its index, made where it is not there yet; says how many articles a second."""
    settings = Settings(data_dir=folder, index_heap_mb=256)
    db = opening.open_archive(settings)
    with db.snapshot() as snapshot:
        atlas = regions.atlas(snapshot.connection)
        there = snapshot.connection.exec_driver_sql("SELECT count(*) FROM article").scalar_one()
    if there < count:
        places = [place.id for place in atlas.by_id.values() if place.level == "country"]
        _save(db, settings, manuscripts(count, places), count)
    db.close_now()
    return settings


def _save(db: Database, settings: Settings, made: Iterator[Manuscript], count: int) -> None:
    indexer = Indexer(settings.index_path, settings.index_heap_mb)
    assert indexer.acquire()
    following = Following(db, indexer, 0.25)
    following.start()
    began = time.monotonic()
    while batch := list(islice(made, BATCH)):
        db.write_now(_upsert, batch)
    following.stop()
    catch_up(db, indexer)
    indexer.close()
    took = time.monotonic() - began
    print(f"{count} articles saved and indexed in {took:.0f} s: {count / took:.0f} a second")


def _upsert(session: Session, batch: list[Manuscript]) -> None:
    service.upsert(session, batch, now=NEWEST, site_url="")
