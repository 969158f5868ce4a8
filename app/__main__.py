"""The `dateline` command: runs the CLI and turns what went wrong into one line and an exit status."""

import logging
import sqlite3
import sys

from sqlalchemy.exc import DBAPIError

from app.commands.cli import cli
from app.db.database import DatabaseProblem
from app.errors import DatelineError
from app.http.middleware import log_lines
from app.importers.sources import SourceNotFound


def main() -> None:
    """Exit status 0 only if all went well; 1 with one line on standard error for what a person can mend."""
    # A command says what went wrong itself; only `serve` sets up a log.
    logging.getLogger("app").addHandler(logging.NullHandler())
    try:
        cli(prog_name="dateline")
    except (DatabaseProblem, SourceNotFound) as error:
        _fail(str(error))
    except DatelineError as error:
        _fail(error.detail)
    except DBAPIError as error:
        _fail(f"The database refused: {str(error.orig).strip().splitlines()[0]}.")
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    except sqlite3.Error as error:
        _fail(f"The database refused: {error}.")


def _fail(line: str) -> None:
    if log_lines.is_json():
        logging.getLogger("app").critical("%s", line)
    else:
        sys.stderr.write(f"dateline: {line}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
