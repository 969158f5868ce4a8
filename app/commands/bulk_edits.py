"""`dateline imports` and `dateline edit`: what imports did, undoing it, and one change of many articles."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError
from rich.progress import Progress
from rich.table import Table
from sqlmodel import Session

from app.articles.bulk import edit_job, edit_request, job_chunks, queries, routes, undo_job
from app.articles.bulk.params import RecordListParams
from app.articles.bulk.payloads import BulkEdit
from app.articles.reading.card_cache import Cards
from app.articles.store import authorship
from app.changes import jobs
from app.commands import import_articles
from app.commands.output import err, find_user, out, print_json
from app.context import AppContext, RequestContext
from app.db.database import Database, DatabaseProblem
from app.errors import DatelineError, InvalidInput
from app.http import body
from app.http.auth import SCOPES, Caller
from app.http.params.query_string import parse_query
from app.regions import service as regions
from app.search.index import EngineIndex
from app.search.indexing.archive_indexes import open_engine
from app.settings import Settings

T = TypeVar("T")
SECONDS = 0.1
"""Between two looks at a job that a server is at."""
LONGEST_SOURCE = 40
"""Characters of a source in the table; `dateline imports show` has all of it."""


def list_imports(db: Database, kind: str | None, limit: int, *, json: bool) -> None:
    """The newest records, as a table or as JSON."""
    query = f"limit={limit}" + (f"&kind={kind}" if kind else "")
    params = RecordListParams.parse(query.encode(), int(time.time()))
    records, _ = _run_read(db, lambda: queries.page(db, params))
    rows = [queries.shape(record) for record in records]
    if json:
        print_json(rows)
        return
    table = Table("id", "kind", "source", "by", "begun", "state", "created, updated, failed")
    for row in rows:
        counts, undone, source = row["progress"], row["undo"], str(row["source"])
        assert isinstance(counts, dict)
        state = row["state"]
        if isinstance(undone, dict):
            state = "undone" if undone["undone_at"] else f"undo {undone['state']}"
        label = source if len(source) <= LONGEST_SOURCE else f"{source[: LONGEST_SOURCE - 1]}…"
        counts_text = ", ".join(str(counts[name]) for name in ("created", "updated", "failed"))
        cells = (row["id"], row["kind"], label, row["created_by"], str(row["created_at"])[:10], state, counts_text)
        table.add_row(*(str(cell) if cell is not None else "–" for cell in cells))
    out.print(table)


def show_import(db: Database, id: int) -> None:
    """One record, as JSON."""
    print_json(queries.shape(_find_record(db, id)))


def _find_record(db: Database, id: int) -> queries.Record:
    record: queries.Record | None = _run_read(db, lambda: queries.find(db, id))
    if record is None:
        raise DatabaseProblem(f"There is no import {id}; `dateline imports list` shows which there are.")
    return record


def undo_import(db: Database, settings: Settings, id: int, *, json: bool) -> bool:
    """Takes an import or a bulk edit back, or goes on with that; False where it could not be finished."""
    _find_record(db, id)
    job = _translate_refusal(lambda: db.write_now(undo_job.begin, id, find_user()).value)
    return _finish(db, settings, job, id, json=json)[1]


def resume(db: Database, settings: Settings, id: int, *, json: bool) -> bool:
    """Goes on with a bulk edit that a process left behind when it died."""
    record = _find_record(db, id)
    if record.has_ended or record.kind not in job_chunks.WORKS:
        raise DatabaseProblem(f"Import {id} is no bulk edit that waits for anybody.")
    return _finish(db, settings, id, id, json=json)[1]


def edit(db: Database, settings: Settings, payload: dict[str, Any], *, dry_run: bool, json: bool) -> bool:
    """One change of many articles; False where some of them could not be changed."""
    order, context = _read_order(db, settings, payload)
    for warning in order.warnings:
        err.print(f"note: {warning['detail']}", markup=False)
    if dry_run:
        _print_preview(routes.preview(context, order), json=json)
        return True
    by = authorship.sign(find_user())
    options = {**order.options, "_via": "command"}
    job = db.write_now(edit_job.begin, order.filter, order.changes, options, by, settings.site_url, order.missing).value
    record, is_done = _finish(db, settings, job, job, json=json)
    return is_done and not record.count("failed")


def _finish(db: Database, settings: Settings, job: int, id: int, *, json: bool) -> tuple[queries.Record, bool]:
    """Works on a job to its end and prints what has come of the import or bulk edit `id`: its record, and whether the
    job got to its end."""
    task = finish_job(db, job, json=json)
    import_articles.catch_up_index(db, settings)
    record = _find_record(db, id)
    _print_result(queries.shape(record), task, json=json)
    return record, task.state == "done"


def _read_order(db: Database, settings: Settings, payload: dict[str, Any]) -> tuple[edit_request.EditOrder, AppContext]:
    try:
        edit = BulkEdit.model_validate(payload)
    except ValidationError as error:
        raise DatabaseProblem(
            _describe_error(InvalidInput(*body.to_field_errors(error, BulkEdit.model_fields)))
        ) from None
    index = EngineIndex(db, open_engine(settings))
    context = AppContext(settings, db, index, Cards(db, settings.site_url.rstrip("/")))

    async def read() -> edit_request.EditOrder:
        head = await context.head()
        atlas = await regions.current(db, head.epoch, head.names_seq)
        return await edit_request.read(
            context, RequestContext(Caller(0, frozenset(SCOPES), find_user()), head, atlas, int(time.time())), edit
        )

    return _translate_refusal(lambda: _run_read(db, read)), context


def read_filter(texts: list[str]) -> dict[str, list[str]]:
    """`name=value` and `a=b&c=d`, as in the address of a list."""
    parameters: dict[str, list[str]] = {}
    for text in texts:
        for name, values in parse_query(text.encode()).items():
            parameters.setdefault(name, []).extend(value or "" for value in values)
    return parameters


def _run_read(db: Database, read: Callable[[], Any]) -> Any:
    """A read for the server, within a loop of its own."""

    async def read_and_close() -> Any:
        try:
            return await read()
        finally:
            await db.reader.close()
            del db.reader  # the next loop opens its own

    return asyncio.run(read_and_close())


def _translate_refusal(fn: Callable[[], T]) -> T:
    """DatabaseProblem, which is one line for people, for what the archive refuses."""
    try:
        return fn()
    except DatelineError as error:
        raise DatabaseProblem(_describe_error(error)) from None


def _describe_error(error: DatelineError) -> str:
    if not error.errors:
        return error.detail
    return " ".join(f"{one.pointer or one.parameter}: {one.detail}" for one in error.errors)


def finish_job(db: Database, id: int, *, json: bool = False) -> jobs.Task:
    """Works on a job until it has ended, or waits for a server that does. Interrupted, the job is stopped: begun again
    it goes on there."""
    try:
        with Progress(console=err, transient=True, disable=json or not err.is_terminal) as bar:
            shown = bar.add_task("", total=None)
            # A transaction for each chunk: a running server takes turns, at this job and at all its other writes.
            while True:
                task = db.write_now(_run_step, id).value
                done, total = task.progress.get("done", 0), task.progress.get("total", 0)
                bar.update(shown, completed=int(str(done)), total=int(str(total)) or None)
                if task.has_ended:
                    return task
    except KeyboardInterrupt:
        db.write_now(jobs.stop, id)
        raise


def _run_step(session: Session, id: int) -> jobs.Task:
    task = jobs.advance(session, job_chunks.WORKS, id)
    if task is not None:
        return task
    current_task = jobs.get(session, id)
    if not current_task.has_ended:
        time.sleep(SECONDS)
    return current_task


def _print_result(shape: dict[str, Any], task: jobs.Task, *, json: bool) -> None:
    if json:
        print_json(shape)
        return
    undone = shape["undo"]
    if task.kind == undo_job.KIND and undone:
        names = ("withdrawn", "trashed", "restored", "kept", "gone", "tags_removed")
        counts_text = ", ".join(f"{undone[name]} {name.replace('_', ' ')}" for name in names)
        out.print(f"Import {shape['id']}: {counts_text}.", markup=False)
        if undone["kept"]:
            err.print(f"note: what was edited since: /v1/imports/{shape['id']}/articles?undone=kept", markup=False)
    else:
        counts = shape["progress"]
        counts_text = ", ".join(f"{counts[name]} {name}" for name in ("updated", "unchanged", "failed"))
        out.print(f"Bulk edit {shape['id']}: {counts_text}.", markup=False)
    if task.error:
        err.print(f"It has ended early: {task.error}.", markup=False)


def _print_preview(preview: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(preview)
        return
    out.print(f"{preview['matched']} article{'' if preview['matched'] == 1 else 's'} would be edited.", markup=False)
    if preview["missing"]:
        out.print(f"Missing: {', '.join(map(str, preview['missing']))}.", markup=False)
    for one in preview["samples"]:
        out.print(f"  {one['id']} {one['slug']} ({one['status']})", markup=False)
