"""`dateline docs`: the documentation where there is no repository."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import pages
from app.commands.cli import cli
from app.db import shipped
from app.db.database import DatabaseProblem

ROOT = Path(__file__).resolve().parent.parent.parent


def test_docs_lists_every_page_and_prints_one() -> None:
    listed = CliRunner().invoke(cli, ["docs"]).stdout.split()
    assert {"operating", "decisions/0001-sql-truth-and-change-log"} < set(listed)
    text = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    assert CliRunner().invoke(cli, ["docs", "search"]).stdout == text
    assert CliRunner().invoke(cli, ["docs", "search.md"]).stdout == text


def test_unknown_page_is_refused_with_the_way_out() -> None:
    with pytest.raises(DatabaseProblem, match="no page nowhere; `dateline docs` lists all"):
        pages.print_page("nowhere")


def test_folder_of_a_wheel_goes_before_that_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "shipped" / "docs").mkdir(parents=True)
    (tmp_path / "shipped" / "docs" / "a.md").write_text("A", encoding="utf-8")
    assert shipped.find_folder("docs", tmp_path) == tmp_path / "shipped" / "docs"
    assert shipped.find_folder("seed_data", tmp_path / "app") == tmp_path / "seed_data"
    assert pages.find_pages(tmp_path / "shipped" / "docs") == {"a": tmp_path / "shipped" / "docs" / "a.md"}
