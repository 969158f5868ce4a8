"""What arrived in pieces as one stream, which may be read again from anywhere. Never knows where the pieces lie."""

import io
from abc import abstractmethod

PART_BYTES = 1_000_000
"""Of each piece but the last."""


class PartStream(io.RawIOBase):
    """Holds one piece at a time."""

    def __init__(self) -> None:
        self._position, self._part, self._piece = 0, -1, b""

    @abstractmethod
    def load_part(self, number: int) -> bytes:
        """The piece of that number, from 0; empty where there is none."""

    @abstractmethod
    def count_parts(self) -> int:
        """How many pieces there are."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            offset += self._find_size()
        elif whence == io.SEEK_CUR:
            offset += self._position
        self._position = max(0, offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: object) -> int:
        number, start = divmod(self._position, PART_BYTES)
        if number != self._part:
            self._part, self._piece = number, self.load_part(number)
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type] # whatever readers hand over
        chunk = self._piece[start : start + len(view)]
        view[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def _find_size(self) -> int:
        count = self.count_parts()
        return (count - 1) * PART_BYTES + len(self.load_part(count - 1)) if count else 0
