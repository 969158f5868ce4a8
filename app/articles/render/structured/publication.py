"""What formats say of the archive itself: its name, its addresses, and names for what has no address. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    # Imports are read by processes that load no settings: they need the formats, and no addresses.
    from app.text.addresses import Addresses

_PATH = "!$%&'()*+,/:;=@~"
"""What the path of a URI may have beside letters and digits (RFC 3986); a query and a fragment also a question mark."""


@dataclass(frozen=True, slots=True)
class Publication:
    """`name` is that of the publication."""

    addresses: Addresses
    name: str

    def name_article(self, id: object) -> str:
        """A URI that stays the same whatever the article is called."""
        return self.addresses.name_thing(f"article/{id}")

    def name_list(self, path: str, query: str) -> str:
        """A URI of a list: its address where there is one, else a name."""
        # Caches take the order of parameters for the same question, so that nothing may depend on it.
        ordered = "&".join(sorted(query.split("&"), key=lambda pair: pair.partition("=")[0]))
        if self.addresses.api_url:
            return encode_uri(self.addresses.on_api(path, ordered))
        name = f"{path.lstrip('/')}?{ordered}" if ordered else path.lstrip("/")
        return encode_uri(self.addresses.name_thing(name))

    def find_page(self, slug: object) -> str | None:
        """The page of an article."""
        return self.addresses.page(slug)


def encode_uri(address: str) -> str:
    """An address in the characters that a URI may have (RFC 3986)."""
    try:
        scheme, host, path, query, fragment = urlsplit(address)
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return quote(address, safe=f"{_PATH}?#")
    path, query, fragment = quote(path, safe=_PATH), *(quote(part, safe=f"{_PATH}?") for part in (query, fragment))
    return urlunsplit((scheme, host, path, query, fragment))
