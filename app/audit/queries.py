"""Reads the audit by keyset, newest first. Each filter has an index that ends in the order of the list, so that a page
costs what it shows, whatever the audit holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, func, literal_column, select, tuple_

from app.db.sql import AnyOf, AnySelect, Prepared, Value, prepare, read_into
from app.models import ApiKey, Article, Audit, Tag, table

AUDIT, KEY, A, TAG = table(Audit), table(ApiKey), table(Article), table(Tag)
COUNTED = 10_000
"""Rows that a total counts; of more it says that there are at least so many."""

Turn = Literal["start", "after", "before"]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows: of an article, a key (its number), an action, from a second on, up to but without another."""

    article: int | None = None
    key: int | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None

    def values(self) -> dict[str, Value]:
        """What is given, by the names of its placeholders."""
        values: dict[str, Value] = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


class AuditEntry(NamedTuple):
    """A row of the audit, its columns as they are stored."""

    id: int
    at: int
    action: str
    actor_kind: str
    key_id: int | None
    actor: str
    request_id: str | None
    entity: str | None
    entity_id: int | None
    version_before: int | None
    version_after: int | None
    seq: int | None
    details: str | None


@dataclass(frozen=True, slots=True)
class AuditPosition:
    """Where a page begins: behind or before the row with this time and id, or so many rows in."""

    turn: Turn = "start"
    at: int = 0
    id: int = 0
    offset: int = 0


Statement = tuple[Prepared, Mapping[str, Value]]
_COLUMNS = [AUDIT.c[name] for name in AuditEntry._fields]


def select_page(dialect: str, audit_filter: AuditFilter, limit: int, place: AuditPosition) -> Statement:
    """Rows as `AuditEntry` has them; before a place in the opposite order."""
    values = audit_filter.values() | {"limit": limit, "offset": place.offset}
    if place.turn != "start":
        values |= {"place_at": place.at, "place_id": place.id}
    return _page(dialect, frozenset(audit_filter.values()), place.turn), values


def count_rows(dialect: str, audit_filter: AuditFilter) -> Statement:
    """One row with how many match, COUNTED + 1 at most."""
    return _count(dialect, frozenset(audit_filter.values())), audit_filter.values()


@lru_cache(maxsize=256)
def _page(dialect: str, names: frozenset[str], turn: Turn) -> Prepared:
    statement = select(*_COLUMNS).where(*_conditions(names))
    order = (AUDIT.c.at, AUDIT.c.id)
    if turn != "start":
        # Compared as rows, which both databases do by an index on (at, id): two conditions joined by OR would read all.
        place = tuple_(_bind_param("place_at", AUDIT.c.id), _bind_param("place_id", AUDIT.c.id))
        statement = statement.where(tuple_(*order) > place if turn == "before" else tuple_(*order) < place)
    statement = statement.order_by(*(order if turn == "before" else [column.desc() for column in order]))
    limit, offset = (bindparam(name, type_=Integer()) for name in ("limit", "offset"))
    return prepare(statement.limit(limit).offset(offset), dialect)


@lru_cache(maxsize=128)
def _count(dialect: str, names: frozenset[str]) -> Prepared:
    some = select(AUDIT.c.id).where(*_conditions(names)).limit(literal_column(str(COUNTED + 1))).subquery()
    return prepare(select(func.count()).select_from(some), dialect)


def _conditions(names: frozenset[str]) -> list[ColumnElement[bool]]:
    every: dict[str, list[ColumnElement[bool]]] = {
        "article": [
            AUDIT.c.entity == literal_column("'article'"),
            AUDIT.c.entity_id == _bind_param("article", AUDIT.c.id),
        ],
        "key": [AUDIT.c.key_id == _bind_param("key", AUDIT.c.id)],
        "action": [AUDIT.c.action == bindparam("action", type_=AUDIT.c.action.type)],
        "since": [AUDIT.c.at >= _bind_param("since", AUDIT.c.id)],
        "until": [AUDIT.c.at < _bind_param("until", AUDIT.c.id)],
    }
    return [condition for name, conditions in every.items() if name in names for condition in conditions]


def _bind_param(name: str, like: ColumnElement[int]) -> ColumnElement[int]:
    return bindparam(name, type_=like.type)


@lru_cache(maxsize=4)
def select_keys(dialect: str) -> Prepared:
    """The numbers of the keys called `name`, three at most: more than one is one too many."""
    named = KEY.c.name == bindparam("name", type_=KEY.c.name.type)
    return prepare(select(KEY.c.id).where(named).order_by(KEY.c.id).limit(3), dialect)


@lru_cache(maxsize=4)
def select_slugs(dialect: str, entity: Literal["article", "tag"]) -> Prepared:
    """Rows of (id, slug, whether the public may know it) for `ids`."""
    source = A if entity == "article" else TAG
    public = A.c.status == literal_column("'published'") if entity == "article" else literal_column("1")
    statement: AnySelect = select(source.c.id, source.c.slug, public).where(AnyOf(source.c.id, "ids"))
    return prepare(statement, dialect, ["ids"])


def read_rows(rows: Sequence[Sequence[object]], turn: Turn) -> list[AuditEntry]:
    """In the order of the list, newest first."""
    entries = read_into(AuditEntry, rows)
    return entries[::-1] if turn == "before" else entries
