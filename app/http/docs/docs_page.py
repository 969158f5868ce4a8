"""`/docs`: Swagger UI over `/openapi.json`, from the files that the package `fastapi-offline` brings along.

The page asks nothing of any other host, and its Content-Security-Policy does not let it. It leads to the guides, and
holds no documentation itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.http.conditional import PUBLIC, VARY, list_etag, respond

_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
# Styles may stand inline, since Swagger UI sets them so; scripts may not, which is why `start.js` is a file.
_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dateline API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<nav class="swagger-ui"><div class="wrapper"><p>
<a href="guides">Guides</a>, a page per task:
<a href="guides/howto/section_page">a section page</a>,
<a href="guides/howto/search_box">a search box</a>,
<a href="guides/howto/article_page">an article page</a>,
<a href="guides/howto/offline_copy">an offline copy</a>,
<a href="guides/howto/saved_search">an alert</a>,
<a href="guides/howto/notebook">a dashboard in a notebook</a>
</p></div></nav>
<div id="page"></div>
<noscript>The description of the API is at <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Without validatorUrl the page would ask a public validator about every address that is not localhost.
_START = b"""SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null
});
"""


def install(app: FastAPI) -> None:
    """Serves the page and its files. FileNotFoundError if the package is missing. The app must have been made with
    `docs_url=None, redoc_url=None`, so that FastAPI serves none that loads from elsewhere."""
    served = {
        "/docs": (_PAGE, "text/html; charset=utf-8"),
        "/docs/start.js": (_START, "text/javascript; charset=utf-8"),
    }
    served |= {f"/docs/{name}": (body, _FILES[name]) for name, body in load_files().items()}
    for path, (body, kind) in served.items():
        app.router.routes.append(Route(path, _make_endpoint(body, kind), name=path))


@lru_cache(maxsize=1)
def load_files() -> dict[str, bytes]:
    """The files of the page, 1.7 MB, by name."""
    folder = _find_folder()
    return {name: (folder / name).read_bytes() for name in _FILES}


def _make_endpoint(body: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    etag = list_etag(body)
    headers = {"Vary": VARY, "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}

    async def get_file(request: Request) -> Response:
        return respond(request, body, etag=etag, cache_control=PUBLIC, headers=headers, media_type=media_type)

    return get_file


def _find_folder() -> Path:
    """Found without importing the package, of which only the files are used."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package fastapi-offline is not installed")
    return Path(spec.origin).parent / "static"
