"""Imports run one way: a module may know its own layer and those below it, never one above."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
APP = TESTS.parent / "app"

LAYERS = {
    "app": (
        ("__version__",),
        ("errors", "models", "settings", "text"),
        ("db", "enrich"),
        ("http",),
        ("changes",),
        ("regions",),
        ("tags",),
        ("articles",),
        ("context",),
        ("articles.reading.language_lookup",),
        ("articles.reading.filter_params",),
        ("regions.routes", "regions.write_routes"),
        ("tags.related_routes", "tags.routes", "tags.write_routes"),
        ("articles.input",),
        ("articles.editing", "articles.render"),
        ("articles.idempotency", "articles.reimport"),
        ("articles.states",),
        ("articles.service",),
        ("articles.routes", "articles.schedule"),
        ("articles.bulk", "search"),
        ("search.saved_searches",),
        ("audit", "search.stats", "sync"),
        ("importers",),
        ("sync.webhooks",),
        ("monitoring", "pages"),
        ("lifespan",),
        ("main",),
        ("commands",),
        ("__main__",),
    ),
    "app.db": (
        (
            "actor",
            "child_process",
            "commit_notifier",
            "file_locks",
            "log_position",
            "permissions",
            "shipped",
            "postgres.address",
            "postgres.outage_log",
            "postgres.prepared",
            "spans",
            "sql",
            "sqlite.wal_truncation",
        ),
        ("audit_rows", "condition", "readers"),
        ("engines", "postgres.connection_pool", "sqlite.group_commit"),
        ("postgres.reader",),
        ("postgres.replica",),
        ("database",),
        ("leases", "migrate"),
    ),
    "app.http": (
        ("auth", "headers", "paging", "params", "schemas"),
        ("body", "conditional", "csv_text", "list_paging", "request_state"),
        ("docs", "problems", "responses"),
        ("api_route", "fast_path", "openapi", "server"),
        ("middleware",),
    ),
    "app.articles": (
        ("examples", "filters", "html", "manuscript", "schemas"),
        ("store",),
        ("reading", "repair"),
        ("input",),
        ("editing", "render"),
        ("idempotency", "reimport"),
        ("states",),
        ("service",),
        ("routes", "schedule"),
        ("bulk",),
    ),
    "app.search": (
        ("query", "schemas", "similar.profile", "timeline"),
        ("engine",),
        ("highlighting", "tantivy", "vocabulary"),
        ("narrowed_engine", "similar"),
        ("index", "indexing", "opensearch"),
        ("list_search", "params"),
        ("render",),
        ("routes",),
        ("saved_searches", "stats"),
    ),
    "app.importers": (
        ("document", "schemas"),
        ("boundary", "dates", "text_parts"),
        ("records",),
        ("formats",),
        ("folder_contents", "line_splitter", "prepare", "web"),
        ("batches", "enrichment", "sources"),
        ("jobs", "ndjson_stream", "pipeline"),
        ("routes",),
    ),
    "app.sync.webhooks": (
        ("backlog", "messages", "schedule", "signing"),
        ("http_client", "payloads", "service"),
        ("queries",),
        ("examples", "render", "schemas", "search_selection"),
        ("selection",),
        ("delivery",),
        ("sender", "testing"),
        ("routes",),
    ),
    "app.importers.formats": (
        (
            "csv_head",
            "feeds",
            "file_signatures",
            "frontmatter",
            "ndjson",
            "ninjs_parts",
            "pages",
            "text",
            "unsupported",
            "xml_stream",
        ),
        ("detect", "markdown", "ninjs", "wordpress"),
        ("exports",),
        ("newsml", "registry"),
    ),
    "app.commands": (
        ("copies",),
        ("check", "open_archive", "outage", "output"),
        ("import_articles", "options", "pages", "serve"),
        ("bulk_edits", "enrich", "moving", "pruning"),
        ("imports", "index", "keys"),
        ("cli",),
    ),
}
"""For `app` and for folders in it: what lies in each, from the lowest layer to the highest. A dotted name is a part of
a folder that stands higher than the rest of it, because it needs the context of a request."""
HEIGHTS = {
    folder: {f"{folder}.{name}": height for height, names in enumerate(layers) for name in names}
    for folder, layers in LAYERS.items()
}
MOST_ENTRIES = 18
MOST_ENTRIES_OF_APP = 22


def list_imports(source: str, package: str) -> list[tuple[int, str]]:
    """(line, dotted name below `app`) of every import in a module, wherever it stands; `package` is its own."""
    results: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            paths = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        results += [(node.lineno, path) for path in paths if path.startswith("app.")]
    return results


def height(folder: str, name: str) -> int | None:
    """On which layer of `folder` a name stands: that of the longest entry which it is, or lies in. None for none."""
    parts = name[len(folder) + 1 :].split(".")
    entries = (".".join((folder, *parts[:count])) for count in range(len(parts), 0, -1))
    return next((HEIGHTS[folder][entry] for entry in entries if entry in HEIGHTS[folder]), None)


def is_below(name: str, module: str) -> bool:
    """Whether `module` may import `name`, by the layers of every folder that both lie in. What lies on no layer may
    be imported by nobody."""
    folder = "app"
    while True:
        own, other = (f"{folder}.{one[len(folder) + 1 :].split('.')[0]}" for one in (module, name))
        above, below = height(folder, module), height(folder, name)
        if above is None or below is None or below > above:
            return False
        if own != other or own not in LAYERS or name == own:
            return True
        folder = own


def violations(module: str, source: str) -> list[str]:
    """What a module such as `app.tags.service` imports that it may not, one line each."""
    folders = [folder for folder in LAYERS if module.startswith(f"{folder}.")]
    if any(height(folder, module) is None for folder in folders):
        return [f"{module} stands on no layer"]
    package = module.rpartition(".")[0]
    return [
        f"{module}:{line} imports {name}" for line, name in list_imports(source, package) if not is_below(name, module)
    ]


def _modules() -> dict[str, Path]:
    paths = [path for path in APP.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(APP.parent).with_suffix("").parts): path for path in sorted(paths)}


@pytest.mark.slow
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
    [
        "from app.db.database import Database",
        "from app.text import keys",
        "from . import follower",
        "import apparatus",
        "import os",
    ],
)
def test_import_from_below_or_outside_is_allowed(allowed: str) -> None:
    assert violations("app.changes.log", allowed) == []


@pytest.mark.parametrize("name", ["app.helpers", "app.search.helpers"])
def test_module_without_a_layer_is_a_violation(name: str) -> None:
    assert violations(name, "") == [f"{name} stands on no layer"]


@pytest.mark.parametrize(
    ("module", "planted", "count"),
    [
        ("app.articles.store.links", "from app.articles.reading import queries", 1),
        ("app.articles.reading.queries", "from app.articles.store import links", 0),
        ("app.importers.formats.detect", "from app.importers.formats.exports import medium", 1),
        ("app.importers.records.values", "from app.importers.formats.text import parse", 1),
        ("app.importers.dates.words", "from app.importers.dates.reader import anything", 0),
        ("app.context", "from app.regions.routes import ITEM", 1),
        ("app.regions.service", "from app.context import AppContext", 1),
        ("app.regions.routes", "from app.context import AppContext", 0),
        ("app.articles.reading.queries", "from app.articles.reading.filter_params import Asked", 1),
    ],
)
def test_folders_have_layers_of_their_own(module: str, planted: str, count: int) -> None:
    assert len(violations(module, planted)) == count


def test_only_one_folder_knows_the_server() -> None:
    knowing = [
        name
        for name, path in _modules().items()
        if re.search(r"^\s*(from|import) (uvicorn|httptools)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert knowing
    assert [name for name in knowing if not name.startswith("app.http.server.")] == []


def entries(folder: Path) -> int:
    """Files and folders, without what every package has; a folder that only holds what Python compiled is none."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return len({path.relative_to(folder).parts[0] for path in files} - {"__init__.py"})


def test_no_folder_holds_more_than_can_be_looked_through() -> None:
    folders = [path for top in (APP, TESTS) for path in top.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    assert {str(path): entries(path) for path in folders if entries(path) > MOST_ENTRIES} == {}
    assert entries(APP) <= MOST_ENTRIES_OF_APP


def test_tests_mirror_the_program() -> None:
    own = {"deployment", "support", "system", "torture"}
    folders = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    strays = {path for folder in folders for path in (folder.parent,) if not (APP / path).is_dir()}
    assert {str(path) for path in strays if path.parts[0] not in own} == set()
