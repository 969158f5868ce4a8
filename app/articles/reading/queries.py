"""Reads articles: pages of ids by keyset, items, related posts, neighbours. Statements are prepared by their shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Integer, and_, bindparam, func, literal_column, or_, select, tuple_

from app.articles.filters import ArticleFilter
from app.articles.reading import filter_sql, query_plan
from app.articles.reading.filter_sql import StatementKey
from app.articles.reading.query_plan import DrivingLink, Turn
from app.articles.store import purge
from app.db.database import Database, Readable
from app.db.sql import AnyOf, AnySelect, Prepared, Value, prepare, read_integer, read_into
from app.models import Article, ArticleSlug, ArticleUrl, PurgedRef, RelatedPost, table

A, SLUG, URL, RELATED = table(Article), table(ArticleSlug), table(ArticleUrl), table(RelatedPost)
PURGED = table(PurgedRef)

TimeSort = Literal["-published_at", "published_at", "-updated_at", "updated_at", "-created_at", "created_at"]
TIME_SORTS: tuple[TimeSort, ...] = get_args(TimeSort)
SORTS = (*TIME_SORTS, "title", "-title")
COUNTED = 10_000


class ListRow(NamedTuple):
    """A row of a list: what a card is asked for with, and the sort key that a cursor holds."""

    id: int
    version: int
    key: int | str | None


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """Where a page begins: behind or before a row, or so many rows in."""

    kind: Literal["after", "before"] = "after"
    key: int | str | None = None
    id: int | None = None
    offset: int = 0


START = CursorPosition()


async def load_page(
    db: Database,
    article_filter: ArticleFilter,
    sort: str,
    limit: int,
    place: CursorPosition = START,
    driver: DrivingLink | None = None,
    *,
    undated: bool = True,
) -> list[ListRow]:
    """At most `limit` rows in the order of `sort`, ties by id, nulls last. Before a place: the ones next to it.
    `driver`: one that was chosen for this filter and sort. `undated`: whether published articles without a date are
    looked for where rows with one do not fill the page; where there are none PostgreSQL need not plan for them, which
    costs it 80 to 300 µs a page."""
    turn = _turn(place)
    undated = undated or (place.id is not None and place.key is None)
    if driver is not None:
        key = StatementKey((filter_sql.shape(driver.rest), *driver.shape), driver)
        statement = _driven_statement(db.dialect, key, turn, sort.startswith("-"), undated)
        values = query_plan.values(driver, limit, place.offset)
        bounded = driver.bounded
    else:
        statement, asked_for, bounded = _plan_page(db.dialect, article_filter, sort, turn, undated)
        values = {**asked_for, "limit": limit, "offset": place.offset, "reach": limit + place.offset}
    if place.id is not None:
        values |= {"key": place.key, "id": place.id} if place.key is not None else {"id": place.id}
    rows = await db.reader.rows(statement, values, bounded=bounded)
    list_rows = list(map(ListRow._make, rows))
    return list_rows[::-1] if place.kind == "before" else list_rows


def _turn(place: CursorPosition) -> Turn:
    if place.id is None:
        return "start"
    if place.kind == "after":
        return "after_null" if place.key is None else "after"
    return "before_null" if place.key is None else "before"


@lru_cache(maxsize=256)
def _plan_page(
    dialect: str, article_filter: ArticleFilter, sort: str, turn: Turn, undated: bool
) -> tuple[Prepared, Mapping[str, Value], bool]:
    """The statement, what the filter binds in it, and whether an index bounds it."""
    statement = _statement(dialect, filter_sql.make_key(article_filter), sort, turn, undated)
    return statement, filter_sql.values(article_filter), is_bounded(article_filter, sort)


def is_bounded(article_filter: ArticleFilter, sort: str) -> bool:
    """Whether an index leads to the rows of a page without passing many others: to the articles named, or down the
    list of all that are published. Any other filter may read the whole archive before it finds a page."""
    if (
        article_filter.nothing
        or article_filter.ids is not None
        or article_filter.external_ids
        or article_filter.translation_of is not None
    ):
        return True
    if sort.removeprefix("-") == "published_at":
        article_filter = replace(article_filter, published=(None, None), coarse=None)
    return article_filter == ArticleFilter()


@lru_cache(maxsize=1024)
def _statement(dialect: str, key: StatementKey[ArticleFilter], sort: str, turn: Turn, undated: bool) -> Prepared:
    article_filter = key.example
    name = sort.removeprefix("-")
    column: ColumnElement[int | str | None] = A.c.sort_title if name == "title" else A.c[name]
    descending = sort.startswith("-") != turn.startswith("before")
    # Of articles that are named the links are looked up: a common tag has more rows than there are names.
    find = filter_sql.conditions if article_filter.ids is None else filter_sql.looked_up
    every = select(A.c.id, A.c.version, column).where(*find(article_filter))
    in_order = column.desc() if descending else column, A.c.id.desc() if descending else A.c.id

    def part(where: Literal["all", "dated", "undated"]) -> AnySelect:
        rows = every if where == "all" else every.where(column.is_not(None) if where == "dated" else column.is_(None))
        beyond = _cursor_condition(column, turn, descending=descending, undated=where == "undated")
        return rows.where(beyond).order_by(*in_order) if beyond is not None else rows.order_by(*in_order)

    if name != "published_at":
        return prepare(query_plan.cut(part("all")), dialect, filter_sql.lists(article_filter))
    is_chained = (article_filter.takes_undated and (undated or not article_filter.public_only)) or turn.endswith(
        "_null"
    )
    statement = query_plan.chain(part, turn) if is_chained else query_plan.cut(part("dated"))
    return prepare(statement, dialect, filter_sql.lists(article_filter))


@lru_cache(maxsize=1024)
def _driven_statement(
    dialect: str, key: StatementKey[DrivingLink], turn: Turn, descending: bool, undated: bool
) -> Prepared:
    driver, forwards = key.example, not turn.startswith("before")
    statement = query_plan.statement(driver, turn, descending=descending == forwards, undated=undated)
    return prepare(statement, dialect, filter_sql.lists(driver.rest))


async def has_undated(db: Database) -> bool:
    """Whether any published article has no date."""
    return bool(await db.reader.rows(_any_undated(db.dialect), {}))


@lru_cache(maxsize=4)
def _any_undated(dialect: str) -> Prepared:
    undated = A.c.status == literal_column("'published'"), A.c.published_at.is_(None)
    return prepare(select(A.c.id).where(*undated).limit(1), dialect)


def _cursor_condition(
    column: ColumnElement[int | str | None], turn: Turn, *, descending: bool, undated: bool
) -> ColumnElement[bool] | None:
    """The rows behind the cursor's in the direction of reading, among those with a date or without; None for all."""
    if turn == "start" or undated != turn.endswith("_null"):
        return None
    id = bindparam("id", type_=A.c.id.type)
    if undated:
        return A.c.id < id if descending else A.c.id > id
    row, bound = tuple_(column, A.c.id), tuple_(bindparam("key", type_=column.type), id)
    return row < bound if descending else row > bound


async def count(db: Database, article_filter: ArticleFilter) -> tuple[int, bool]:
    """How many match in SQL, up to COUNTED; and whether that is all. For lists that no index holds."""
    statement = _count(db.dialect, filter_sql.make_key(article_filter))
    values: dict[str, Value] = {**filter_sql.values(article_filter), "most": COUNTED + 1}
    [(number,)] = await db.reader.rows(statement, values, bounded=False)
    assert isinstance(number, int)
    return min(number, COUNTED), number <= COUNTED


@lru_cache(maxsize=512)
def _count(dialect: str, key: StatementKey[ArticleFilter]) -> Prepared:
    article_filter = key.example
    inner = select(A.c.id).where(*filter_sql.conditions(article_filter)).limit(bindparam("most")).subquery()
    return prepare(select(func.count()).select_from(inner), dialect, filter_sql.lists(article_filter))


class ArticleRef(NamedTuple):
    """What a reference leads to, before anybody has asked who may see it."""

    id: int
    version: int
    slug: str
    status: str
    public_once: bool
    withdrawn_at: int | None
    withdrawn_reason: str | None
    replaced_by: int | None

    @property
    def is_gone(self) -> bool:
        """Whether readers are told that it is gone, or sent to what replaces it; else it is not found."""
        return self.public_once and self.status != "published" and self.withdrawn_at is not None


By = Literal["id", "slug"]
FOUND = [A.c[name] for name in ArticleRef._fields]


@lru_cache(maxsize=16)
def _lookup(dialect: str, by: By) -> Prepared:
    statement: AnySelect = select(*FOUND)
    if by == "id":
        return prepare(statement.where(A.c.id == bindparam("ref", type_=A.c.id.type)), dialect)
    joined = statement.join(SLUG, SLUG.c.article_id == A.c.id)
    return prepare(joined.where(SLUG.c.slug == bindparam("ref", type_=SLUG.c.slug.type)), dialect)


def parse_ref(ref: str) -> tuple[By, int | str] | None:
    """Which column a reference stands in and as what: digits are an id, else it is a slug; None for what is neither."""
    if "\0" in ref:
        return None
    if ref.isascii() and ref.isdigit():
        return None if len(ref) > 18 else ("id", int(ref))
    return "slug", ref


async def find(db: Database, ref: str) -> ArticleRef | None:
    """By id (digits only) or by any slug that it has or had."""
    name = parse_ref(ref)
    rows = await db.reader.rows(_lookup(db.dialect, name[0]), {"ref": name[1]}) if name else []
    return read_into(ArticleRef, rows)[0] if rows else None


@lru_cache(maxsize=4)
def _purged_statement(dialect: str) -> Prepared:
    return prepare(select(PURGED.c.ref).where(PURGED.c.ref == bindparam("ref", type_=PURGED.c.ref.type)), dialect)


async def is_purged(db: Database, ref: str) -> bool:
    """Whether something public had this id or slug and was purged. Asked where nothing has it now."""
    return "\0" not in ref and bool(await db.reader.rows(_purged_statement(db.dialect), {"ref": purge.hash_ref(ref)}))


@lru_cache(maxsize=4)
def _bodies(dialect: str) -> Prepared:
    return prepare(select(A.c.id, A.c.body, A.c.version).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


async def load_body_beginnings(db: Readable, ids: Sequence[int], characters: int) -> dict[int, tuple[str, int]]:
    """The first characters of stored bodies by id, each with its version. Read outside the event loop: they may be
    long."""
    values: dict[str, Value] = {"ids": list(ids), "characters": characters}
    rows = await db.reader.rows(_body_beginnings(db.dialect), values, bounded=False)
    return {read_integer(id): (str(body), read_integer(version)) for id, body, version in rows}


@lru_cache(maxsize=4)
def _body_beginnings(dialect: str) -> Prepared:
    begun = func.substr(A.c.body, 1, bindparam("characters", type_=Integer()))
    return prepare(select(A.c.id, begun, A.c.version).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


async def load_bodies(db: Readable, ids: Sequence[int], *, large: bool = False) -> dict[int, tuple[str, int]]:
    """The stored bodies by id, each with its version; `large` ones are read outside the event loop."""
    rows = await db.reader.rows(_bodies(db.dialect), {"ids": list(ids)}, bounded=not large)
    return {read_integer(id): (str(body), read_integer(version)) for id, body, version in rows}


@dataclass(frozen=True, slots=True)
class RelatedRow:
    """An editors' related post; `target…` are of the article that it means, None while that is waited for."""

    article_id: int
    position: int
    title: str | None
    url: str | None
    unlinked: bool
    target_id: int | None
    target_version: int | None
    target_status: str | None
    target_public_once: bool | None
    target_title: str | None
    original_status: str | None = None
    """Of the article that the target is a translation of, where that was asked."""


@lru_cache(maxsize=4)
def _related_statement(dialect: str) -> Prepared:
    target = A.alias("target")
    statement = (
        select(
            *(RELATED.c[name] for name in ("article_id", "position", "title", "url", "unlinked", "target_id")),
            *(target.c[name] for name in ("version", "status", "public_once", "title")),
        )
        .outerjoin(target, target.c.id == RELATED.c.target_id)
        .where(AnyOf(RELATED.c.article_id, "ids"))
        .order_by(RELATED.c.article_id, RELATED.c.position)
    )
    return prepare(statement, dialect, ["ids"])


async def load_related(db: Readable, ids: Sequence[int]) -> list[RelatedRow]:
    """The editors' entries of articles, in their order."""
    rows = await db.reader.rows(_related_statement(db.dialect), {"ids": list(ids)})
    return read_into(RelatedRow, rows)


@lru_cache(maxsize=4)
def _keys(dialect: str) -> Prepared:
    columns = (A.c.id, A.c.published_at, A.c.public_once)
    return prepare(select(*columns).where(A.c.id == bindparam("id", type_=A.c.id.type)), dialect)


async def find_place(db: Database, id: int) -> tuple[CursorPosition, CursorPosition] | None:
    """Before and behind an article in lists by `-published_at`, of which it need not be one. Of articles without a date
    only what is published, or was, has such a place."""
    [(_, at, public_once)] = await db.reader.rows(_keys(db.dialect), {"id": id})
    if at is None and not public_once:
        return None
    assert at is None or isinstance(at, int)
    return CursorPosition("before", at, id), CursorPosition("after", at, id)


@lru_cache(maxsize=8)
def _translations(dialect: str, hidden: bool) -> Prepared:
    one, original = A.alias("one"), A.alias("original")
    shown = select(original.c.id).where(original.c.id == one.c.translation_of)
    public: ColumnElement[str] = literal_column("'published'")
    if not hidden:
        shown = shown.where(original.c.status == public)
    told = and_(A.c.translation_of == one.c.translation_of, shown.exists())
    statement = (
        select(A.c.id, A.c.version, A.c.language)
        .select_from(one)
        .join(A, or_(A.c.id == one.c.translation_of, A.c.translation_of == one.c.id, told))
        .where(one.c.id == bindparam("id", type_=A.c.id.type), A.c.id != one.c.id)
        .order_by(A.c.language, A.c.id)
    )
    return prepare(statement if hidden else statement.where(A.c.status == public), dialect)


async def load_translations(db: Database, id: int, *, hidden: bool) -> list[ListRow]:
    """The original and all that was made from it, but for the article itself, by language. Without `hidden`, none that
    is not public, and nothing that only an original which is not public holds together."""
    rows = await db.reader.rows(_translations(db.dialect, hidden), {"id": id})
    return read_into(ListRow, rows)


@lru_cache(maxsize=16)
def _by_address(dialect: str, by: str) -> Prepared:
    statement: AnySelect = select(*FOUND)
    if by == "url":
        joined = statement.join(URL, URL.c.article_id == A.c.id)
        return prepare(joined.where(URL.c.url_key == bindparam("key", type_=URL.c.url_key.type)), dialect)
    by_id = statement.where(A.c.external_id == bindparam("key", type_=A.c.external_id.type))
    if by == "origin":
        by_id = by_id.where(A.c.origin == bindparam("origin", type_=A.c.origin.type))
    return prepare(by_id, dialect)


async def by_url(db: Database, url_key: str) -> list[ArticleRef]:
    rows = await db.reader.rows(_by_address(db.dialect, "url"), {"key": url_key})
    return read_into(ArticleRef, rows)


async def by_external_id(db: Database, external_id: str, origin: str | None) -> list[ArticleRef]:
    values: dict[str, Value] = {"key": external_id}
    if origin:
        values["origin"] = origin
    rows = await db.reader.rows(_by_address(db.dialect, "origin" if origin else "external_id"), values)
    return read_into(ArticleRef, rows)
