"""A reader of the archive as a key with an entitlement has it: for every statement that is run through it, articles
that the key may not see are not there.

A statement names tables; a common table expression of the same name in front of it stands for the table, in both
databases, and lets through what the key may see. So no statement needs to know of entitlements, and none can forget
them. Neither database stores such an expression: it becomes a part of the statement, and indexes serve as before.

An article that is hidden in this way is to the key like a draft that never was public, for which all reads are made.
What is withdrawn stays there, to be told as gone (410), where the key saw it before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, false, literal_column, not_, or_, select

from app.articles.filters import PLACED, TAGGED, A, ArticleFilter
from app.articles.reading import filter_sql
from app.articles.reading.filter_sql import StatementKey
from app.db.readers import Reader, Row
from app.db.sql import AnySelect, Prepared, Value, prepare
from app.models import Change, PurgedRef, table

CHANGE, PURGED = table(Change), table(PurgedRef)
ANY_STATE = ("draft", "published", "scheduled", "trashed", "withdrawn")
HOUR = 3_600
_PUBLIC: ColumnElement[str] = literal_column("'published'")
_BEGINS_PUBLIC: ColumnElement[str] = literal_column("""'{"status":"published",%'""")
_OF_VISIBLE: Mapping[str, ColumnElement[bool]] = {
    "sqlite": literal_column("EXISTS (SELECT 1 FROM article WHERE article.id = article_id)"),
    # With OFFSET PostgreSQL plans it by itself. Else it would make one join of all conditions of a filter and, for each
    # link that those look at, all conditions of the entitlement: gigabytes of memory, and minutes, to plan a statement.
    "postgresql": literal_column("EXISTS (SELECT 1 FROM article WHERE article.id = article_id OFFSET 0)"),
}
"""Of a link, by dialect. `article` is the expression that stands before this one, not the table."""
_IS_ARTICLE: ColumnElement[str] = literal_column("'article'")  # a value that is bound would hide the index


def is_entry(change: FromClause) -> ColumnElement[bool]:
    """Of a row of the log: that an article became public by it, whatever its event is called. Facts begin with the
    state."""
    was_public = change.c.before.like(_BEGINS_PUBLIC)
    return and_(change.c.after.like(_BEGINS_PUBLIC), or_(change.c.before.is_(None), not_(was_public)))


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a key may see: articles of `filter`, which asks for published ones; with `embargo_hours`, of them those that
    no row of the log behind `delayed_seq` has made public. Without the properties `left_out`. `tags` are references to
    those that the filter names."""

    filter: ArticleFilter
    left_out: frozenset[str] = frozenset()
    embargo_hours: int | None = None
    delayed_seq: int | None = None
    tags: tuple[str, ...] = ()


class EntitledReader:
    """A Reader of what is visible."""

    def __init__(self, reader: Reader, dialect: str, visible: Entitlement) -> None:
        self._reader, self._dialect = reader, dialect
        key = StatementKey((filter_sql.shape(visible.filter), visible.embargo_hours is not None), visible)
        self._key = key
        self._values = _rename_values(_bind(visible))

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        visible = _put_in_front(self._dialect, self._key, statement.sql)
        if visible is not None:
            lists = statement.lists | visible.lists
            constants = {**statement.constants, **visible.constants}
            # What the expressions read beside articles they read as of the same moment.
            statement = Prepared(f"{visible.sql} {statement.sql}", constants, lists, statement.tables)
            values = {**values, **self._values}
        # A filter may look at many articles before it finds one: not in the event loop.
        return await self._reader.rows(statement, values, bounded=bounded and visible is None)

    def version(self) -> int | None:
        return self._reader.version()

    async def close(self) -> None:
        """Whoever opened the reader closes it."""


def _bind(visible: Entitlement) -> dict[str, Value]:
    values = filter_sql.values(visible.filter)
    if visible.embargo_hours is not None:
        values |= {"delayed_seq": visible.delayed_seq, "embargo_seconds": visible.embargo_hours * HOUR}
    return values


def _rename_values(values: Mapping[str, Value]) -> dict[str, Value]:
    return {_rename(name): value for name, value in values.items()}


def _rename(name: str) -> str:
    return f"visible_{name}"


_TABLES = ("article", "article_tag", "article_region", "purged_ref")


@lru_cache(maxsize=512)
def _put_in_front(dialect: str, key: StatementKey[Entitlement], sql: str) -> Prepared | None:
    """The expressions that a statement needs before it, None for one that reads none of the tables."""
    named = [name for name in _TABLES if re.search(rf"\b{name}\b(?!\.)", sql)]
    if not named:
        return None
    if named[0] != "article" and named != ["purged_ref"]:
        named.insert(0, "article")  # links are those of articles that are there
    parts = [_expressions(dialect, key)[name] for name in named]
    return Prepared(
        "WITH " + ", ".join(part.sql for part in parts),
        {name: value for part in parts for name, value in part.constants.items()},
        frozenset(name for part in parts for name in part.lists),
        frozenset(name for part in parts for name in part.tables),
    )


@lru_cache(maxsize=256)
def _expressions(dialect: str, key: StatementKey[Entitlement]) -> dict[str, Prepared]:
    linked = {one.name: select(one).where(_OF_VISIBLE[dialect]) for one in (TAGGED, PLACED)}
    statements: dict[str, AnySelect] = {
        "article": select(A).where(*_conditions(key.example)),
        # Nothing is left of what was purged that could tell whether the key saw it.
        "purged_ref": select(PURGED).where(false()),
    }
    lists = filter_sql.lists(key.example.filter)
    return {
        name: _compile(statement, dialect, name, lists if name == "article" else ())
        for name, statement in {**statements, **linked}.items()
    }


def _conditions(visible: Entitlement) -> list[ColumnElement[bool]]:
    meant = filter_sql.looked_up(replace(visible.filter, statuses=ANY_STATE))
    public, gone = A.c.status == _PUBLIC, and_(A.c.status != _PUBLIC, A.c.public_once, A.c.withdrawn_at.is_not(None))
    if visible.embargo_hours is None:
        return [*meant, or_(public, gone)]
    entered = select(CHANGE.c.seq).where(CHANGE.c.entity == _IS_ARTICLE, CHANGE.c.entity_id == A.c.id, is_entry(CHANGE))
    behind = entered.where(CHANGE.c.seq > bindparam("delayed_seq", type_=CHANGE.c.seq.type))
    hours = bindparam("embargo_seconds", type_=CHANGE.c.at.type)
    late = entered.where(CHANGE.c.at > A.c.withdrawn_at - hours)
    is_out = not_(behind.correlate(A).exists())
    was_out = not_(late.correlate(A).exists())
    return [*meant, or_(and_(public, is_out), and_(gone, was_out))]


def _compile(statement: AnySelect, dialect: str, name: str, lists: Sequence[str]) -> Prepared:
    """An expression of the table's name. On SQLite the table itself is named with its schema in it, since the bare name
    would be the expression's own."""
    prepared = prepare(statement, dialect, lists, schema="main" if dialect == "sqlite" else None)
    sql = prepared.sql
    for one in _find_names(sql, dialect):
        sql = _rename_bound(sql, dialect, one)
    constants = _rename_values(prepared.constants)
    renamed = frozenset(map(_rename, prepared.lists))
    return Prepared(f"{name} AS NOT MATERIALIZED ({sql})", constants, renamed, prepared.tables)


_BOUND = {"sqlite": re.compile(r"(?<!:):([a-z_][a-z0-9_]*)"), "postgresql": re.compile(r"%\(([a-z_][a-z0-9_]*)\)s")}


def _find_names(sql: str, dialect: str) -> set[str]:
    return set(_BOUND[dialect].findall(sql))


def _rename_bound(sql: str, dialect: str, name: str) -> str:
    if dialect == "sqlite":
        return re.sub(rf"(?<!:):{name}\b", f":{_rename(name)}", sql)
    return sql.replace(f"%({name})s", f"%({_rename(name)})s")
