"""`dateline imports`: lists, shows, undoes and resumes imports and bulk edits."""

from typing import Annotated

import typer

from app.commands.options import Json, load_settings, open_database, parse_choice, set_actor

imports = typer.Typer(no_args_is_help=True)


@imports.callback()
def imports_main(context: typer.Context) -> None:
    """Imports and bulk edits: list, show, undo."""
    set_actor(context, "imports ")


@imports.command("list")
def imports_list(
    kind: Annotated[str | None, typer.Option(help="import or bulk_edit; both where not given.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    json: Json = False,
) -> None:
    """What was imported and edited in bulk, by whom, and whether it was undone."""
    from app.commands import bulk_edits

    parse_choice("--kind", kind, ("import", "bulk_edit"))
    with open_database() as db:
        bulk_edits.list_imports(db, kind, limit, json=json)


Number = Annotated[int, typer.Argument(min=1, help="As `dateline imports list` shows it.")]


@imports.command("show")
def imports_show(id: Number) -> None:
    """One of them in full, as JSON."""
    from app.commands import bulk_edits

    with open_database() as db:
        bulk_edits.show_import(db, id)


@imports.command("undo")
def imports_undo(id: Number, json: Json = False) -> None:
    """Take it back: withdraw what it published, bin its drafts, restore what it changed. Again: go on with that."""
    from app.commands import bulk_edits

    chosen = load_settings()
    with open_database(chosen) as db:
        good = bulk_edits.undo_import(db, chosen, id, json=json)
    if not good:
        raise typer.Exit(1)


@imports.command("resume")
def imports_resume(id: Number, json: Json = False) -> None:
    """Go on with a bulk edit whose process has died; a running server does so by itself."""
    from app.commands import bulk_edits

    chosen = load_settings()
    with open_database(chosen) as db:
        good = bulk_edits.resume(db, chosen, id, json=json)
    if not good:
        raise typer.Exit(1)
