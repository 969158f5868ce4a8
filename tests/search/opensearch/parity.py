"""One archive on both engines, and random questions to put to them."""

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from support.search_archive import DAY, REGIONS, SOURCES, TAGS, SearchArchive, SearchStory, random_story

from app.articles.filters import ArticleFilter
from app.changes.follower import catch_up
from app.search.engine import NamedRegion, NameKind, Order, Question, SearchEngine
from app.search.indexing.indexer import Indexer
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_engine import ClusterEngine
from app.search.opensearch.cluster_indexer import ClusterIndexer
from app.search.query import typos
from app.search.query.parser import parse
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings

TODAY = 1_700_000_000
PLAIN: list[str] = re.findall(
    r"\S+",
    """
    deficit trade Brussels new Zealand co-op cooperation COVID-19 the of rain rainy cut sun
    京都大学 京都 U.S. US apple pears pear München Muenchen l'Europe europe livestream live
    stream budget budgets parliament council harbour wifi ferry ferries sanctioned
    sanctions minister ministers election elected vote votes river rivers bank banks storm
    日本銀行 金利 réforme réformes Straße strasse Göteborg C++ 10,000 3.5 node.js market markets
    price prices growth
    """,
)
RARE = [f"word{first}{second}ing" for first in "abcdefgh" for second in "klmnoprst"]
SIGNS = ("", "", "", "", "", "-", "title:", "body:", "standfirst:", "tag:", "region:")


class SomeNames:
    """A vocabulary of words that articles have too."""

    def find_named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        known = {("tag", "trade"): (1, 2), ("tag", "budget"): (3,), ("author", "minister"): (6,)}
        return known.get((kind, text.lower()), (1,) if (kind, text.lower()) == ("region", "brussels") else ())

    def find_regions(self, words: tuple[str, ...]) -> tuple[NamedRegion, ...]:
        regions = {
            ("brussels",): NamedRegion(1, "brussels", "Brussels", holds_others=True),
            ("new", "zealand"): NamedRegion(2, "new-zealand", "New Zealand", holds_others=True),
            ("europe",): NamedRegion(3, "europe", "Europe", holds_others=False),
        }
        return (regions[words],) if words in regions else ()

    def find_begun(self, kind: NameKind, text: str) -> tuple[int, ...]:
        return self.find_named(kind, text)

    def find_begun_regions(self, text: str) -> tuple[NamedRegion, ...]:
        return self.find_regions((text.lower(),))

    def list_near_words(self, word: str, edits: int) -> tuple[str, ...]:
        known = ("trade", "budget", "minister", "brussels", "europe")
        return tuple(name for name in known if typos.measure_distance(word, name, edits) == edits)


NAMES = SomeNames()


@dataclass
class BothEngines:
    """What tests put a question to twice."""

    archive: SearchArchive
    local: TantivyEngine
    remote: ClusterEngine
    indexer: ClusterIndexer
    words: Path

    @property
    def engines(self) -> tuple[SearchEngine, SearchEngine]:
        return self.local, self.remote

    def follow(self) -> None:
        """Both have taken in the whole log, and readers know it."""
        self.archive.index()
        words = Indexer(self.words, 15, content="words")
        assert words.acquire()
        catch_up(self.archive.db, words)
        words.close()
        catch_up(self.archive.db, self.indexer)
        self.remote.places.look(self.indexer.names)


def open_both(folder: Path, url: str, *, shards: int = 1, replicas: int = 0) -> BothEngines:
    archive, words = SearchArchive(folder), folder / "words"
    cluster = SearchCluster(Settings(data_dir=folder, search_url=tuple(url.split(",")), search_timeout=60))
    indexer = ClusterIndexer(cluster, archive.db, "test", "published", shards=shards, replicas=replicas)
    remote = ClusterEngine(cluster, words, "test")
    return BothEngines(archive, TantivyEngine(archive.root), remote, indexer, words)


def make_stories(number: int, seed: int) -> list[SearchStory]:
    """In several languages, with every mark that filters ask for."""
    chance = random.Random(seed)
    words = PLAIN + RARE
    return [
        replace(
            random_story(id, chance),
            title=" ".join(chance.choices(words, k=chance.randrange(2, 7))),
            body=" ".join(chance.choices(words, k=chance.randrange(5, 60))),
            standfirst=" ".join(chance.choices(words, k=6)) if chance.random() < 0.5 else None,
            published_at=chance.choice([TODAY - chance.randrange(2_000) * DAY, TODAY, None]),
            title_derived=False,
        )
        for id in range(1, number + 1)
    ]


def make_question(chance: random.Random, stories: list[SearchStory]) -> Question:
    """Any combination of what a search can ask."""
    text = make_text(chance, stories)
    parsed = parse(text)
    orders: list[Order] = ["relevance", "relevance", "-published_at", "published_at"]
    article_filter = make_filter(chance)
    if chance.random() < 0.1:  # as a key has it that sees a part of the archive
        article_filter = replace(article_filter, within=make_filter(chance))
    return Question(
        filter=article_filter,
        tree=parsed.tree,
        text=text or None,
        fallback=parsed.fallback,
        order=chance.choice(orders) if text else "-published_at",
        limit=chance.choice([0, 5, 20, 100]),
        offset=chance.choice([0, 0, 0, 7]),
        excluded=tuple(sorted(chance.sample(range(1, len(stories)), chance.choice([0, 0, 3])))),
        languages=chance.choice([(), (), ("en",), ("fr", "de")]),
        match=chance.choice(["auto", "auto", "all", "any"]),
        typo=chance.random() < 0.5,
        prefix=chance.random() < 0.2,
        recency=chance.choice(["off", "normal", "strong"]),
        today=TODAY,
        names=chance.choice([None, None, NAMES]),
    )


def make_text(chance: random.Random, stories: list[SearchStory]) -> str:
    kind = chance.random()
    if kind < 0.1:
        return ""
    if kind < 0.2:
        return chance.choice(stories).title
    parts = [_make_part(chance, stories) for _ in range(chance.randrange(1, 6))]
    return " ".join(parts)


def _make_part(chance: random.Random, stories: list[SearchStory]) -> str:
    word = chance.choice(PLAIN + RARE)
    kind = chance.random()
    if kind < 0.1:
        return f'"{word} {chance.choice(PLAIN)}"'
    if kind < 0.2:
        words = chance.choice(stories).body.split()
        start = chance.randrange(len(words))
        return '"' + " ".join(words[start : start + chance.randrange(1, 4)]) + '"'
    if kind < 0.3:
        return word[: chance.randrange(1, 5)] + "*"
    if kind < 0.4 and len(word) > 4:
        at = chance.randrange(1, len(word))
        return word[:at] + word[at + 1 :]
    if kind < 0.5:
        return f"({word} OR {chance.choice(PLAIN)})"
    return chance.choice(SIGNS) + word


def make_filter(chance: random.Random) -> ArticleFilter:
    if chance.random() < 0.5:
        return ArticleFilter()
    days = sorted(TODAY - chance.randrange(2_000) * DAY for _ in range(2))
    return ArticleFilter(
        tags=tuple(chance.sample(TAGS, chance.choice([0, 0, 1, 2]))),
        tags_not=tuple(chance.sample(TAGS, chance.choice([0, 0, 0, 1]))),
        languages=tuple(chance.sample(["en", "fr", "de"], chance.choice([0, 0, 1, 2]))),
        sources=tuple(chance.sample(SOURCES, chance.choice([0, 0, 0, 1]))),
        regions=tuple(chance.sample(REGIONS, chance.choice([0, 0, 1]))),
        regions_not=tuple(chance.sample(REGIONS, chance.choice([0, 0, 0, 1]))),
        exact=chance.random() < 0.2,
        published=(days[0], days[1]) if chance.random() < 0.3 else (None, None),
    )
