"""Writes docs/commands.md, docs/errors.md and docs/settings.md from the code that they describe. `--check` only says
whether they are so.

Reads no environment: a default that is computed is shown as the class has it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.main import get_command
from typer.testing import CliRunner

from app.commands.cli import cli
from app.errors import CODES
from app.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"

ERRORS_HEAD = """# Errors

Every failure is a problem document (`application/problem+json`, RFC 9457):

```json
{"type": "/problems/limit_too_large", "title": "Limit too large", "status": 422,
 "detail": "500 is above the largest value, 100.", "code": "limit_too_large", "request_id": "5f0c2d9ab1e84c37",
 "errors": [{"parameter": "limit", "code": "limit_too_large", "detail": "500 is above the largest value, 100."}]}
```

Branch on `code`, which is one of the list below and never changes its meaning; show `detail`. `type` is an address that
returns what is said here. Under `errors` everything that is wrong with the input is listed, each with the
`parameter` or the JSON `pointer` into the body; the document's `code` is that of the first. `request_id` finds the
request in the server's log; it is null for a 404 or 410, which caches may keep, and is then in the header
`X-Request-Id` of responses that are not shared. Some codes have members of their own, named below.

This page is generated from the code; run `python scripts/build_docs.py` after changing an error.

| status | code | meaning |
|---|---|---|
"""
SETTINGS_HEAD = """# Settings

Settings are environment variables, read once when a command starts. This page is generated from the code; run
`python scripts/build_docs.py` after changing a setting.

| variable | default | meaning |
|---|---|---|
"""
COMMANDS_HEAD = """# Commands

`dateline` is `.venv/bin/dateline` after `make setup`. Its exit status is 0 only if all went well; 1 says that something
a person can mend went wrong, in one line on standard error, or that some items of an import failed; 2 that the command
line was wrong. Where the archive is, and everything else that is not of one command, is in the [settings](settings.md).
How to use them: [operating](operating.md).

This page is generated from the code; run `python scripts/build_docs.py` after changing a command.
"""


def commands() -> str:
    """The page of all commands with the help that each gives of itself, 80 columns wide."""
    return COMMANDS_HEAD + "".join(
        f"\n## {' '.join(['dateline', *words])}\n\n```text\n{_help(words)}\n```\n"
        for words in _leaves(get_command(cli))
    )


def _leaves(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield words
        return
    for name, one in below.items():
        yield from _leaves(one, (*words, name))


def _help(words: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(cli, [*words, "--help"], prog_name="dateline", env={"COLUMNS": "80"})
    return shown.output.strip()


def errors() -> str:
    """The page of the closed list of codes, in the order of their statuses."""
    rows = (_row(str(c.status), f"`{c.code}`", f"**{c.title}.** {c.documentation}") for c in CODES.values())
    return ERRORS_HEAD + "".join(rows)


def settings() -> str:
    """The page of all environment variables, in the order of the class."""
    prefix = Settings.model_config["env_prefix"]
    fields = Settings.model_fields.items()
    return SETTINGS_HEAD + "".join(
        _row(f"`{prefix}{name.upper()}`", _default(field), field.description or "") for name, field in fields
    )


def _default(field: FieldInfo) -> str:
    value: object = field.default
    if value is PydanticUndefined:
        return "computed"
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(str(part) for part in value)}`" if isinstance(value, tuple) else f"`{value}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"


PAGES = {"commands.md": commands, "errors.md": errors, "settings.md": settings}


def main() -> int:
    """Exit status 1 if `--check` finds a page that is not what it should be."""
    stale = []
    for name, page in PAGES.items():
        text = page()
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    print("\n".join(stale) or "The pages are as they should be.")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
