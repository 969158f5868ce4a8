"""`dateline index`: takes a snapshot of the search indexes, and puts one in their place."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import load_settings, open_database, set_actor
from app.commands.output import out, show_build_progress
from app.search.indexing.snapshots.restoring import SnapshotSize, restore_snapshot, save_snapshot

index = typer.Typer(no_args_is_help=True)
MEGABYTE = 1_000_000


@index.callback()
def index_main(context: typer.Context) -> None:
    """Search indexes: copy them to another node."""
    set_actor(context, "index ")


@index.command("snapshot")
def index_snapshot(
    target: Annotated[
        Path, typer.Argument(help="A new folder, or a new file where the name ends with .tar; must not exist yet.")
    ],
) -> None:
    """Take a snapshot of both search indexes, each with its place in the change log, also of a running server. It has
    every word of every article, drafts too."""
    out.print(f"The snapshot is {target}: {_describe(save_snapshot(load_settings(), target))}.", markup=False)


@index.command("restore")
def index_restore(
    source: Annotated[Path, typer.Argument(help="What `dateline index snapshot` has made, of this same archive.")],
) -> None:
    """Verify a snapshot and put its indexes in the place of this node's; a server follows on from there. Stop the
    server of these indexes first."""
    chosen = load_settings()
    with open_database(chosen) as db, show_build_progress() as tell:
        size = restore_snapshot(db, chosen, source, tell)
    out.print(f"The indexes are those of {source}: {_describe(size)}.", markup=False)


def _describe(snapshot: SnapshotSize) -> str:
    return f"{snapshot.size / MEGABYTE:,.1f} MB, up to change {snapshot.seq}"
