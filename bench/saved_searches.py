"""Saved searches against articles that are published while they are there: what matching costs, how soon it is in the
feed, and whether what is known to match is what each search finds when it is run by itself.

    PYTHONPATH=. .venv/bin/python -m bench.saved_searches --searches 100000 --articles 5000

Texts are made up: words of a vocabulary whose frequencies fall as those of a language do.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlmodel import Session

from app.articles import service
from app.articles.filters import ArticleFilter
from app.articles.manuscript import Manuscript
from app.changes.follower import catch_up
from app.commands import open_archive
from app.db.database import Database
from app.http import auth
from app.main import create_app
from app.models import Tag, table
from app.search.engine import Question
from app.search.indexing.fixed import candidates
from app.search.indexing.fixed.fixing import fix
from app.search.indexing.indexer import Indexer
from app.search.query.parser import parse
from app.search.saved_searches import finding, matches
from app.search.saved_searches import service as searches
from app.search.saved_searches.definition import Definition
from app.search.saved_searches.percolation import Percolator
from app.search.saved_searches.question import SearchQuestion
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings
from app.tags.service import TagSpec

NOW = 1_760_000_000
WORDS, SEEDED, PER_OWNER, AT_ONCE = 20_000, 300, 1_000, 500
TAGS = tuple(f"topic-{i}" for i in range(40))
LATENCIES = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as a client would send it, and the number of its question."""

    q: str
    tags: tuple[int, ...]
    query: int


class MadeUpWords:
    """Made-up words, the commonest first."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
        words: dict[str, None] = {}
        while len(words) < WORDS:
            words["".join(chance.choices(syllables, k=chance.randint(2, 4))) + chance.choice("xqwk")] = None
        self.words = list(words)
        self._weights = [1 / (rank + 3) for rank in range(WORDS)]

    def write_text(self, count: int) -> str:
        return " ".join(self.chance.choices(self.words, self._weights, k=count))

    def choose(self) -> str:
        """A word that tells something: of all but the commonest ones, the rarer as often as the common."""
        return self.words[int(30 * (WORDS / 30) ** self.chance.random()) - 1]


def make_article(vocabulary: MadeUpWords, number: int) -> Manuscript:
    chance = vocabulary.chance
    return Manuscript(
        origin="bench",
        identity=f"id:{number}",
        external_id=str(number),
        title=vocabulary.write_text(8),
        body=f"<p>{vocabulary.write_text(chance.randint(150, 450))}</p>",
        word_count=300,
        language="en",
        tags=tuple(TagSpec(tag, "topic") for tag in chance.sample(TAGS, 2)),
        published_at=NOW - number,
        content_hash=uuid4().hex,
    )


def make_query(vocabulary: MadeUpWords, texts: Sequence[str]) -> str:
    chance, kind = vocabulary.chance, vocabulary.chance.random()
    if kind < 0.35:
        return vocabulary.choose()
    if kind < 0.65:
        return f"{vocabulary.choose()} {vocabulary.choose()}"
    if kind < 0.75:
        words = chance.choice(texts).split()
        start = chance.randrange(len(words) - 2)
        return f'"{" ".join(words[start : start + 2])}"'
    if kind < 0.85:
        return f"{vocabulary.choose()} -{vocabulary.choose()}"
    if kind < 0.95:
        return f"({vocabulary.choose()} OR {vocabulary.choose()}) {vocabulary.choose()}"
    return f"{vocabulary.choose()[:5]}* {vocabulary.choose()}"


def seed(db: Database, vocabulary: MadeUpWords) -> list[str]:
    """Articles that have every word, so that how a query is read hangs on none that comes later."""
    size = WORDS // SEEDED + 1
    stories = [make_article(vocabulary, -1 - i) for i in range(SEEDED)]
    for i, one in enumerate(stories):
        words = " ".join(vocabulary.words[i * size : (i + 1) * size])
        object.__setattr__(one, "body", f"{one.body}<p>{words}</p>")
    db.write_now(service.upsert, stories, now=NOW, site_url="")
    return [one.body[3:-4].partition("<")[0] for one in stories]


def save_all(
    db: Database, engine: TantivyEngine, vocabulary: MadeUpWords, texts: Sequence[str], count: int
) -> Iterator[Asked]:
    with db.snapshot() as snapshot:
        tags = [row.id for row in snapshot.connection.execute(table(Tag).select())]
    limits = searches.SearchLimits(PER_OWNER, count)
    for start in range(0, count, AT_ONCE):
        made = []
        for number in range(start, min(start + AT_ONCE, count)):
            asked_tags = (vocabulary.chance.choice(tags),) if vocabulary.chance.random() < 0.2 else ()
            q, article_filter = make_query(vocabulary, texts), ArticleFilter(tags=asked_tags)
            question = make_question(q, article_filter)
            asked = SearchQuestion(article_filter, fix(engine.view(), question).condition)
            keys = candidates.choose_keys(engine.view(), asked.filter, asked.words)
            definition = Definition(asked, keys, "{}")
            index_matches = finding.ask_index(engine, asked, searches.MOST_MATCHES + 1)
            owner = f"desk {number // PER_OWNER}"
            made.append(
                (q, asked_tags, searches.NewSearch(owner, f"s{number}", None, False, definition, index_matches))
            )
        numbers = db.write_now(_create, [new for _, _, new in made], limits).value
        yield from (Asked(q, tags, number) for (q, tags, _), number in zip(made, numbers, strict=True))


def _create(session: Session, new: Sequence[searches.NewSearch], limits: searches.SearchLimits) -> list[int]:
    saved = searches.SEARCH
    ids = [searches.create(session, one, limits) for one in new]
    rows = session.connection().execute(saved.select().where(saved.c.id.in_(ids)))
    queries = {row.id: row.query_id for row in rows}
    return [queries[id] for id in ids]


def make_question(q: str, article_filter: ArticleFilter) -> Question:
    """As `/v1/search?typo=off&match=all` asks it."""
    parsed = parse(q)
    return Question(tree=parsed.tree, text=q, fallback=parsed.fallback, filter=article_filter, limit=20_000)


def publish_all(
    db: Database, percolator: Percolator, vocabulary: MadeUpWords, count: int, at_once: int
) -> list[tuple[float, float]]:
    """CPU and wall-clock seconds of matching each batch."""
    times = []
    for start in range(0, count, at_once):
        stories = [make_article(vocabulary, number) for number in range(start, min(start + at_once, count))]
        db.write_now(service.upsert, stories, now=NOW, site_url="")
        cpu, wall = time.process_time(), time.monotonic()
        while percolator.step():
            pass
        times.append((time.process_time() - cpu, time.monotonic() - wall))
    return times


def compare(db: Database, engine: TantivyEngine, asked: Sequence[Asked]) -> tuple[int, int, int]:
    """(missed, false, right) over all searches, each run by itself as a search runs it."""
    missed = wrong = right = 0
    with db.snapshot() as snapshot:
        for one in asked:
            question = make_question(one.q, ArticleFilter(tags=one.tags))
            ids = {hit.id for hit in engine.search(question).hits}
            rows = matches.load_of_query(snapshot.connection, one.query)
            known = {id for id, matched in rows.items() if matched}
            missed, wrong, right = missed + len(ids - known), wrong + len(known - ids), right + len(ids & known)
    return missed, wrong, right


async def measure_latency(settings: Settings, vocabulary: MadeUpWords) -> list[float]:
    """Seconds from the response to a publication to the response of a follower that waits for it."""
    app = create_app(settings)
    seconds = []
    async with app.router.lifespan_context(app):
        db = app.state.archive.db
        key = (await db.write(auth.create_key, "bench", auth.SCOPES)).value
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://bench", headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )  # fmt: skip
        async with client:
            while b'"index_lag":0' not in (await client.get("/health/ready")).content:  # noqa: ASYNC110 -- as a client
                await asyncio.sleep(0.1)
            made = await client.post("/v1/searches", json={"slug": "fresh", "q": "breakingnews"})
            made.raise_for_status()
            place = made.headers["x-seq"]
            for number in range(LATENCIES + 1):
                query: dict[str, str | int] = {"search": "fresh", "since": place, "wait": 30}
                waiting = asyncio.create_task(_wait_for_news(client, query))
                await asyncio.sleep(0.15 + vocabulary.chance.random() / 5)
                body = vocabulary.write_text(300)
                article = {"title": f"breakingnews {number}", "body": body, "status": "published"}
                begun = time.monotonic()
                (await client.post("/v1/articles", json=article)).raise_for_status()
                told = await waiting
                assert [one["event"] for one in told["data"]] == ["published"], told
                place = told["next"]
                if number:  # the first one waits until all searches are in memory
                    seconds.append(time.monotonic() - begun)
    return seconds


async def _wait_for_news(client: httpx.AsyncClient, query: dict[str, str | int]) -> Any:
    """As a follower asks: where there was no news in the time that it waits, it asks again from where it stands."""
    while True:
        told = (await client.get("/v1/changes", params=query)).raise_for_status().json()
        if told["data"]:
            return told
        print(f"no news for {query['wait']} seconds", file=sys.stderr)
        query["since"] = told["next"]


def describe(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "mean_ms": round(1000 * statistics.fmean(ordered), 1),
        "p50_ms": round(1000 * ordered[len(ordered) // 2], 1),
        "p99_ms": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
    }


def run(folder: Path, count: int, articles: int) -> dict[str, object]:
    settings = Settings(data_dir=folder, max_searches=count + 10)
    db = open_archive.open_archive(settings)
    vocabulary = MadeUpWords(random.Random(7))
    texts = seed(db, vocabulary)
    indexer = Indexer(settings.index_path, 64)
    assert indexer.acquire()
    catch_up(db, indexer)
    engine = TantivyEngine(settings.index_path)
    begun = time.monotonic()
    asked = list(save_all(db, engine, vocabulary, texts, count))
    saving = time.monotonic() - begun
    percolator = Percolator(db, engine)
    begun = time.monotonic()
    percolator.step()
    loading = time.monotonic() - begun
    print(f"saved in {saving:.0f} s, loaded in {loading:.1f} s", file=sys.stderr)
    single = publish_all(db, percolator, vocabulary, articles // 5, 1)
    batched = publish_all(db, percolator, vocabulary, articles - articles // 5, 100)
    catch_up(db, indexer)
    print(f"CPU: {describe([cpu for cpu, _ in single])}", file=sys.stderr)
    missed, wrong, right = compare(db, engine, asked)
    print(f"{count} searches, {articles} articles: {missed} missed, {wrong} false, {right} right", file=sys.stderr)
    indexer.close()
    db.close_now()
    latency = asyncio.run(measure_latency(settings, vocabulary))
    return {
        "searches": count,
        "questions": len({one.query for one in asked}),
        "articles": articles,
        "save_ms_each": round(1000 * saving / count, 2),
        "load_seconds": round(loading, 2),
        "one_article_cpu": describe([cpu for cpu, _ in single]),
        "one_article_wall": describe([wall for _, wall in single]),
        "of_100_cpu_ms_each": round(10 * statistics.fmean(cpu for cpu, _ in batched), 1),
        "matches": right,
        "missed": missed,
        "false": wrong,
        "publish_to_feed": describe(latency),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=2_000)
    parser.add_argument("--articles", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), arguments.searches, arguments.articles), indent=2))


if __name__ == "__main__":
    main()
