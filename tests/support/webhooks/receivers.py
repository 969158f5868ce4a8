"""An endpoint for webhooks on this machine: keeps what it is told, and responds as a test wants it to."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from standardwebhooks.webhooks import Webhook

Json = dict[str, Any]
Respond = Callable[[BaseHTTPRequestHandler, "Received"], None]


@dataclass(frozen=True)
class Received:
    """A request: its headers in lower case, its body as it came, and what that says."""

    headers: dict[str, str]
    body: bytes
    payload: Json
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> Json:
        return cast("Json", self.payload["data"])

    @property
    def article(self) -> int | None:
        target = self.data.get("article")
        return int(target["id"]) if target else None

    def verify(self, secret: str) -> None:
        """WebhookVerificationError where it is not signed by the secret."""
        Webhook(secret).verify(self.body, self.headers)


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that went away."""

    daemon_threads = True
    request_queue_size = 50

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def respond_with(status: int, body: bytes = b"", **headers: str) -> Respond:
    """The same to whatever comes."""

    def respond(handler: BaseHTTPRequestHandler, received: Received) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def close_after_status(handler: BaseHTTPRequestHandler, received: Received) -> None:
    """Says 200, promises a body, and goes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
    handler.wfile.flush()
    handler.close_connection = True


@dataclass
class Receiver:
    """`received` has what it took, in the order in which it came; `respond` may be another one at any time."""

    server: ThreadingHTTPServer
    respond: Respond = field(default_factory=lambda: respond_with(204))
    received: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def list_changes(self) -> list[Received]:
        """Without tests."""
        return [one for one in self.received if one.payload["type"] != "webhook.test"]


@contextmanager
def run_receiver(port: int = 0) -> Iterator[Receiver]:
    """At a free port unless another is named."""

    class ReceivingHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(headers, body, json.loads(body), time.monotonic())
            with receiver.lock:
                receiver.received.append(received)
            try:
                receiver.respond(self, received)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = QuietServer(("127.0.0.1", port), ReceivingHandler)
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find_closed_port() -> int:
    """Of this machine, where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
