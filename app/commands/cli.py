"""The commands: parse arguments, call the same services as the server, print for people or as JSON."""

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args

import orjson
import typer

from app import __version__
from app.audit import listing
from app.audit.queries import AuditFilter
from app.audit.render import show_line, show_row
from app.commands import check as checks
from app.commands import import_articles, open_archive, output
from app.commands.imports import imports
from app.commands.index import index
from app.commands.keys import keys
from app.commands.options import (
    AllowPrivate,
    BaseUrl,
    Json,
    find_key,
    load_settings,
    open_database,
    parse_base_url,
    parse_choice,
    parse_span,
    parse_zone,
    set_actor,
)
from app.db.audit_rows import ACTIONS
from app.importers import sources
from app.importers.document import BodyKind, Identity
from app.importers.pipeline import ImportOptions
from app.search.indexing.rebuild import rebuild_indexes

cli = typer.Typer(
    name="dateline",
    help="A news archive: import, search, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes are nothing for a log, and a wrong option is one line
    add_completion=False,
)
cli.add_typer(keys, name="keys")
cli.add_typer(imports, name="imports")
cli.add_typer(index, name="index")


def _print_version(is_requested: bool) -> None:
    if is_requested:
        output.out.print(f"dateline {__version__}")
        raise typer.Exit


@cli.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """A news archive: import, search, serve."""
    set_actor(context)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (DATELINE_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks one (DATELINE_PORT).")] = None,
    workers: Annotated[
        str | None, typer.Option(help="Processes to serve with, or `auto`: one for each processor (DATELINE_WORKERS).")
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option(
            help="Import this folder if the archive is empty, and make a first admin key. `seed_data` stands for the "
            "sample articles that come with Dateline where no folder has that name."
        ),
    ] = None,
) -> None:
    """Run the server. Migrates an empty archive; refuses an outdated one."""
    from app.commands import serve  # with all of the web's imports, which the other commands need not wait for

    serve.run_server(load_settings(host=host, port=port, workers=workers), seed, output.out)


@cli.command()
def docs(
    page: Annotated[str | None, typer.Argument(help="A page's name; without one all names are listed.")] = None,
) -> None:
    """Print the documentation that comes with Dateline."""
    from app.commands import pages

    pages.print_page(page)


@cli.command("import")
def import_(
    source: Annotated[list[str], typer.Argument(help="Files, folders, addresses; `-` reads standard input.")],
    format: Annotated[str | None, typer.Option(help=f"{', '.join(sources.NAMES)}; by content where not given.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="The archive that the items come from, where they do not say.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of dates without one, such as Europe/Brussels.")] = "UTC",
    source_dates: Annotated[
        bool,
        typer.Option("--source-dates", help="Give articles without a date of their own that of their feed or file."),
    ] = False,
    body_format: Annotated[
        str | None, typer.Option(help="What bodies are where not said: html, markdown or text.")
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(help="What entries of feeds are known by: guid, link or content; the first that is one's own."),
    ] = None,
    base_url: BaseUrl = None,
    enrich: Annotated[
        bool, typer.Option("--enrich/--no-enrich", help="Find out languages and regions where the source is silent.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the source's side where somebody has edited an article here.")
    ] = False,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Bring articles in. Running it again changes only what has changed in the source."""
    options = ImportOptions(
        parse_choice("--format", format, sources.NAMES),
        origin,
        parse_zone(timezone),
        parse_choice("--body-format", body_format, get_args(BodyKind)),
        dry_run,
        source_dates=source_dates,
        identity=parse_choice("--identity", identity, get_args(Identity)),
        overwrite=overwrite,
        base_url=parse_base_url(base_url),
        by=output.find_user(),
    )
    chosen = load_settings()
    with open_database(chosen) as db:
        import_sources = sources.find_sources(source, sys.stdin.buffer)
        options = replace(options, enrich=enrich and chosen.enrich, site_url=chosen.site_url)
        report = import_articles.run_import(db, chosen, import_sources, options, json=json, allow_private=allow_private)
    if report.failures:
        raise typer.Exit(1)


@cli.command()
def enrich(
    language: Annotated[
        bool, typer.Option("--language", help="The language of articles whose editors and sources have set none.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Look anew at what can be recognised in the articles that are here. Running it again changes nothing more."""
    from app.commands import enrich  # with the models, which other commands need not wait for

    if not language:
        raise typer.BadParameter("Say what to look at: --language.", param_hint="--language")
    chosen = load_settings()
    with open_database(chosen) as db:
        enrich.recognise_languages(db, chosen, dry_run=dry_run, json=json)


@cli.command()
def export(
    format: Annotated[str, typer.Option(help="ndjson, one article a line.")] = "ndjson",
    since: Annotated[
        str | None, typer.Option(help="Only what has changed since this place (as an earlier export printed it).")
    ] = None,
) -> None:
    """Write the whole archive, in every state, to standard output; importing it elsewhere gives the same archive."""
    from app.sync.exports import full_export  # the server's part, which other commands need not wait for

    parse_choice("--format", format, ("ndjson",))
    chosen = load_settings()
    with open_database(chosen) as db:
        position = asyncio.run(full_export.write(db, chosen, since, sys.stdout.buffer.write))
        sys.stdout.buffer.flush()
    output.err.print(f"To go on from here: --since {position}", markup=False)


@cli.command()
def reindex() -> None:
    """Build the search indexes anew beside the old ones, then put them in their place; a running server does so
    itself."""
    chosen = load_settings()
    with open_database(chosen) as db:
        started = time.monotonic()
        rebuild_indexes(db, chosen)
        output.out.print(f"The index is new, in {time.monotonic() - started:.1f} s.")


@cli.command()
def check(
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare all rows with those of another archive instead: a file, or an address as in "
            "DATELINE_DATABASE_URL."
        ),
    ] = None,
    fix_dates: Annotated[
        bool,
        typer.Option(
            "--fix-dates",
            help="First list the articles that an import without dates dated with the second of its run, and take "
            "that date away; on a terminal only after a question.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """See whether database, change log, index and regions agree, or say where not."""
    chosen = load_settings()
    if against is not None:
        if fix_dates:
            raise typer.BadParameter("It compares, and changes nothing: leave out --fix-dates.", param_hint="--against")
        from app.commands import moving

        if not moving.compare(chosen, against, json=json):
            raise typer.Exit(1)
        return
    with open_database(chosen) as db:
        if fix_dates:
            import_articles.fix_dates(db, chosen)
        results = checks.run_checks(db, chosen)
    if json:
        output.print_json(
            {
                "ok": all(result.good for result in results),
                "checks": [{"name": c.name, "ok": c.good, "detail": c.detail} for c in results],
            }
        )
    else:
        for result in results:
            output.out.print(f"{'ok    ' if result.good else 'WRONG '} {result.name}: {result.detail}", markup=False)
    if not all(result.good for result in results):
        raise typer.Exit(1)


@cli.command()
def migrate(
    backup: Annotated[
        bool,
        typer.Option(
            "--backup/--no-backup",
            help="Before tables of a SQLite archive change, copy it into the folder `backups` beside it.",
        ),
    ] = True,
    servers_stopped: Annotated[
        bool,
        typer.Option(
            "--servers-stopped",
            help="All servers of a PostgreSQL archive are stopped: do not count connections, which may be a pooler's.",
        ),
    ] = False,
) -> None:
    """Bring the archive up to this version. Where tables change, the server must be stopped first, and the command says
    so; on PostgreSQL only where servers of the former version cannot live with it. Else the search index of this
    version is built beside a running server of the former one.
    """
    with output.show_build_progress() as tell:
        said = open_archive.migrate(load_settings(), tell, makes_backup=backup, servers_are_stopped=servers_stopped)
    output.out.print(said, markup=False)


@cli.command()
def compact() -> None:
    """Write the database file and the index anew, without anything that was deleted. Stop the server first."""
    chosen = load_settings()
    with open_database(chosen) as db:
        open_archive.compact(db)
        rebuild_indexes(db, chosen)
        open_archive.delete_other_indexes(db, chosen)
    output.out.print("Nothing that was deleted is left in the archive's files.", markup=False)


@cli.command()
def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, in rows and bytes, and change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Remove what settings say is not kept: old changes, versions, rows of the audit. Also beside a running server."""
    from app.commands import pruning  # with the search engine, which other commands need not wait for

    chosen = load_settings()
    with open_database(chosen) as db:
        if dry_run:
            pruning.tell_forecast(db, chosen, json=json)
        else:
            pruning.prune(db, chosen, json=json)


@cli.command()
def backup(file: Annotated[Path, typer.Argument(help="The copy, a file of SQLite; must not exist yet.")]) -> None:
    """A consistent copy of an archive in one file, also of a running one, and of one that has to be migrated first;
    restored, it is known to be a copy."""
    from app.commands import moving

    moving.back_up(load_settings(), file)


@cli.command("copy")
def copy_(
    to: Annotated[
        str, typer.Option(help="Where to: a new file, or an empty database such as postgresql://user@host/name.")
    ],
    keep_webhooks: Annotated[
        bool,
        typer.Option(
            "--keep-webhooks",
            help="Have the webhooks of the copy go on where they stand. Only where the copy takes the archive's place: "
            "else both tell them everything.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Make the same archive on another database, SQLite or PostgreSQL, also of a running one. Nothing opens the copy
    before it is whole; where it was cut short, run it again."""
    from app.commands import moving

    moving.copy(load_settings(), to, keeps_webhooks=keep_webhooks, json=json)


@cli.command()
def audit(
    key: Annotated[str | None, typer.Option(help="Only what this key did: its number, or its name.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, such as purge or key_create.")] = None,
    article: Annotated[int | None, typer.Option(help="Only what was done to this article, by its id.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="From this time on: 2027-12, RFC 3339 or now-7d.")] = None,
    to: Annotated[str | None, typer.Option(help="Up to this time; a period is taken in whole.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows, the newest.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print each row as a line of JSON.")] = False,
) -> None:
    """List who did what, the newest first."""
    audit_filter = AuditFilter(article, action=parse_choice("--action", action, ACTIONS), **parse_span(from_, to))
    with open_database() as db:
        for row in listing.read_rows(db, replace(audit_filter, key=find_key(db, key)), limit):
            line = orjson.dumps(show_row(row, {})).decode() if json else show_line(row)
            output.out.print(line, markup=False, highlight=False, soft_wrap=True)


@cli.command()
def edit(
    filter: Annotated[
        list[str] | None, typer.Option(help="Which articles: tag=nato, or `tag=nato&year=2024`; repeat for more.")
    ] = None,
    id: Annotated[list[int] | None, typer.Option(help="An article by its id, instead of a filter; repeat.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option(help="A tag by slug or name; an unknown one is made.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(help="A tag to take away, by slug.")] = None,
    add_region: Annotated[list[str] | None, typer.Option(help="A region that the articles are about.")] = None,
    remove_region: Annotated[list[str] | None, typer.Option(help="A region to take away.")] = None,
    section: Annotated[str | None, typer.Option(help="The only section from now on; an empty one: none.")] = None,
    status: Annotated[str | None, typer.Option(help="draft, scheduled, published, withdrawn or trashed.")] = None,
    language: Annotated[str | None, typer.Option(help="An ISO 639 code, such as fr.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the articles, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Change many articles alike, as one step that `dateline imports undo` takes back."""
    from app.commands import bulk_edits  # with the server's part, which other commands need not wait for

    payload: dict[str, Any] = {"add_tags": add_tag, "remove_tags": remove_tag, "status": status, "language": language}
    payload |= {"add_regions": add_region, "remove_regions": remove_region, "ids": id or None}
    payload = {name: value for name, value in payload.items() if value}
    if section is not None:
        payload["section"] = section or None
    if filter:
        payload["filter"] = bulk_edits.read_filter(filter)
    chosen = load_settings()
    with open_database(chosen) as db:
        good = bulk_edits.edit(db, chosen, payload, dry_run=dry_run, json=json)
    if not good:
        raise typer.Exit(1)
