"""How columns are spelled: keys, instants, texts and indexes of a part of a table, alike on both databases."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

EARLIEST = -62_135_596_800  # 0001-01-01T00:00:00Z
LATEST = 7_289_654_399  # 2200-12-31T23:59:59Z


SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


class KeyType(TypeDecorator[int]):
    """A 64-bit key that both databases number by themselves (SQLite only does so for INTEGER)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class InstantType(TypeDecorator[int]):
    """Whole seconds since 1970-01-01T00:00:00Z, negative before; years 1 to 2200, the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        check_instant(value)
        return value


def check_instant(value: object) -> None:
    """ValueError for what no column of instants may hold, where rows go past SQLAlchemy's types."""
    if value is not None and not (isinstance(value, int) and EARLIEST <= value <= LATEST):
        raise ValueError(f"an instant outside the years 1 to 2200: {value}")


FOLDED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared byte by byte, so that both databases sort it alike."""


NEVER_AGAIN = {"sqlite_autoincrement": True}
"""SQLite gives the number of a deleted last row out again otherwise: cursors, caches and followers know rows by it."""


def key() -> Column[int]:
    """The table's own key, which the database numbers."""
    return Column(KeyType, primary_key=True, autoincrement=True)


def words(default: str | None = None, *, null: bool = False) -> Column[str]:
    """Text of any length."""
    return Column(Text, nullable=null, server_default=None if default is None else text(f"'{default}'"))


def instant(*, null: bool = False) -> Column[int]:
    """See `InstantType`."""
    return Column(InstantType, nullable=null)


def count_column() -> Column[int]:
    """A number of 64 bits that begins at 0."""
    return Column(BigInteger, nullable=False, server_default=text("0"))


def reference(target: str, *, null: bool = False, primary: bool = False, on_delete: str = "CASCADE") -> Column[int]:
    """The key of a row of another table; by default what refers to it goes with it."""
    return Column(
        KeyType, ForeignKey(target, ondelete=on_delete), nullable=null, primary_key=primary, autoincrement=False
    )


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index of only the rows that are as `where` says, an SQL condition that both databases understand."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
