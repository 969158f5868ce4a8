"""`dateline import` at work: opens what it needs, keeps the index in step, shows how far it is and what came of it."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.articles.repair import invented_dates
from app.changes.follower import catch_up
from app.commands import check
from app.commands.output import err, out, print_json
from app.db.database import Database, DatabaseProblem
from app.http.params.times import format_time
from app.importers import pipeline, sources
from app.importers.jobs.preparation_pool import PreparationPool, count_processes
from app.importers.records import visibility
from app.importers.web.fetch import Fetch
from app.search.indexing.archive_indexes import list_indexes
from app.search.indexing.indexer_process import IndexerProcess
from app.search.indexing.snapshots.fetching import IndexFetcher
from app.settings import Settings

MANY = 1_000
"""Changes from which on an index process of its own is worth its start, which takes a second of a processor."""

Tell = Callable[[pipeline.ImportReport], None]


def run_import(
    db: Database,
    settings: Settings,
    import_sources: list[sources.SourceInput],
    options: pipeline.ImportOptions,
    *,
    json: bool,
    allow_private: bool,
) -> pipeline.ImportReport:
    """Imports, with the index in step, and prints the report."""
    started = time.monotonic()
    with (
        _show_progress(json=json) as tell,
        _open_fetch(import_sources, allow_private=allow_private) as fetch,
        _collect_seldom(),
        nullcontext(tell) if options.dry_run else _keep_index_current(db, settings, tell) as progress,
        closing(PreparationPool(db, count_processes())) as pool,
    ):
        report = pipeline.run_import(db, import_sources, options, db.read_time, progress, fetch, pool)
    _print_report(report, time.monotonic() - started, dry_run=options.dry_run, json=json)
    return report


@contextmanager
def _collect_seldom() -> Iterator[None]:
    """Nearly nothing of what an import makes is garbage in circles, but all of it would be looked through for that,
    again and again."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _keep_index_current(db: Database, settings: Settings, tell: Tell) -> Iterator[Tell]:
    """Keeps the index in step, unless a running server does: of many items while they come, else after the last. What
    is given is to be called after each batch, and calls `tell`."""
    processes: list[IndexerProcess] = []

    def progress(report: pipeline.ImportReport) -> None:
        tell(report)
        if not processes and report.created + report.updated >= MANY:
            processes.append(IndexerProcess(settings))

    try:
        yield progress
    finally:
        for process in processes:
            process.finish()
        catch_up_index(db, settings)


def catch_up_index(db: Database, settings: Settings, *, with_cluster: bool = True) -> None:
    """Brings the indexes in step, unless a running server does. DatabaseProblem where one cannot be written, after the
    others are in step; what was saved stays. `with_cluster`: also those in a search cluster."""
    problems: list[str] = []
    for index in list_indexes(settings):
        indexer = index.create_indexer()
        try:
            if indexer.acquire():
                IndexFetcher(db, settings, index, indexer, threading.Event()).fetch()
                catch_up(db, indexer)
        except OSError as error:
            problems.append(f"the {index.name} cannot be written: {error}")
        finally:
            indexer.close()
    if settings.search_url and with_cluster:
        from app.search.opensearch.reindexing import catch_up_cluster  # an extra

        try:
            catch_up_cluster(db, settings)
        except DatabaseProblem as error:
            problems.append(str(error))
    if problems:
        raise DatabaseProblem(f"What was saved is in the archive, but {' and '.join(problems)}.")


@contextmanager
def _open_fetch(import_sources: list[sources.SourceInput], *, allow_private: bool) -> Iterator[Fetch | None]:
    if not any(source.address for source in import_sources):
        yield None
        return
    from app.importers.web.http_fetcher import HttpFetcher  # with httpx, which files need not wait for

    with HttpFetcher(allow_private=allow_private) as fetch:
        yield fetch


@contextmanager
def _show_progress(*, json: bool) -> Iterator[Any]:
    """A bar on a terminal, a line every 10,000 items elsewhere, nothing with --json."""
    if json:
        yield lambda report: None
        return
    if not err.is_terminal:
        last_reported = [0]

        def tell(report: pipeline.ImportReport) -> None:
            if report.done - last_reported[0] >= 10_000:
                last_reported[0] = report.done
                err.print(f"{report.done} items")

        yield tell
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed} items"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        began = time.monotonic()
        yield lambda report: bar.update(
            task, completed=report.done, rate=f"{report.done / max(0.001, time.monotonic() - began):.0f} a second"
        )


def _print_report(report: pipeline.ImportReport, seconds: float, *, dry_run: bool, json: bool) -> None:
    counts = {
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "failed": len(report.failures),
    }
    if json:
        print_json(
            {
                **counts,
                "dry_run": dry_run,
                "seconds": round(seconds, 3),
                "seq": report.head.position.token if report.head else None,
                "failures": [{"where": where, "reason": reason} for where, reason in report.failures],
                "notes": [{"note": note, "where": where} for note, where in report.notes.items()],
                "copies": [{"where": where, "id": id, "copy_of": of} for where, id, of in report.copies],
                "unknown_fields": dict(report.unknown.most_common()),
                "unknown_regions": dict(report.unknown_regions.most_common()),
            }
        )
        return
    for where, reason in report.failures:
        err.print(f"failed: {where}: {reason}", markup=False)
    for note, places in report.notes.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        err.print(f"note: {places[0]}{more}: {note}", markup=False)
    if report.unknown:
        unknown_names = ", ".join(f"{name} ({count})" for name, count in report.unknown.most_common(20))
        out.print(f"Fields without a place here, kept in `extra`: {unknown_names}.", markup=False)
    if report.unknown_regions:
        names = ", ".join(f"{name} ({count})" for name, count in report.unknown_regions.most_common(20))
        out.print(f"Regions that nobody here knows, kept as given: {names}.", markup=False)
    if drafts := visibility.count_drafts(report.notes):
        draft_reasons = "; ".join(f"{reason} ({count})" for reason, count in drafts[:20])
        out.print(f"Not public at their source, drafts here: {draft_reasons}.", markup=False)
    counts_text = ", ".join(f"{count} {name}" for name, count in counts.items())
    out.print(f"{'Would be: ' if dry_run else ''}{counts_text}, in {seconds:.1f} s.", markup=False)


def fix_dates(db: Database, chosen: Settings) -> None:
    """Takes away dates that an import without dates made up: lists them on standard error, which stays readable beside
    --json, and asks first on a terminal."""
    with db.snapshot() as snapshot:
        suspects = invented_dates.find(snapshot.connection)
    for suspect in suspects:
        err.print(f"{suspect.id} {suspect.slug} {format_time(suspect.published_at)} {suspect.title}", markup=False)
    if suspects and err.is_terminal and not typer.confirm(f"Take the date from these {len(suspects)}?", err=True):
        return
    changed = check.remove_dates(db, suspects)
    catch_up_index(db, chosen)
    err.print(f"{changed} articles have no date any more.", markup=False)
