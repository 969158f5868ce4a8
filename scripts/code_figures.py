"""Figures about the code of one or several checkouts, side by side.

    scripts/code_figures.py                   this checkout
    scripts/code_figures.py BEFORE [AFTER]    other checkouts, such as two worktrees

Counts `app/` only, and reads the source without importing it. Statements are those of the syntax tree without
docstrings; lines are all lines of the files. A folder's entries are its files and folders but for caches.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import check_names

ROOT = Path(__file__).resolve().parent.parent
_BY_STRING = re.compile(
    r"\b(?:read|params)\.(?:choice|choices|text|flag|integer|integer_or_none|ids|fields|knows|number|instant)\(\s*\""
)
"""A parameter that is looked up by its name."""
_IGNORED = re.compile(r"#\s*type:\s*ignore")


def _parts(file: Path) -> tuple[str, ast.Module]:
    source = file.read_text(encoding="utf-8")
    return source, ast.parse(source)


def _count_statements(tree: ast.Module) -> int:
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree))
    return statements - sum(1 for _ in check_names.find_docstrings(tree))


def _count_casts(tree: ast.Module) -> int:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sum(isinstance(func, ast.Name) and func.id == "cast" for func in calls)


def _count_comments(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type == tokenize.COMMENT and "type: ignore" not in token.string for token in tokens)


def _folders(root: Path) -> Iterator[tuple[int, Path]]:
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        if "__pycache__" not in folder.parts:
            yield sum(entry.name != "__pycache__" for entry in folder.iterdir()), folder


def _longest_function(trees: Mapping[Path, ast.Module]) -> int:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return max(lengths, default=0)


def measure(checkout: Path) -> dict[str, str]:
    """Each figure by what it is a figure of."""
    app = checkout / "app"
    files = sorted(app.rglob("*.py"))
    parts = {file: _parts(file) for file in files}
    sources = [source for source, _ in parts.values()]
    trees = {file: tree for file, (_, tree) in parts.items()}
    lines = sum(source.count("\n") for source in sources)
    entries, largest = max(_folders(app))
    findings = check_names.check(checkout)
    rules = Counter(finding.rule for finding in findings if finding.path.startswith("app/"))
    return {
        "files": str(len(files)),
        "lines": str(lines),
        "statements without docstrings": str(sum(_count_statements(tree) for tree in trees.values())),
        "longest file, lines": str(max(source.count("\n") for source in sources)),
        "longest function, lines": str(_longest_function(trees)),
        "largest folder, entries": f"{entries} ({largest.relative_to(checkout).as_posix()})",
        "functions named by one participle": str(rules["function"]),
        "places of public class names borne twice": str(rules["class"]),
        "type: ignore": str(sum(len(_IGNORED.findall(source)) for source in sources)),
        "cast": str(sum(_count_casts(tree) for tree in trees.values())),
        "comments per 1,000 lines": f"{1000 * sum(map(_count_comments, sources)) / lines:.1f}",
        "parameters looked up by a string": str(sum(len(_BY_STRING.findall(source)) for source in sources)),
    }


def main() -> int:
    """Prints a table in Markdown, a column for each checkout."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT], help="folders that hold `app/`")
    options = parser.parse_args()
    columns = [measure(checkout.resolve()) for checkout in options.checkouts]
    names = [checkout.resolve().name for checkout in options.checkouts]
    sys.stdout.write(f"| | {' | '.join(names)} |\n|---|{'---|' * len(columns)}\n")
    for name in columns[0]:
        sys.stdout.write(f"| {name} | {' | '.join(column[name] for column in columns)} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
