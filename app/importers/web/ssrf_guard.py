"""Which addresses may be connected to: public ones, judged by the number that a connection is made to and nothing else.

A name is looked up once, every answer is checked, and the connection goes to exactly what was checked: neither a name
that answers differently the next time nor an odd spelling of a number gets round it. Never looks at names.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

Resolve = Callable[[str, int], Sequence[str]]
"""The numeric addresses of a host, best first; a number, however spelt, is its own. OSError where there is none."""

MAX_ADDRESSES = 3
_IPV4_CLOSED = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, a few of which Python takes for global
        "192.88.99.0/24",  # relays from IPv6
        "168.63.129.16/32",  # what Azure tells its machines about themselves
    )
)
_IPV6_OPEN = ipaddress.IPv6Network("2000::/3")
_IPV6_CLOSED = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # tunnels, examples
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """A connection that must not be made; says where it would have gone."""


class NoSuchHost(Exception):
    """A name without an address."""


def is_public(address: str) -> bool:
    """Whether a numeric address belongs to the public internet. IPv4 inside IPv6 (mapped, NAT64) is judged as IPv4;
    tunnels (6to4, Teredo) are not public, nor is anything that is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None and found not in _NAT64:
            return found in _IPV6_OPEN and not any(found in network for network in _IPV6_CLOSED)
        found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.is_global and not found.is_multicast and not any(found in network for network in _IPV4_CLOSED)


def resolve(host: str, port: int) -> Sequence[str]:
    """What the machine's own resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard(httpcore.NetworkBackend):
    """Makes the connections of a pool. `until` is the moment by `now` after which nothing is waited for any more;
    `own` holds the hosts that turned out to be in a private network, where that is allowed."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
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
        """To the first address that answers. One private address among several refuses the name as a whole."""
        if not 0 < port < 65_536:  # what is above goes to the port that is left after taking 65,536 away
            raise Refused(f"there is no port {port}")
        if not self.allow_private and port < 1024 and port not in (80, 443):
            raise Refused(f"port {port} is not one of the web")
        failed: Exception = NoSuchHost(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = self._network.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
                return _Bounded(stream, self.left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            found = self._resolve(host, port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise httpcore.ConnectError(f"{host} cannot be looked up at the moment") from error
            raise NoSuchHost(f"{host} is not known") from error
        except (OSError, UnicodeError) as error:
            raise NoSuchHost(f"{host} is not known") from error
        private = [address for address in found if not is_public(address)]
        if private and not self.allow_private:
            at = "" if host == private[0] else f" is at {private[0]}, which"
            raise Refused(f"{host}{at} is not on the public internet, and nothing else is allowed here")
        if private:
            self.own.add(host)
        return found[:MAX_ADDRESSES]

    def left(self, timeout: float | None) -> float:
        """The seconds that one step may take: its own bound, or what is left of the whole."""
        left = self.until - self._now()
        if left <= 0:
            raise httpcore.ReadTimeout("it takes too long")
        return left if timeout is None else min(timeout, left)


class _Bounded(httpcore.NetworkStream):
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
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)), self._left)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
