"""Takes an import or a bulk edit back, as a job in chunks: stopped, it is begun again where it stood.

Withdraws what it published, bins its drafts, puts what it changed back to the version before, and removes tags that
only it made and nothing uses. What somebody has touched since stays as it is, with a note; so does what it cannot put
back because the version before is not kept. Plain functions, session first; never commit.
"""

import time
from collections import Counter
from collections.abc import Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update
from sqlmodel import Session

from app.articles import states
from app.articles.bulk import created_tags, edited_since, records, restore
from app.articles.bulk.records import ARTICLE, BULK, COMMAND, KINDS, RECORD, STREAM
from app.articles.store import authorship, log_changes, log_facts, revisions, stored_article
from app.articles.store.row_columns import SaveContext
from app.articles.store.stored_article import StoredArticle
from app.changes import jobs
from app.changes.jobs import CHUNK, JOB, Json, Step, Task
from app.db.sql import read_clock, read_integer
from app.errors import InvalidTransition, NotFound
from app.models import Article, ImportSource, SourceBaseline, table

A, BASELINE, SOURCE = table(Article), table(SourceBaseline), table(ImportSource)
KIND = "undo"
REASON = "import undone"
NOT_KEPT = "the version before is not kept any more"
DONE_TO = ("created", "updated")


def begin(session: Session, id: int, by: str | None) -> int:
    """The number of the job, also of one that is under way already. NotFound; InvalidTransition for what was undone
    before, is running, changed nothing, or comes from a source of which another import is running."""
    connection = session.connection()
    columns = (JOB.c.kind, JOB.c.state, JOB.c.updated_at, JOB.c.arguments)
    mine = select(*columns).where(JOB.c.id == id, JOB.c.kind.in_(KINDS)).with_for_update()
    job = connection.execute(mine).first()
    record = connection.execute(select(RECORD).where(RECORD.c.id == id)).first()
    if job is None or record is None:
        raise NotFound()
    if record.undone_at is not None:
        raise InvalidTransition(f"Import {id} was undone already.")
    if record.undo_job is not None and _is_unfinished(connection, record.undo_job):
        return read_integer(record.undo_job)
    _end_abandoned(session, id, job.kind, job.state, job.updated_at)
    if orjson.loads(job.arguments).get("dry_run") is True:
        raise InvalidTransition(f"Import {id} was a dry run and has changed nothing.")
    if record.origins is None:
        raise InvalidTransition(f"Import {id} is older than the records of what imports change: it cannot be undone.")
    if job.kind != BULK:
        _check_others(session, id, _sources(record.source, record.origins, orjson.loads(job.arguments)))
    total: int = connection.execute(select(func.count()).select_from(ARTICLE).where(*_open(id))).scalar_one()
    undoing = jobs.add(session, KIND, {"import": id, "result": f"/v1/imports/{id}"}, total, by)
    connection.execute(update(RECORD).where(RECORD.c.id == id).values(undo_job=undoing))
    return undoing


def _is_unfinished(connection: Connection, job: int) -> bool:
    state = connection.execute(select(JOB.c.state).where(JOB.c.id == job)).scalar()
    return state in ("waiting", "running")


def _end_abandoned(session: Session, id: int, kind: str, state: str, updated_at: int) -> None:
    """InvalidTransition for what is running. A command or a stream without a sign for long has broken off; should it go
    on after all, it finds its record ended."""
    if state not in ("waiting", "running"):
        return
    if kind in (COMMAND, STREAM) and updated_at < time.time() - records.ABANDONED_SECONDS:
        records.end(session, id, error=records.BROKEN_OFF)
        return
    if kind == BULK:
        raise InvalidTransition(f"Bulk edit {id} is still running. Undo it when it has ended, or stop it first.")
    raise InvalidTransition(f"Import {id} is still running. Undo it when it has ended.")


def _check_others(session: Session, id: int, sources: set[str]) -> None:
    """InvalidTransition while another import of one of these sources is running."""
    connection = session.connection()
    alive = (JOB.c.kind == records.IMPORT) | (JOB.c.updated_at >= int(time.time()) - records.ABANDONED_SECONDS)
    running = (
        select(JOB.c.id, JOB.c.arguments, RECORD.c.source, RECORD.c.origins)
        .join(RECORD, RECORD.c.id == JOB.c.id)
        .where(JOB.c.state.in_(("waiting", "running")), JOB.c.kind.in_((records.IMPORT, COMMAND, STREAM)), alive)
        .order_by(JOB.c.id)
    )
    for other, arguments, source, origins in connection.execute(running).all():
        if other != id and sources & _sources(source, origins, orjson.loads(arguments)):
            raise InvalidTransition(f"Import {other} of the same source is running. Undo when it has ended.")


def _sources(source: str, origins: str | None, arguments: Json) -> set[str]:
    """What an import came from, by any name: origins, addresses, files. A body that was sent has no name."""
    named = arguments.get("sources")
    sources = {str(arguments.get("origin") or ""), str(arguments.get("url") or ""), *orjson.loads(origins or "[]")}
    return (sources | {str(one) for one in (named if isinstance(named, list) else ())}) - {"", "-"}


def _open(id: int) -> Sequence[ColumnElement[bool]]:
    return ARTICLE.c.job_id == id, ARTICLE.c.action.in_(DONE_TO), ARTICLE.c.undone.is_(None)


def advance(session: Session, task: Task) -> Step:
    """The next articles, then the next tags; with the last of them the record is undone."""
    id = read_integer(task.arguments["import"])
    after = read_integer(task.progress.get("after", 0))
    connection = session.connection()
    columns = (ARTICLE.c.article_id, ARTICLE.c.action, ARTICLE.c.version_before, ARTICLE.c.version)
    statement = select(*columns).where(*_open(id), ARTICLE.c.article_id > after)
    rows = [
        edited_since.TouchedRow(*row)
        for row in connection.execute(statement.order_by(ARTICLE.c.article_id).limit(CHUNK))
    ]
    if rows:
        counts = Counter(_undo(session, id, rows).values())
        done = read_integer(task.progress.get("done", 0)) + len(rows)
        progress = {**task.progress, "after": rows[-1].article, "done": done}
        for name, count in counts.items():
            progress[name] = read_integer(progress.get(name, 0)) + count
        return Step(progress, finished=False)
    tags_after = read_integer(task.progress.get("tags_after", 0))
    removed, last = created_tags.remove_unused(session, id, tags_after)
    progress = {**task.progress, "tags_removed": read_integer(task.progress.get("tags_removed", 0)) + removed}
    if last is not None:
        return Step({**progress, "tags_after": last}, finished=False)
    connection.execute(delete(SOURCE).where(SOURCE.c.job_id == id))
    connection.execute(update(RECORD).where(RECORD.c.id == id).values(undone_at=int(time.time())))
    return Step(progress, finished=True)


def _undo(session: Session, id: int, rows: Sequence[edited_since.TouchedRow]) -> dict[int, str]:
    """What is done with each article, noted in its row."""
    connection = session.connection()
    ids = [row.article for row in rows]
    connection.execute(select(A.c.id).where(A.c.id.in_(ids)).order_by(A.c.id).with_for_update(key_share=True)).all()
    current = stored_article.load(connection, ids)
    is_edit = connection.execute(select(JOB.c.kind).where(JOB.c.id == id)).scalar() == BULK
    reasons = edited_since.find_touched(connection, id, rows, by_person=is_edit)
    outcomes = {row.article: "gone" for row in rows if row.article not in current}
    outcomes |= {article: "kept" for article in reasons if article in current}
    outcomes |= _take_back(session, [row for row in rows if row.article not in outcomes], current)
    forgotten = [article for article, outcome in outcomes.items() if outcome in edited_since.UNDONE]
    if not is_edit:
        _forget_source(connection, forgotten)
    noted = [
        {"of": article, "what": outcome, "why": reasons.get(article, NOT_KEPT) if outcome == "kept" else None}
        for article, outcome in outcomes.items()
    ]
    mine = (ARTICLE.c.job_id == id) & (ARTICLE.c.article_id == bindparam("of"))
    connection.execute(update(ARTICLE).where(mine).values(undone=bindparam("what"), note=bindparam("why")), noted)
    return outcomes


def _take_back(
    session: Session, rows: Sequence[edited_since.TouchedRow], current: dict[int, StoredArticle]
) -> dict[int, str]:
    how = SaveContext(read_clock(session.connection()), authorship.UNDO, "", imported=True)
    made = {row.article for row in rows if row.action == "created"}
    states_of = {article: current[article].existing_row.status for article in made}
    public = [article for article, status in states_of.items() if status == "published"]
    hidden = [article for article, status in states_of.items() if status in ("draft", "scheduled")]
    states.withdraw(session, public, now=how.now, reason=REASON, by=how.by)
    bin_drafts(session, hidden, how)
    versions = {row.article: row.before for row in rows if row.action == "updated" and row.before is not None}
    restored = restore.restore(session, current, versions, how)
    outcomes = dict.fromkeys(versions, "kept") | dict.fromkeys(restored, "restored")
    # What an import brought as withdrawn is nobody's to see anyway.
    return outcomes | dict.fromkeys(made, "withdrawn") | dict.fromkeys(hidden, "trashed")


def bin_drafts(session: Session, ids: Sequence[int], how: SaveContext) -> None:
    """Puts drafts and scheduled articles into the bin, as `DELETE` does, but many at once."""
    connection = session.connection()
    revisions.save_current(connection, stored_article.load(connection, ids))
    before = log_facts.load(connection, ids)
    values = {"status": "trashed", "trashed_at": how.now, "updated_at": how.now, "version": A.c.version + 1}
    connection.execute(update(A).where(A.c.id.in_(ids)).values(saved_at=how.now, saved_by=how.by, **values))
    log_changes.record(session, ids, before, {id: ["status"] for id in ids})


def _forget_source(connection: Connection, ids: Sequence[int]) -> None:
    """What the source said last: importing it again is the first time."""
    connection.execute(delete(BASELINE).where(BASELINE.c.article_id.in_(ids)))
