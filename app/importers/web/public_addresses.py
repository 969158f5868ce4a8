"""Which addresses belong to the public internet. Pure: names are looked up where a connection is made."""

import ipaddress
from urllib.parse import urlsplit

_IPV4_CLOSED = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, a few of which Python takes for global
        "192.88.99.0/24",  # relays from IPv6
        "168.63.129.16/32",  # what Azure tells its machines about themselves
    )
)
# RFC 4291, section 2.4: of IPv6 only this is given out as global unicast.
_IPV6_OPEN = ipaddress.IPv6Network("2000::/3")
_IPV6_CLOSED = tuple(
    ipaddress.IPv6Network(network)
    # RFC 2928 (with Teredo, RFC 4380), RFC 3849, RFC 3056 (6to4), RFC 9637.
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # tunnels, examples
)
# RFC 6052: the last 32 bits are the IPv4 address that is meant.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether a numeric address belongs to the public internet. IPv4 inside IPv6 (mapped, NAT64) is judged as IPv4;
    tunnels (6to4, Teredo) are not public, nor is anything that is no address."""
    try:
        # RFC 4007, section 11: behind `%` stands the interface, which says nothing of where an address is.
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None and parsed not in _NAT64:
            return parsed in _IPV6_OPEN and not any(parsed in network for network in _IPV6_CLOSED)
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _IPV4_CLOSED)


def names_private_address(url: str) -> bool:
    """Whether the address itself shows that it is none of the public internet, without its name being looked up."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return not is_public(host)
