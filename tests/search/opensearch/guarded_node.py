"""What stands before clusters as people have them: TLS with a certificate of its own, and the question who asks. Passes
on to a node what it lets through."""

import base64
import json
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, PASSWORD, KEY = "dateline", "s3cret", "a2V5OmtleQ=="
ACCEPTED = {"Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), f"ApiKey {KEY}"}
SILENT_SECONDS = 30.0


class GuardedNode(ThreadingHTTPServer):
    """Counts in `asked` what it was asked. `is_forbidding`: whoever it knows may do nothing. `silence`, where it is
    set, keeps it from responding until the end, and so does `silent_path` to what begins so. `version`: what it claims
    to run."""

    daemon_threads = True

    def __init__(self, node: str, certificate: Path | None = None, key: Path | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.version: dict[str, str] | None = None
        self.silent_path: str | None = None
        self.node, self.is_guarded, self.asked = node, certificate is not None, 0
        self.is_forbidding, self.silence, self.ended = False, threading.Event(), threading.Event()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{'https' if self.is_guarded else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Who breaks a connection off, or does not trust the certificate, is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    server: GuardedNode
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        self.server.asked += 1
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        silent_path = self.server.silent_path
        if self.server.silence.is_set() or (silent_path is not None and self.path.startswith(silent_path)):
            self.server.ended.wait(SILENT_SECONDS)
            self.close_connection = True
            return
        if self.server.is_guarded and self.headers.get("authorization") not in ACCEPTED:
            self._respond(401, b"Unauthorized", "text/plain")
        elif self.server.is_forbidding:
            reason = b'{"error":{"type":"security_exception","reason":"no permissions"},"status":403}'
            self._respond(403, reason, "application/json")
        elif self.path == "/" and self.server.version is not None:
            self._respond(200, json.dumps({"version": self.server.version}).encode(), "application/json")
        else:
            kept = {name: value for name, value in self.headers.items() if name.lower().startswith("content-")}
            url = f"{self.server.node}{self.path}"
            request = urllib.request.Request(url, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    self._respond(response.status, response.read(), response.headers["content-type"])
            except urllib.error.HTTPError as error:
                self._respond(error.code, error.read(), error.headers["content-type"])

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass_on  # noqa: N815 -- named by the library

    def _respond(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not to the output of tests."""


@contextmanager
def serve_node(
    node: str, certificate: Path | None = None, key: Path | None = None, port: int = 0
) -> Iterator[GuardedNode]:
    server = GuardedNode(node, certificate, key, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path, openssl: str) -> tuple[Path, Path]:
    """One for 127.0.0.1 that nobody but itself has signed, and its key."""
    certificate, key = folder / "cluster.pem", folder / "cluster-key.pem"
    command = [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=cluster", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def find_closed_port() -> str:
    """The address of nobody."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"
