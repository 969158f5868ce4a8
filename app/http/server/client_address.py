"""Which address a request came from, as far as proxies in between are trusted. Counts and refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import islice

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 10
LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class ProxyHop:
    """A machine on the way of a request: the name that it is counted under, and whether what it says is believed."""

    name: str
    trusted: bool


class ClientAddresses:
    """Tells from a request which address it came from: the peer, or where that is a trusted proxy the right-most
    address of X-Forwarded-For that is none. `Forwarded` (RFC 7239) is not read: a proxy that sets the one header passes
    on the other as the client wrote it."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._hop = lru_cache(maxsize=8192)(partial(parse_hop, tuple(trusted)))

    def read_peer(self, text: str) -> ProxyHop:
        """The machine at the other end of a connection; by its own word where that is no address."""
        return self._hop(text) or ProxyHop(text, trusted=False)

    def find_address(self, scope: Scope) -> str:
        """An IPv4 address or an IPv6 network of 64 bits, which is what one subscriber has; the peer's own word where it
        is no address, as on a Unix socket."""
        last = self.read_peer((scope.get("client") or ("",))[0])
        for text in islice(_list_forwarded(scope), MOST_HOPS) if last.trusted else ():
            further = self._hop(text) if len(text) <= LONGEST_ADDRESS else None
            if further is None:
                break
            last = further
            if not last.trusted:
                break
        return last.name


def parse_hop(trusted: Sequence[Network], text: str) -> ProxyHop | None:
    """None for what is no address. A port, the brackets around an IPv6 address and its zone do not matter."""
    address = _parse_address(text.strip())
    if address is None:
        return None
    # RFC 6177: a subscriber has a network of 64 bits at least, and any address within it.
    name = str(address) if address.version == 4 else str(IPv6Network((int(address), 64), strict=False))
    return ProxyHop(name, any(address in network for network in trusted))


def _parse_address(text: str) -> Address | None:
    # With a port an IPv6 address is in brackets, RFC 3986, section 3.2.2; an IPv4 address has one colon then.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A socket for both families shows IPv4 peers as ::ffff:192.0.2.1.
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _list_forwarded(scope: Scope) -> Iterator[str]:
    """The addresses in X-Forwarded-For, the nearest first; several such headers are one list."""
    for name, value in reversed(scope["headers"]):
        if name == b"x-forwarded-for":
            # From the right: what is left was written by the client itself, and may be as long as it likes.
            yield from (part.decode("latin-1") for part in reversed(value.rsplit(b",", MOST_HOPS)))
