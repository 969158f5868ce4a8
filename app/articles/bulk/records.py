"""Records of imports and bulk edits: begun, added to with each batch, ended. Plain functions, session first; never
commit.

What a batch did is noted in the transaction that did it. A record beside a job of a kind that nobody works on belongs
to a command or a stream, which moves it itself; after ABANDONED_SECONDS without a batch it counts as broken off.
"""

import time
from collections.abc import Iterable, Mapping, Sequence

import orjson
from sqlalchemy import insert, select, update
from sqlmodel import Session

from app.articles.bulk.findings import Findings, add_findings
from app.articles.store.saving import Saved
from app.changes.jobs import JOB, Json
from app.db import audit_rows
from app.db.sql import make_insert, read_integer
from app.errors import InvalidTransition
from app.models import ImportArticle, ImportRecord, ImportTag, Tag, table
from app.models.records import MOST_ORIGINS
from app.tags import service as tags

RECORD, ARTICLE, TAG_MADE = table(ImportRecord), table(ImportArticle), table(ImportTag)
TAG = table(Tag)

IMPORT, COMMAND, STREAM, BULK = "import", "import_command", "import_stream", "bulk_edit"
KINDS = (IMPORT, COMMAND, STREAM, BULK)
"""Of jobs that have a record: worked on by a server, by a command, by a request that lasts; and bulk edits."""
OUTCOMES = ("created", "updated", "unchanged", "failed")
ABANDONED_SECONDS = 600
BROKEN_OFF = "broken off"
CHUNK = 500


def begin(session: Session, kind: str, source: str, arguments: Json, by: str | None) -> int:
    """The record of an import by a command or a stream, which is running from now on; its number."""
    now = int(time.time())
    row = {
        "kind": kind,
        "state": "running",
        "arguments": orjson.dumps(arguments).decode(),
        "created_by": by,
        "created_at": now,
        "updated_at": now,
    }
    id: int = session.connection().execute(insert(JOB).returning(JOB.c.id), row).scalar_one()
    attach(session, id, source)
    return id


def attach(session: Session, job: int, source: str) -> None:
    """The record of a job that is there."""
    session.connection().execute(insert(RECORD), {"id": job, "source": source, "origins": "[]"})


def note_outcomes(
    session: Session, job: int, outcomes: Sequence[Saved | str], origins: Iterable[str], findings: Findings
) -> None:
    """What a batch did, in its transaction. InvalidTransition where the record of a command or a stream has ended
    meanwhile: it was given up, and perhaps undone."""
    saved = {one.id: one for one in outcomes if isinstance(one, Saved) and one.id and one.outcome != "unchanged"}
    _move_on(session, job, outcomes, findings)
    _note_origins(session, job, origins)
    note_articles(
        session,
        job,
        [
            (one.id, None if one.outcome == "created" else one.version - 1, one.version, one.outcome)
            for one in saved.values()
        ],
    )
    note_tags(session, job)


def _move_on(session: Session, job: int, outcomes: Sequence[Saved | str], findings: Findings) -> None:
    """Counts of what only a record counts; jobs that a server works on count for themselves."""
    connection = session.connection()
    statement = select(JOB.c.kind, JOB.c.state, JOB.c.progress).where(JOB.c.id == job).with_for_update()
    kind, state, progress = connection.execute(statement).one()
    if kind not in (COMMAND, STREAM):
        return
    audit_rows.add_context(session, {IMPORT: job})
    if state != "running":
        raise InvalidTransition(f"Import {job} was given up after {ABANDONED_SECONDS} s without an item. Start again.")
    counts = add_findings(orjson.loads(progress), findings)
    for one in outcomes:
        name = one.outcome if isinstance(one, Saved) else "failed"
        counts[name] = read_integer(counts.get(name, 0)) + 1
    counts["read"] = sum(read_integer(counts.get(name, 0)) for name in OUTCOMES)
    values = {"progress": orjson.dumps(counts).decode(), "updated_at": int(time.time())}
    connection.execute(update(JOB).where(JOB.c.id == job).values(values))


def _note_origins(session: Session, job: int, origins: Iterable[str]) -> None:
    connection = session.connection()
    stored = connection.execute(select(RECORD.c.origins).where(RECORD.c.id == job)).scalar()
    known = list(orjson.loads(stored or "[]"))
    new = [one for one in dict.fromkeys(origins) if one not in known][: max(0, MOST_ORIGINS - len(known))]
    if new:
        values = {"origins": orjson.dumps([*known, *new]).decode()}
        connection.execute(update(RECORD).where(RECORD.c.id == job).values(values))


def note_articles(session: Session, job: int, rows: Sequence[tuple[int, int | None, int, str]]) -> None:
    """(article, version before, version, action) each. Of an article that was noted before only the version moves on:
    it goes back to what it was before the first batch."""
    connection = session.connection()
    known: set[int] = set()
    ids = [row[0] for row in rows]
    for i in range(0, len(ids), CHUNK):
        mine = (ARTICLE.c.job_id == job) & ARTICLE.c.article_id.in_(ids[i : i + CHUNK])
        known |= set(connection.execute(select(ARTICLE.c.article_id).where(mine)).scalars())
    for id, _, version, _ in rows:
        if id in known:
            mine = (ARTICLE.c.job_id == job) & (ARTICLE.c.article_id == id)
            connection.execute(update(ARTICLE).where(mine).values(version=version))
    new = [
        {"job_id": job, "article_id": id, "action": action, "version_before": before, "version": version}
        for id, before, version, action in rows
        if id not in known
    ]
    if new:
        connection.exec_driver_sql(*make_insert(connection.dialect, ARTICLE, new))


def note_tags(session: Session, job: int) -> None:
    """The tags that were made in this transaction. Of those of a part that was rolled back there is no row."""
    made = tags.pop_made(session)
    connection = session.connection()
    for i in range(0, len(made), CHUNK):
        statement = select(TAG.c.id, TAG.c.slug, TAG.c.name, TAG.c.kind).where(TAG.c.id.in_(made[i : i + CHUNK]))
        rows = [
            {"tag_id": id, "job_id": job, "slug": slug, "name": name, "kind": kind}
            for id, slug, name, kind in connection.execute(statement)
        ]
        if rows:
            connection.exec_driver_sql(*make_insert(connection.dialect, TAG_MADE, rows))


def end(session: Session, job: int, progress: Mapping[str, object] | None = None, error: str | None = None) -> None:
    """The end of a command or a stream, with its counts where they are known; nothing where it has ended already. What
    was found in its items stays as its row has it, and a purge has left it."""
    now = int(time.time())
    values: dict[str, object] = {"state": "failed" if error else "done", "error": error, "updated_at": now}
    connection = session.connection()
    running = (JOB.c.id == job) & (JOB.c.state == "running")
    stored = connection.execute(select(JOB.c.progress).where(running).with_for_update()).scalar()
    if stored is not None and progress is not None:
        values["progress"] = orjson.dumps({**orjson.loads(stored), **progress}).decode()
    ended = connection.execute(update(JOB).where(running).values(values).returning(JOB.c.progress)).scalar()
    if ended is not None:
        counts = {name: count for name, count in orjson.loads(ended).items() if name in OUTCOMES}
        audit_rows.add_record(
            session, audit_rows.AuditRecord("import", "import", job, details={"state": values["state"], **counts})
        )
