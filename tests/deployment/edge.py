"""HAProxy and nginx as they are deployed, in front of servers that do what a test has them do."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.processes import find_free_ports
from deploy.local.programs import find_program
from deploy.local.proxies import HAProxy, Nginx


def need_program(name: str) -> str:
    program = find_program(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


@dataclass
class TestNode:
    """Responds to any path with its name and what it was sent. A path names the headers that the response is to have:
    `/shared`, `/private`, `/unstored`, `/by-accept`, `/v1/export` with a second part that waits for `released`."""

    __test__ = False
    name: str
    port: int
    is_ready: bool = True
    is_alive: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    released: threading.Event = field(default_factory=threading.Event)
    hangs: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


CACHE_CONTROL = {
    "/shared": "public, max-age=30, stale-while-revalidate=60",
    "/by-accept": "public, max-age=30, stale-while-revalidate=60",
    "/private": "private, max-age=30",
}
VARY = "Accept, Accept-Encoding, Authorization, X-Forwarded-Prefix"


def _create_handler(node: TestNode) -> type[BaseHTTPRequestHandler]:
    class NodeHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/health/"):
                good = node.is_alive and (node.is_ready or path == "/health/live")
                self._respond(200 if good else 503, b"{}")
                return
            node.counts[f"{self.command} {path}"] += 1
            if path == "/hanging" and node.hangs.is_set():
                node.released.wait(30)
            if path == "/v1/export":
                self._respond_in_parts()
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._respond(200, json.dumps({"node": node.name, "headers": headers}).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def _respond(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", CACHE_CONTROL.get(self.path.partition("?")[0], "no-store"))
            self.send_header("Vary", VARY)
            self.end_headers()
            self.wfile.write(body)

        def _respond_in_parts(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"first\n", b"second\n"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
                node.released.wait(20)
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return NodeHandler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        """With its connections, as a process ends."""
        super().server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A proxy has closed its connection, as proxies may."""


@contextmanager
def run_node(node: TestNode) -> Iterator[TestNode]:
    server = _Server(("127.0.0.1", node.port), _create_handler(node))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield node
    finally:
        node.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Edge:
    nodes: list[TestNode]
    haproxy: HAProxy
    nginx: Nginx
    client: httpx.Client
    """Of nginx; HAProxy is reached by its address."""

    def count(self, request: str) -> int:
        return sum(node.counts[request] for node in self.nodes)


@contextmanager
def run_haproxy(folder: Path, nodes: list[TestNode], requests_per_minute: int | None = None) -> Iterator[HAProxy]:
    haproxy = HAProxy(need_program("haproxy"), folder, *find_free_ports(2))
    try:
        haproxy.start(haproxy.build_environment([node.address for node in nodes], requests_per_minute))
        yield haproxy
    finally:
        haproxy.end()
