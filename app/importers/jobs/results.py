"""What an import has come to: its state, its counts, and of one that ran as a job what became of each item. Reads
only."""

from functools import lru_cache

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from app.articles.bulk import queries
from app.articles.bulk.findings import read_progress
from app.articles.reimport import three_way_merge
from app.changes.jobs import Json
from app.db.database import Database, Row
from app.db.sql import Prepared, Value, prepare, read_integer
from app.http import paging
from app.http.params import parser
from app.http.params.typed import Params
from app.importers.enrichment import COPY
from app.importers.jobs.upload_store import KIND
from app.models import Article, ImportResult, table

A, RESULT = table(Article), table(ImportResult)
OF_HIDDEN = (COPY, *three_way_merge.OF_HIDDEN)
DAY = 86_400
OUTCOMES = ("created", "updated", "unchanged", "failed")


class ResultParams(Params):
    """Of the results of one import."""

    outcome = parser.choice("outcome", "Only results of this kind.", OUTCOMES)
    limit = parser.limit()
    cursor = parser.CURSOR


async def load_page(
    db: Database, record: queries.Record, params: ResultParams, days: int, *, drafts: bool
) -> tuple[list[Json], paging.PageInfo]:
    """Results of an import that ran as a job, none of any other and none `days` after its end, in the order of the
    items, from a cursor on, of one outcome or of all. Without `drafts`, neither id nor slug of an article
    that is not public, nor that something repeats it."""
    if record.kind != KIND or (record.has_ended and record.updated_at < params.now - days * DAY):
        return [], paging.PageInfo(params.limit, total=0, total_is="exact")
    outcome, limit, signature = params.outcome or "", params.limit, f"import {record.id} {params.signature}"
    after = queries.read_position(params.cursor, signature, 0)
    values: dict[str, Value] = {"job": record.id, "after": after, "limit": limit + 1, "outcome": outcome}
    # Of few that have failed among many no index knows.
    rows = await db.reader.rows(_results_statement(db.dialect, bool(outcome)), values, bounded=not outcome)
    rendered = [_render_result(row, drafts=drafts) for row in rows[:limit]]
    more = len(rows) > limit
    following = paging.encode(paging.Cursor("after", id=read_integer(rows[limit - 1][0])), signature) if more else None
    total = record.count(outcome) if outcome else sum(record.count(name) for name in OUTCOMES)
    return rendered, paging.PageInfo(limit, next=following, total=total, total_is="exact")


def _render_result(row: Row, *, drafts: bool) -> Json:
    *values, public, of_public = row
    fields = dict(zip(("number", "item", "outcome", "id", "slug", "reason", "copy_of"), values, strict=True))
    for name in ("id", "slug"):
        fields[name] = fields[name] if public or drafts else None
    fields["copy_of"] = fields["copy_of"] if of_public or drafts else None
    return fields


def render_import(record: queries.Record, *, drafts: bool) -> Json:
    """An import as clients see it, but for its results. Without `drafts` nothing of what may be about
    hidden articles: that items repeat earlier ones, or meet what is withdrawn or purged, and what an undo hid."""
    notes = dict(read_progress(record.progress).get("notes", {}))
    for note in () if drafts else OF_HIDDEN:
        notes.pop(note, None)
    undo = {} if drafts else {"undo": None}
    return {
        **queries.shape(record),
        **undo,
        "url": record.arguments.get("url"),
        "format": record.arguments.get("format"),
        "origin": record.arguments.get("origin"),
        "overwrite": record.arguments.get("overwrite") is True,
        "notes": [{"note": note, "count": count, "first": first} for note, (count, first) in notes.items()],
        "unknown_fields": record.progress.get("unknown_fields", {}),
        "unknown_regions": record.progress.get("unknown_regions", {}),
    }


@lru_cache(maxsize=8)
def _results_statement(dialect: str, chosen: bool) -> Prepared:
    job, after = (bindparam(name, type_=RESULT.c.job_id.type) for name in ("job", "after"))
    columns = [RESULT.c[name] for name in ("number", "item", "outcome", "article_id")]
    repeated = A.alias("repeated")
    public: ColumnElement[str] = literal_column("'published'")
    statement = (
        select(*columns, A.c.slug, RESULT.c.reason, RESULT.c.copy_of, A.c.status == public, repeated.c.status == public)
        .outerjoin(A, A.c.id == RESULT.c.article_id)
        .outerjoin(repeated, repeated.c.id == RESULT.c.copy_of)
        .where(RESULT.c.job_id == job, RESULT.c.number > after)
        .order_by(RESULT.c.number)
        .limit(bindparam("limit"))
    )
    return prepare(statement.where(RESULT.c.outcome == bindparam("outcome")) if chosen else statement, dialect)
