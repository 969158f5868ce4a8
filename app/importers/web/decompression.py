"""Bodies as they come over the wire, unpacked piece by piece. Never holds more than the limit, whatever was packed."""

import zlib
from collections.abc import Iterable

_GZIP = 16 + zlib.MAX_WBITS
_RATIO, _RATIO_FROM = 300, 2**20


class TooLarge(Exception):
    """The body is larger than the limit, or was packed so tightly that nobody can have meant it."""


class Broken(Exception):
    """What came is not what its headers say."""


def body(pieces: Iterable[bytes], coding: str, limit: int) -> bytes:
    """All of it. `coding` is the Content-Encoding: gzip or none."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return _whole(pieces, limit)
    if coding in ("gzip", "x-gzip"):
        return _unzipped(pieces, limit)
    raise Broken(f"it is packed as {coding[:40]}, which was not asked for")


def _whole(pieces: Iterable[bytes], limit: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > limit:
            raise TooLarge
    return bytes(found)


def _unzipped(pieces: Iterable[bytes], limit: int) -> bytes:
    found, packed = bytearray(), 0
    unpacking = zlib.decompressobj(_GZIP)
    for piece in pieces:
        packed += len(piece)
        while piece:
            # One member may follow another; what follows otherwise is padding.
            if unpacking.eof:
                if not piece.startswith(b"\x1f\x8b"):
                    break
                unpacking = zlib.decompressobj(_GZIP)
            try:
                found += unpacking.decompress(piece, limit + 1 - len(found))
            except zlib.error as error:
                raise Broken("it says that it is gzip, and is not") from error
            if len(found) > limit or (len(found) > _RATIO_FROM and len(found) > _RATIO * packed):
                raise TooLarge
            piece = unpacking.unconsumed_tail or unpacking.unused_data
    if not unpacking.eof and packed:
        raise Broken("it ends in the middle")
    return bytes(found)
