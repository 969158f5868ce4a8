"""Prints the documentation that comes with the program, for where there is neither repository nor network."""

from pathlib import Path

from app.commands.output import out
from app.db import shipped
from app.db.database import DatabaseProblem


def print_page(name: str | None) -> None:
    """The page of this name, such as `search` or `decisions/0001-…`; without a name a line for each page.
    DatabaseProblem where there is none."""
    pages = find_pages(shipped.find_folder("docs"))
    if name is None:
        for page in pages:
            out.print(page, markup=False)
        return
    path = pages.get(name.removesuffix(".md"))
    if path is None:
        raise DatabaseProblem(f"There is no page {name}; `dateline docs` lists all.")
    out.print(path.read_text(encoding="utf-8"), markup=False, end="")


def find_pages(folder: Path) -> dict[str, Path]:
    """Paths by name: where a page lies within `folder`, without its ending."""
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.md"))}
