"""Joins ES modules into the few files that a browser fetches. Pure; reads no files.

The pages are written as standard modules, a file for each idea, and nothing has to be built before a server starts.
Sent one by one the explorer's would be some thirty requests, in as many turns as imports nest; a browser has six
connections for them. So each file that is sent holds a module with all that it imports, every one in a function of its
own: names stay apart, and no import map is needed, which a policy without inline scripts would refuse.

It reads the part of the language that the modules here keep to, and refuses the rest with ValueError: named and default
imports, `export` before `const`, `function` and `class`, lists of exports. Modules must not import one another in a
circle, and nothing that is exported may change.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

BARE = {"preact": "vendor/preact.mjs", "d3-array": "vendor/d3-array.min.mjs"}
"""What vendored modules call one another."""
LEFT_BY_SCRIPTS = {"vendor/uPlot.iife.min.js": "uPlot", "vendor/topojson-client.min.js": "module.exports"}
"""Vendored files that are no modules, with where what they make is to be found. One in the format of CommonJS gets a
`module` of its own."""

_IMPORT = re.compile(r"""^import\s*(?:\{([^}]*)\}|(\w+))\s*from\s*["']([^"']+)["'];?""", re.MULTILINE)
_DYNAMIC = re.compile(r"""\bimport\(["']([^"']+)["']\)""")
_ADDRESS = re.compile(r"""\bnew URL\(["'](\.[^"']*/[^"']+)["'], import\.meta\.url\)""")
_DECLARED = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
# Minified modules export behind a statement on the same line.
_LIST = re.compile(r"(?:^|(?<=[;}]))export\s*\{([^}]*)\};?", re.MULTILINE)
_DEFAULT = re.compile(r"(?:^|(?<=;))export default ", re.MULTILINE)
_UNREAD = re.compile(r"^\s*(?:import\s*[\w{*\"']|export\b).*", re.MULTILINE)
_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JoinedModules:
    """`text` of one file, and `exports`, the names that it exports."""

    text: str
    exports: Sequence[str]


@dataclass(slots=True)
class _Joining:
    sources: Mapping[str, str]
    addresses: Mapping[str, str]
    parts: dict[str, str] = field(default_factory=dict)
    exports: dict[str, Mapping[str, str]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def join_modules(entry: str, sources: Mapping[str, str], addresses: Mapping[str, str]) -> JoinedModules:
    """The module at the path `entry` with all that it imports. `sources`: texts by path. `addresses`: what files are
    called that are sent by themselves, by path; they stay imports. ValueError for what cannot be read or is not
    there."""
    joining = _Joining(sources, addresses)
    exports = _add_module(joining, entry)
    imports = [f'import * as {_name(path)} from "./{addresses[path]}";' for path in joining.fetched]
    lines = [*imports, *joining.parts.values()]
    if exports:
        lines.append(f"export const {{ {', '.join(exports)} }} = {_name(entry)};")
    return JoinedModules("\n".join(lines) + "\n", exports)


def _add_module(joining: _Joining, path: str) -> Sequence[str]:
    if path in joining.open:
        raise ValueError(f"{path} imports itself, by way of {', '.join(joining.open)}")
    if path not in joining.sources:
        raise ValueError(f"there is no module {path}, which {joining.open[-1:]} imports")
    joining.open.append(path)
    text = _MAP.sub("", joining.sources[path])
    exports = _find_exports(joining, path)
    if path in LEFT_BY_SCRIPTS:
        text = f"const exports = {{}}, module = {{ exports }};\n{text}"
    else:
        text = _remove_exports(_replace_imports(joining, path, text))
        if unread := _UNREAD.search(text):
            raise ValueError(f"{path}: this form of import or export is not read: {unread[0].strip()[:80]}")
    returned = ", ".join(f"{name}: {value}" for name, value in exports.items())
    joining.open.pop()
    joining.parts[path] = f"const {_name(path)} = (() => {{\n{text}\nreturn {{ {returned} }};\n}})();"
    return [name for name in exports if name != "default"]


def _replace_imports(joining: _Joining, path: str, text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        names, default, target = match[1], match[2], _resolve(path, match[3])
        if target in joining.addresses:
            if target not in joining.fetched:
                joining.fetched.append(target)
        elif target not in joining.parts:
            _add_module(joining, target)
        pairs = [("default", default)] if default else _read_names(names)
        # A browser tells of a name that a module lacks; between functions it would be undefined.
        if missing := [exported for exported, _ in pairs if exported not in _find_exports(joining, target)]:
            raise ValueError(f"{path} imports {', '.join(missing)}, which {target} does not export")
        return f"const {{ {', '.join(f'{exported}: {local}' for exported, local in pairs)} }} = {_name(target)};"

    text = _IMPORT.sub(replace, text)
    text = _DYNAMIC.sub(lambda match: f'import("./{_find_address(joining, path, match[1])}")', text)
    return _ADDRESS.sub(lambda match: f'new URL("./{_find_address(joining, path, match[1])}", import.meta.url)', text)


def _find_exports(joining: _Joining, path: str) -> Mapping[str, str]:
    """What a module exports, with the names that it has within."""
    if path in LEFT_BY_SCRIPTS:
        return {"default": LEFT_BY_SCRIPTS[path]}
    if path not in joining.exports:
        text = joining.sources[path]
        exports = {match[1]: match[1] for match in _DECLARED.finditer(text)}
        for match in _LIST.finditer(text):
            exports |= {exported: local for local, exported in _read_names(match[1])}
        if _DEFAULT.search(text):
            exports["default"] = "$default"
        joining.exports[path] = exports
    return joining.exports[path]


def _remove_exports(text: str) -> str:
    return _DEFAULT.sub("const $default = ", _LIST.sub("", _DECLARED.sub("", text)))


def _read_names(listed: str) -> list[tuple[str, str]]:
    """`a, b as c` as pairs of the name before and behind `as`."""
    words = (part.split() for part in listed.split(",") if part.strip())
    return [(word[0], word[-1]) for word in words]


def _resolve(path: str, target: str) -> str:
    if not target.startswith("."):
        return BARE.get(target, target)
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _find_address(joining: _Joining, path: str, target: str) -> str:
    target_path = _resolve(path, target)
    if target_path not in joining.addresses:
        raise ValueError(f"{path} names {target}, which is not sent by itself")
    return joining.addresses[target_path]


def _name(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path)
