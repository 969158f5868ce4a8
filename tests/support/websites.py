"""A web site on this machine whose pages are functions, and which remembers what it was asked for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Handler = BaseHTTPRequestHandler


class Site:
    """A server whose pages are functions, what it was asked, and the bodies that were sent to it."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Handler], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.posted: list[bytes] = []
        site = self

        class RespondingHandler(Handler):
            def do_GET(self) -> None:  # noqa: N802 (named as the library wants it)
                site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                site.pages[self.path](self)

            def do_POST(self) -> None:  # noqa: N802 (named as the library wants it)
                site.posted.append(self.rfile.read(int(self.headers["content-length"])))
                site.pages[self.path](self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), RespondingHandler)
        self.server.daemon_threads = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@contextmanager
def run_website() -> Iterator[Site]:
    """A site without pages, which responds until the end of the block."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()


def make_handler(status: int = 200, body: bytes = b"ok", **headers: str) -> Callable[[Handler], None]:
    def send(to: Handler) -> None:
        to.send_response(status)
        for name, value in ({"content_length": str(len(body))} | headers).items():
            to.send_header(name.replace("_", "-"), value)
        to.end_headers()
        to.wfile.write(body)

    return send
