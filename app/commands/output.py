"""Where commands print: for people on standard output and standard error, for machines one JSON document."""

import getpass
import sys

import orjson
from rich.console import Console

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
