"""Bodies as they come over the wire, unpacked piece by piece. Never holds more than the limit, whatever was packed."""

import zlib
from collections.abc import Iterable

_GZIP = 16 + zlib.MAX_WBITS
_RATIO, _RATIO_FROM = 300, 2**20


class DecompressedTooLarge(Exception):
    """The body is larger than the limit, or was packed so tightly that nobody can have meant it."""


class BrokenEncoding(Exception):
    """What came is not what its headers say."""


def read_body(pieces: Iterable[bytes], coding: str, limit: int) -> bytes:
    """All of it. `coding` is the Content-Encoding: gzip or none."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return _read_plain(pieces, limit)
    if coding in ("gzip", "x-gzip"):
        return _read_gzip(pieces, limit)
    raise BrokenEncoding(f"it is packed as {coding[:40]}, which was not asked for")


def _read_plain(pieces: Iterable[bytes], limit: int) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > limit:
            raise DecompressedTooLarge
    return bytes(content)


def _read_gzip(pieces: Iterable[bytes], limit: int) -> bytes:
    content, packed = bytearray(), 0
    unpacking = zlib.decompressobj(_GZIP)
    for piece in pieces:
        packed += len(piece)
        while piece:
            # RFC 1952, section 2.2: one member may follow another; what follows otherwise is padding.
            if unpacking.eof:
                if not piece.startswith(b"\x1f\x8b"):
                    break
                unpacking = zlib.decompressobj(_GZIP)
            try:
                # No more than one byte over the limit is ever unpacked, which is enough to see that it is too large.
                content += unpacking.decompress(piece, limit + 1 - len(content))
            except zlib.error as error:
                raise BrokenEncoding("it says that it is gzip, and is not") from error
            if len(content) > limit or (len(content) > _RATIO_FROM and len(content) > _RATIO * packed):
                raise DecompressedTooLarge
            piece = unpacking.unconsumed_tail or unpacking.unused_data
    if not unpacking.eof and packed:
        raise BrokenEncoding("it ends in the middle")
    return bytes(content)
