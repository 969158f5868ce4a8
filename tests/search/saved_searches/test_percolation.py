"""What is known to match is what the search engine finds, for any questions, articles, edits, merges and
withdrawals."""

import asyncio
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ENGINES, new_archive
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sqlalchemy import Executable, delete, insert, select, update
from sqlmodel import Session
from support.stories import NOW, story

from app.articles import service, states
from app.articles.filters import ArticleFilter
from app.articles.manuscript import Manuscript
from app.articles.store import relink_jobs
from app.changes import jobs, log
from app.changes.follower import catch_up
from app.db.database import Database
from app.models import ChangeHead, SearchPosition, table
from app.regions import service as regions
from app.search.engine import Question
from app.search.indexing.fixed import candidates
from app.search.indexing.fixed.fixing import fix
from app.search.indexing.indexer import Indexer
from app.search.query.parser import parse
from app.search.saved_searches import finding, matches
from app.search.saved_searches import service as searches
from app.search.saved_searches.definition import Definition
from app.search.saved_searches.finding import IndexMatches
from app.search.saved_searches.percolation import Percolator
from app.search.saved_searches.question import SearchQuestion, parse_question
from app.search.tantivy.local_engine import TantivyEngine
from app.search.vocabulary.current import CurrentVocabulary
from app.search.vocabulary.names import Vocabulary
from app.settings import Settings
from app.tags import merges

WORDS = (
    "grain", "Grain's", "deal", "deals", "harbour", "co-op", "cooperation", "São", "Paulo", "sao", "US", "us", "the",
    "l'Europe", "Europe", "belgium", "Belgian", "nato", "wi-fi", "wifi", "C++", "10,000",
    "naïve", "日本", "東京都", "running",
)  # fmt: skip
TAGS = ("nato", "shipping", "energy", "grain trade")
PLACES = ("belgium", "kenya", "europe")

STATES = (None, None, None, None, "draft")


def make_leaf(chance: random.Random) -> str:
    kind = chance.randrange(10)
    if kind < 5:
        return chance.choice(WORDS)
    if kind == 5:
        return f'"{chance.choice(WORDS)} {chance.choice(WORDS)}"'
    if kind == 6:
        return chance.choice(("gra*", "co*", "日*", "title:har*", "be*"))
    if kind == 7:
        return chance.choice(
            ("tag:nato", "region:belgium", "title:grain", 'body:"deal harbour"', "standfirst:us", "author:marlow")
        )
    if kind == 8:
        return f"({chance.choice(WORDS)} OR {chance.choice(WORDS)})"
    return f"-{chance.choice(WORDS)}"


def make_query(chance: random.Random) -> str:
    return " ".join(make_leaf(chance) for _ in range(chance.randint(1, 3)))


@dataclass
class MatchedArchive:
    """An archive whose index and matches are brought up to date when a test says so."""

    db: Database
    indexer: Indexer
    engine: TantivyEngine
    percolator: Percolator
    tags: dict[str, int]
    regions: dict[str, int]
    vocabulary: CurrentVocabulary
    numbers: int = 0

    def write(self, *stories: Manuscript, now: int = NOW) -> list[int]:
        saved = self.db.write_now(service.upsert, stories, now=now, site_url="").value
        return [one.id for one in saved]

    def follow(self) -> None:
        catch_up(self.db, self.indexer)
        while self.percolator.step():
            pass

    def load_names(self) -> Vocabulary:
        """As of the last change of any."""

        async def load() -> Vocabulary:
            with self.db.snapshot() as snapshot:
                head = log.head(snapshot)
            return await self.vocabulary.get(head)

        return asyncio.run(load())

    def ask(self, q: str, article_filter: ArticleFilter) -> Question:
        """As a search asks it with `typo=off` and `match=all`."""
        parsed = parse(q)
        return Question(
            tree=parsed.tree, text=q, fallback=parsed.fallback, filter=article_filter, names=self.load_names(),
            limit=200, languages=article_filter.languages,
        )  # fmt: skip

    def save(self, question: Question) -> int:
        """The number of the question."""
        self.numbers += 1
        new = searches.NewSearch("test", f"s{self.numbers}", None, False, *self.define(question))
        id = self.db.write_now(searches.create, new, searches.SearchLimits(10**6, 10**6)).value
        with self.db.snapshot() as snapshot:
            row = snapshot.connection.execute(searches.SEARCH.select().where(searches.SEARCH.c.id == id)).one()
        return int(row.query_id)

    def define(self, question: Question) -> tuple[Definition, IndexMatches]:
        fixed = fix(self.engine.view(), question)
        asked = SearchQuestion(question.filter, fixed.condition)
        keys = candidates.choose_keys(self.engine.view(), asked.filter, asked.words)
        return Definition(asked, keys, "{}"), finding.ask_index(self.engine, asked, 10_001)

    def find(self, question: Question) -> set[int]:
        return {hit.id for hit in self.engine.search(question).hits}

    def list_known(self, query: int) -> set[int]:
        with self.db.snapshot() as snapshot:
            rows = matches.load_of_query(snapshot.connection, query)
        return {id for id, matched in rows.items() if matched}

    def load_question(self, query: int) -> SearchQuestion:
        with self.db.snapshot() as snapshot:
            text = snapshot.connection.execute(searches.QUERY.select().where(searches.QUERY.c.id == query)).one()
            merged = matches.load_merged_tags(snapshot.connection)
        return parse_question(text.question).follow_merges(merged)


@pytest.fixture(params=ENGINES)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MatchedArchive]:
    with new_archive(request, request.param, tmp_path) as url:
        settings = Settings(data_dir=tmp_path, database_url=url, index_heap_mb=15)
        db = Database(settings, log.append)
        indexer = Indexer(settings.index_path, 15)
        assert indexer.acquire()
        engine = TantivyEngine(settings.index_path)
        made = MatchedArchive(db, indexer, engine, Percolator(db, engine), {}, {}, CurrentVocabulary(db))
        with db.snapshot() as snapshot:
            atlas = regions.atlas(snapshot.connection)
        made.regions = {place: atlas.by_slug[place].id for place in PLACES}
        made.write(*(story(db, 1000 + i, tags=[tag]) for i, tag in enumerate(TAGS)))
        with db.snapshot() as snapshot:
            rows = snapshot.connection.execute(merges.TAG.select())
            made.tags = {row.slug: row.id for row in rows}
        made.follow()
        try:
            yield made
        finally:
            indexer.close()
            db.close_now()


def make_filter(archive: MatchedArchive, chance: random.Random) -> ArticleFilter:
    tag = archive.tags[chance.choice(("nato", "shipping", "energy"))]
    region = archive.regions[chance.choice(PLACES)]
    asked: list[dict[str, Any]] = [
        {}, {}, {}, {}, {"tags": (tag,)}, {"tags_all": (tag,)}, {"tags_not": (tag,)}, {"regions": (region,)},
        {"regions_not": (region,)}, {"languages": ("en",)}, {"published": (NOW - 86_400 * 4, None)},
    ]  # fmt: skip
    return ArticleFilter(**chance.choice(asked))


def change_article(archive: MatchedArchive, chance: random.Random) -> None:
    number = chance.randint(1, 10)
    kind = chance.randrange(10)
    if kind < 8:
        manuscript = story(
            archive.db,
            number,
            tags=chance.sample(TAGS, chance.randint(0, 2)),
            places=chance.sample(PLACES, chance.randint(0, 1)),
            title=" ".join(chance.choices(WORDS, k=chance.randint(1, 4))),
            language=chance.choice(("en", "en", "de", "ja")),
            status=chance.choice(STATES),
            published_at=NOW - 86_400 * number,
        )
        body = " ".join(chance.choices(WORDS, k=chance.randint(1, 8)))
        archive.write(replace(manuscript, body=f"<p>{body}</p>"))
        return
    ids = _list_ids(archive, number)
    if kind == 8:
        archive.db.write_now(service.withdraw, ids, now=NOW)
    elif ids:
        archive.db.write_now(_purge, ids[0])


@given(seed=st.integers(0, 2**32))
@budget(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_known_to_match_is_what_the_engine_finds(archive: MatchedArchive, seed: int) -> None:
    chance = random.Random(seed)
    saved: dict[int, str] = {}
    for _ in range(3):
        for _ in range(12):
            q = make_query(chance)
            question = archive.ask(q, make_filter(archive, chance))
            if question.tree is not None:
                query = archive.save(question)
                saved[query] = q
                assert archive.list_known(query) == archive.find(replace(question, order="-published_at")), q
        for _ in range(8):
            change_article(archive, chance)
            if chance.random() < 0.5:
                archive.follow()
        archive.follow()
        for query, q in saved.items():
            assert archive.list_known(query) == archive.find(archive.load_question(query).ask(500)), q


def test_tag_that_another_takes_in_brings_its_articles(archive: MatchedArchive) -> None:
    ids = archive.write(story(archive.db, 1, tags=["nato"]), story(archive.db, 2, tags=["shipping"]))
    archive.follow()
    by_filter = archive.save(Question(filter=ArticleFilter(tags=(archive.tags["nato"],))))
    by_word = archive.save(archive.ask("tag:nato", ArticleFilter()))
    without = archive.save(archive.ask("story", ArticleFilter(tags_not=(archive.tags["nato"],))))
    before = archive.list_known(by_filter)
    assert ids[0] in before
    assert ids[1] not in before
    archive.db.write_now(_merge, archive.tags["nato"], archive.tags["shipping"])
    archive.follow()
    for query in (by_filter, by_word, without):
        assert archive.list_known(query) == archive.find(archive.load_question(query).ask(500))
    assert {*ids} <= archive.list_known(by_filter) == archive.list_known(by_word)
    assert archive.list_known(without).isdisjoint(ids)
    # One who begins after that, as after a restart, knows what the tag is part of.
    archive.percolator = Percolator(archive.db, archive.engine)
    [later] = archive.write(story(archive.db, 3, tags=["shipping"]))
    archive.follow()
    assert later in archive.list_known(by_filter)


def _merge(session: Session, source: int, target: int) -> None:
    """Begun and done, as the server does it in chunks."""
    merges.begin(session, source, target)
    [task] = jobs.list_unfinished(session, merges.KIND)
    relink_jobs.merge_tags(session, task)


def _list_ids(archive: MatchedArchive, number: int) -> list[int]:
    with archive.db.snapshot() as snapshot:
        rows = snapshot.connection.execute(states.A.select().where(states.A.c.external_id == str(number)))
        return [row.id for row in rows if row.status == "published"]


def _purge(session: Session, id: int) -> None:
    states.remove(session, id, now=NOW, by=None)


class RacingDatabase(Database):
    """In which somebody saves another search each time before what was matched is written."""

    def __init__(self, archive: MatchedArchive, questions: list[Question]) -> None:
        self.__dict__.update(archive.db.__dict__)
        self.archive, self.questions, self.saved = archive, questions, list[int]()

    def write_now(self, fn, *args, **kwargs):  # type: ignore[no-untyped-def] # as it is
        if self.questions:
            self.saved.append(self.archive.save(self.questions.pop()))
        return self.archive.db.write_now(fn, *args, **kwargs)


def test_searches_that_are_saved_all_the_time_do_not_keep_others_from_being_matched(archive: MatchedArchive) -> None:
    """Only what is new is asked of a batch that could not be written, and nothing is missed of either."""
    before = archive.save(archive.ask("wheat", ArticleFilter()))
    archive.write(story(archive.db, 1, title="Wheat deal"), story(archive.db, 2, title="Harbour deal"))
    words = ("deal", "harbour", "energy", "nato", "wheat deal")
    racing = RacingDatabase(archive, [archive.ask(word, ArticleFilter()) for word in words])
    archive.percolator = Percolator(racing, archive.engine)
    steps = 0
    while archive.percolator.step():
        steps += 1
    assert (steps, len(racing.saved)) == (len(words) + 1, len(words))
    catch_up(archive.db, archive.indexer)
    for query in (before, *racing.saved):
        assert archive.list_known(query) == archive.find(archive.load_question(query).ask(500))
    assert len(archive.list_known(before)) == 1


POSITION, HEAD = table(SearchPosition), table(ChangeHead)


def change_rows(archive: MatchedArchive, *statements: Executable) -> None:
    with archive.db.hold_write_lock(), archive.db.engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def list_rows(archive: MatchedArchive) -> list[tuple[object, ...]]:
    statement = select(matches.MATCH).order_by(matches.MATCH.c.query_id, matches.MATCH.c.article_id)
    with archive.db.snapshot() as snapshot:
        return [tuple(row) for row in snapshot.connection.execute(statement)]


def test_copy_of_an_archive_goes_on_with_what_is_known(archive: MatchedArchive) -> None:
    query = archive.save(archive.ask("wheat", ArticleFilter()))
    archive.write(story(archive.db, 1, title="Wheat deal"))
    archive.follow()
    before = list_rows(archive)
    assert before
    change_rows(archive, update(HEAD).values(epoch=secrets.randbits(62)))
    archive.follow()
    assert list_rows(archive) == before
    archive.write(story(archive.db, 2, title="Wheat again"))
    archive.follow()
    assert len(archive.list_known(query)) == 2


def test_matches_of_another_log_are_found_anew(archive: MatchedArchive) -> None:
    """What is known as of a row that this log does not have is of another archive's articles."""
    saved = [archive.save(archive.ask(word, ArticleFilter())) for word in ("wheat", "deal")]
    ids = archive.write(story(archive.db, 1, title="Wheat deal"), story(archive.db, 2, title="Harbour deal"))
    archive.follow()
    wrong = {"query_id": saved[0], "article_id": ids[1], "seq": 1, "matched": True}
    change_rows(
        archive,
        delete(matches.MATCH).where(matches.MATCH.c.query_id == saved[1]),
        insert(matches.MATCH).values(wrong),
        update(POSITION).values(seq=2, mark=1, public_seq=2, public_mark=1),
        update(HEAD).values(epoch=secrets.randbits(62)),
    )
    archive.follow()
    for query in saved:
        assert archive.list_known(query) == archive.find(archive.load_question(query).ask(500))
    assert [len(archive.list_known(query)) for query in saved] == [1, 2]
    with archive.db.snapshot() as snapshot:
        position, head = matches.read_position(snapshot.connection), log.head(snapshot)
    assert (position.epoch, position.public_position) == (head.epoch, head.public_position)


@pytest.mark.slow
@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_ten_thousand_searches_of_one_letter_are_26_questions(archive: MatchedArchive) -> None:
    """Time and rows are those of the questions, however many ask them."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    archive.write(story(archive.db, 1, title=" ".join(letters)))
    archive.follow()
    asked = {letter: archive.define(archive.ask(letter, ArticleFilter())) for letter in letters}

    def save_all(session: Session) -> None:
        for number in range(10_000):
            definition, index_matches = asked[letters[number % 26]]
            new = searches.NewSearch(f"desk {number // 1000}", f"s{number}", None, False, definition, index_matches)
            searches.create(session, new, searches.SearchLimits(1_000, 10_000))

    archive.db.write_now(save_all)
    with archive.db.snapshot() as snapshot:
        assert matches.count_questions(snapshot.connection) == 26
    assert len(list_rows(archive)) == 26
    archive.write(*(story(archive.db, 100 + i, title=" ".join(letters)) for i in range(20)))
    began = time.process_time()
    archive.follow()
    # Of 10,000 questions by themselves it would be half a minute.
    assert time.process_time() - began < 10
    assert len(archive.percolator.registry) == 26
    assert len(list_rows(archive)) == 26 * 21
