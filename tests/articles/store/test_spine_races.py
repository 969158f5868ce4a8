"""Two transactions at once on one article: the later one goes by what the earlier one has left."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from conftest import ENGINES
from sqlalchemy import select
from sqlmodel import Session
from support.stories import DAY, NOW, story

from app.articles import service
from app.articles.manuscript import Manuscript
from app.articles.store.related import related_links
from app.db.database import Database
from app.models import Article, Change, RelatedPost, table

ON = ENGINES

A, CHANGE, RELATED = table(Article), table(Change), table(RelatedPost)
on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def save(session: Session, *manuscripts: Manuscript, now: int = NOW) -> list[int]:
    return [one.id for one in service.upsert(session, manuscripts, now=now, site_url="")]


def run_overlapping(
    db: Database, first: Callable[[Session], object], second: Callable[[Session], object], wait: float = 0.3
) -> None:
    """The second one begins while the first one is done but not committed."""
    done, go = threading.Event(), threading.Event()

    def hold_first(session: Session) -> None:
        first(session)
        done.set()
        go.wait(10)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(db.write_now, hold_first)
        assert done.wait(10)
        two = pool.submit(db.write_now, second)
        threading.Event().wait(wait)
        go.set()
        one.result(20), two.result(20)


def row(db: Database, id: int) -> tuple[str, int]:
    with db.snapshot() as snapshot:
        statement = snapshot.connection.execute(select(A.c.status, A.c.version).where(A.c.id == id)).one()
    return statement[0], statement[1]


def events(db: Database, id: int) -> list[tuple[str, int]]:
    statement = select(CHANGE.c.event, CHANGE.c.version).where(CHANGE.c.entity_id == id, CHANGE.c.entity == "article")
    with db.snapshot() as snapshot:
        return [(one[0], one[1]) for one in snapshot.connection.execute(statement.order_by(CHANGE.c.seq))]


@on_postgres
def test_import_beside_a_withdrawal_does_not_publish_again(db: Database) -> None:
    [id] = db.write_now(save, story(db, 1)).value
    edited = story(db, 1, title="The same story, edited")
    run_overlapping(db, lambda s: service.withdraw(s, [id], now=NOW), lambda s: save(s, edited))
    assert row(db, id) == ("withdrawn", 2)  # what is withdrawn here is left alone
    assert [version for _, version in events(db, id)] == [1, 2]


@on_postgres
def test_withdrawal_beside_an_import_logs_what_the_import_left(db: Database) -> None:
    [id] = db.write_now(save, story(db, 1, tags=["old"])).value
    edited = story(db, 1, tags=["new"])
    run_overlapping(db, lambda s: save(s, edited), lambda s: service.withdraw(s, [id], now=NOW))
    statement = select(CHANGE.c.before, CHANGE.c.after).where(CHANGE.c.entity_id == id, CHANGE.c.entity == "article")
    with db.snapshot() as snapshot:
        rows = snapshot.connection.execute(statement.order_by(CHANGE.c.seq)).all()
    assert [later.before for later in rows[1:]] == [earlier.after for earlier in rows[:-1]]


@on_postgres
def test_article_goes_live_once_beside_an_import_of_it(db: Database) -> None:
    due = story(db, 1, published_at=NOW + DAY)
    [id] = db.write_now(save, due).value
    edited = story(db, 1, title="The same story, edited", published_at=NOW + DAY)
    run_overlapping(
        db,
        lambda s: service.go_live(s, now=NOW + DAY),
        lambda s: save(s, edited, now=NOW + DAY),
    )
    assert row(db, id) == ("published", 3)


@on_postgres
def test_many_at_once_with_one_title_get_slugs_of_their_own(db: Database) -> None:
    """Each may lose the race for a number once, not eight times."""
    same = [replace(story(db, number), title="All of the same title", slug=None) for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(lambda one: db.write_now(save, one).value[0], same))
    with db.snapshot() as snapshot:
        slugs = set(snapshot.connection.execute(select(A.c.slug).where(A.c.id.in_(ids))).scalars())
    assert len(slugs) == 60


@on_postgres
def test_saving_an_article_beside_its_target_waits_for_no_deadlock(db: Database) -> None:
    waiting = story(db, 1, related=["What everybody waits for"])
    [source] = db.write_now(save, waiting).value
    edited = replace(waiting, content_hash="another")
    target = story(db, 2, title="What everybody waits for")
    runs: list[str] = []
    ahead = threading.Event()

    def aim(session: Session) -> None:
        runs.append("target")
        related_links.lock_linking(session.connection())
        ahead.set()
        threading.Event().wait(0.3)
        save(session, target)

    def save_again(session: Session) -> None:
        runs.append("source")
        save(session, edited)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(db.write_now, aim)
        assert ahead.wait(10)
        two = pool.submit(db.write_now, save_again)
        one.result(20), two.result(20)
    assert runs == ["target", "source"]
    statement = select(RELATED.c.target_id).where(RELATED.c.article_id == source)
    with db.snapshot() as snapshot:
        assert snapshot.connection.execute(statement).scalar_one() is not None


def test_more_than_go_live_at_once_all_go_live(db: Database) -> None:
    due = [story(db, number, published_at=NOW + DAY + number % 2) for number in range(service.AT_ONCE + 3)]
    db.write_now(save, *due)
    first = db.write_now(service.go_live, now=NOW + 2 * DAY).value
    rest = db.write_now(service.go_live, now=NOW + 2 * DAY).value
    assert (len(first), len(rest)) == (service.AT_ONCE, 3)
    assert db.write_now(service.go_live, now=NOW + 2 * DAY).value == []
