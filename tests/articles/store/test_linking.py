"""Related posts find their targets in the transaction that publishes them, in whatever order the two arrive."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

import orjson
import pytest
from conftest import ENGINES, new_archive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from app.articles import editing, service
from app.articles.editing import ArticleEdit
from app.articles.filters import BITS
from app.articles.manuscript import Manuscript, RelatedEntry
from app.articles.service import Saved
from app.articles.store.related import related_links
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.db.database import Committed, Database
from app.models import Article, Change, RelatedPost, table
from app.settings import Settings

A, RELATED, CHANGE = table(Article), table(RelatedPost), table(Change)
SITE = "https://news.example"
NOW = 1_700_000_000


def entries_titled(*titles: str) -> tuple[RelatedEntry, ...]:
    return tuple(RelatedEntry(title=title) for title in titles)


def at(url: str) -> tuple[RelatedEntry, ...]:
    return (RelatedEntry(url=url),)


@dataclass
class LinkingDesk:
    """Saves articles as an editor would, told apart by `id`, and says what is linked."""

    db: Database
    start: int
    now: int = NOW
    written: list[Committed[list[Saved]]] = field(default_factory=list)

    def manuscript(self, id: str, title: str, related: Sequence[RelatedEntry] = (), **more: object) -> Manuscript:
        plain = Manuscript("desk", f"id:{id}", id, title, "<p>Text.</p>", 1, "en", related=tuple(related))
        changed: Manuscript = replace(plain, content_hash=f"{title} {related} {more}", **more)  # type: ignore[arg-type]
        return changed

    def save(self, id: str, title: str, related: Sequence[RelatedEntry] = (), **more: object) -> int:
        return self.batch(self.manuscript(id, title, related, **more))[0]

    def batch(self, *manuscripts: Manuscript) -> list[int]:
        self.now += 60
        self.written.append(self.db.write_now(service.upsert, list(manuscripts), now=self.now, site_url=SITE))
        return [one.id for one in self.written[-1].value]

    def edit(self, id: int, **changes: object) -> None:
        """As an editor does."""

        def edit(session: Session) -> None:
            current = editing.lock_article(session, id)
            assert current is not None
            editing.edit(session, current, ArticleEdit(changes), SaveContext(self.now, "ann", SITE))

        self.now += 60
        self.db.write_now(edit)

    def targets(self, article: int) -> list[int | None]:
        """What an article's entries are linked to, in their order."""
        public = A.alias()
        statement = (
            select(public.c.id)
            .select_from(RELATED)
            .outerjoin(public, (public.c.id == RELATED.c.target_id) & (public.c.status == "published"))
            .where(RELATED.c.article_id == article)
            .order_by(RELATED.c.position)
        )
        with self.db.snapshot() as snapshot:
            return list(snapshot.connection.execute(statement).scalars())

    def list_unresolved(self, article: int) -> list[bool]:
        """Whether it had an unresolved entry, after each of its changes."""
        statement = select(CHANGE.c.after).where(CHANGE.c.entity_id == article, CHANGE.c.entity == "article")
        with self.db.snapshot() as snapshot:
            rows = snapshot.connection.execute(statement.order_by(CHANGE.c.seq)).scalars()
            return [bool(orjson.loads(row)["has"] & BITS["unresolved"]) for row in rows]

    def read_version(self, article: int) -> tuple[int, int]:
        """Version and time of change."""
        with self.db.snapshot() as snapshot:
            row = snapshot.connection.execute(select(A.c.version, A.c.updated_at).where(A.c.id == article)).one()
            return row[0], row[1]

    def list_log(self, after: int = 0) -> list[tuple[int, str, bool]]:
        """(article, event, public) of the rows behind a place, or of this test."""
        columns = (CHANGE.c.entity_id, CHANGE.c.event, CHANGE.c.public)
        statement = (
            select(*columns)
            .where(CHANGE.c.seq > (after or self.start), CHANGE.c.entity == "article")
            .order_by(CHANGE.c.seq)
        )
        with self.db.snapshot() as snapshot:
            return [(row[0], row[1], row[2]) for row in snapshot.connection.execute(statement)]


@pytest.fixture(scope="module", params=ENGINES)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all of these tests: PostgreSQL takes longer to make a database than they take."""
    with new_archive(request, request.param, tmp_path_factory.mktemp("linking")) as url:
        database = Database(Settings(database_url=url), log.append)
        try:
            yield database
        finally:
            database.close_now()


@pytest.fixture
def desk(archive: Database) -> LinkingDesk:
    def clear(session: Session) -> None:
        session.connection().execute(A.delete())

    return LinkingDesk(archive, archive.write_now(clear).head.seq)


def test_publishing_a_title_that_is_waited_for_links_it_in_the_same_transaction(desk: LinkingDesk) -> None:
    source = desk.save(
        "s", "A source", entries_titled("First of the three", "Second of the three", "Third of the three")
    )
    before, seq = desk.read_version(source), desk.written[-1].head.seq
    target = desk.save("t", "SECOND of – the “three”")
    assert desk.targets(source) == [None, target, None]
    assert desk.list_log(seq) == [(target, "published", True), (source, "linked", True)]
    assert desk.written[-1].head.seq == seq + 2
    assert desk.read_version(source) == before


def test_linked_row_says_what_was_waiting(desk: LinkingDesk) -> None:
    desk.save("s", "A source", entries_titled("One waits for another"))
    desk.save("t", "One waits for another")
    columns = (CHANGE.c.changed_fields, CHANGE.c.before, CHANGE.c.after)
    statement = select(*columns).where(CHANGE.c.event == "linked", CHANGE.c.seq > desk.start)
    with desk.db.snapshot() as snapshot:
        fields, before, after = snapshot.connection.execute(statement).one()
    assert fields == '["related"]'
    assert before != after


def test_linked_row_of_a_draft_is_not_public(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", entries_titled("One waits for another"), status="draft")
    seq = desk.written[-1].head
    target = desk.save("t", "One waits for another")
    assert desk.list_log(seq.seq) == [(target, "published", True), (source, "linked", False)]


def test_title_of_two_words_says_too_little_to_link(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", entries_titled("Two words"))
    desk.save("t", "Two words")
    later = desk.save("u", "Another source", entries_titled("Two words"))
    assert desk.targets(source) == desk.targets(later) == [None]


def test_title_that_two_published_articles_have_does_not_link(desk: LinkingDesk) -> None:
    early = desk.save("s", "A source", entries_titled("The same old title"))
    desk.batch(desk.manuscript("t", "The same old title"), desk.manuscript("u", "The same old title"))
    late = desk.save("v", "Another source", entries_titled("The same old title"))
    assert desk.targets(early) == desk.targets(late) == [None]


def test_draft_of_the_same_title_does_not_make_it_ambiguous(desk: LinkingDesk) -> None:
    target = desk.save("t", "The same old title")
    desk.save("u", "The same old title", status="draft")
    assert desk.targets(desk.save("s", "A source", entries_titled("The same old title"))) == [target]


@pytest.mark.parametrize("url", ["https://elsewhere.example/a/b", "http://www.elsewhere.example/a/b/?utm_source=x#top"])
@pytest.mark.parametrize("old", [False, True])
def test_address_links_however_it_is_spelt(desk: LinkingDesk, url: str, old: bool) -> None:
    known = "https://elsewhere.example/a/b"
    early = desk.save("s", "A source", at(url))
    urls: dict[str, object] = {"previous_urls": (known,)} if old else {"source_url": known}
    target = desk.save("t", "Short", (), **urls)
    assert desk.targets(early) == desk.targets(desk.save("u", "Other", at(url))) == [target]


@pytest.mark.parametrize("url", [f"{SITE}/a/on-the-river", "/a/on-the-river", f"{SITE}/on-the-river.html"])
@pytest.mark.parametrize("old", [False, True])
def test_slug_in_an_address_of_this_site_links(desk: LinkingDesk, url: str, old: bool) -> None:
    early = desk.save("s", "A source", at(url))
    slugs: dict[str, object] = {"previous_slugs": ("on-the-river",)} if old else {"slug": "on-the-river"}
    target = desk.save("t", "River", (), **slugs)
    assert desk.targets(early) == desk.targets(desk.save("u", "Other", at(url))) == [target]


def test_slug_in_an_address_of_another_site_says_nothing(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", at("https://elsewhere.example/articles/on-the-river"))
    desk.save("t", "River", slug="on-the-river")
    assert desk.targets(source) == [None]


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_unpublished_article_links_once_it_is_published(desk: LinkingDesk, status: str) -> None:
    early = desk.save("s", "A source", entries_titled("Not for all eyes"))
    target = desk.save("t", "Not for all eyes", status=status)
    late = desk.save("u", "Another source", entries_titled("Not for all eyes"))
    assert desk.targets(early) == desk.targets(late) == [None]
    seq = desk.written[-1].head.seq
    desk.edit(target, status="published")
    assert desk.targets(early) == desk.targets(late) == [target]
    assert desk.list_log(seq) == [(target, "published", True), (early, "linked", True), (late, "linked", True)]


def test_scheduled_article_links_when_it_goes_live(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", entries_titled("Not before the time"))
    target = desk.save("t", "Not before the time", status="scheduled", published_at=NOW + 10_000)
    assert desk.targets(source) == [None]
    seq = desk.written[-1].head.seq
    assert desk.db.write_now(service.go_live, now=NOW + 10_000).value == [target]
    assert desk.targets(source) == [target]
    assert desk.list_log(seq) == [(target, "published", True), (source, "linked", True)]


def test_title_that_changes_into_the_one_waited_for_links(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", entries_titled("The title it gets"))
    target = desk.save("t", "The title it had")
    assert desk.targets(source) == [None]
    desk.save("t", "The title it gets")
    assert desk.targets(source) == [target]


def test_article_never_links_to_itself(desk: LinkingDesk) -> None:
    itself = (*entries_titled("All about this article"), *at("/x/own-slug"))
    own = desk.save("s", "All about this article", itself, slug="own-slug")
    assert desk.targets(own) == [None, None]
    assert [event for _, event, _ in desk.list_log()] == ["published"]


def test_two_that_name_each_other_link_both_ways_in_one_batch(desk: LinkingDesk) -> None:
    one, two = desk.batch(
        desk.manuscript("a", "The first of two", entries_titled("The second of two")),
        desk.manuscript("b", "The second of two", entries_titled("The first of two")),
    )
    assert (desk.targets(one), desk.targets(two)) == ([two], [one])
    assert [event for _, event, _ in desk.list_log()] == ["published", "published"]


def test_entry_that_an_editor_unlinked_stays_so_through_imports(desk: LinkingDesk) -> None:
    never, other = entries_titled("Never link this one")[0], entries_titled("Some other story here")[0]
    source = desk.save("s", "A source", (never, replace(never, unlinked=True, url="/never")))
    target = desk.save("t", "Never link this one", slug="never")
    desk.save("s", "A source", (other, replace(never, url="/never"), never))
    assert desk.targets(source) == [None, None, target]
    desk.save("s", "A source", (replace(never, url="/never", unlinked=False),))
    assert desk.targets(source) == [target]


def test_withdrawn_target_unlinks_and_links_again_when_it_returns(desk: LinkingDesk) -> None:
    source = desk.save("s", "A source", entries_titled("Here and gone again"))
    target = desk.save("t", "Here and gone again")
    before, seq = desk.read_version(source), desk.written[-1].head.seq
    desk.db.write_now(service.withdraw, [target], now=NOW)
    assert desk.targets(source) == [None]
    assert desk.list_log(seq) == [(target, "withdrawn", True), (source, "linked", True)]
    desk.save("u", "Here and gone again")
    assert desk.targets(source) == [None]
    desk.edit(target, title="Called something else since", status="published")
    assert desk.targets(source) == [target]
    assert desk.read_version(source) == before
    assert desk.list_log(seq)[3:] == [(target, "published", True), (source, "linked", True)]
    assert desk.list_unresolved(source) == [True, False, True, False]


def test_target_that_an_import_withdraws_unlinks(desk: LinkingDesk) -> None:
    target = desk.save("t", "Here and gone again")
    source = desk.save("s", "A source", entries_titled("Here and gone again"))
    seq = desk.written[-1].head.seq
    desk.save("t", "Here and gone again", status="withdrawn")
    assert desk.targets(source) == [None]
    assert desk.list_log(seq) == [(target, "withdrawn", True), (source, "linked", True)]


def test_withdrawn_batch_of_source_and_target_logs_each_once(desk: LinkingDesk) -> None:
    one, two = desk.batch(
        desk.manuscript("a", "The first of two", entries_titled("The second of two")),
        desk.manuscript("b", "The second of two", entries_titled("The first of two")),
    )
    seq = desk.written[-1].head.seq
    desk.db.write_now(service.withdraw, [one, two], now=NOW)
    assert desk.list_log(seq) == [(one, "withdrawn", True), (two, "withdrawn", True)]


def test_entry_for_a_draft_tells_nobody_of_it(desk: LinkingDesk) -> None:
    draft = desk.save("t", "Nobody knows of this", status="draft")
    values = RelatedEntry("The editors' own words", None, draft)
    source = desk.save("s", "A source", (values, RelatedEntry(target=draft)))
    seq = desk.written[-1].head.seq
    desk.save("t", "Nobody knows of this", status="scheduled", published_at=NOW + 10_000)
    assert desk.list_log(seq) == [(draft, "updated", False)]
    assert desk.list_unresolved(source) == [False]
    desk.db.write_now(service.go_live, now=NOW + 10_000)
    assert desk.targets(source) == [draft, draft]
    assert desk.list_unresolved(source) == [False, False]


def test_entries_for_an_article_that_goes_for_good_wait_by_their_own_words(desk: LinkingDesk) -> None:
    target = desk.save("t", "Two of the same title")
    values = (
        *entries_titled("Two of the same title"),
        RelatedEntry("Words of the editors", None, target),
        RelatedEntry(target=target),
    )
    source = desk.save("s", "A source", values)
    other, worded = desk.save("u", "Two of the same title"), desk.save("v", "Words of the editors")

    def purge(session: Session) -> None:
        connection = session.connection()
        related_links.release_targets(connection, [target])
        connection.execute(A.delete().where(A.c.id == target))
        related_links.link(connection, [source], [])

    desk.db.write_now(purge)
    assert desk.targets(source) == [other, worded]


def test_draft_that_goes_for_good_takes_its_entries_along(desk: LinkingDesk) -> None:
    draft = desk.save("t", "Nobody knows of this", status="draft")
    source = desk.save(
        "s", "A source", (RelatedEntry("Words about it", None, draft), *entries_titled("Another story there"))
    )
    desk.db.write_now(lambda session: related_links.release_targets(session.connection(), [draft]))
    assert desk.targets(source) == [None]


NUMBER, RUNS = 5, count()
edges = st.lists(st.tuples(st.integers(0, NUMBER - 1), st.integers(0, NUMBER - 1)), max_size=8, unique=True)
cuts = st.sets(st.integers(1, NUMBER - 1))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=edges, order=st.permutations(range(NUMBER)), cuts=cuts)
def test_order_and_batches_of_arrival_make_no_difference(
    desk: LinkingDesk, edges: list[tuple[int, int]], order: list[int], cuts: set[int]
) -> None:
    example = next(RUNS)  # counted, not drawn: a title that another example had is not unique
    names = {i: f"Article number {i} of {example}" for i in range(NUMBER)}
    named = {i: [target for source, target in edges if source == i] for i in range(NUMBER)}
    ready = {
        i: desk.manuscript(names[i], names[i], entries_titled(*(names[t] for t in named[i]))) for i in range(NUMBER)
    }
    ids: dict[int, int] = {}
    bounds = [0, *sorted(cuts), NUMBER]
    for start, end in pairwise(bounds):
        part = order[start:end]
        ids |= zip(part, desk.batch(*(ready[i] for i in part)), strict=True)
    for i in range(NUMBER):
        assert desk.targets(ids[i]) == [ids[t] if t != i else None for t in named[i]]


@pytest.mark.parametrize("archive", ["postgresql"], indirect=True)
def test_source_and_target_saved_at_the_same_moment_always_link(desk: LinkingDesk) -> None:
    db, meet = desk.db, threading.Barrier(2)

    def save(session: Session, one: Manuscript) -> int:
        saved = service.upsert(session, [one], now=NOW, site_url=SITE)
        time.sleep(0.002)  # so that the two overlap in every round
        return saved[0].id

    def at_once(one: Manuscript) -> int:
        meet.wait(5)
        return db.write_now(save, one).value

    with ThreadPoolExecutor(2) as pool:
        for i in range(25):
            title = f"The target of round {i}"
            pair = desk.manuscript(f"t{i}", title), desk.manuscript(f"s{i}", f"Source {i}", entries_titled(title))
            target, source = pool.map(at_once, pair)
            assert desk.targets(source) == [target], f"round {i}"
    with db.snapshot() as snapshot:
        log.read(snapshot, 0, 100_000)
