"""The commands: parse arguments, call the same services as the server, print for people or as JSON."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import check as checks
from app import opening
from app.changes.follower import Following, catch_up
from app.db import Database, DatabaseProblem
from app.http import auth
from app.http.times import Period, format_time, read_time, read_zone
from app.importers import formats, pipeline
from app.importers.pipeline import Options, Report
from app.search.indexer import Indexer
from app.settings import Settings

cli = typer.Typer(
    name="dateline",
    help="A news archive: import, search, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes are nothing for a log, and a wrong option is one line
    add_completion=False,
)
keys = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
cli.add_typer(keys, name="keys")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def _version(asked: bool) -> None:
    if asked:
        out.print(f"dateline {version('dateline')}")
        raise typer.Exit


@cli.callback()
def main(
    shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """A news archive: import, search, serve."""


def settings(**given: object) -> Settings:
    """From the environment, with what the command line says on top; DatabaseProblem names a wrong variable."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise DatabaseProblem(f"DATELINE_{name.upper().removeprefix('DATELINE_')}: {first['msg']}.") from None


@contextmanager
def archive(chosen: Settings | None = None) -> Iterator[Database]:
    """The archive, opened, migrated if empty, and closed in the end."""
    db = opening.open_archive(chosen or settings())
    try:
        yield db
    finally:
        db.close_now()


def show(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (DATELINE_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks one (DATELINE_PORT).")] = None,
    seed: Annotated[
        Path | None, typer.Option(help="Import this folder if the archive is empty, and make a first admin key.")
    ] = None,
) -> None:
    """Run the server. Migrates an empty archive; refuses an outdated one."""
    from app import serving  # with all of the web's imports, which the other commands need not wait for

    serving.run(settings(host=host, port=port), seed, out)


@cli.command("import")
def import_(
    source: Annotated[list[str], typer.Argument(help="Files and folders; `-` reads standard input.")],
    format: Annotated[str | None, typer.Option(help="text, markdown or ndjson; by content where not given.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="The archive that the items come from, where they do not say.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of dates without one, such as Europe/Brussels.")] = "UTC",
    body: Annotated[str | None, typer.Option(help="What bodies are where not said: html, markdown or text.")] = None,
    enrich: Annotated[
        bool, typer.Option("--enrich/--no-enrich", help="Find out languages and regions where the source is silent.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Bring articles in. Running it again changes only what has changed in the source."""
    options = Options(
        _choice("--format", format, formats.NAMES),
        origin,
        _zone(timezone),
        _choice("--body", body, ("html", "markdown", "text")),
        dry_run,
    )
    chosen = settings()
    enrich = enrich and chosen.enrich
    with archive(chosen) as db:
        found = pipeline.sources(source, sys.stdin.buffer)
        started = time.monotonic()
        options = Options(options.format, origin, options.timezone, options.body_kind, dry_run, enrich, chosen.site_url)
        with _progress(json=json) as tell, _index_beside(db, chosen, wanted=not dry_run):
            report = pipeline.run(db, found, options, lambda: int(time.time()), tell)
        _print_report(report, time.monotonic() - started, dry_run=dry_run, json=json)
    if report.failures:
        raise typer.Exit(1)


def _choice(option: str, value: str | None, allowed: tuple[str, ...]) -> Any:
    if value is not None and value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}.", param_hint=option)
    return value


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"{name!r} is no time zone; try Europe/Brussels.", param_hint="--timezone") from None


@contextmanager
def _index_beside(db: Database, chosen: Settings, *, wanted: bool) -> Iterator[None]:
    """Keeps the index in step during an import, unless a running server does."""
    indexer = Indexer(chosen.index_path, chosen.index_heap_mb)
    if not wanted or not indexer.acquire():
        yield
        return
    following = Following(db, indexer, chosen.index_interval)
    following.start()
    try:
        yield
    finally:
        following.stop()
        catch_up(db, indexer)
        indexer.close()


@contextmanager
def _progress(*, json: bool) -> Iterator[Any]:
    """A bar on a terminal, a line every 10,000 items elsewhere, nothing with --json."""
    if json:
        yield lambda report: None
        return
    if not err.is_terminal:
        told = [0]

        def tell(report: Report) -> None:
            if report.done - told[0] >= 10_000:
                told[0] = report.done
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


def _print_report(report: Report, seconds: float, *, dry_run: bool, json: bool) -> None:
    counts = {
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "failed": len(report.failures),
    }
    if json:
        show(
            {
                **counts,
                "dry_run": dry_run,
                "seconds": round(seconds, 3),
                "seq": report.head.place.token if report.head else None,
                "failures": [{"where": where, "reason": reason} for where, reason in report.failures],
                "notes": [{"note": note, "where": where} for note, where in report.notes.items()],
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
        kept = ", ".join(f"{name} ({count})" for name, count in report.unknown.most_common(20))
        out.print(f"Fields without a place here, kept in `extra`: {kept}.", markup=False)
    if report.unknown_regions:
        names = ", ".join(f"{name} ({count})" for name, count in report.unknown_regions.most_common(20))
        out.print(f"Regions that nobody here knows, kept as given: {names}.", markup=False)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    out.print(f"{'Would be: ' if dry_run else ''}{told}, in {seconds:.1f} s.", markup=False)


@cli.command()
def export(
    format: Annotated[str, typer.Option(help="ndjson, one article a line.")] = "ndjson",
    since: Annotated[
        str | None, typer.Option(help="Only what has changed since this place (as an earlier export printed it).")
    ] = None,
) -> None:
    """Write the whole archive, in every state, to standard output; importing it elsewhere gives the same archive."""
    from app.sync import dump  # the server's part, which other commands need not wait for

    _choice("--format", format, ("ndjson",))
    chosen = settings()
    with archive(chosen) as db:
        place = asyncio.run(dump.write(db, chosen, since, sys.stdout.buffer.write))
        sys.stdout.buffer.flush()
    err.print(f"To go on from here: --since {place}", markup=False)


@cli.command()
def reindex() -> None:
    """Build the search index anew beside the old one, then put it in its place."""
    chosen = settings()
    with archive(chosen) as db:
        indexer = Indexer(chosen.index_path, chosen.index_heap_mb)
        if not indexer.acquire():
            raise DatabaseProblem(
                "A running server keeps this index; stop it, or delete its folder and let it rebuild."
            )
        started = time.monotonic()
        with db.snapshot() as snapshot:
            from app.changes import log

            indexer.rebuild(snapshot, log.head(snapshot).place)
        catch_up(db, indexer)
        indexer.close()
        out.print(f"The index is new, in {time.monotonic() - started:.1f} s.")


@cli.command()
def check(json: Json = False) -> None:
    """See whether database, change log, index and regions agree, or say where not."""
    chosen = settings()
    with archive(chosen) as db:
        found = checks.run(db, chosen)
    if json:
        show(
            {
                "ok": all(one.good for one in found),
                "checks": [{"name": c.name, "ok": c.good, "detail": c.detail} for c in found],
            }
        )
    else:
        for one in found:
            out.print(f"{'ok    ' if one.good else 'WRONG '} {one.name}: {one.detail}", markup=False)
    if not all(one.good for one in found):
        raise typer.Exit(1)


@cli.command()
def migrate() -> None:
    """Bring the archive's schema up to this version. Stop the server first."""
    out.print(opening.migrate(settings()))


@cli.command()
def backup(file: Annotated[Path, typer.Argument(help="The copy; must not exist yet.")]) -> None:
    """A consistent copy of a SQLite archive, also of a running one; restored, it is known to be a copy."""
    chosen = settings()
    with archive(chosen) as db:
        opening.backup(db, file)
    out.print(f"The copy is {file}.", markup=False)


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Option(help="Whom or what the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read_drafts, write, publish or admin; repeat for several.")],
    expires: Annotated[str | None, typer.Option(help="Last day or time of use: 2027-12 or RFC 3339.")] = None,
) -> None:
    """Make a key and print it, once."""
    for one in scope:
        _choice("--scope", one, auth.SCOPES)
    until = None
    if expires is not None:
        when = read_time(expires, read_zone("UTC"), int(time.time()))
        until = when.end if isinstance(when, Period) else when.at
    with archive() as db:
        made = db.write_now(auth.create, name, tuple(dict.fromkeys(scope)), until).value
    out.print(made, markup=False)


@keys.command("list")
def keys_list(json: Json = False) -> None:
    """All keys, without their secrets."""
    with archive() as db:
        found = db.write_now(auth.listed).value
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    rows = [{n: format_time(v) if n in times and isinstance(v, int) else v for n, v in row.items()} for row in found]
    if json:
        show(rows)
        return
    table = Table("id", "name", "scopes", "created", "expires", "revoked", "last used")
    for row in rows:
        table.add_row(*(str(value if value is not None else "–") for value in row.values()))
    out.print(table)


@keys.command("revoke")
def keys_revoke(id: Annotated[int, typer.Argument(help="As `dateline keys list` shows it.")]) -> None:
    """End a key at once."""
    with archive() as db:
        if not db.write_now(auth.revoke, id).value:
            raise DatabaseProblem(f"There is no key {id} that could be revoked.")
    out.print(f"Key {id} is revoked.")
