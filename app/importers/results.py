"""What an import that runs as a job has come to: its state, its counts, and what became of each item. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import orjson
from sqlalchemy import ColumnElement, bindparam, literal_column, select

from app.articles import threeway
from app.changes.jobs import JOB, Json
from app.db import Database, Row
from app.errors import CursorInvalid
from app.http import paging
from app.http.paging import Cursor, Page
from app.http.read import Read
from app.http.times import format_time
from app.importers.enriching import COPY
from app.importers.parts import KIND
from app.models import Article, ImportResult, table
from app.sql import Prepared, Value, prepare

A, RESULT = table(Article), table(ImportResult)
OF_HIDDEN = (COPY, *threeway.OF_HIDDEN)
OUTCOMES = ("created", "updated", "unchanged", "failed")


@dataclass(frozen=True, slots=True)
class Import:
    """A job as its row has it."""

    id: int
    state: str
    arguments: Json
    progress: Json
    error: str | None
    created_by: str | None
    created_at: int
    updated_at: int

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")

    def count(self, outcome: str) -> int:
        return cast("int", self.progress.get(outcome, 0))


async def find(db: Database, id: int) -> Import | None:
    """None where there is no import of that number."""
    rows = await db.reader.rows(_job(db.dialect), {"id": id})
    if not rows:
        return None
    number, state, arguments, progress, *rest = rows[0]
    said, so_far = orjson.loads(str(arguments)), orjson.loads(str(progress))
    return Import(cast("int", number), str(state), said, so_far, *rest)  # type: ignore[arg-type] # as selected


async def page(db: Database, one: Import, read: Read, *, drafts: bool) -> tuple[list[Json], Page]:
    """Results in the order of the items, from a cursor on, of one outcome or of all. Without `drafts`, neither id
    nor slug of an article that is not public, nor that something repeats it."""
    outcome, limit, signature = read.choice("outcome"), read.integer("limit"), f"import {one.id} {read.signature}"
    text = read.text("cursor")
    after = _place(text, signature) if text is not None else 0
    values: dict[str, Value] = {"job": one.id, "after": after, "limit": limit + 1, "outcome": outcome}
    # Of few that have failed among many no index knows.
    rows = await db.reader.rows(_results(db.dialect, bool(outcome)), values, bounded=not outcome)
    shown = [_result(row, drafts=drafts) for row in rows[:limit]]
    more = len(rows) > limit
    following = paging.encode(Cursor("after", id=cast("int", shown[-1]["number"])), signature) if more else None
    total = one.count(outcome) if outcome else sum(one.count(name) for name in OUTCOMES)
    return shown, Page(limit, next=following, total=total, total_is="exact")


def _place(text: str, signature: str) -> int:
    cursor = paging.decode(text, signature)
    if cursor.kind != "after" or cursor.id < 0:
        raise CursorInvalid("This is no cursor of this list.")
    return cursor.id


def _result(row: Row, *, drafts: bool) -> Json:
    *values, public, of_public = row
    told = dict(zip(("number", "item", "outcome", "id", "slug", "reason", "copy_of"), values, strict=True))
    for name in ("id", "slug"):
        told[name] = told[name] if public or drafts else None
    told["copy_of"] = told["copy_of"] if of_public or drafts else None
    return told


def shown(one: Import, *, drafts: bool) -> Json:
    """An import as clients see it, but for its results. Without `drafts` nothing of what may be about
    hidden articles: that items repeat earlier ones, or meet what is withdrawn or purged."""
    notes = dict(cast("Mapping[str, tuple[int, str]]", one.progress.get("notes", {})))
    for note in () if drafts else OF_HIDDEN:
        notes.pop(note, None)
    return {
        "id": one.id,
        "state": one.state,
        "progress": {"read": one.count("read"), **{name: one.count(name) for name in OUTCOMES}},
        "error": one.error,
        "url": one.arguments.get("url"),
        "format": one.arguments.get("format"),
        "origin": one.arguments.get("origin"),
        "dry_run": one.arguments.get("dry_run") is True,
        "overwrite": one.arguments.get("overwrite") is True,
        "notes": [{"note": note, "count": count, "first": first} for note, (count, first) in notes.items()],
        "unknown_fields": one.progress.get("unknown_fields", {}),
        "unknown_regions": one.progress.get("unknown_regions", {}),
        "created_by": one.created_by,
        "created_at": format_time(one.created_at),
        "updated_at": format_time(one.updated_at),
    }


_COLUMNS = ("id", "state", "arguments", "progress", "error", "created_by", "created_at", "updated_at")


@lru_cache(maxsize=4)
def _job(dialect: str) -> Prepared:
    id = bindparam("id", type_=JOB.c.id.type)
    found = select(*(JOB.c[name] for name in _COLUMNS))
    return prepare(found.where(JOB.c.id == id, JOB.c.kind == literal_column(f"'{KIND}'")), dialect)


@lru_cache(maxsize=8)
def _results(dialect: str, chosen: bool) -> Prepared:
    job, after = (bindparam(name, type_=RESULT.c.job_id.type) for name in ("job", "after"))
    columns = [RESULT.c[name] for name in ("number", "item", "outcome", "article_id")]
    repeated = A.alias("repeated")
    public: ColumnElement[str] = literal_column("'published'")
    found = (
        select(*columns, A.c.slug, RESULT.c.reason, RESULT.c.copy_of, A.c.status == public, repeated.c.status == public)
        .outerjoin(A, A.c.id == RESULT.c.article_id)
        .outerjoin(repeated, repeated.c.id == RESULT.c.copy_of)
        .where(RESULT.c.job_id == job, RESULT.c.number > after)
        .order_by(RESULT.c.number)
        .limit(bindparam("limit"))
    )
    return prepare(found.where(RESULT.c.outcome == bindparam("outcome")) if chosen else found, dialect)
