"""The fields of an article that a source may say something of, and short hashes of what it says. Pure."""

import hashlib
from collections.abc import Mapping

FIELDS = (
    "title", "standfirst", "body", "dateline", "language", "tags", "sections", "authors", "regions", "related",
    "images", "seo", "source", "signature", "published_at", "status", "slug", "addresses",
    "corrections", "original", "extra",
)  # fmt: skip
"""In the order in which their hashes are kept. A new one goes to the end."""
SIZE = 6
"""Bytes of a hash: of a million changes one is taken for none once in 280 million archives."""
UNSAID, EMPTY = bytes(SIZE), b"\1" + bytes(SIZE - 1)

Hashes = Mapping[str, bytes]
"""By field. UNSAID where the source says nothing of it, EMPTY where it says that there is nothing."""


def digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=SIZE).digest()


def pack(hashes: Hashes) -> str:
    return b"".join(hashes.get(name, UNSAID) for name in FIELDS).hex()


def unpack(packed: str) -> dict[str, bytes]:
    return split(bytes.fromhex(packed))


def split(stored: bytes) -> dict[str, bytes]:
    """Fields that are younger than what was stored are unsaid."""
    return {name: stored[i * SIZE : (i + 1) * SIZE] or UNSAID for i, name in enumerate(FIELDS)}
