"""The documentation beside the code: generated pages are what the code says, links lead somewhere, names exist."""

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest
import yaml

from app import __version__
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:)([^)#\s]*)(#[^)\s]*)?\)")
VARIABLE = re.compile(r"\bDATELINE_[A-Z_]+\b")
TARGET = re.compile(r"`make ([a-z]+)")


def prose(page: Path) -> str:
    """A page without what stands in fences."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(item) for item in re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)}


def find_broken_links(page: Path, text: str) -> list[str]:
    """Links of a page to files or headings of the project that are not there; what stands in backticks is no link."""
    wrong = []
    for path, heading in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and heading[1:] not in anchors(target)):
            wrong.append(path + heading)
    return wrong


@pytest.mark.parametrize("name", ["commands.md", "errors.md", "settings.md"])
def test_generated_page_is_what_the_code_says(name: str) -> None:
    pages: dict[str, Callable[[], str]] = run_path(str(ROOT / "scripts" / "build_docs.py"))["PAGES"]
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages[name]()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert find_broken_links(page, prose(page)) == []


def test_link_to_nowhere_is_found() -> None:
    text = "[a](missing.md) [b](README.md#no-such-heading) [c](https://elsewhere.example/x) [d](README.md) `[e](code)`"
    assert find_broken_links(ROOT / "x.md", text) == ["missing.md", "README.md#no-such-heading"]


PLACE = re.compile(r"^\| .+ \| `(app/[a-z_/]+\.py)` \| `(\w+)` \|$", re.MULTILINE)


def find_missing_places(text: str) -> list[str]:
    """Files that a table names and that are not there, and names that they do not define at their top level."""
    missing = []
    for path, name in PLACE.findall(text):
        file = ROOT / path
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
        defined = {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        if name not in defined:
            missing.append(f"{path}: {name}")
    return missing


def test_twenty_behaviours_are_where_the_page_says() -> None:
    page = (ROOT / "docs" / "where_things_are.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(PLACE.findall(page)) == len(rows) == 20
    assert find_missing_places(page) == []


def test_behaviour_whose_file_or_function_has_gone_is_found() -> None:
    rows = "| a | `app/http/gone.py` | `respond` |\n| b | `app/http/conditional.py` | `gone` |\n"
    assert find_missing_places(rows) == ["app/http/gone.py: respond", "app/http/conditional.py: gone"]


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md")]
    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


def test_variables_named_anywhere_are_settings() -> None:
    known = {f"DATELINE_{name.upper()}" for name in Settings.model_fields} | {"DATELINE_TEST_DATABASE_URL"}
    known |= {"DATELINE_TEST_OPENSEARCH_URL"}
    known |= {"DATELINE_DOCS_PAGE"}  # what the page on adding a setting adds
    files = [*PAGES, ROOT / "Makefile", ROOT / "Dockerfile"]
    named = {name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}
    assert named - known == set()


def test_make_commands_named_anywhere_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {name for page in PAGES for name in TARGET.findall(page.read_text(encoding="utf-8"))}
    assert named <= targets


def test_changelog_begins_with_the_version_that_the_program_has() -> None:
    newest = re.search(r"^## (\S+),", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


@pytest.fixture(scope="module")
def wrap_page() -> Callable[[str], str]:
    wrap: Callable[[str], str] = run_path(str(ROOT / "scripts" / "wrap_docs.py"))["wrap_page"]
    return wrap


def test_no_page_but_the_changelog_has_long_lines(wrap_page: Callable[[str], str]) -> None:
    texts = {str(page): page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"}
    assert [page for page, text in texts.items() if wrap_page(text) != text] == []


WORDS = "word " * 30


@pytest.mark.parametrize("kept", [f"# {WORDS}\n", f"| {WORDS} |\n", f"```sh\n{WORDS}\n```\n", "short\nlines\n"])
def test_headings_tables_and_code_are_not_wrapped(kept: str, wrap_page: Callable[[str], str]) -> None:
    assert wrap_page(kept) == kept


@pytest.mark.parametrize(
    ("long", "begins"),
    [
        (WORDS, ["word", "word"]),
        (f"- {WORDS}", ["- word", "  word"]),
        (f"  1. {WORDS}", ["  1. word", "     word"]),
        ("a" * 116 + " `two words` end", ["aaaa", "`two words` end"]),
        ("a" * 118 + " - b", ["aaaa", "b"]),
    ],
)
def test_long_lines_are_wrapped_under_where_they_begin(
    long: str, begins: list[str], wrap_page: Callable[[str], str]
) -> None:
    lines = wrap_page(long).splitlines()
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins
    assert " ".join(lines).split() == long.split()
    assert wrap_page("\n".join(lines)).splitlines() == lines


def test_workflow_calls_what_every_build_machine_runs() -> None:
    [workflow] = (ROOT / ".github" / "workflows").glob("*.yml")
    steps = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]["ci"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
