"""Checks that names in the code are the words of the field: verbs for functions, one meaning for a class name.

    scripts/check_names.py            what breaks a rule, one a line; exit status 1 if there is any
    scripts/check_names.py --count    how many of each rule
    scripts/check_names.py PATH ...   only what lies in these files and folders

The rules, each with a name that every line begins with:

- `function`: a function or a method is not named by one bare participle, adverb or pronoun (`shown`, `told`, `once`).
- `class`: a public class name belongs to one class; only a table and its schema may share one.
- `variable`: no parameter, variable, field or module attribute is named `here`, `wanted`, `given` or `found`.
- `word`: names, docstrings, comments and pages say "response", not "answer".

It reads the source only, and changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import collections
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("app", "tests", "scripts", "bench", "deploy", "migrations", "docs")
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs")
# The rules in words have to be told from what they are about.
EXEMPT = {"scripts/check_names.py", "tests/system/test_names.py"}

# Verbs and nouns that only look like participles.
_VERBS = (
    "bed bleed breed bring cling creed embed exceed feed fling heed king need ping proceed red ring seed shed shred "
    "sing sling speed spring sting string succeed swing thing weed wing wring "
    "broaden children deepen fasten flatten frighten glisten golden happen harden hasten lengthen listen moisten open "
    "pen reopen screen sharpen shorten soften straighten strengthen ten then threaten tighten token weaken when widen "
    "heading setting"
)
VERBS = frozenset(_VERBS.split())
# What ends in none of -ed, -en, -ing and is no verb all the same; words that a name cannot be understood by.
_NOT_VERBS = (
    "about after again ago alike almost alone alongside anew apart around aside away before behind beside besides "
    "better between beyond blown borne both bound brought built caught dealt drawn elsewhere enough fewer fled "
    "flown fought found further gone grown had heard held here hers home hung inside kept knew known laid left "
    "lent lost made meant met more most near next nobody none now once only other others ours outside paid said "
    "same sat sent several shown slept so sold somewhere sought spelt spent still stood strangers struck stuck "
    "such swept taught that theirs there these this those thought thrown together told too torn under understood "
    "until what where which whole whom whose why without won worn wrote"
)
RETIRED_FUNCTIONS = frozenset(_NOT_VERBS.split())
RETIRED_VARIABLES = frozenset({"here", "wanted", "given", "found"})
RETIRED_WORDS = {"answer": "response"}

_PARTICIPLE = re.compile(r"[a-z]{2,}(?:ed|en|ing)")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_RETIRED = re.compile(rf"\b({'|'.join(RETIRED_WORDS)})(?:s|ed|ing)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. `path` is relative to the root of the repository, `line` begins with 1."""

    rule: str
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class ClassPlace:
    """Where a public class is defined, and whether it is a table or a schema."""

    path: str
    line: int
    is_table: bool
    is_schema: bool


def is_participle(name: str) -> bool:
    """Whether a function's name is one bare participle, adverb or pronoun."""
    word = name.strip("_")
    if "_" in word or word != word.lower() or word in VERBS:
        return False
    return word in RETIRED_FUNCTIONS or bool(_PARTICIPLE.fullmatch(word))


def _retired_part(name: str) -> str | None:
    for part in _PARTS.findall(name):
        match = _RETIRED.fullmatch(part)
        if match:
            return match[1].lower()
    return None


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Parameters, variables and fields: whatever a statement binds, but for functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield 0, node.asname


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _check_names(path: str, tree: ast.Module) -> Iterator[Finding]:
    for function in _functions(tree):
        if is_participle(function.name) and not _is_dunder(function.name):
            yield Finding("function", path, function.lineno, f"`{function.name}` is no verb")
        if word := _retired_part(function.name):
            yield Finding("word", path, function.lineno, f"`{function.name}`: say {RETIRED_WORDS[word]}")
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (word := _retired_part(node.name)):
            yield Finding("word", path, node.lineno, f"`{node.name}`: say {RETIRED_WORDS[word]}")
    for line, name in _bound_names(tree):
        if name.strip("_") in RETIRED_VARIABLES:
            yield Finding("variable", path, line, f"`{name}` says nothing about the value")
        if not _is_dunder(name) and (word := _retired_part(name)):
            yield Finding("word", path, line, f"`{name}`: say {RETIRED_WORDS[word]}")


def find_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                text = first.value.value
                if isinstance(text, str):
                    yield first.lineno, text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _check_prose(path: str, texts: Iterator[tuple[int, str]]) -> Iterator[Finding]:
    for start, text in texts:
        for number, line in enumerate(text.split("\n"), start):
            for match in _RETIRED.finditer(line):
                yield Finding("word", path, number, f'"{match[0]}": say {RETIRED_WORDS[match[1].lower()]}')


def _is_schema(node: ast.ClassDef, path: str) -> bool:
    bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
    return "BaseModel" in bases or Path(path).name in {"schemas.py", "payloads.py"}


def _classes(path: str, tree: ast.Module) -> Iterator[tuple[str, ClassPlace]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, ClassPlace(path, node.lineno, path.startswith("app/models/"), _is_schema(node, path))


def _check_classes(classes: dict[str, list[ClassPlace]]) -> Iterator[Finding]:
    for name, places in sorted(classes.items()):
        tables = [place for place in places if place.is_table]
        schemas = [place for place in places if place.is_schema]
        # Clients know a schema by its name, and migrations a table: the others get another one.
        keepers = [*tables, *schemas] if len(tables) <= 1 and len(schemas) <= 1 else []
        if len(places) < 2:
            continue
        for place in (place for place in places if place not in keepers):
            others = ", ".join(sorted({p.path for p in places if p is not place})) or "this file"
            yield Finding("class", place.path, place.line, f"`{name}` is a class of {others} too")


def _files(root: Path, names: tuple[str, ...], suffix: str) -> Iterator[Path]:
    for name in names:
        path = root / name
        if path.is_file():
            yield path
        else:
            yield from sorted(path.rglob(f"*{suffix}"))


def check(root: Path = ROOT) -> list[Finding]:
    """Everything in the repository at `root` that breaks a rule."""
    findings: list[Finding] = []
    classes: dict[str, list[ClassPlace]] = collections.defaultdict(list)
    for file in _files(root, CODE, ".py"):
        path = file.relative_to(root).as_posix()
        if path in EXEMPT:
            continue
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source)
        findings += _check_names(path, tree)
        findings += _check_prose(path, find_docstrings(tree))
        findings += _check_prose(path, _comments(source))
        for name, place in _classes(path, tree):
            classes[name].append(place)
    for file in _files(root, PAGES, ".md"):
        text = file.read_text(encoding="utf-8")
        findings += _check_prose(file.relative_to(root).as_posix(), iter([(1, text)]))
    return findings + list(_check_classes(classes))


def _lies_in(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def main() -> int:
    """Prints what breaks a rule, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", help="files and folders, relative to the root of the repository")
    parser.add_argument("--count", action="store_true", help="print only how many of each rule")
    options = parser.parse_args()
    findings = [
        finding
        for finding in check()
        if (not options.paths or _lies_in(finding.path, [path.strip("/") for path in options.paths]))
    ]
    if options.count:
        counts = collections.Counter(finding.rule for finding in findings)
        for rule in ("function", "class", "variable", "word"):
            sys.stdout.write(f"{rule:10}{counts[rule]:6}\n")
    else:
        sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
