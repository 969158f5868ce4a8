"""The table of names: the same in code and documentation, and without a name that stands for two fields."""

import re
from collections import Counter
from pathlib import Path

from app.importers.records.aliases import TABLE, find_field, fold_name

DOCUMENT = Path(__file__).parent.parent.parent.parent / "docs" / "importing.md"


def test_the_documented_table_is_the_one_in_use() -> None:
    rows = re.findall(r"^\| (\w+) \| (`.*`) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert {field: tuple(re.findall(r"`(\w+)`", names)) for field, names in rows} == dict(TABLE)


def test_no_name_stands_for_two_fields() -> None:
    counted = Counter(fold_name(name) for names in TABLE.values() for name in names)
    assert counted.most_common(1)[0][1] == 1


def test_an_unknown_name_is_none() -> None:
    assert find_field("expirydate") is None
    assert find_field("Date-Published") == ("published", TABLE["published"].index("date_published"))
