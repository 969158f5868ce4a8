"""`dateline prune`: what settings say is not kept goes, or would go."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.progress import Progress, SpinnerColumn, TextColumn

from app.audit.pruning.forecast import Amount, PruneForecast, make_forecast
from app.audit.pruning.log_end import describe_holds
from app.audit.pruning.run import PruneReport, Pruning, PruningElsewhere
from app.commands import output
from app.db.database import Database, DatabaseProblem
from app.settings import Settings

ALL_KEPT = (
    "Everything is kept: no setting says otherwise (DATELINE_LOG_DAYS, DATELINE_REVISIONS_KEPT, "
    "DATELINE_REVISION_DAYS, DATELINE_AUDIT_DAYS), but for attempts of webhooks (DATELINE_WEBHOOK_ATTEMPT_DAYS) and "
    "results of imports (DATELINE_IMPORT_RESULT_DAYS)."
)
NEWS_SECONDS = 10
COMPACT = (
    "new rows take that space. `dateline compact`, with the server stopped, gives it back once; from then on this "
    "command does so by itself."
)


def tell_forecast(db: Database, settings: Settings, *, json: bool) -> None:
    """What would go, and about how many bytes that are."""
    forecast = make_forecast(db, settings)
    if json:
        output.print_json(asdict(forecast))
        return
    _print_settings(settings)
    for line in _describe_forecast(forecast):
        output.out.print(line, markup=False, highlight=False, soft_wrap=True)


def _describe_forecast(forecast: PruneForecast) -> list[str]:
    def describe(amount: Amount) -> str:
        return f"{amount.rows:,}, about {amount.bytes:,} bytes"

    return [
        f"rows of the change log that would go: {describe(forecast.log)}",
        *_describe_held(forecast.held_by),
        f"versions that would go: {describe(forecast.versions)}",
        f"versions that would be compressed: {describe(forecast.compressed)}",
        f"rows of the audit that would go: {describe(forecast.audit)}",
        f"attempts of webhooks that would go: {describe(forecast.webhook_attempts)}",
        f"results of imports that would go: {describe(forecast.import_results)}",
        *([f"free in the file already: {forecast.free_bytes:,} bytes"] if forecast.free_bytes else []),
    ]


def prune(db: Database, settings: Settings, *, json: bool) -> None:
    """DatabaseProblem where another process is at it."""
    try:
        with _show_progress() as tell:
            report = Pruning(db, settings, tell=tell).run()
    except PruningElsewhere:
        raise DatabaseProblem("Another process prunes this archive; try again when it has done.") from None
    if json:
        output.print_json(asdict(report))
        return
    _print_settings(settings)
    for line in _describe_report(report):
        output.out.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _show_progress() -> Iterator[Callable[[PruneReport], None]]:
    """On a terminal all the time, else a line from time to time, on standard error."""
    columns = SpinnerColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=output.err, transient=True, disable=not output.err.is_terminal) as bar:
        shown, told_at = bar.add_task("", total=None), time.monotonic()

        def tell(report: PruneReport) -> None:
            nonlocal told_at
            text = (
                f"{report.log_rows:,} rows of the change log and {report.versions:,} versions went, "
                f"{report.versions_compressed:,} versions were compressed"
            )
            bar.update(shown, description=text)
            if not output.err.is_terminal and time.monotonic() - told_at > NEWS_SECONDS:
                told_at = time.monotonic()
                output.err.print(text, markup=False)

        yield tell


def _describe_report(report: PruneReport) -> list[str]:
    left = f"free in the file: {report.free_bytes:,} bytes"
    return [
        f"rows of the change log that went: {report.log_rows:,}",
        *_describe_held(report.held_by),
        f"versions that went: {report.versions:,}",
        f"versions that were compressed: {report.versions_compressed:,}",
        f"rows of the audit that went: {report.audit_rows:,}",
        f"attempts of webhooks that went: {report.webhook_attempts:,}",
        f"results of imports that went: {report.import_results:,}",
        *([f"given back of the file: {report.given_back:,} bytes"] if report.given_back else []),
        *([f"{left}; {COMPACT}"] if report.needs_compact else []),
    ]


def _describe_held(names: tuple[str, ...]) -> list[str]:
    return [f"  more of it is old enough, and needed by: {describe_holds(names)}"] if names else []


def _print_settings(settings: Settings) -> None:
    if not settings.keeps_not_all and not settings.audit_days:
        output.out.print(ALL_KEPT, markup=False, soft_wrap=True)
