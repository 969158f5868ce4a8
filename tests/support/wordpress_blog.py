"""A blog that responds as WordPress's REST API does: in process as a Fetch, or over HTTP on the loopback interface."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import orjson

from app.importers.web.fetch import FetchedPage, FetchError

Json = dict[str, object]
CATEGORIES = {
    1: {"id": 1, "name": "Uncategorized", "slug": "uncategorized", "parent": 0, "taxonomy": "category"},
    2: {"id": 2, "name": "World", "slug": "world", "parent": 0, "taxonomy": "category"},
    3: {"id": 3, "name": "Arts &amp; Letters", "slug": "arts", "parent": 2, "taxonomy": "category"},
}
TAGS = {number: {"id": number, "name": f"Tide {number}", "slug": f"tide-{number}"} for number in range(10, 15)}
USERS = {7: {"id": 7, "name": "Ann Lee", "slug": "ann"}}
MEDIA = {
    9: {
        "id": 9,
        "source_url": "https://gazette.example/quay.jpg",
        "alt_text": "The quay",
        "media_type": "image",
        "caption": {"rendered": "<p>At dawn</p>"},
        "media_details": {"width": 1200, "height": 800, "image_meta": {"credit": "Bo Ek"}},
    }
}


def post(number: int, **changed: object) -> Json:
    """A post as the API shows it: what it refers to are numbers."""
    return {
        "id": number,
        "date": "2024-03-02T10:00:00",
        "date_gmt": "2024-03-02T09:00:00",
        "guid": {"rendered": f"https://gazette.example/?p={number}"},
        "modified_gmt": "2024-03-03T09:00:00",
        "slug": f"ship-{number}",
        "status": "publish",
        "type": "post",
        "link": f"https://gazette.example/ship-{number}/",
        "title": {"rendered": f"Ship no. {number} &#8211; home again"},
        "content": {"rendered": f"<p>Ship {number} came in with the tide.</p>", "protected": False},
        "excerpt": {"rendered": f"<p>Ship {number} came in [&hellip;]</p>", "protected": False},
        "author": 7,
        "featured_media": 9,
        "categories": [2, 3],
        "tags": [10 + number % 5],
        **changed,
    }


@dataclass(slots=True)
class BlogServer:
    """`broken` are numbers of posts over which the site fails; `asked` is every route that was asked for."""

    posts: list[Json]
    url: str = "https://gazette.example"
    broken: frozenset[int] = frozenset()
    users: bool = True
    repeats: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        status, headers, body = self.respond(url)
        if status != 200:
            raise FetchError(url, f"answered {status}", status)
        return FetchedPage(url, status, headers, body)

    def front_page(self) -> FetchedPage:
        """The front page, which announces the API."""
        return self(self.url)

    def respond(self, url: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for an address."""
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        route = parts.path.removeprefix("/wp-json/").removesuffix("/")
        self.asked.append(route)
        if parts.path in ("", "/"):
            link = f'<{self.url}/wp-json/>; rel="https://api.w.org/"'
            return 200, {"link": link}, b"<!doctype html><html lang='fr-BE'><title>Gazette</title>"
        if not parts.path.startswith("/wp-json"):
            return 404, {}, b""
        date = {"date": "Sun, 10 Mar 2024 12:00:00 GMT"}
        if not route:
            return 200, date, orjson.dumps({"name": "Gazette", "home": self.url, "namespaces": ["wp/v2"]})
        kind = route.removeprefix("wp/v2/")
        return self._posts(query) if kind == "posts" else self._list_named(kind, query)

    def _posts(self, query: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        size, number = int(query["per_page"]), int(query["page"])
        since = query.get("modified_after") or query.get("after") or ""
        matches = [one for one in self.posts if f"{one['modified_gmt']}Z" > since]
        pages = max(1, -(-len(matches) // size))
        if number > pages and not self.repeats:
            return 400, {}, b'{"code":"rest_post_invalid_page_number"}'
        begin = 0 if self.repeats else (number - 1) * size
        chosen = matches[begin : begin + size]
        if any(one["id"] in self.broken for one in chosen):
            return 500, {}, b"<h1>There has been a critical error</h1>"
        headers = {} if self.repeats else {"x-wp-totalpages": str(pages)}
        return 200, headers, orjson.dumps(chosen)

    def _list_named(self, kind: str, query: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        if kind == "users" and not self.users:
            return 401, {}, b'{"code":"rest_user_cannot_view"}'
        entries = {"users": USERS, "categories": CATEGORIES, "tags": TAGS, "media": MEDIA}.get(kind, {})
        expected = {int(number) for number in query["include"].split(",")}
        return 200, {}, orjson.dumps([entry for number, entry in entries.items() if number in expected])


@contextmanager
def run_blog(blog: BlogServer) -> Iterator[str]:
    """The blog on a free port of 127.0.0.1; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = blog.respond(self.path)
            self.send_response_only(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        blog.url = f"http://127.0.0.1:{server.server_port}"
        yield blog.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
