"""No pattern that is applied to text from outside takes time by the square of it, whatever is repeated in it."""

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import app.articles.html
import app.importers

pytestmark = pytest.mark.slow

SHORT = 4_000
FLOOR = 0.2
"""Seconds of CPU below which four times the text says nothing; the square of a text this long takes more."""
AT_ONCE = 0.003
"""Seconds of CPU for the shorter text above which a pattern is looked at closely; most take microseconds."""
BEFORE = ("", "x", "<a", '"', "}", "-->", "(", "By", "<p>", "1")
REPEATED = (
    " ", "\t", "\n", "a", "1", "<", ">", '"', '\\"', "@", "-", "[", "(", "{", "}", ",", ":", "/", "*", "=", "&", ";",
    "a ", "a@", "<a ", "<!--", "[[", "/*", ". ", "\n\n", "a\n", "|", "'", "#", "_", "\u00e4",
)  # fmt: skip
BOUNDED: Mapping[str, str] = {
    "importers.records.text_fields._MARKDOWN": "the first 2,000 characters of a body",
    "importers.text_parts.html_markup._CANDIDATE": "20,000 characters that end in none of its separators",
}
"""Patterns that only ever see a text of bounded length, and what bounds it."""
_USE = r"\b{}\.(match|fullmatch|search|sub|subn|split|finditer|findall)\b"
Pattern = re.Pattern[str] | re.Pattern[bytes]


def list_patterns() -> Iterator[tuple[str, tuple[Pattern, bool]]]:
    """Each with whether it is only ever looked for at the beginning of a text."""
    for package in (app.importers, app.articles.html):
        for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(module_info.name)
            source = inspect.getsource(module)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    uses = set(re.findall(_USE.format(re.escape(name)), source))
                    yield (
                        f"{module_info.name.removeprefix('app.')}.{name}",
                        (value, bool(uses) and uses <= {"match", "fullmatch"}),
                    )


PATTERNS = {name: one for name, one in list_patterns() if name not in BOUNDED}


def measure(pattern: Pattern, is_anchored: bool, text: str) -> float:
    subject: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    start = time.thread_time()
    if is_anchored:
        pattern.match(subject)
        pattern.fullmatch(subject)
    else:
        sum(1 for _ in pattern.finditer(subject))
    return time.thread_time() - start


def is_slow(pattern: Pattern, is_anchored: bool, before: str, repeated: str) -> bool:
    short, long = (before + repeated * (length // len(repeated)) for length in (SHORT, 4 * SHORT))
    first = measure(pattern, is_anchored, short)
    if first < AT_ONCE or first > FLOOR:
        return first > FLOOR
    taken = measure(pattern, is_anchored, long)
    return taken > FLOOR and taken > 8 * measure(pattern, is_anchored, short)


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_takes_time_by_the_length_of_its_text(name: str) -> None:
    pairs = ((before, one) for before in BEFORE for one in REPEATED)
    assert next((pair for pair in pairs if is_slow(*PATTERNS[name], *pair)), None) is None


def test_patterns_are_found() -> None:
    assert len(PATTERNS) > 200
