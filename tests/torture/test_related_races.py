"""Many writers save, schedule, publish and withdraw articles that name each other. At the end every entry is linked as
a fresh computation has it, and the log tells each article's story without a gap between after and before."""

import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import orjson
import pytest
from conftest import ENGINES
from sqlalchemy import select
from sqlmodel import Session

from app.articles import editing, service, states
from app.articles.editing import ArticleEdit
from app.articles.manuscript import Manuscript, RelatedEntry
from app.articles.store import log_facts
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.db.database import Database
from app.models import Article, Change, RelatedPost, table

ON = ENGINES

pytestmark = pytest.mark.torture

A, CHANGE, RELATED = table(Article), table(Change), table(RelatedPost)
ARTICLES, WRITERS = 12, 6
STEPS = int(os.environ.get("TORTURE_STEPS", "250"))
Step = Callable[[Session], object]
NOW = 1_700_000_000


def title(number: int) -> str:
    return f"Article number {number} of many"


class RacingWriter:
    """Does one thing after another, by its own dice, beside the others."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db, self.dice, self.seed, self.saved = db, random.Random(seed), seed, count()
        self.done: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        for _ in range(STEPS):
            step = self.dice.choice(
                (*(self.save, self.withdraw, self.relate) * 4, *(self.save, self.go_live) * 2, self.purge)
            )
            self.db.write_now(step())
            self.done[step.__name__] += 1
        return self.done

    def save(self) -> Step:
        batch = [self.manuscript(number) for number in self.dice.sample(range(ARTICLES), self.dice.randint(1, 3))]
        return partial(service.upsert, manuscripts=batch, now=NOW, site_url="")

    def manuscript(self, number: int) -> Manuscript:
        status = self.dice.choice(("published", "published", "draft", "withdrawn", "scheduled"))
        return Manuscript(
            "race", f"id:{number}", str(number), title(number), "<p>Text.</p>", 1, "en",
            related=tuple(self.entries()),
            status=status,
            published_at=NOW + 10_000 if status == "scheduled" else NOW - 1,
            content_hash=f"{self.seed} {next(self.saved)}",
        )  # fmt: skip

    def entries(self) -> list[RelatedEntry]:
        named = self.dice.sample(range(ARTICLES), self.dice.randint(0, 4))
        return [RelatedEntry(title(one), unlinked=self.dice.choice((None, None, None, True, False))) for one in named]

    def list_known(self, most: int) -> list[int]:
        with self.db.snapshot() as snapshot:
            ids = list(snapshot.connection.execute(select(A.c.id)).scalars())
        return self.dice.sample(ids, min(most, len(ids)))

    def withdraw(self) -> Step:
        return partial(service.withdraw, ids=self.list_known(self.dice.randint(1, 4)), now=NOW)

    def go_live(self) -> Step:
        return partial(service.go_live, now=NOW + 20_000)

    def purge(self) -> Step:
        id = next(iter(self.list_known(1)), None)
        return self.save() if id is None else partial(_purge, id=id)

    def relate(self) -> Step:
        source = next(iter(self.list_known(1)), None)
        if source is None:
            return self.save()
        entries = [*self.entries(), *(RelatedEntry(target=id) for id in self.list_known(2))]
        return partial(_relate, id=source, entries=entries)


def _relate(session: Session, id: int, entries: list[RelatedEntry]) -> int:
    current = editing.lock_article(session, id)
    edit = ArticleEdit({"related": tuple(entries)})
    return editing.edit(session, current, edit, SaveContext(NOW, "race", "")).version if current else 0


def _purge(session: Session, id: int) -> int:
    return states.remove(session, id, now=NOW, by="race") if editing.lock_article(session, id) else 0


def test_every_entry_is_linked_as_a_fresh_computation_has_it(
    db: Database, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    sys.setswitchinterval(1e-4)
    request.addfinalizer(lambda: sys.setswitchinterval(5e-3))
    with ThreadPoolExecutor(WRITERS) as pool:
        done = sum(
            (one.result() for one in [pool.submit(RacingWriter(db, i).run) for i in range(WRITERS)]), Counter[str]()
        )
    entries = _check_links(db)
    rows = _check_log(db)
    with capsys.disabled():
        print(f"\n{db.dialect}: {dict(done)}; {entries} entries as they should be, {rows} rows of the log")  # noqa: T201


def _check_links(db: Database) -> int:
    """By title, of which each is one article's, and by what was given as an article."""
    with db.snapshot() as snapshot:
        articles = list(snapshot.connection.execute(select(A.c.id, A.c.title, A.c.status)))
        rows = list(snapshot.connection.execute(select(RELATED)))
    public = {one.id for one in articles if one.status == "published"}
    titled = {one.title: one.id for one in articles}
    for row in rows:
        meant = row.target_id if row.title is None else titled.get(row.title)
        expected = meant if meant in public and meant != row.article_id and not row.unlinked else None
        assert (row.target_id if row.target_id in public else None) == expected, row
    return len(rows)


def _check_log(db: Database) -> int:
    with db.snapshot() as snapshot:
        log.read(snapshot, 0, 10**6)
        columns = (CHANGE.c.seq, CHANGE.c.entity_id, CHANGE.c.before, CHANGE.c.after)
        rows = list(snapshot.connection.execute(select(*columns).where(CHANGE.c.entity == "article").order_by("seq")))
        ids = list(snapshot.connection.execute(select(A.c.id)).scalars())
        now = {id: log_facts.for_log(one) for id, one in log_facts.load(snapshot.connection, ids).items()}
    last: defaultdict[int, object] = defaultdict(lambda: None)
    for row in rows:
        if row.entity_id not in now:
            continue  # purged, and so is what the log knew of it
        assert (row.before and orjson.loads(row.before)) == last[row.entity_id], row.seq
        last[row.entity_id] = orjson.loads(row.after)
    assert last == {id: orjson.loads(orjson.dumps(one)) for id, one in now.items()}
    return len(rows)
