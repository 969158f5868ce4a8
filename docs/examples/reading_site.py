"""A site for the readers of an archive: python reading_site.py ADDRESS PORT. Needs Python alone."""

import json
import re
import sys
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

PAGE = "<!doctype html><meta charset=utf-8><title>{title}</title><a href=/>All articles</a>{content}"


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None: ...  # it is for the reader's browser


def fetch(path: str, **params: str) -> tuple[int, str, dict]:
    try:
        response = build_opener(NoRedirects).open(f"{sys.argv[1]}/v1/{path}?{urlencode(params)}", timeout=10)
    except HTTPError as error:  # failures of the archive are JSON too
        response = error
    with response:
        return response.status, response.headers.get("Location", ""), json.loads(response.read() or b"{}")


def render_list(body: dict, query: dict) -> str:
    rows = [row.get("article", row) for row in body["data"]]
    items = "".join(f"<li><a href=/articles/{row['slug']}>{escape(row['title'])}</a>" for row in rows)
    older = body["page"]["next"] and urlencode(query | {"cursor": body["page"]["next"]})
    link = f"<a href='?{older}'>Older</a>" if older else ""
    return f'<form><input name=q value="{escape(query.get("q", ""))}"></form><ul>{items}</ul>{link}'


class SiteHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items() if name in ("q", "cursor")}
        article = re.fullmatch(r"/articles/([a-z0-9-]+)", url.path)
        path = f"articles/{article[1]}" if article else "search" if "q" in query else "articles"
        status, location, body = fetch(path) if article else fetch(path, fields="title,slug", **query)
        if status == 308:  # an old slug, or an article that another one replaces
            self.respond(308, "Moved", "", location.removeprefix("/v1").partition("?")[0])
        elif status != 200:  # withdrawn articles say why; every failure says what was wrong
            self.respond(status, body["title"], f"<p>{escape(body.get('reason') or body['detail'])}")
        elif not article:
            self.respond(200, "Archive", render_list(body, query))
        else:  # the body is HTML that the archive has sanitised, everything else is text
            corrections = "".join(f"<p>Correction: {escape(one['text'])}" for one in body["corrections"])
            self.respond(200, body["title"], f"<h1>{escape(body['title'])}</h1>{corrections}{body['body']}")

    def respond(self, status: int, title: str, content: str, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Location" if location else "Content-Type", location or "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.format(title=escape(title), content=content).encode())


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), SiteHandler).serve_forever()
