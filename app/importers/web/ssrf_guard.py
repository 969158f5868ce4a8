"""Which addresses may be connected to: public ones, judged by the number that a connection is made to and nothing else.

A name is looked up once, every address is checked, and the connection goes to exactly what was checked: neither a name
that resolves differently the next time nor an odd spelling of a number gets round it. Never looks at names.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from app.importers.web.public_addresses import is_public as is_public

Resolve = Callable[[str, int], Sequence[str]]
"""The numeric addresses of a host, best first; a number, however spelt, is its own. OSError where there is none."""

MAX_ADDRESSES = 3


class ConnectionRefused(Exception):
    """A connection that must not be made; says where it would have gone."""


class NoSuchHost(Exception):
    """A name without an address."""


def resolve_host(host: str, port: int) -> Sequence[str]:
    """What the machine's own resolver says."""
    address_rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in address_rows))


class SsrfGuard(httpcore.NetworkBackend):
    """Makes the connections of a pool. `until` is the moment by `now` after which nothing is waited for any more;
    `own` holds the hosts that turned out to be in a private network, where that is allowed."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve_host,
        network: httpcore.NetworkBackend | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.allow_private, self._resolve, self._now = allow_private, resolve, now
        self._network = network or httpcore.SyncBackend()
        self.until = float("inf")
        self.own: set[str] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first address that responds. One private address among several refuses the name as a whole."""
        if not 0 < port < 65_536:  # what is above goes to the port that is left after taking 65,536 away
            raise ConnectionRefused(f"there is no port {port}")
        if not self.allow_private and port < 1024 and port not in (80, 443):
            raise ConnectionRefused(f"port {port} is not one of the web")
        failed: Exception = NoSuchHost(f"{host} has no address")
        for address in self._resolve_host(host, port):
            try:
                stream = self._network.connect_tcp(
                    address, port, self.limit_timeout(timeout), local_address, socket_options
                )
                return _BoundedStream(stream, self.limit_timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _resolve_host(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host, port)
        except socket.gaierror as error:
            # A resolver that is overloaded or away: another attempt may find the name.
            if error.errno == socket.EAI_AGAIN:
                raise httpcore.ConnectError(f"{host} cannot be looked up at the moment") from error
            raise NoSuchHost(f"{host} is not known") from error
        except (OSError, UnicodeError) as error:
            raise NoSuchHost(f"{host} is not known") from error
        private = [address for address in addresses if not is_public(address)]
        if private and not self.allow_private:
            at = "" if host == private[0] else f" is at {private[0]}, which"
            raise ConnectionRefused(f"{host}{at} is not on the public internet, and nothing else is allowed here")
        if private:
            self.own.add(host)
        return addresses[:MAX_ADDRESSES]

    def limit_timeout(self, timeout: float | None) -> float:
        """The seconds that one step may take: its own bound, or what is left of the whole."""
        seconds_left = self.until - self._now()
        if seconds_left <= 0:
            raise httpcore.ReadTimeout("it takes too long")
        return seconds_left if timeout is None else min(timeout, seconds_left)


class _BoundedStream(httpcore.NetworkStream):
    """A connection each step of which ends in time: many short waits would add up to a long one."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[float | None], float]) -> None:
        self._stream, self._left = stream, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)), self._left)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
