"""Fetches addresses on the web over httpx, as the Protocol promises: guarded, polite, bounded in time and size.

    one fetch ─ attempts (429, 5xx, broken connections: again, later) ─ hops (redirects, each guarded anew) ─ a GET

No proxy is used, also not one that the environment names: the guard could not see where a proxy connects to.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpcore
import httpx

from app.importers.web import decompression
from app.importers.web.fetch import FetchedPage, FetchError, HostThrottle
from app.importers.web.guarded_pool import create_pool
from app.importers.web.retry_after import parse_retry_after
from app.importers.web.ssrf_guard import ConnectionRefused, NoSuchHost, Resolve, SsrfGuard, resolve_host

USER_AGENT = f"Dateline/{version('dateline')} (news archive; imports on request)"
MAX_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 3
ATTEMPTS = 4
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 10.0, 20.0, 120.0

PATIENCE_SECONDS = 300.0
# RFC 9110, sections 15.5.9, 15.6; RFC 8470 (425), RFC 6585 (429); 520 to 524 are Cloudflare's, for a site behind it.
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})

_BROKEN = (
    httpx.HTTPError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True, slots=True)
class FetchClock:
    """Seconds that only go forward, a way to let them pass, and the time of day that dates in headers count from."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], datetime] = lambda: datetime.now(UTC)


class _TryAgain(Exception):
    """An attempt that failed in a way which may pass; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, status: int = 0, wait: float | None = None) -> None:
        self.reason, self.status, self.wait = reason, status, wait
        super().__init__(reason)


class _Transport(httpx.BaseTransport):
    """httpx's own, but for connections, which the guard makes. What goes wrong below stays httpcore's exception."""

    def __init__(self, guard: SsrfGuard) -> None:
        self._pool = create_pool(guard, keep_seconds=30)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                target,
                headers=request.headers.raw,
                content=request.read() or None,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class HttpFetcher:
    """A Fetch for one thread, to be closed. Keeps connections, the pace of each host, which it may share with others,
    and the name and password that an address was given with, which go to that address's own host and port only.

    `progress` is told the address and the bytes read so far, after each piece.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve_host,
        network: httpcore.NetworkBackend | None = None,
        clock: FetchClock | None = None,
        pace: HostThrottle | None = None,
        max_bytes: int = MAX_BYTES,
        whole_seconds: float = WHOLE_SECONDS,
        progress: Callable[[str, int], None] = lambda url, size: None,
    ) -> None:
        self._clock = clock or FetchClock()
        self._max_bytes, self._whole_seconds, self._progress = max_bytes, whole_seconds, progress
        self._guard = SsrfGuard(allow_private=allow_private, resolve=resolve, network=network, now=self._clock.now)
        self._client = httpx.Client(
            transport=_Transport(self._guard),
            # What is read within bounds; httpx would ask for whatever it can unpack.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        )
        self._pace = pace or HostThrottle()
        self._logins: dict[str, httpx.BasicAuth] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        headers = {"Accept": accept, **_build_conditions(known or {})}
        try:
            request = self._client.build_request("GET", self._remove_login(url), headers=headers)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise FetchError(url, f"not an address: {error}") from error
        give_up = self._clock.now() + PATIENCE_SECONDS
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(request, give_up)
            except _TryAgain as failed:
                wait = 2.0**attempt if failed.wait is None else failed.wait
                now = self._clock.now()
                if attempt + 1 == ATTEMPTS or now + wait > give_up:
                    wait_text = f", and asks to wait {failed.wait:.0f} seconds" if failed.wait else ""
                    raise FetchError(_format_url(request.url), failed.reason + wait_text, failed.status) from failed
                self._pace.postpone(request.url.host, now + wait)
        # For mypy, which does not see that the loop never ends by itself.
        raise AssertionError("the last attempt returns or raises")

    def post_form(self, url: str, form: Sequence[tuple[str, str]]) -> int:
        """Sends a form, once; the status of the response, which is one of success. Its body is not read."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            target, content = self._remove_login(url), urlencode(form).encode()
            request = self._client.build_request("POST", target, headers=headers, content=content)
            return self._attempt(request, self._clock.now() + PATIENCE_SECONDS).status
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise FetchError(url, f"not an address: {error}") from error
        except _TryAgain as failed:
            raise FetchError(_format_url(request.url), failed.reason, failed.status) from failed

    def _remove_login(self, url: str) -> httpx.URL:
        """The address without a name and password, which are kept for its origin."""
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError("it begins with neither http:// nor https://")
        target = parsed.copy_with(username=None, password=None)
        if parsed.userinfo:
            self._logins[_origin_of(target)] = httpx.BasicAuth(parsed.username, parsed.password)
        return target

    def _attempt(self, request: httpx.Request, give_up: float) -> FetchedPage:
        shown_url, began = _format_url(request.url), self._clock.now()
        self._guard.until = min(give_up, began + self._whole_seconds)
        with _translate_errors(shown_url, lambda: self._clock.now() >= self._guard.until):
            for _ in range(MAX_REDIRECTS + 1):
                response = self._send(request)
                try:
                    if response.next_request is None:
                        return self._read_response(response, shown_url)
                    request = response.next_request
                finally:
                    response.close()
        raise FetchError(shown_url, f"redirects more than {MAX_REDIRECTS} times", response.status_code)

    def _send(self, request: httpx.Request) -> httpx.Response:
        """One request, at the pace of its host; hosts in one's own network need none."""
        host = request.url.host
        if request.url.scheme not in ("http", "https") or not host:
            raise ConnectionRefused(f"{_format_url(request.url)[:200]} is neither http:// nor https://")
        wait = self._pace.reserve(host, self._clock.now())
        if wait > 0:
            self._clock.sleep(wait)
            # Waiting for the host's turn is no time that the host has taken.
            self._guard.until += wait
        try:
            return self._client.send(request, stream=True, auth=self._logins.get(_origin_of(request.url)))
        finally:
            if host in self._guard.own:
                self._pace.postpone(host, 0.0)

    def _read_response(self, response: httpx.Response, shown_url: str) -> FetchedPage:
        status, request = response.status_code, response.request
        if status in AGAIN:
            wait = parse_retry_after(response.headers.get("retry-after"), self._clock.today())
            raise _TryAgain(_describe_response(response), status, wait)
        if request.method == "POST" and 200 <= status < 300:
            return FetchedPage(_format_url(request.url), status, dict(response.headers), b"")
        is_conditional = any(name in request.headers for name in _CONDITIONS.values())
        if status != 200 and not (status == 304 and is_conditional):
            raise FetchError(shown_url, _describe_response(response), status)
        body = b"" if status == 304 else self._read_body(response, shown_url)
        return FetchedPage(_format_url(request.url), status, dict(response.headers), body)

    def _read_body(self, response: httpx.Response, shown_url: str) -> bytes:
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise decompression.DecompressedTooLarge
        return decompression.read_body(
            self._iterate_body(response, shown_url), response.headers.get("content-encoding", ""), self._max_bytes
        )

    def _iterate_body(self, response: httpx.Response, shown_url: str) -> Iterator[bytes]:
        size = 0
        for piece in response.iter_raw():
            self._guard.limit_timeout(None)
            size += len(piece)
            self._progress(shown_url, size)
            yield piece


def _build_conditions(validators: Mapping[str, str]) -> dict[str, str]:
    return {
        name: validators[state_name]
        for state_name, name in _CONDITIONS.items()
        if validators.get(state_name, "").isascii() and state_name in validators
    }


def _origin_of(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _format_url(url: httpx.URL) -> str:
    """The address for people and tables: without passwords, and without the fragment, which no server sees."""
    return str(url.copy_with(username=None, password=None, fragment=None))


def _describe_response(response: httpx.Response) -> str:
    phrase = f" {response.reason_phrase}" if response.reason_phrase else ""
    return f"the server answers {response.status_code}{phrase}"


@contextmanager
def _translate_errors(url: str, is_over: Callable[[], bool]) -> Iterator[None]:
    """Turns whatever goes wrong on the way into a reason for people, or into another attempt."""
    try:
        yield
    except (ConnectionRefused, NoSuchHost, decompression.BrokenEncoding) as error:
        raise FetchError(url, str(error)) from error
    except decompression.DecompressedTooLarge as error:
        raise FetchError(url, "it is larger than what is read from the web; download it and import the file") from error
    except _BROKEN as error:
        if is_over():
            raise FetchError(url, "it takes longer than anything from the web may") from error
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise FetchError(url, f"its certificate is not trusted: {error.__cause__.verify_message}") from error
        raise _TryAgain(_describe_error(error)) from error


def _describe_error(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "no answer in time"
    message = str(error.__cause__ or error).strip() or type(error).__name__
    return f"the connection failed: {message}"
