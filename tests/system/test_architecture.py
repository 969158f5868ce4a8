"""What ARCHITECTURE.md says, as far as a program can tell: paths exist, the diagram is the models, rules hold."""

import re
from pathlib import Path
from runpy import run_path

import pytest
from sqlmodel import SQLModel

from app import models

ROOT = Path(__file__).resolve().parent.parent.parent
APP = ROOT / "app"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
LINE = re.compile(r"^ +(\w+) (\|\||\|o)--o\{ (\w+) : (\w+)$", re.MULTILINE)
ALONE = re.compile(r"^ +(\w+) \{\}$", re.MULTILINE)
TABLES = SQLModel.metadata.sorted_tables
assert models.__doc__  # its import declares them
LIMITS = run_path(str(Path(__file__).with_name("test_layers.py")))


def find_modules(pattern: str) -> set[str]:
    """The modules of the program, such as `db/database`, in which a line matches."""
    line = re.compile(pattern, re.MULTILINE)
    paths = [path for path in APP.rglob("*.py") if line.search(path.read_text(encoding="utf-8"))]
    return {path.relative_to(APP).with_suffix("").as_posix() for path in paths}


def test_diagram_has_a_line_for_each_foreign_key() -> None:
    expected = {
        (
            key.referred_table.name,
            "|o" if all(column.nullable for column in key.columns) else "||",
            table.name,
            "_".join(key.columns.keys()),
        )
        for table in TABLES
        for key in table.foreign_key_constraints
    }
    assert len(expected) > 30
    assert set(LINE.findall(PAGE)) == expected


def test_diagram_has_every_table() -> None:
    linked = {name for source, _, target, _ in LINE.findall(PAGE) for name in (source, target)}
    alone = set(ALONE.findall(PAGE))
    assert linked.isdisjoint(alone)
    assert linked | alone == {table.name for table in TABLES}


def test_every_folder_of_the_code_is_on_the_map() -> None:
    folders = {path.parent.relative_to(APP).as_posix() for path in APP.glob("*/*/__init__.py")}
    folders |= {path.parent.relative_to(APP).as_posix() for path in APP.glob("*/__init__.py")}
    assert len(folders) > 30
    assert {name for name in folders if f"`{name}/`" not in PAGE} == set()


def test_paths_on_the_page_exist() -> None:
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+/?|[a-z_]+/)(?:\.py)?`", PAGE)
    assert len(named) > 60
    missing = [
        name
        for name in named
        if not any((root / name).is_dir() or (root / f"{name}.py").is_file() for root in (APP, ROOT))
    ]
    assert missing == []


def test_numbers_of_entries_are_those_that_the_layers_hold() -> None:
    sentence = " ".join(PAGE.split())
    said = f"No folder below `app/` has more than {LIMITS['MOST_ENTRIES']} entries, "
    said += f"`app/` itself at most {LIMITS['MOST_ENTRIES_OF_APP']}"
    assert said in sentence


@pytest.mark.parametrize(
    ("pattern", "module"),
    [
        (r"\bsession\.commit\(\)", "db/database"),
        (r"\bservice\.upsert\(", "importers/batches"),
        (r"\bnh3\.", "articles/html/bodies"),
    ],
)
def test_what_the_page_says_of_one_place_is_done_in_no_other(pattern: str, module: str) -> None:
    assert find_modules(pattern) == {module}
