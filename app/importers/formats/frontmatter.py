"""Front matter: the YAML, TOML or JSON block at the head of a Markdown file.

Never turns a value into what it was not written as (dates, `no`, `012` stay text), and never expands a bomb.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, time

import yaml

from app.importers.records import aliases, head_lines, visibility

MAX_BYTES = 1_000_000
MAX_ALIASES = 1000
MAX_DEPTH = 50
MAX_VALUES = 100_000

_FENCE = re.compile(r"(?P<fence>---|\+\+\+)[ \t]*\n")
_OBJECT = re.compile(r"\{[ \t]*\n[ \t]*\"")
_ENDS = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$\n?", re.MULTILINE),
}
_RULE = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_NAME = re.compile(r"^[\w\"'-]+[ \t]*:(?=\s|\Z)", re.MULTILINE)
_ENTRY = re.compile(r"^(?:[\w\"'-]+[ \t]*[:=]|\{)", re.MULTILINE)


class FrontMatterError(ValueError):
    """The block cannot be read; the text says why, `line` is the file's line, counted from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


class _Loader(yaml.CSafeLoader):
    """Text for everything but null, true, false and plain whole numbers; no merging of maps."""


# YAML 1.1 takes `no` for false, `012` for ten and `12:30` for 750: none of these is what an editor has written.
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9]\d{0,17})$"), list("-0123456789"))


def split_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """The front matter (empty where the file has none) and the text below it. FrontMatterError if it is broken."""
    fence = _FENCE.match(text)
    if not fence:
        return _split_json(text) if _OBJECT.match(text) else _split_unfenced(text)
    end = _ENDS[fence["fence"]].search(text, fence.end())
    if not end:
        if _ENTRY.match(text, fence.end()):
            raise FrontMatterError("the front matter is not closed", 1)
        return {}, text
    block = text[fence.end() : end.start()]
    if block.strip() and not _ENTRY.search(block):
        # Prose between two rules, which only looks like front matter.
        return {}, text
    if len(block.encode()) > MAX_BYTES:
        raise FrontMatterError("the front matter is longer than 1 MB", 1)
    value = _load_toml(block) if fence["fence"] == "+++" else _load_yaml(block)
    if not isinstance(value, dict | None):
        raise FrontMatterError("the front matter is not a map of names to values", 2)
    return _convert_mapping(value) if value else {}, text[end.end() :]


def _split_unfenced(text: str) -> tuple[Mapping[str, object], str]:
    """The lines at the head of a text of Pelican or MultiMarkdown, down to a blank line, or of Hexo, down to a rule: a
    title and another name that is known. One line may be prose, or a heading above its rule; lines of other names are
    a recipe, and names that come again speak."""
    entries, below = head_lines.split_lines(text)
    rule = _RULE.search(text, 0, MAX_BYTES)
    block = text[: rule.start()] if rule else ""
    is_hexo = rule is not None and "\n\n" not in block and bool(_ENTRY.match(block)) and _is_titled(_list_names(block))
    if rule is not None and is_hexo:
        # Where it is no YAML nothing says that it was meant to be: the lines are read as they stand.
        with suppress(FrontMatterError):
            value = _load_yaml(block)
            return (_convert_mapping(value), text[rule.end() :]) if isinstance(value, dict) else ({}, text)
    is_spoken = any("\n" in value for value in entries.values())
    return (dict(entries), below) if _is_titled([*entries]) and not is_spoken else ({}, text)


def _list_names(block: str) -> list[str]:
    return [entry[0].rstrip(": \t") for entry in _NAME.finditer(block)]


def _is_titled(names: Sequence[str]) -> bool:
    folded = [aliases.fold_name(name) for name in names]
    is_known = any(name != "title" and (aliases.find_field(name) or visibility.is_marker(name)) for name in folded)
    return "title" in folded and is_known and len(set(folded)) == len(folded)


def _split_json(text: str) -> tuple[Mapping[str, object], str]:
    """An object in braces, as Hugo has it, which begins on a line below its first brace."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise FrontMatterError(f"not valid JSON: {error.msg}", error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise FrontMatterError("the front matter is nested too deep, or has a number that is none", 1) from error
    if end > MAX_BYTES:
        raise FrontMatterError("the front matter is longer than 1 MB", 1)
    return _convert_mapping(value), text[end:].lstrip("\n")


def _load_toml(block: str) -> object:
    try:
        return tomllib.loads(block)
    except tomllib.TOMLDecodeError as error:
        line_match = re.search(r"at line (\d+)", str(error))
        raise FrontMatterError(f"not valid TOML: {error}", int(line_match[1]) + 1 if line_match else 2) from error
    except RecursionError as error:  # `tomllib` goes down by recursion; YAML's levels are counted before
        raise FrontMatterError("the front matter is nested too deep", 2) from error


def _load_yaml(block: str) -> object:
    try:
        _check_size(block)
        return yaml.load(block, Loader=_Loader)  # noqa: S506 - a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FrontMatterError(f"not valid YAML: {error.problem}", mark.line + 2 if mark else 2) from error
    except (yaml.YAMLError, TypeError, ValueError) as error:
        if isinstance(error, FrontMatterError):
            raise
        raise FrontMatterError(f"not valid YAML: {error}".partition("\n")[0], 2) from error


def _check_size(block: str) -> None:
    """Refuses before anything is built what would be too much to build."""
    aliases = depth = 0
    for event in yaml.parse(block, Loader=_Loader):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = (event.start_mark.line if event.start_mark else 0) + 2
        if aliases > MAX_ALIASES:
            raise FrontMatterError(f"more than {MAX_ALIASES} aliases in the front matter", line)
        if depth > MAX_DEPTH:
            raise FrontMatterError(f"the front matter is nested more than {MAX_DEPTH} levels deep", line)


@dataclass(slots=True)
class _Budget:
    """How many values may still be written out: aliases of aliases grow without bound."""

    left: int = field(default=MAX_VALUES)

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise FrontMatterError(f"the front matter holds more than {MAX_VALUES} values", 2)


def _convert_mapping(value: Mapping[object, object]) -> dict[str, object]:
    budget = _Budget()
    return {str(key): _convert_value(item, budget, 0) for key, item in value.items()}


def _convert_value(value: object, budget: _Budget, depth: int) -> object:
    """The value in the types of JSON; dates and times as ISO 8601 text."""
    budget.spend()
    if depth > MAX_DEPTH:
        raise FrontMatterError(f"the front matter is nested more than {MAX_DEPTH} levels deep", 2)
    if isinstance(value, dict):
        return {str(key): _convert_value(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_convert_value(item, budget, depth + 1) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else str(value)
