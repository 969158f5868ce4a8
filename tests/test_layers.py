"""Imports run one way: a module may know its own layer and those below it, never one above."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent / "app"

LAYERS = (
    (
        "actor",
        "auditing",
        "settings",
        "erasing",
        "errors",
        "head",
        "locks",
        "permissions",
        "columns",
        "models",
        "sql",
        "text",
        "addresses",
        "offload",
        "readers",
        "enrich",
    ),
    ("db",),
    ("http",),
    ("changes",),
    ("regions", "tags"),
    ("articles",),
    ("bulk",),
    ("search",),
    ("sync", "importers", "audit"),
    (
        "health",
        "metrics",
        "main",
        "check",
        "opening",
        "schema",
        "serving",
        "importing",
        "bulk_commands",
        "printing",
        "cli",
        "__main__",
    ),
)
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}


def imported(source: str, package: str) -> list[tuple[int, str]]:
    """(line, first name below `app`) of every import in a module, wherever it stands; `package` is the module's own."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            paths = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(node.lineno, path.split(".")[1]) for path in paths if path.startswith("app.")]
    return found


def violations(module: str, source: str) -> list[str]:
    """What a module such as `app.tags.service` imports that it may not, one line each."""
    own = module.split(".")[1]
    package = module.rpartition(".")[0]
    if own not in HEIGHT:
        return [f"{module} stands on no layer"]
    return [
        f"{module}:{line} imports app.{name}"
        for line, name in imported(source, package)
        if HEIGHT.get(name, len(LAYERS)) > HEIGHT[own]
    ]


def _modules() -> dict[str, Path]:
    paths = [path for path in APP.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(APP.parent).with_suffix("").parts): path for path in sorted(paths)}


def test_no_module_imports_a_layer_above_its_own() -> None:
    modules = _modules()
    assert len(modules) > 50
    assert [line for name, path in modules.items() for line in violations(name, path.read_text())] == []


@pytest.mark.parametrize(
    "planted",
    [
        "from app.articles import service",
        "from app import articles",
        "import app.articles.service",
        "def late():\n    from app.search.engine import Question",
        "if TYPE_CHECKING:\n    from app.main import create_app",
        "from ..articles import service",
        "from .. import articles",
        "from app.nowhere import anything",
    ],
)
def test_import_from_above_is_a_violation(planted: str) -> None:
    assert len(violations("app.changes.log", planted)) == 1


@pytest.mark.parametrize(
    "allowed",
    ["from app.db import Database", "from app import text", "from . import follower", "import apparatus", "import os"],
)
def test_import_from_below_or_outside_is_allowed(allowed: str) -> None:
    assert violations("app.changes.log", allowed) == []


def test_module_without_a_layer_is_a_violation() -> None:
    assert violations("app.helpers", "") == ["app.helpers stands on no layer"]
