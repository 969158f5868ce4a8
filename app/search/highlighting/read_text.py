"""A text in which marks are looked for, in the pieces in which it is read; what was read of it is kept with it."""

from collections.abc import Iterator
from sys import getsizeof

from app.search.query import plain_text
from app.search.query.plain_text import PlainText

READ = 50_000
"""Characters of a body in which fragments are looked for."""
PIECE = 8_000
"""So many are read at once, and no more once three fragments are found."""
OVERHEAD = 300


class ReadText:
    """One text in its language. `weight`: what reading its HTML of `html_size` characters takes of a budget. Several
    threads may read it: each piece is the same whoever reads it."""

    __slots__ = ("_pieces", "html_size", "language", "text", "weight")

    def __init__(self, text: str, language: str | None, html_size: int = 0, weight: int = 0) -> None:
        self.text, self.language, self.html_size, self.weight = text, language, html_size, weight
        self._pieces: tuple[tuple[int, str, PlainText | None], ...] = ()

    @property
    def size(self) -> int:
        """Bytes in memory, with what was read."""
        pieces = (
            (0 if piece is self.text else getsizeof(piece)) + (plain.measure(piece) if plain is not None else 0)
            for _, piece, plain in self._pieces
        )
        return OVERHEAD + getsizeof(self.text) + sum(pieces)

    @property
    def pieces_read(self) -> int:
        """How many pieces were read."""
        return len(self._pieces)

    @property
    def is_quick(self) -> bool:
        """Whether all that is looked at first was read, and has its words known."""
        return bool(self._pieces) and len(self._pieces[0][1]) == len(self.text) and self._pieces[0][2] is not None

    def list_pieces(self) -> Iterator[tuple[int, str, PlainText | None]]:
        """Where each begins, the piece, and the same for looking words up, unless it is in other letters than Latin
        ones: whole paragraphs where they are no longer than a piece, else whole words."""
        pieces = self._pieces
        yield from pieces
        text = self.text[:READ]
        at = pieces[-1][0] + len(pieces[-1][1]) if pieces else 0
        while not pieces or at < len(text):
            end = len(text)
            if end - at > PIECE:
                end = 1 + (
                    max(text.rfind("\n", at, at + PIECE), 0)
                    or max(text.rfind(" ", at, at + PIECE), 0)
                    or at + PIECE - 1
                )
            piece = text[at:end]
            pieces = (*pieces, (at, piece, plain_text.read(piece, self.language)))
            self._pieces = pieces
            yield pieces[-1]
            at = end
