"""Moving an archive: `copy`, `backup` and `check --against`, and what they tell. The work is in `copies/`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.progress import Progress
from sqlalchemy import text

from app.commands import open_archive, output
from app.commands.copies import backups
from app.commands.copies.comparison import ArchiveComparison, compare_archives
from app.commands.copies.copying import CopyReport, Tell, copy_archive, open_target
from app.commands.copies.source import open_source, read_address
from app.commands.copies.tables import NOT_COPIED
from app.db import migrate
from app.db.database import Database, DatabaseProblem
from app.db.engines import DatabaseUrl
from app.settings import Settings


def copy(settings: Settings, to: str, *, keeps_webhooks: bool, json: bool) -> None:
    """Copies the archive of the settings, and says how to go on."""
    url = read_address(to, "--to")
    with ExitStack() as stack:
        db = stack.enter_context(open_source(settings))
        if db.url.is_same(url):
            raise DatabaseProblem(f"{url} is the archive itself.")
        if keeps_webhooks:
            # Whoever still served it would tell them the same as the copy's server.
            stack.enter_context(_hold_without_server(db))
        _check_version(db)
        target = open_target(url)
        with _show_progress() as tell:
            report = copy_archive(db, target, keeps_webhooks=keeps_webhooks, tell=tell)
        webhooks = _count_webhooks(db)
    if json:
        output.print_json(_describe(report, url))
        return
    for line in _list_news(report, url, webhooks, keeps_webhooks=keeps_webhooks):
        output.out.print(line, markup=False)


@contextmanager
def _hold_without_server(db: Database) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(open_archive.hold_server_lock(db.url))
        except open_archive.ServerRunning as error:
            raise DatabaseProblem(
                f"A server for {db.path} is running: stop it for good before its webhooks go over to the copy."
            ) from error
        yield


def _check_version(db: Database) -> None:
    """A backup may be of an older version, which migrates it when it is restored; a server opens a copy as it is."""
    if migrate.find_state(db) == "outdated":
        raise DatabaseProblem("The archive is of an older version: stop its server and run `dateline migrate`.")


def _count_webhooks(db: Database) -> int:
    with db.snapshot() as snapshot:
        statement = text("SELECT count(*) FROM webhook WHERE off_reason IS NULL")
        return int(snapshot.connection.execute(statement).scalar_one())


def _describe(report: CopyReport, url: DatabaseUrl) -> dict[str, object]:
    return {
        "to": str(url),
        "rows": report.total,
        "seconds": round(report.seconds, 1),
        "tables": report.rows,
        "not_copied": [*sorted(NOT_COPIED), *report.others],
    }


def _list_news(report: CopyReport, url: DatabaseUrl, webhooks: int, *, keeps_webhooks: bool) -> Iterator[str]:
    speed = round(report.total / max(report.seconds, 0.001))
    yield (
        f"{report.total:,} rows of {len(report.rows)} tables are in {url}, in {report.seconds:.1f} s "
        f"({speed:,} rows a second)."
    )
    if report.others:
        yield f"Not copied, since they are not the archive's: {', '.join(report.others)}."
    yield (
        "The copy is another archive to whoever followed this one: clients begin again once, and its server builds an "
        "index first."
    )
    if webhooks:
        yield (
            f"{webhooks} webhooks go on where they stood; never start a server of the old archive again."
            if keeps_webhooks
            else f"{webhooks} webhooks are switched off as soon as a server of the copy starts; to move them: "
            "--keep-webhooks."
        )


def compare(settings: Settings, against: str, *, json: bool) -> bool:
    """Compares the archive of the settings with another one; whether they are the same."""
    url = read_address(against, "--against")
    with open_source(settings) as db:
        if db.url.is_same(url):
            raise DatabaseProblem(f"{url} is the archive itself.")
        with open_source(settings, url) as other:
            result = compare_archives(db, other)
    if json:
        output.print_json(_describe_comparison(result))
    else:
        for line in _list_differences(result):
            output.out.print(line, markup=False)
    return not result.total


def _describe_comparison(result: ArchiveComparison) -> dict[str, object]:
    differences = [
        {"table": one.table, "key": one.key, "columns": list(one.columns), "only": one.only}
        for one in result.differences
    ]
    return {
        "ok": not result.total,
        "tables": result.tables,
        "rows": result.rows,
        "differing": result.counts,
        "differences": differences,
    }


def _list_differences(result: ArchiveComparison) -> Iterator[str]:
    yield from (f"WRONG  {one.describe()}" for one in result.differences)
    if (more := result.total - len(result.differences)) > 0:
        counts = ", ".join(f"{count} of {table}" for table, count in sorted(result.counts.items()))
        yield f"WRONG  and {more} more; of all rows that differ {counts}"
    said = f"{result.total} rows differ" if result.total else "no row differs"
    yield f"{result.rows:,} rows of {result.tables} tables: {said}."


def back_up(settings: Settings, file: Path) -> None:
    """Makes a backup of the archive of the settings, whatever version it is of."""
    with open_source(settings) as db, _show_progress() as tell:
        backups.backup(db, file, tell)
    output.out.print(f"The copy is {file}.", markup=False)


@contextmanager
def _show_progress() -> Iterator[Tell]:
    """The table and its rows on a terminal; nothing elsewhere."""
    with Progress(console=output.err, transient=True, disable=not output.err.is_terminal) as bar:
        shown = bar.add_task("Copy", total=None)

        def tell(table: str, done: int, rows: int) -> None:
            bar.update(shown, description=f"{table}: {rows:,} rows", completed=done)

        yield tell
