"""The check of names: it reports every kind of name that the rules retire, with its place, and no other."""

from pathlib import Path

import check_names
import pytest

BAD = '''"""An answer."""

from dataclasses import dataclass


@dataclass
class Entry:
    given: int


class Outer:
    def shown(self, wanted: int) -> int:
        here = wanted  # the answer to all
        return here


async def _settled() -> None: ...
'''
GOOD = '''"""A response."""


class Article:
    def open(self, payload: int) -> int:
        return payload


def is_settled() -> bool:
    return True


def load_rows() -> None: ...
'''


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_every_retired_name_is_reported_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "app/bad.py", BAD)
    write(tmp_path, "app/good.py", GOOD)
    write(tmp_path, "docs/page.md", "One line.\nIt answers at once.\n")
    assert sorted((one.rule, one.path, one.line) for one in check_names.check(tmp_path)) == [
        ("function", "app/bad.py", 12),
        ("function", "app/bad.py", 17),
        ("variable", "app/bad.py", 8),
        ("variable", "app/bad.py", 12),
        ("variable", "app/bad.py", 13),
        ("word", "app/bad.py", 1),
        ("word", "app/bad.py", 13),
        ("word", "docs/page.md", 2),
    ]


def test_class_name_belongs_to_one_class_or_to_a_table_and_its_schema(tmp_path: Path) -> None:
    write(tmp_path, "app/models/articles.py", "class Article: ...\nclass Tag: ...\n")
    write(tmp_path, "app/articles/schemas.py", "class Article: ...\n")
    write(tmp_path, "app/tags/lexicon.py", "class Tag: ...\nclass _Own: ...\n")
    write(tmp_path, "app/tags/merges.py", "class _Own: ...\n")
    findings = check_names.check(tmp_path)
    assert [(one.rule, one.path) for one in findings] == [("class", "app/tags/lexicon.py")]
    assert "`Tag`" in str(findings[0])


@pytest.mark.parametrize("name", ["shown", "told", "_settled", "settling", "given", "here", "once", "beside"])
def test_bare_participles_adverbs_and_pronouns_are_no_names_of_functions(name: str) -> None:
    assert check_names.is_participle(name)


@pytest.mark.parametrize("name", ["open", "feed", "listen", "ping", "load", "is_shown", "shown_rows", "render"])
def test_verbs_that_end_like_participles_are(name: str) -> None:
    assert not check_names.is_participle(name)
