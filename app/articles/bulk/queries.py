"""Reads records of imports and bulk edits: lists of them, single ones, and the articles that they touched."""

from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from app.articles.bulk.params import RecordListParams, TouchedParams
from app.articles.bulk.records import ARTICLE, BULK, COMMAND, IMPORT, KINDS, OUTCOMES, RECORD, STREAM
from app.changes.jobs import JOB, Json
from app.db.database import Database
from app.db.sql import Prepared, Value, prepare, read_integer, read_into
from app.errors import CursorInvalid
from app.http import paging
from app.http.params.times import format_time
from app.models import Article, table

A = table(Article)
VIA = {IMPORT: "job", COMMAND: "command", STREAM: "stream", BULK: "job"}
_HIDDEN = ("sees_hidden", "sources", "url", "dry_run", "charset", "type", "actor")
"""Arguments that are no options, or shown elsewhere."""


@dataclass(frozen=True, slots=True)
class Record:
    """An import or a bulk edit as its rows have it; `undo` is the state, progress and error of its last undo."""

    id: int
    kind: str
    state: str
    arguments: Json
    progress: Json
    error: str | None
    created_by: str | None
    created_at: int
    updated_at: int
    source: str
    origins: list[str]
    undo_job: int | None
    undone_at: int | None
    undo: tuple[str, Json, str | None] | None

    @property
    def has_ended(self) -> bool:
        return self.state in ("done", "failed")

    def count(self, name: str) -> int:
        return read_integer(self.progress.get(name, 0))


async def find(db: Database, id: int) -> Record | None:
    """None where there is no record of that number."""
    rows = await db.reader.rows(_one(db.dialect), {"id": id})
    return next(iter(read_into(_make_record, rows)), None)


async def page(db: Database, params: RecordListParams) -> tuple[list[Record], paging.PageInfo]:
    """The newest first, of one kind or of all."""
    limit, kind, signature = params.limit, params.kind or "", f"imports {params.signature}"
    before = read_position(params.cursor, signature, 2**63 - 1)
    values: dict[str, Value] = {"before": before, "limit": limit + 1, "kind": BULK}
    rows = await db.reader.rows(_many(db.dialect, kind), values, bounded=False)
    counted = await db.reader.rows(_total(db.dialect, kind), {"kind": BULK}, bounded=False)
    records = read_into(_make_record, rows[:limit])
    following = paging.encode(paging.Cursor("after", id=records[-1].id), signature) if len(rows) > limit else None
    return records, paging.PageInfo(limit, next=following, total=read_integer(counted[0][0]), total_is="exact")


async def articles(db: Database, record: Record, params: TouchedParams) -> tuple[list[Json], paging.PageInfo]:
    """What a record did to each article, in the order of their ids; also to those that are not public."""
    limit, signature = params.limit, f"import articles {record.id} {params.signature}"
    action, undone = params.action or "", params.undone or ""
    after = read_position(params.cursor, signature, 0)
    statement = _articles(db.dialect, bool(action), bool(undone))
    bindings: dict[str, Value] = {
        "job": record.id,
        "after": after,
        "limit": limit + 1,
        "action": action,
        "undone": undone,
    }
    rows = await db.reader.rows(statement, bindings, bounded=not (action or undone))
    more = len(rows) > limit
    following = paging.encode(paging.Cursor("after", id=read_integer(rows[limit - 1][0])), signature) if more else None
    names = ("id", "slug", "action", "version_before", "version", "undone", "note")
    shown = [dict(zip(names, values, strict=True)) for values in rows[:limit]]
    return shown, paging.PageInfo(limit, next=following)


def read_position(text: str | None, signature: str, start: int) -> int:
    """The number that a page of a list by numbers begins behind; `start` without a cursor."""
    if text is None:
        return start
    cursor = paging.decode(text, signature)
    if cursor.kind != "after" or cursor.id < 0:
        raise CursorInvalid("This is no cursor of this list.")
    return cursor.id


def shape(record: Record) -> Json:
    """A record as clients see it."""
    arguments = record.arguments
    options = {name: value for name, value in arguments.items() if name not in _HIDDEN and not name.startswith("_")}
    counts = {name: record.count(name) for name in OUTCOMES}
    return {
        "id": record.id,
        "kind": "bulk_edit" if record.kind == BULK else "import",
        "via": "command" if arguments.get("_via") == "command" else VIA[record.kind],
        "source": record.source,
        "origins": record.origins,
        "options": options,
        "state": record.state,
        "progress": {"read": record.count("read") or sum(counts.values()), **counts},
        "missing": arguments.get("_missing", []),
        "error": record.error,
        "dry_run": arguments.get("dry_run") is True,
        "created_by": record.created_by,
        "created_at": format_time(record.created_at),
        "updated_at": format_time(record.updated_at),
        "ended_at": format_time(record.updated_at) if record.has_ended else None,
        "undo": _undo(record),
    }


def _undo(record: Record) -> Json | None:
    if record.undo_job is None or record.undo is None:
        return None
    state, progress, error = record.undo
    names = ("withdrawn", "trashed", "restored", "kept", "gone", "tags_removed")
    return {
        "job": record.undo_job,
        "state": state,
        "done": progress.get("done", 0),
        "total": progress.get("total", 0),
        **{name: progress.get(name, 0) for name in names},
        "error": error,
        "undone_at": format_time(record.undone_at) if record.undone_at is not None else None,
    }


def _make_record(
    id: int,
    kind: str,
    state: str,
    arguments: str,
    progress: str,
    error: str | None,
    created_by: str | None,
    created_at: int,
    updated_at: int,
    source: str,
    origins: str | None,
    undo_job: int | None,
    undone_at: int | None,
    undo_state: str | None,
    undo_progress: str | None,
    undo_error: str | None,
) -> Record:
    """Of the columns of `_RECORDS`."""
    undo = None if undo_state is None else (undo_state, orjson.loads(undo_progress or "{}"), undo_error)
    return Record(
        id, kind, state, orjson.loads(arguments), orjson.loads(progress), error, created_by, created_at, updated_at,
        source, orjson.loads(origins or "[]"), undo_job, undone_at, undo,
    )  # fmt: skip


_UNDO = JOB.alias("undo_job")
_NAMES = ("id", "kind", "state", "arguments", "progress", "error", "created_by", "created_at", "updated_at")
_RECORDS = (
    select(
        *(JOB.c[name] for name in _NAMES),
        *(RECORD.c[name] for name in ("source", "origins", "undo_job", "undone_at")),
        *(_UNDO.c[name] for name in ("state", "progress", "error")),
    )
    .select_from(RECORD)
    .join(JOB, JOB.c.id == RECORD.c.id)
    .outerjoin(_UNDO, _UNDO.c.id == RECORD.c.undo_job)
)


def _kinds() -> ColumnElement[bool]:
    """Not of what is still arriving."""
    return JOB.c.kind.in_([literal_column(f"'{kind}'") for kind in KINDS])


def _of_kind(kind: str) -> ColumnElement[bool]:
    is_bulk = JOB.c.kind == bindparam("kind")
    return _kinds() if not kind else is_bulk if kind == BULK else _kinds() & ~is_bulk


@lru_cache(maxsize=4)
def _one(dialect: str) -> Prepared:
    return prepare(_RECORDS.where(RECORD.c.id == bindparam("id", type_=RECORD.c.id.type), _kinds()), dialect)


@lru_cache(maxsize=12)
def _many(dialect: str, kind: str) -> Prepared:
    before = RECORD.c.id < bindparam("before", type_=RECORD.c.id.type)
    statement = _RECORDS.where(before, _of_kind(kind)).order_by(RECORD.c.id.desc())
    return prepare(statement.limit(bindparam("limit")), dialect)


@lru_cache(maxsize=12)
def _total(dialect: str, kind: str) -> Prepared:
    statement = select(func.count()).select_from(RECORD).join(JOB, JOB.c.id == RECORD.c.id)
    return prepare(statement.where(_of_kind(kind)), dialect)


@lru_cache(maxsize=16)
def _articles(dialect: str, by_action: bool, by_undone: bool) -> Prepared:
    names = ("action", "version_before", "version", "undone", "note")
    job, after = (bindparam(name, type_=ARTICLE.c.job_id.type) for name in ("job", "after"))
    statement = (
        select(ARTICLE.c.article_id, A.c.slug, *(ARTICLE.c[name] for name in names))
        .outerjoin(A, A.c.id == ARTICLE.c.article_id)
        .where(ARTICLE.c.job_id == job, ARTICLE.c.article_id > after)
    )
    if by_action:
        statement = statement.where(ARTICLE.c.action == bindparam("action"))
    if by_undone:
        statement = statement.where(ARTICLE.c.undone == bindparam("undone"))
    return prepare(statement.order_by(ARTICLE.c.article_id).limit(bindparam("limit")), dialect)
