"""Lines out of pieces of a body as they arrive; of one that is too long only as much as shows that it is."""

from collections.abc import Iterator

from app.importers.formats.ndjson import MAX_LINE


class LineSplitter:
    """Takes pieces, gives whole lines without their ends; memory stays below one longest line and one piece."""

    def __init__(self, longest: int = MAX_LINE) -> None:
        self._longest = longest
        self._kept = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that end in this piece. A longer one than `longest` comes one byte over it."""
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            self._keep(piece[start:end])
            yield self.take_line()
            start = end + 1
        self._keep(piece[start:])

    def _keep(self, part: bytes) -> None:
        # One byte more than fits, by which the parser sees that the line is too long; the rest is never held.
        room = self._longest + 1 - len(self._kept)
        self._kept += part[:room] if len(part) > room else part

    def take_line(self) -> bytes:
        """What has come since the last line end: when the body has ended, the last line."""
        line = bytes(self._kept).removesuffix(b"\r")
        self._kept.clear()
        return line
