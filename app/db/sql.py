"""The few SQL constructs that the two databases spell differently. One statement text in the code, two on the wire."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, GenericFunction
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

AnySelect = Select[*tuple[Any, ...]]
"""Any SELECT: which columns it has is known where its rows are read."""

AnyQuery = AnySelect | CompoundSelect[*tuple[Any, ...]]
"""The same, also put together of several."""

Value = int | str | float | None | list[int] | list[str]

T = TypeVar("T")


def read_into(into: Callable[..., T], rows: Iterable[Sequence[object]]) -> list[T]:
    """Each row as `into` makes it of its columns: those that the statement selects, in their order."""
    return [into(*row) for row in rows]


def read_integer(value: object) -> int:
    """A column of a row that is known to hold whole numbers."""
    assert isinstance(value, int)
    return value


class BoundList(TypeDecorator[list[Any]]):
    """A list as one bound value: JSON to SQLite, an array to PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, *, of_texts: bool) -> None:
        super().__init__()
        self.of_texts = of_texts

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(postgresql.ARRAY(Text() if self.of_texts else BigInteger()))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> object:
        values = list(value or ())
        return orjson.dumps(values).decode() if dialect.name == "sqlite" else values


class AnyOf(FunctionElement[bool]):
    """`column = any of a bound list`, with one statement text whatever the length of the list: SQLAlchemy compiles a
    statement that is composed once for good, while the text of `in_` is put together anew for each execution."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[int] | ColumnElement[str], name: str) -> None:
        super().__init__(column, bindparam(name, type_=BoundList(of_texts=isinstance(column.type, String))))

    def self_group(self, against: object = None) -> "AnyOf":
        """It is a condition as it stands: no `= 1` behind it."""
        return self


@compiles(AnyOf, "sqlite")
def _any_of_sqlite(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    column, values = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(AnyOf, "postgresql")
def _any_of_postgresql(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    column, values = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} = ANY({values})"


class _json_array(GenericFunction[str]):  # noqa: N801 (named as the SQL function)
    inherit_cache = True


class _json_group(GenericFunction[str]):  # noqa: N801
    inherit_cache = True


class _byte_length(GenericFunction[int]):  # noqa: N801
    inherit_cache = True


def measure_bytes(text: ColumnElement[str]) -> ColumnElement[int]:
    """How many bytes a text takes in UTF-8."""
    return _byte_length(text, type_=Integer())


class clock(GenericFunction[int]):  # noqa: N801 (named as the SQL functions are)
    """The database's time in whole seconds since 1970, one for all servers of an archive; the same within a statement,
    so that an index can begin there."""

    type = BigInteger()
    inherit_cache = True


class present_clock(GenericFunction[int]):  # noqa: N801
    """The same as of the moment at which it is asked, within a statement too: behind a lock that the statement waited
    for."""

    type = BigInteger()
    inherit_cache = True


def _spell(function: type[GenericFunction[Any]], *, sqlite: str, postgresql: str) -> None:
    """Declares how each of the databases writes a function; `{}` stands for its arguments."""
    for dialect, template in (("sqlite", sqlite), ("postgresql", postgresql)):

        @compiles(function, dialect)
        def render(element: Any, compiler: SQLCompiler, template: str = template, **kw: object) -> str:
            return template.format(compiler.process(element.clauses, **kw))


_spell(_json_array, sqlite="json_array({})", postgresql="json_build_array({})")
# Of no rows `json_agg` makes NULL, and `json_group_array` an empty list.
_spell(_json_group, sqlite="json_group_array({})", postgresql="coalesce(json_agg({}), '[]')::text")
# SQLite has octet_length from 3.43 on. Without the cast it would count characters, which takes seven times as long.
_spell(_byte_length, sqlite="length(CAST({} AS BLOB))", postgresql="octet_length({})")
# Not `now()`, which in PostgreSQL is the time at which the transaction began.
_spell(
    clock,
    sqlite="CAST(strftime('%s', 'now') AS INTEGER)",
    postgresql="CAST(floor(extract(epoch FROM statement_timestamp())) AS BIGINT)",
)
_spell(
    present_clock,
    sqlite="CAST(strftime('%s', 'now') AS INTEGER)",
    postgresql="CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)",
)


_CLOCK = select(clock())


def read_clock(connection: Connection) -> int:
    """What is due, and when something is published, is decided by this clock and by no server's own: two servers'
    clocks differ, and a state that one has set would be undone by the other."""
    return read_integer(connection.execute(_CLOCK).scalar_one())


def aggregate_rows(rows: Subquery) -> ColumnElement[str]:
    """The rows of an ordered subquery as one JSON text `[[…], …]`, in their order."""
    return select(_json_group(func._json_array(*rows.c))).select_from(rows).scalar_subquery()


def lock_vocabulary(connection: Connection, *, alone: bool = False) -> None:
    """Until the commit no tag is merged and no region gets other ancestors, so that links may be written by what is
    read from here on. `alone`, for who merges or moves: waits for all who write links. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock{'' if alone else '_shared'}(4702)"))


def is_undated(links: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Links of published articles without a date, as the partial index of such links has it in both databases: a
    column of SQLAlchemy's would be `public = 1` on SQLite, which that index does not serve."""
    public: ColumnElement[bool] = literal_column(f"{links.name}.public")
    return links.c.published_at.is_(None), public


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as text for one database, with the constants that it holds; bound values are given by name. `tables`
    are all that it reads; none where that is not known."""

    sql: str
    constants: dict[str, Value]
    lists: frozenset[str]
    tables: frozenset[str] = frozenset()


_DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call] # SQLAlchemy left it so
}


def prepare(
    statement: AnySelect | CompoundSelect[*tuple[Any, ...]],
    dialect: str,
    lists: Sequence[str] = (),
    *,
    schema: str | None = None,
) -> Prepared:
    """Compiles once; callers keep what it returns by the shape of their question, never by its values. `schema`: that
    its tables are named with."""
    if schema is None:
        compiled = statement.compile(dialect=_DIALECTS[dialect])
    else:
        schemas = {None: schema}
        compiled = statement.compile(
            dialect=_DIALECTS[dialect], schema_translate_map=schemas, render_schema_translate=True
        )
    names = frozenset(lists)
    constants = {k: v for k, v in compiled.params.items() if k not in names}
    tables = frozenset(one.name for one in visitors.iterate(statement) if isinstance(one, Table))
    return Prepared(str(compiled), constants, names, tables)


def make_insert(
    dialect: Dialect, table: Table, rows: Sequence[Mapping[str, object]], *, clock_column: str | None = None
) -> tuple[str, Sequence[Any]]:
    """A statement and its values for `exec_driver_sql`. There is a row at least; all have the columns of the first, two
    at least. Values go in as they are: SQLAlchemy would look at each value of each row again, which for links costs as
    much as the database itself. SQLite gets them in the order of its statement, because it looks names up for each row
    again. `clock_column`: a column that gets the database's time."""
    statement, order = _insert_statement(table, tuple(rows[0]), dialect, clock_column)
    return statement, list(map(itemgetter(*order), rows)) if order else rows


@lru_cache(maxsize=64)
def _insert_statement(
    table: Table, names: tuple[str, ...], dialect: Dialect, clock_column: str | None = None
) -> tuple[str, Sequence[str]]:
    """The statement, and the order of its values where it wants them by place."""
    statement = insert(table) if clock_column is None else insert(table).values({clock_column: clock()})
    compiled = statement.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    return str(compiled), compiled.positiontup or ()


def split_chunks(values: Collection[T], size: int = 500) -> Iterator[list[T]]:
    """The values in parts of which each fits into one statement."""
    every = list(values)
    for i in range(0, len(every), size):
        yield every[i : i + size]
