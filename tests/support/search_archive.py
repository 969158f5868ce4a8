"""A small archive in one SQLite file, filled by direct inserts, and an index beside it: for the tests of search."""

import asyncio
import random
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, SQLModel

from app.articles.filters import ArticleFacts, ArticleFilter, make_bits
from app.changes import log
from app.changes.follower import catch_up
from app.changes.log import LogEntry
from app.db.database import Database
from app.models import (
    Article,
    ArticleRegion,
    ArticleTag,
    ChangeHead,
    Region,
    RelatedPost,
    Source,
    Suggestion,
    Tag,
    table,
)
from app.search.engine import Question, ResultPage, SearchEngine
from app.search.indexing.fixed import candidates
from app.search.indexing.fixed.fixing import fix
from app.search.indexing.indexer import Indexer
from app.search.query.parser import parse
from app.search.saved_searches import finding
from app.search.saved_searches import service as searches
from app.search.saved_searches.definition import Definition
from app.search.saved_searches.question import SearchQuestion
from app.search.tantivy.local_engine import TantivyEngine
from app.search.vocabulary.current import CurrentVocabulary
from app.search.vocabulary.names import Vocabulary
from app.settings import Settings

DAY = 86_400
TAGS, REGIONS, SOURCES = range(1, 7), range(1, 6), range(1, 4)
KINDS = {5: "section", 6: "contributor"}


@dataclass(frozen=True)
class SearchStory:
    """An article as a test writes it down. `regions`: id → (roles, roles within)."""

    id: int
    title: str = "A title"
    body: str = ""
    standfirst: str | None = None
    status: str = "published"
    language: str = "en"
    published_at: int | None = 1_700_000_000
    precision: str = "instant"
    updated_at: int = 1_700_000_000
    version: int = 1
    tags: tuple[int, ...] = ()
    regions: dict[int, tuple[int, int]] = field(default_factory=dict)
    source: int | None = None
    origin: str = "test"
    external_id: str | None = None
    dateline: tuple[int | None, int | None] = (None, None)
    translation_of: int | None = None
    image: bool = False
    correction: bool = False
    unresolved: bool = False
    translated: bool = False
    copied: bool = False
    created_at: int = 1_700_000_000
    withdrawn_at: int | None = None
    copy_of: int | None = None
    printed_dateline: str = ""
    title_derived: bool = False

    @property
    def has(self) -> list[str]:
        """What it has, as filters call it."""
        kinds = {KINDS.get(tag, "topic") for tag in self.tags}
        there = {
            "image": self.image,
            "correction": self.correction,
            "unresolved": self.unresolved,
            "region": self.regions,
            "author": "contributor" in kinds,
            "tag": kinds - {"contributor"},
            "section": "section" in kinds,
            "standfirst": self.standfirst,
            "dateline": self.printed_dateline,
            "source": self.source,
            "date": self.published_at is not None,
            "translation": self.translated,
            "copy": self.copied,
        }
        return [word for word, value in there.items() if value]

    @property
    def facts(self) -> ArticleFacts:
        return ArticleFacts(
            id=self.id,
            status=self.status,
            language=self.language,
            origin=self.origin,
            external_id=self.external_id,
            slug=f"story-{self.id}",
            source=self.source,
            tags=self.tags,
            regions=self.regions,
            published_at=self.published_at,
            updated_at=self.updated_at,
            dateline=self.dateline,
            translation_of=self.translation_of,
            has=make_bits(self.has),
            created_at=self.created_at,
            withdrawn_at=self.withdrawn_at,
            copy_of=self.copy_of,
            is_coarse=self.precision != "instant",
        )


def _article_row(story: SearchStory) -> dict[str, object]:
    return {
        "id": story.id,
        "version": story.version,
        "status": story.status,
        "slug": f"story-{story.id}",
        "language": story.language,
        "title": story.title,
        "title_derived": story.title_derived,
        "title_key": story.title.lower(),
        "sort_title": story.title.lower(),
        "standfirst": story.standfirst,
        "dateline_text": story.printed_dateline or None,
        "dateline_from": story.dateline[0],
        "dateline_to": story.dateline[1],
        "body": "".join(f"<p>{part}</p>" for part in story.body.split("\n\n") if part),
        "source_id": story.source,
        "translation_of": story.translation_of,
        "images": '[{"url": "x"}]' if story.image else "[]",
        "corrections": '[{"text": "x"}]' if story.correction else "[]",
        "word_count": len(story.body.split()),
        "origin": story.origin,
        "external_id": story.external_id,
        "published_at": story.published_at,
        "published_precision": story.precision,
        "updated_at": story.updated_at,
        "created_at": story.created_at,
        "withdrawn_at": story.withdrawn_at,
        "public_once": True,
    }


class SearchArchive:
    """A database that takes stories, with the log rows that following needs."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.root = folder / "index"
        address = url or f"sqlite:///{folder / 'archive.db'}"
        self.db = Database(Settings(data_dir=folder, database_url=address), log.append)
        SQLModel.metadata.create_all(self.db.engine)
        with self.db.engine.begin() as connection:
            connection.execute(insert(table(ChangeHead)), [_head_row()])
            tags = [
                {
                    "id": i,
                    "slug": f"tag-{i}",
                    "name": f"Tag {i}",
                    "sort_name": f"tag {i}",
                    "kind": KINDS.get(i, "topic"),
                }
                for i in TAGS
            ]
            connection.execute(insert(table(Tag)), tags)
            regions = [{"id": i, "slug": f"region-{i}", "name": f"Region {i}", "level": "country"} for i in REGIONS]
            connection.execute(insert(table(Region)), [r | {"successors": "[]"} for r in regions])
            connection.execute(insert(table(Source)), [{"id": i, "slug": f"s{i}", "name": f"S {i}"} for i in SOURCES])

    def put(self, *stories: SearchStory) -> None:
        """Adds or replaces, and logs one row each."""
        self.db.write_now(_put, stories)

    def withdraw(self, *ids: int) -> None:
        self.db.write_now(_withdraw, ids)

    @contextmanager
    def indexer(self) -> Iterator[Indexer]:
        """One that holds the lock; other tests' processes have other folders."""
        indexer = Indexer(self.root, heap_mb=15)
        assert indexer.acquire()
        try:
            yield indexer
        finally:
            indexer.close()

    def index(self) -> int:
        """Brings the index in step; returns the rows taken in."""
        with self.indexer() as indexer:
            return catch_up(self.db, indexer)

    def engine(self) -> TantivyEngine:
        """On an index that is in step."""
        self.index()
        return TantivyEngine(self.root)

    def close(self) -> None:
        self.db.close_now()


def _head_row() -> dict[str, int]:
    zero = dict.fromkeys(("seq", "mark", "public_seq", "public_mark", "names_seq"), 0)
    return {"id": 1, "epoch": secrets.randbits(60), **zero}


def _put(session: Session, stories: Sequence[SearchStory]) -> None:
    connection = session.connection()
    ids = [story.id for story in stories]
    for model in (RelatedPost, ArticleTag, ArticleRegion, Suggestion):
        connection.execute(delete(table(model)).where(table(model).c.article_id.in_(ids)))
    known = set(connection.execute(select(table(Article).c.id).where(table(Article).c.id.in_(ids))).scalars())
    for story in stories:
        if story.id in known:
            connection.execute(update(table(Article)).where(table(Article).c.id == story.id), _article_row(story))
    new = [_article_row(story) for story in stories if story.id not in known]
    if new:
        connection.execute(insert(table(Article)), new)
    for model, rows in (
        (ArticleTag, [row for story in stories for row in _tag_rows(story)]),
        (ArticleRegion, [row for story in stories for row in _region_rows(story)]),
        (RelatedPost, [{"article_id": s.id, "position": 1, "title": "Waits"} for s in stories if s.unresolved]),
        (Suggestion, [_copy_row(story) for story in stories if story.copy_of is not None]),
    ):
        if rows:
            connection.execute(insert(table(model)), rows)
    for story in stories:
        log.record(session, LogEntry("article", story.id, "updated", story.status == "published", story.version))


def _copy_row(story: SearchStory) -> dict[str, object]:
    row = {"article_id": story.id, "kind": "duplicate", "target_id": story.copy_of, "roles": 0, "value": "all of it"}
    return row | {"score": 1.0, "origin": "import", "taken": False}


def _tag_rows(story: SearchStory) -> list[dict[str, object]]:
    at = story.published_at if story.status == "published" else None
    return [
        {
            "article_id": story.id,
            "tag_id": tag,
            "position": i,
            "published_at": at,
            "public": story.status == "published",
        }
        for i, tag in enumerate(story.tags)
    ]


def _region_rows(story: SearchStory) -> list[dict[str, object]]:
    at = story.published_at if story.status == "published" else None
    return [
        {
            "article_id": story.id,
            "region_id": r,
            "position": 1,
            "roles": own,
            "roles_within": within,
            "published_at": at,
            "public": story.status == "published",
        }
        for r, (own, within) in story.regions.items()
    ]


def _withdraw(session: Session, ids: Sequence[int]) -> None:
    articles = table(Article)
    session.connection().execute(update(articles).where(articles.c.id.in_(ids)).values(status="withdrawn"))
    for article_id in ids:
        log.record(session, LogEntry("article", article_id, "withdrawn", True, 2))


def ask(engine: SearchEngine, text: str, **options: object) -> ResultPage:
    """A search by relevance for a text, all words, nothing corrected unless asked for."""
    question = {"order": "relevance", **options}
    query = parse(text)
    return engine.search(Question(tree=query.tree, text=text, fallback=query.fallback, **question))  # type: ignore[arg-type] # options are its fields


def ids(result: ResultPage) -> list[int]:
    return [hit.id for hit in result.hits]


def random_story(number: int, random: random.Random) -> SearchStory:
    """Any combination of what filters ask for."""
    span = random.choice([(None, None), (0, DAY), (5 * DAY, 9 * DAY)])
    own = {region: random.choice([0, 1, 2, 4, 5]) for region in random.sample(REGIONS, random.randrange(4))}
    story = SearchStory(
        id=number,
        title=random.choice(["Nato meets", "Sanctions on trade", "Weather"]),
        status=random.choice(["published", "published", "draft", "withdrawn"]),
        language=random.choice(["en", "fr", "de"]),
        published_at=random.choice([-5 * DAY, 0, DAY, 10 * DAY, 400 * DAY, None]),
        precision=random.choice(["instant", "instant", "day", "month", "year"]),
        updated_at=random.choice([0, DAY, 10 * DAY]),
        tags=tuple(random.sample(TAGS, random.randrange(4))),
        regions={region: (roles, roles | random.choice([0, 1, 2, 4])) for region, roles in own.items()},
        source=random.choice([None, *SOURCES]),
        origin=random.choice(["one", "two"]),
        external_id=random.choice([None, "a", "b,c"]),
        dateline=span,
        translation_of=random.choice([None, 1]),
        image=random.random() < 0.5,
        correction=random.random() < 0.5,
        unresolved=random.random() < 0.5,
        standfirst=random.choice([None, "", "Why it matters"]),
        printed_dateline=random.choice(["", "Brussels, Friday"]),
        created_at=random.choice([0, DAY, 10 * DAY]),
        copy_of=random.choice([None, 1]) if number > 1 else None,
    )
    return replace(story, withdrawn_at=random.choice([0, DAY]) if story.status == "withdrawn" else None)


STORED = '{"q":"%s","filters":{},"read_as":null,"notes":[]}'


def define_search(engine: TantivyEngine, names: Vocabulary, q: str, article_filter: ArticleFilter) -> Definition:
    """What the words mean now, as a request's would be read."""
    parsed = parse(q)
    question = Question(tree=parsed.tree, text=q, fallback=parsed.fallback, filter=article_filter, names=names)
    asked = SearchQuestion(article_filter, fix(engine.view(), question).condition)
    return Definition(asked, candidates.choose_keys(engine.view(), asked.filter, asked.words), STORED % q)


def save_search(
    db: Database, engine: TantivyEngine, definition: Definition, slug: str, *, owner: str = "somebody", public: bool
) -> int:
    """The search's number."""
    index_matches = finding.ask_index(engine, definition.question, searches.MOST_MATCHES + 1)
    new = searches.NewSearch(owner, slug, None, public, definition, index_matches)
    return db.write_now(searches.create, new, searches.SearchLimits(10**6, 10**6)).value


async def load_names(db: Database) -> Vocabulary:
    with db.snapshot() as snapshot:
        head = log.head(snapshot)
    return await CurrentVocabulary(db).get(head)


async def save_searches(db: Database, settings: Settings, *asked: tuple[str, str, ArticleFilter, bool]) -> None:
    """Slug, words, filter, and whether it is public. The index is made for them, and removed."""
    indexer = Indexer(settings.index_path, 15)
    assert indexer.acquire()
    await asyncio.to_thread(catch_up, db, indexer)
    engine, names = TantivyEngine(settings.index_path), await load_names(db)
    for slug, q, article_filter, is_public in asked:
        save_search(db, engine, define_search(engine, names, q, article_filter), slug, public=is_public)
    indexer.close()
    shutil.rmtree(settings.index_path)
