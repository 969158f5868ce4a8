"""Scripts, styles and data of the pages, each under a name with a hash of what it holds, compressed once for each
coding. Made from the files in `static/` when somebody asks first; they come with the program and never change while it
runs."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import zstandard
from xxhash import xxh3_64_hexdigest

from app.http.middleware.compression import Coding
from app.pages.modules import join_modules

FOLDER = Path(__file__).with_name("static")
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
DATA = ("vendor/countries-110m.json",)
SCRIPTS = ("shared/view.js", "shared/charts.js", "explorer/explorer.js", "desk/desk.js")
"""Modules that are sent by themselves, with what they import; those behind import those before. What pages share, and
changes with another version of a library only, is apart from their own."""
STYLES = {
    "desk.css": ("shared/base.css", "shared/parts.css", "desk/desk.css"),
    "explorer.css": (
        "shared/base.css",
        "shared/parts.css",
        "vendor/uPlot.min.css",
        "explorer/explorer.css",
        "explorer/charts.css",
        "explorer/article.css",
    ),
}
"""One sheet for each page, of these files."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent. `name` has the hash of its bytes, so that it may be kept for ever."""

    name: str
    body: bytes
    media_type: str
    _encoded: dict[Coding, bytes] = field(default_factory=dict, compare=False)

    def encode(self, coding: Coding) -> bytes:
        """Its bytes in a coding. The first time this takes up to a tenth of a second: what is sent for years may be
        compressed as far as it goes."""
        if coding not in self._encoded:
            self._encoded[coding] = _compress(self.body, coding)
        return self._encoded[coding]


@dataclass(frozen=True, slots=True)
class Assets:
    """All of them, `by_name`; `names` leads to the name from the path of a file."""

    by_name: dict[str, Asset] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, body: bytes, media_type: str) -> None:
        file = Path(path).name
        stem, _, ending = file.rpartition(".")
        name = f"{stem}-{xxh3_64_hexdigest(body)}.{ending}"
        self.by_name[name] = Asset(name, body, media_type)
        self.names[path] = name


@lru_cache(maxsize=1)
def load_assets() -> Assets:
    """Reads the files; ValueError where a module is written in a way that cannot be joined."""
    assets = Assets()
    for path in DATA:
        assets.add(path, (FOLDER / path).read_bytes(), "application/json")
    sources = read_modules()
    for path in SCRIPTS:
        assets.add(path, join_modules(path, sources, assets.names).text.encode(), _SCRIPT)
    for path, files in STYLES.items():
        assets.add(path, "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in files).encode(), _STYLE)
    return assets


def read_modules() -> dict[str, str]:
    """The texts of all modules, by path."""
    files = (path for path in FOLDER.rglob("*") if path.suffix in (".js", ".mjs"))
    return {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _compress(body: bytes, coding: Coding) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=19).compress(body)
    return gzip.compress(body, 9, mtime=0) if coding == "gzip" else body
