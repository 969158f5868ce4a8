"""Which tables a copy has, and what their columns hold: read from a database, not from the models, so that an archive
of an older version can be copied too. Copies nothing itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

NOT_COPIED: Mapping[str, str] = {
    "alembic_version": "the migrations that make the copy's tables write it",
    "lease": "it says which process works for the archive just now; the servers of a copy are others",
    "index_position": "it says how far the indexes of the archive's servers are; those of a copy are others",
}
"""Tables whose rows a copy does not have, each with the reason. All others are copied as they are: what could be
derived from other rows, too, so that a copy can be compared with its original row by row."""

EPOCHS: Mapping[str, str] = {"change_head": "epoch", "webhook": "epoch", "search_position": "epoch"}
"""Columns by which followers tell archives apart: the only ones in which a copy may differ."""

NUMBERED_FOR: Mapping[str, tuple[str, str]] = {"tag": ("import_tag", "tag_id")}
"""Tables of which another one keeps numbers that are never given out again, though their rows are gone."""

Value = int | float | str | bytes | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """`kind` is `int`, `bool`, `float`, `str` or `bytes`; `sql_type` as the database names it, in small letters."""

    name: str
    kind: type
    sql_type: str


@dataclass(frozen=True, slots=True)
class TableShape:
    """`key` names the columns of the primary key, in its order."""

    name: str
    columns: tuple[ColumnShape, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> dict[str, type]:
        return {column.name: column.kind for column in self.columns}

    @property
    def key_places(self) -> tuple[int, ...]:
        """Where the columns of the key stand in a row."""
        return tuple(self.names.index(name) for name in self.key)

    def arrange(self, like: "TableShape") -> "TableShape":
        """The same columns in the order of another database's, so that rows of both can be exchanged."""
        own = {column.name: column for column in self.columns}
        return replace(self, columns=tuple(own[name] for name in like.names), key=like.key)

    @property
    def numbered_key(self) -> str | None:
        """The column that the database may number by itself; None where the key is another one."""
        return self.key[0] if len(self.key) == 1 and self.kinds[self.key[0]] is int else None


def read_tables(connection: Connection, names: Collection[str]) -> dict[str, TableShape]:
    """Those of these tables that are there, by name."""
    inspector = inspect(connection)
    kept = [name for name in inspector.get_table_names() if name in names]
    keys = inspector.get_multi_pk_constraint(filter_names=kept)
    return {
        name: TableShape(
            name,
            tuple(
                ColumnShape(one["name"], one["type"].python_type, _name_type(one["type"], connection.dialect))
                for one in columns
            ),
            tuple(keys[schema, name]["constrained_columns"]),
        )
        for (schema, name), columns in inspector.get_multi_columns(filter_names=kept).items()
    }


def _name_type(type: TypeEngine[object], dialect: Dialect) -> str:
    return type.compile(dialect).lower().partition(" collate ")[0]


def list_copied(tables: Mapping[str, TableShape]) -> list[TableShape]:
    """Those whose rows are copied, by name."""
    return [table for name, table in sorted(tables.items()) if name not in NOT_COPIED]


def describe_misfit(own_tables: Mapping[str, TableShape], expected: Mapping[str, TableShape]) -> str | None:
    """In what the tables of an archive differ from those that its version has, as a sentence; None where they fit."""
    for name, table in sorted(expected.items()):
        if name not in own_tables:
            return f"There is no table {name}"
        own, other = own_tables[name].kinds, table.kinds
        if missing := sorted(other.keys() - own.keys()):
            return f"The table {name} has no column {missing[0]}"
        if more := sorted(own.keys() - other.keys()):
            return f"The table {name} has a column {more[0]} that is not of this version"
        if wrong := sorted(column for column, kind in other.items() if own[column] is not kind):
            return f"The column {wrong[0]} of {name} is of another type"
    return None


def quote(connection: Connection, name: str) -> str:
    """A name of a table or column, as this database's SQL has it."""
    return connection.dialect.identifier_preparer.quote(name)
