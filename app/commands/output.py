"""Where commands print: for people on standard output and standard error, for machines one JSON document."""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
from rich.console import Console
from rich.progress import Progress

from app.search.engine import BuildProgress

LINES = {"articles": 100_000, "bytes": 100_000_000}
"""How much of an index that is being built or copied, for each line where no terminal shows a bar."""

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def find_user() -> str:
    """Who runs the command, as records and versions name them."""
    try:
        return f"{getpass.getuser()} (command)"
    except (KeyError, OSError):  # an id without a name, as in containers
        return "command"


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


@contextmanager
def show_build_progress() -> Iterator[Callable[[BuildProgress], None]]:
    """A bar on a terminal, else a line from time to time, on standard error."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        shown = bar.add_task("Search index", total=None)
        lines = 0

        def tell(progress: BuildProgress) -> None:
            nonlocal lines
            bar.update(shown, completed=progress.done, total=progress.total)
            reached = progress.done // LINES[progress.unit]
            if not err.is_terminal and reached > lines:
                lines = reached
                err.print(progress.describe(), markup=False)

        yield tell
