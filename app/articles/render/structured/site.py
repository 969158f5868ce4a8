"""What formats say of the archive itself: its name, its addresses, and names for what has no address. Pure."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid5

_SPACE = UUID("8f6f0c2e-52b5-5d8e-9f0e-4f2f6f3f7d11")
"""Of all archives without an address: within it names are made of an archive's number."""
_URI = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Site:
    """`url` is the address of the web site that shows the articles, without a slash at its end, `name` what it is
    called; empty where nobody has said. `epoch` is the archive's number."""

    url: str = ""
    name: str = ""
    epoch: int = 0

    def name_article(self, id: int, created_at: str) -> str:
        """A URI that stays the same whatever the article is called: a tag of the site (RFC 4151), whose date is that on
        which the archive got the article; without a site, a UUID."""
        host = urlsplit(self.url).hostname if self.url else None
        if host is None:
            return self._make_urn(f"article {id}")
        return f"tag:{host},{created_at[:10]}:articles/{id}"

    def name_list(self, address: str) -> str:
        """A URI of a list by its path and query."""
        return self._make_urn(f"list {address}")

    def find_page(self, slug: str) -> str | None:
        """The page of an article."""
        return f"{self.url}/articles/{slug}" if self.url else None

    def _make_urn(self, name: str) -> str:
        return uuid5(_SPACE, f"{self.epoch} {name}").urn


def encode_uri(address: str) -> str:
    """An address in the characters that a URI may have (RFC 3986)."""
    return address if address.isascii() and " " not in address else quote(address, safe=_URI)
