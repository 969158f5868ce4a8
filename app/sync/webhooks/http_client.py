"""One request to an endpoint: guarded, bounded in time and in what is read of the response, never redirected.

What is sent is made when the connection stands: by then it may have taken seconds to find the address and to connect,
and an article may have been withdrawn meanwhile.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import httpcore
import httpx

from app.importers.web.guarded_pool import create_pool
from app.importers.web.retry_after import parse_retry_after
from app.importers.web.ssrf_guard import ConnectionRefused, NoSuchHost, Resolve, SsrfGuard, resolve_host
from app.sync.webhooks.messages import DeliveryResult, Message

WHOLE_SECONDS, CONNECT_SECONDS = 15.0, 8.0
"""Standard Webhooks has senders wait for 15 to 30 seconds."""
MOST_RESPONSE_BYTES = 4_096
KEEP_SECONDS = 2.0
"""Less than what receivers close a connection after, so that none is used that is just being closed."""
USER_AGENT = f"Dateline/{version('dateline')} (webhooks)"
_SEND = "http11.send_request_headers.started"

_BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


class HttpClient:
    """For one thread, to be closed; keeps its connections for a moment."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        whole_seconds: float = WHOLE_SECONDS,
        resolve: Resolve = resolve_host,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._whole_seconds = whole_seconds
        self._guard = SsrfGuard(allow_private=allow_private, resolve=resolve, network=network)
        self._pool = create_pool(self._guard, keep_seconds=KEEP_SECONDS)

    def close(self) -> None:
        self._pool.close()

    def post(self, address: str, make: Callable[[], Message]) -> DeliveryResult:
        """Sends what `make` returns, which may raise NotSent. Everything else that goes wrong is an outcome."""
        began = time.monotonic()
        self._guard.until = began + self._whole_seconds

        def end(status: int | None, error: str | None, retry_after: float | None = None) -> DeliveryResult:
            return DeliveryResult(status, error, round((time.monotonic() - began) * 1000), retry_after)

        try:
            request = _build_request(address, make)
        except (httpx.InvalidURL, ValueError) as error:
            return end(None, f"not an address: {error}")
        try:
            response = self._pool.handle_request(request)
        except (ConnectionRefused, NoSuchHost) as error:
            return end(None, str(error))
        except _BROKEN as error:
            return end(None, self._describe(error))
        try:
            status = response.status
            if 200 <= status < 300:
                return end(status, None)
            asked = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
            text = None if asked is None else asked.decode("latin-1")
            return end(status, _describe_status(status), parse_retry_after(text, datetime.now(UTC)))
        finally:
            self._finish(response)

    def _finish(self, response: httpcore.Response) -> None:
        """Reads a little of the body, so that the connection can be used again; what is longer is closed."""
        size = 0
        try:
            for piece in response.iter_stream():
                size += len(piece)
                if size > MOST_RESPONSE_BYTES:
                    break
        except _BROKEN:
            pass  # the status was all that mattered
        finally:
            response.close()

    def _describe(self, error: Exception) -> str:
        if isinstance(error, httpcore.TimeoutException):
            return f"no response within {self._whole_seconds:.0f} seconds"
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {error.__cause__.verify_message}"
        if isinstance(error, httpcore.ProtocolError):
            return "the connection ended without an HTTP response"
        return f"the connection failed: {str(error.__cause__ or error).strip() or type(error).__name__}"


def _build_request(address: str, make: Callable[[], Message]) -> httpcore.Request:
    """A request without headers and body, which are filled in when it is written. httpcore tells of each of its steps
    (its extension `trace`), of this one before it looks at the headers. On a connection that turned out to be closed it
    begins again, and so does this."""
    url = httpx.URL(address)
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)

    def trace(step: str, details: Mapping[str, object]) -> None:
        if step == _SEND:
            message = make()
            request.headers = _encode_headers(url, message)
            request.stream = httpcore.Request("POST", target, content=message.body).stream

    timeout = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": CONNECT_SECONDS}
    request = httpcore.Request("POST", target, extensions={"trace": trace, "timeout": timeout})
    return request


def _encode_headers(url: httpx.URL, message: Message) -> list[tuple[bytes, bytes]]:
    headers = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Content-Length": str(len(message.body)),
        **message.headers,
    }
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _describe_status(status: int) -> str:
    if 300 <= status < 400:
        return f"the receiver redirects ({status}), which is not followed"
    return f"the receiver responds with {status}"
