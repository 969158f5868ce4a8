"""`/guides`: the documentation in `docs/`, as HTML, with its examples as text. Every page comes with the program.

A page is rendered when somebody asks for it first, and kept; there are as many as there are files. Loads nothing from
elsewhere, and has no scripts.
"""

from __future__ import annotations

import asyncio
import posixpath
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.db import shipped
from app.errors import NotFound
from app.http.conditional import PUBLIC, VARY, list_etag, respond
from app.http.docs.markdown import render_page

ROOT = "/guides"
POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INDEX = "README.md"
"""Of the folder; it is at `ROOT`."""
_STYLE = "guides.css"
_TEXT = {".md": "text/markdown; charset=utf-8", ".py": "text/plain; charset=utf-8", ".mjs": "text/plain; charset=utf-8"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Dateline</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
</head>
<body>
<nav><a href="{index}">Guides</a> <a href="{docs}">Endpoints</a></nav>
<main>
{content}</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """What is sent for one address."""

    body: bytes
    etag: str
    media_type: str


def install(app: FastAPI) -> None:
    """Serves the pages below `ROOT`."""
    files = find_files(shipped.find_folder("docs"))

    @lru_cache(maxsize=len(files) * 2)
    def load(name: str) -> ServedFile:
        return load_file(files, name)

    async def get_guide(request: Request) -> Response:
        name = "/".join(request.path_params.values())
        if not (name in ("", _STYLE) or name in files or (name != "README" and f"{name}.md" in files)):
            raise NotFound()
        served = await asyncio.to_thread(load, name)
        headers = {"Vary": VARY, "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return respond(
            request, served.body, etag=served.etag, cache_control=PUBLIC, headers=headers, media_type=served.media_type
        )

    # No converter for whole paths: with it an address with a slash at its end would be one of its own.
    for path in (ROOT, f"{ROOT}/{{name}}", f"{ROOT}/{{folder}}/{{name}}"):
        app.router.routes.append(Route(path, get_guide, name=path))


def find_files(folder: Path) -> dict[str, Path]:
    """What may be served: pages and examples by where they lie within the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in _TEXT and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def load_file(files: dict[str, Path], name: str) -> ServedFile:
    """A page by its name without ending, "" for the index; with its ending, or an example, as it was written."""
    if name == _STYLE:
        body = Path(__file__).with_name(_STYLE).read_bytes()
        return ServedFile(body, list_etag(body), "text/css; charset=utf-8")
    if name in files:
        body = files[name].read_bytes()
        return ServedFile(body, list_etag(body), _TEXT[files[name].suffix])
    file = f"{name}.md" if name else _INDEX
    body = _build_page(files, file).encode()
    return ServedFile(body, list_etag(body), "text/html; charset=utf-8")


def _build_page(files: dict[str, Path], file: str) -> str:
    address = find_address(file)

    def resolve(path: str) -> str | None:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        return _relate(find_address(target), address) if target in files else None

    page = render_page(files[file].read_text(encoding="utf-8"), resolve)
    return _PAGE.format(
        title=escape(page.title),
        style=_relate(f"{ROOT}/{_STYLE}", address),
        index=_relate(ROOT, address),
        docs=_relate("/docs", address),
        content=page.html,
    )


def find_address(file: str) -> str:
    """Where a file of the folder is served: pages without their ending, the index at the root."""
    return ROOT if file == _INDEX else f"{ROOT}/{file.removesuffix('.md')}"


def _relate(target: str, source: str) -> str:
    """Relative, so that links hold behind a proxy that serves everything below a path of its own; never as `..`, which
    would be the index with a slash at its end."""
    folder, name = posixpath.split(target)
    return posixpath.normpath(posixpath.join(posixpath.relpath(folder, posixpath.dirname(source)), name))
