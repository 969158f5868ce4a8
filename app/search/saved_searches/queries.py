"""Reads saved searches: one by its slug, a page of those that a caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, bindparam, func, literal_column, or_, select

from app.db.database import Database
from app.db.log_position import LogPosition
from app.db.sql import Prepared, Value, prepare, read_into
from app.http.auth import Caller
from app.models import SavedSearch, SearchQuery, table
from app.search.saved_searches import matches
from app.search.saved_searches.matches import MatchPosition

SEARCH, QUERY = table(SavedSearch), table(SearchQuery)


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A saved search with what its question is known by."""

    id: int
    owner: str
    slug: str
    name: str | None
    public: bool
    definition: str
    created_at: int
    updated_at: int
    query_id: int
    mark: str
    base_seq: int
    question: str

    def is_owned_by(self, caller: Caller) -> bool:
        """Whether the key that asks has the name of the one that saved it."""
        return caller.key is not None and caller.name == self.owner


_COLUMNS = (
    SEARCH.c.id, SEARCH.c.owner, SEARCH.c.slug, SEARCH.c.name, SEARCH.c.public, SEARCH.c.definition,
    SEARCH.c.created_at, SEARCH.c.updated_at, SEARCH.c.query_id, QUERY.c.mark, QUERY.c.base_seq, QUERY.c.question,
)  # fmt: skip
_IS_PUBLIC: ColumnElement[bool] = literal_column("saved_search.public")
_JOINED = select(*_COLUMNS).join(QUERY, QUERY.c.id == SEARCH.c.query_id)


async def find(db: Database, caller: Caller, slug: str) -> SearchRow | None:
    """The caller's own search of that slug, else the public one."""
    if "\0" in slug:
        return None
    rows = await db.reader.rows(_find_statement(db.dialect, caller.key is not None), _identify(caller, slug=slug))
    visible_rows = read_into(_read_row, rows)
    return next((row for row in visible_rows if row.is_owned_by(caller)), visible_rows[0] if visible_rows else None)


async def load(db: Database, id: int) -> SearchRow | None:
    """By its number, whoever may see it; None where it was removed."""
    return next(iter(read_into(_read_row, await db.reader.rows(_load_statement(db.dialect), {"id": id}))), None)


@lru_cache(maxsize=4)
def _load_statement(dialect: str) -> Prepared:
    return prepare(_JOINED.where(SEARCH.c.id == bindparam("id", type_=SEARCH.c.id.type)), dialect)


def _read_row(*columns: object) -> SearchRow:
    row = SearchRow(*columns)  # type: ignore[arg-type] # as the statement selects them
    # SQLite knows no truth values.
    object.__setattr__(row, "public", bool(row.public))
    return row


def _identify(caller: Caller, **values: Value) -> dict[str, Value]:
    return values if caller.key is None else {**values, "owner": caller.name or ""}


@lru_cache(maxsize=4)
def _find_statement(dialect: str, keyed: bool) -> Prepared:
    is_visible = or_(_IS_PUBLIC, SEARCH.c.owner == bindparam("owner")) if keyed else _IS_PUBLIC
    return prepare(_JOINED.where(SEARCH.c.slug == bindparam("slug"), is_visible), dialect)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`rows` by id, one more than asked for where there are more; `total` is of all that the caller may see."""

    rows: Sequence[SearchRow]
    total: int


async def load_page(db: Database, caller: Caller, after: int, limit: int) -> SearchPage:
    """Own and public searches behind one, in the order in which they were made."""
    keyed = caller.key is not None
    values = _identify(caller, after=after, limit=limit + 1)
    rows = read_into(_read_row, await db.reader.rows(_list_statement(db.dialect, keyed), values))
    [[total]] = await db.reader.rows(_count_statement(db.dialect, keyed), _identify(caller))
    return SearchPage(rows, int(str(total)))


@lru_cache(maxsize=4)
def _list_statement(dialect: str, keyed: bool) -> Prepared:
    is_visible = or_(_IS_PUBLIC, SEARCH.c.owner == bindparam("owner")) if keyed else _IS_PUBLIC
    behind = SEARCH.c.id > bindparam("after", type_=SEARCH.c.id.type)
    statement = _JOINED.where(is_visible, behind).order_by(SEARCH.c.id).limit(bindparam("limit"))
    return prepare(statement, dialect)


@lru_cache(maxsize=4)
def _count_statement(dialect: str, keyed: bool) -> Prepared:
    is_visible = or_(_IS_PUBLIC, SEARCH.c.owner == bindparam("owner")) if keyed else _IS_PUBLIC
    return prepare(select(func.count()).select_from(SEARCH).where(is_visible), dialect)


async def load_position(db: Database) -> MatchPosition:
    """How far in the log all matches are known."""
    [position] = read_into(MatchPosition, await db.reader.rows(matches.position_statement(db.dialect), {}))
    return position


async def count_searches(db: Database) -> int:
    """Everybody's."""
    [[count]] = await db.reader.rows(_count_all_statement(db.dialect), {})
    return int(str(count))


@lru_cache(maxsize=4)
def _count_all_statement(dialect: str) -> Prepared:
    return prepare(select(func.count()).select_from(SEARCH), dialect)


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """Where a client stands in the changes of a search: behind an article in a row of the log, or behind the whole
    row. `search` is the mark of the question: another question has other changes."""

    position: LogPosition
    search: str
    article: int | None = None

    @property
    def token(self) -> str:
        """That of the row, good for everything that such tokens are good for, with what is ours behind it."""
        article = "" if self.article is None else f".{self.article}"
        return f"{self.position.token}.{self.search}{article}"


def parse_place(token: str) -> tuple[str, int | None] | None:
    """The mark and the article of such a token; None where it has none."""
    _, *rest = token.split(".")
    if not 1 <= len(rest) <= 2 or (
        len(rest) == 2 and not (rest[1].isascii() and rest[1].isdigit() and len(rest[1]) < 19)
    ):
        return None
    return rest[0], int(rest[1]) if len(rest) == 2 else None
