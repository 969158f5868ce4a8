"""Bulk edits: one change of many articles, as a job in chunks.

First it is written down which articles are meant, then they are edited, each once, in the transaction that notes it: a
process that dies in between is followed by one that goes on exactly there. Plain functions, session first; never
commit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session

from app.articles import editing
from app.articles.bulk import records
from app.articles.filters import ArticleFilter
from app.articles.manuscript import Manuscript
from app.articles.reading import filter_sql
from app.articles.store import saving, stored_article
from app.articles.store.row_columns import SaveContext
from app.articles.store.stored_article import StoredArticle
from app.changes import jobs
from app.db.database import Snapshot
from app.db.sql import AnyOf, AnySelect, Prepared, lock_vocabulary, make_insert, prepare, read_clock, read_integer
from app.enrich.suggestion import DATELINE
from app.errors import DatelineError
from app.models import Article, ArticleSlug, TextKey, table
from app.tags import service as tags

A, KEY, SLUG = table(Article), table(TextKey), table(ArticleSlug)
MOVED_ON = "its state has changed since it was chosen"
SELECTED_AT_ONCE = 5_000
"""Articles that one transaction writes down: some 20 ms."""


Names = Sequence[int] | Sequence[str]
"""Ids, or slugs or external ids."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of each article. Tags as (name, kind, slug), regions as (id, roles), what is removed by id;
    `section` replaces the sections, an empty one clears them. None and empty leave things as they are."""

    add_tags: tuple[tuple[str, str, str | None], ...] = ()
    remove_tags: tuple[int, ...] = ()
    add_regions: tuple[tuple[int, int], ...] = ()
    remove_regions: tuple[int, ...] = ()
    section: tuple[tuple[str, str, str | None], ...] | None = None
    status: str | None = None
    language: str | None = None


def begin(
    session: Session,
    article_filter: ArticleFilter,
    changes: Changes,
    options: jobs.Json,
    by: str | None,
    site: str,
    missing: Sequence[int | str] = (),
) -> int:
    """The number of the record and its job. `options` is what was asked for, for people, and `missing` those that were
    named and are not there; `by` who saves the versions. Articles that come later than this are not meant."""
    last = session.connection().execute(select(func.max(A.c.id))).scalar() or 0
    arguments = {
        **options, "_filter": asdict(article_filter), "_changes": asdict(changes), "_last": last, "_by": by,
        "_site": site, "_missing": list(missing),
    }  # fmt: skip
    job = jobs.add(session, records.BULK, arguments, 0, by)
    records.attach(session, job, "bulk edit")
    return job


def advance(session: Session, task: jobs.Task) -> jobs.Step:
    """As `jobs.Work`."""
    return _edit(session, task) if task.progress.get("selected") else _select(session, task)


def _select(session: Session, task: jobs.Task) -> jobs.Step:
    """Writes down the next articles that are meant."""
    after, connection = read_integer(task.progress.get("after", 0)), session.connection()
    ids = find(Snapshot(connection), read_filter(task), after, read_integer(task.arguments["_last"]), SELECTED_AT_ONCE)
    rows = [{"job_id": task.id, "article_id": id, "action": "selected"} for id in ids]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, records.ARTICLE, rows))
    total = read_integer(task.progress.get("total", 0)) + len(ids)
    is_all = len(ids) < SELECTED_AT_ONCE
    progress = {**task.progress, "after": 0 if is_all else ids[-1], "total": total, "selected": is_all}
    return jobs.Step(progress, finished=is_all and total == 0)


def read_filter(task: jobs.Task) -> ArticleFilter:
    """The filter that the job was begun with."""
    values = task.arguments["_filter"]
    assert isinstance(values, dict)
    return ArticleFilter(**{name: _freeze(values[name]) for name in (field.name for field in fields(ArticleFilter))})


def read_changes(task: jobs.Task) -> Changes:
    """The changes that the job was begun with."""
    values = task.arguments["_changes"]
    assert isinstance(values, dict)
    return Changes(**{name: _freeze(value) for name, value in values.items()})


def _freeze(value: Any) -> Any:
    # JSON has lists where these dataclasses have tuples, which are compared and hashed.
    return tuple(_freeze(one) for one in value) if isinstance(value, list) else value


def find(snapshot: Snapshot, article_filter: ArticleFilter, after: int, last: int, limit: int) -> list[int]:
    """The next articles that a filter means, in the order of their ids, up to `last`."""
    statement = _statement(snapshot.connection.dialect.name, filter_sql.make_key(article_filter), counts=False)
    values = {**filter_sql.values(article_filter), "after_id": after, "last_id": last, "limit": limit}
    return [read_integer(row[0]) for row in snapshot.fetch(statement, values)]


def count(snapshot: Snapshot, article_filter: ArticleFilter) -> int:
    """How many articles a filter means."""
    statement = _statement(snapshot.connection.dialect.name, filter_sql.make_key(article_filter), counts=True)
    return read_integer(snapshot.fetch(statement, filter_sql.values(article_filter))[0][0])


def find_missing(snapshot: Snapshot, article_filter: ArticleFilter, column: str, names: Names) -> list[int | str]:
    """Those of the `names` that no article has which the filter means, in their order. `column`: id, slug or
    external_id; by an old slug an article is named too."""
    key = filter_sql.make_key(article_filter)
    statement = _names_statement(snapshot.connection.dialect.name, key, column)
    texts, numbers = [one for one in names if isinstance(one, str)], [one for one in names if isinstance(one, int)]
    values = {**filter_sql.values(article_filter), "names": texts or numbers}
    matching_names = {row[0] for row in snapshot.fetch(statement, values)}
    return [name for name in names if name not in matching_names]


@lru_cache(maxsize=64)
def _names_statement(dialect: str, key: filter_sql.StatementKey[ArticleFilter], column: str) -> Prepared:
    article_filter = key.example
    named = SLUG.c.slug if column == "slug" else A.c[column]
    statement: AnySelect = select(named).select_from(A).where(*filter_sql.conditions(article_filter))
    if column == "slug":
        statement = statement.join(SLUG, SLUG.c.article_id == A.c.id)
    return prepare(statement.where(AnyOf(named, "names")), dialect, [*filter_sql.lists(article_filter), "names"])


@lru_cache(maxsize=64)
def _statement(dialect: str, key: filter_sql.StatementKey[ArticleFilter], *, counts: bool) -> Prepared:
    article_filter = key.example
    statement: AnySelect = (
        select(func.count() if counts else A.c.id).select_from(A).where(*filter_sql.conditions(article_filter))
    )
    if not counts:
        after, last = (bindparam(name, type_=A.c.id.type) for name in ("after_id", "last_id"))
        statement = statement.where(A.c.id > after, A.c.id <= last).order_by(A.c.id).limit(bindparam("limit"))
    return prepare(statement, dialect, filter_sql.lists(article_filter))


def _edit(session: Session, task: jobs.Task) -> jobs.Step:
    """Edits the next articles that were written down."""
    after, connection = read_integer(task.progress.get("after", 0)), session.connection()
    mine = (records.ARTICLE.c.job_id == task.id) & (records.ARTICLE.c.article_id > after)
    statement = (
        select(records.ARTICLE.c.article_id).where(mine).order_by(records.ARTICLE.c.article_id).limit(jobs.CHUNK)
    )
    ids = list(connection.execute(statement).scalars())
    outcomes = _change(session, task, ids)
    _note(session, task.id, outcomes)
    counts = Counter(action for action, *_ in outcomes.values())
    progress = {**task.progress, "after": ids[-1] if ids else after}
    for name in ("updated", "unchanged", "failed"):
        progress[name] = read_integer(progress.get(name, 0)) + counts[name]
    progress["done"] = progress["read"] = read_integer(progress.get("done", 0)) + len(ids)
    return jobs.Step(progress, len(ids) < jobs.CHUNK)


Outcome = tuple[str, int | None, int | None, str | None]
"""Action, version before, version, and what to say of it."""


def _note(session: Session, job: int, outcomes: Mapping[int, Outcome]) -> None:
    rows = [
        {"of": id, "what": action, "old": before, "new": version, "why": note}
        for id, (action, before, version, note) in outcomes.items()
    ]
    mine = (records.ARTICLE.c.job_id == job) & (records.ARTICLE.c.article_id == bindparam("of"))
    if rows:
        noted = (
            update(records.ARTICLE)
            .where(mine)
            .values(
                action=bindparam("what"),
                version_before=bindparam("old"),
                version=bindparam("new"),
                note=bindparam("why"),
            )
        )
        session.connection().execute(noted, rows)
    records.note_tags(session, job)


def _change(session: Session, task: jobs.Task, ids: Sequence[int]) -> dict[int, Outcome]:
    """Saves what changes in one set, and says of each article what became of it."""
    connection = session.connection()
    # All rows first, in the order of their ids: two edits of the same articles wait for each other, without a deadlock.
    held = select(A.c.id).where(A.c.id.in_(ids)).order_by(A.c.id).with_for_update(key_share=True)
    connection.execute(held).all()
    current = stored_article.load(connection, ids)
    by = task.arguments["_by"]
    assert isinstance(by, str | None)
    how = SaveContext(read_clock(connection), by, str(task.arguments.get("_site") or ""))
    changes = _Resolved.of(session, read_changes(task), current.values())
    before = dict(zip(current, stored_article.make_manuscripts(connection, list(current.values())), strict=True))
    outcomes: dict[int, Outcome] = dict.fromkeys(ids, ("failed", None, None, "it is not there any more"))
    written: dict[int, Manuscript] = {}
    edit = editing.ArticleEdit({"status": changes.changes.status} if changes.changes.status else {})
    statuses = read_filter(task).statuses
    for id, was in before.items():
        after = changes.apply(was, current[id])
        existing = current[id].existing_row
        if existing.status not in statuses:
            # Whoever asked for it may not edit it any more, nor learn what has become of it.
            outcomes[id] = ("failed", None, None, MOVED_ON)
            continue
        try:
            editing.check_transition(existing, edit)
            editing.check(was, after, edit, existing, how.now)
        except DatelineError as error:
            outcomes[id] = ("failed", None, None, error.detail)
            continue
        if after == was:
            outcomes[id] = ("unchanged", existing.version, existing.version, None)
        else:
            written[id] = after
            outcomes[id] = ("updated", existing.version, existing.version + 1, None)
    _save(session, written, current, how)
    return outcomes


def _save(
    session: Session, written: Mapping[int, Manuscript], current: Mapping[int, StoredArticle], how: SaveContext
) -> None:
    connection = session.connection()
    keys: dict[int, list[int]] = {id: [] for id in written}
    for id, value in connection.execute(select(KEY.c.article_id, KEY.c.value).where(KEY.c.article_id.in_(keys))):
        keys[id].append(value)
    # The text stays, and so do its keys: making them anew is most of what saving an article costs.
    manuscripts = [replace(one, slug=None, related=None, text_keys=tuple(keys[id])) for id, one in written.items()]
    old = [current[id].existing_row for id in written]
    saving.save(session, saving.Batch(manuscripts, old, strict=True), how)


@dataclass(frozen=True, slots=True)
class _Resolved:
    """Changes with the ids of their tags, which are made where they are new."""

    changes: Changes
    added: tuple[int, ...]
    section: tuple[int, ...]
    names: Mapping[int, tags.TagSpec]

    @staticmethod
    def of(session: Session, changes: Changes, articles: Iterable[StoredArticle]) -> "_Resolved":
        add = [tags.TagSpec(*one) for one in changes.add_tags]
        section = [tags.TagSpec(*one) for one in changes.section or ()]
        lock_vocabulary(session.connection())
        ids = tags.find(session, [*add, *section])
        ids |= tags.create_missing(session, [*add, *section], ids)
        added, sections = tuple(ids[one] for one in add), tuple(ids[one] for one in section)
        every = sorted({id for article in articles for id in article.tags} | {*added, *sections})
        return _Resolved(changes, added, sections, stored_article.load_tags(session.connection(), every))

    def apply(self, was: Manuscript, article: StoredArticle) -> Manuscript:
        """The article as it shall be; equal to what it was where nothing changes."""
        made: dict[str, Any] = {}
        terms = self._tags(article)
        if terms != article.tags:
            made["tags"] = tuple(dict.fromkeys(self.names[id] for id in terms if id in self.names))
        regions = self._regions(was)
        if regions is not None:
            made["regions"] = regions
        for name in ("status", "language"):
            if getattr(self.changes, name) is not None:
                made[name] = getattr(self.changes, name)
        after = editing.revise(was, made)
        return was if _is_same(was, after) else after

    def _tags(self, article: StoredArticle) -> tuple[int, ...]:
        """Ids in their new order; a section comes first, as an article's section is the first of them."""
        gone = set(self.changes.remove_tags) - {*self.added, *self.section}
        kept = [id for id in article.tags if id not in gone]
        if self.changes.section is not None:
            others = [id for id in kept if not self._is_section(id)]
            same = [id for id in kept if self._is_section(id)] == list(self.section)
            kept = kept if same else [*self.section, *others]
        return tuple(dict.fromkeys([*kept, *self.added]))

    def _is_section(self, id: int) -> bool:
        return id in self.names and self.names[id].kind == "section"

    def _regions(self, was: Manuscript) -> tuple[tuple[int, int], ...] | None:
        """A dateline's region stays in that role, which follows from the dateline. None where nothing is asked for."""
        if not self.changes.add_regions and not self.changes.remove_regions:
            return None
        gone = set(self.changes.remove_regions)
        rows = {region: roles & DATELINE if region in gone else roles for region, roles in was.regions}
        for region, roles in self.changes.add_regions:
            rows[region] = rows.get(region, 0) | roles
        return tuple((region, roles) for region, roles in rows.items() if roles)


def _is_same(was: Manuscript, after: Manuscript) -> bool:
    lists = all(tuple(getattr(was, name)) == tuple(getattr(after, name)) for name in ("tags", "regions"))
    return lists and (was.status, was.language) == (after.status, after.language)
