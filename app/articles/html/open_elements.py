"""The open elements of an HTML parser as it goes on, the formatting that it opens again, and the open tables.
Holds names alone; what is written of them is up to `parser_model`.

The rules are those of the HTML standard, sections 13.2.4 and 13.2.6. Each step looks at no more than the open elements.
"""

from collections import Counter
from dataclasses import dataclass, field

from app.articles.html.elements import (
    BREAKING_OUT,
    CELLS,
    ENDED_BY_ITS_KIND,
    FOREIGN,
    FORMATTING,
    MARKERS,
    PARTS,
    SCOPES,
    SPECIAL,
    STOPS,
)

MAX_DEPTH = 100


@dataclass(slots=True, eq=False)
class Format:
    """A formatting element that is open, or that the parser opens again in the next paragraph until its end is met."""

    name: str
    written: str
    is_open: bool = True


@dataclass(slots=True)
class TableState:
    """An open table: what stands in it outside any cell is put before it, into `before`."""

    before: list[str] = field(default_factory=list)
    in_cell: bool = False


class OpenElements:
    """`capped`: every element gets its end where it is closed, and formatting does not go on behind the block that it
    began in; so elements stand within one another only."""

    def __init__(self, *, capped: bool) -> None:
        self._capped = capped
        self._names: list[str] = []
        self._entries: list[Format | None] = []
        self._open: Counter[str] = Counter()
        self._formats: list[Format | None] = []
        self._tables: list[TableState] = []
        self._is_deep = False

    def _write(self, written: str) -> None:
        """Takes the end of an element that is closed."""
        raise NotImplementedError

    def _is_outside_cells(self) -> bool:
        return bool(self._tables) and not self._tables[-1].in_cell

    def _is_foreign(self, name: str) -> bool:
        """Whether it begins within SVG or MathML, as an element of these. Most elements of HTML end them."""
        if not (self._open["svg"] or self._open["math"]):
            return False
        for at in range(len(self._names) - 1, -1, -1):
            if self._names[at] in FOREIGN:
                return False
            if self._names[at] in ("svg", "math"):
                if name not in BREAKING_OUT:
                    return True
                self._pop(at)
        return False

    def _reopen(self) -> None:
        """Formatting goes on in the next block: what is not closed yet is opened again where words come."""
        recent: list[Format] = []
        for one in reversed(self._formats):
            if one is None or one.is_open:
                break
            recent.append(one)
        for one in reversed(recent):
            one.is_open = True
            self._push(one.name, one)
        self._is_deep = self._is_deep or len(self._names) > MAX_DEPTH

    def _format(self, name: str, written: str) -> Format | None:
        """Of three that are written alike a fourth replaces the first: a parser opens no more of them again."""
        if name not in FORMATTING or self._is_foreign(name):
            return None
        alike = [one for one in self._recent() if one.written == written]
        # The "Noah's Ark clause", section 13.2.4.3.
        if len(alike) >= 3:
            self._formats.remove(alike[0])
        made = Format(name, written)
        self._formats.append(made)
        return made

    def _recent(self) -> list[Format]:
        """The formats since the cell began, or whatever else keeps those outside from going on in it."""
        recent: list[Format] = []
        for one in reversed(self._formats):
            if one is None:
                break
            recent.append(one)
        return recent[::-1]

    def _close(self, name: str) -> None:
        if name in FORMATTING and self._adopt(name):
            return
        at = self._reach(name)
        if at is None:
            return
        # With others open in it a form stays around these, though it counts as closed.
        if name != "form" or at == len(self._names) - 1:
            self._pop(at)

    def _reach(self, name: str, stops: frozenset[str] = frozenset()) -> int | None:
        """Where the innermost element of the name is that its end reaches; None where none is."""
        if not self._open[name]:
            return None
        # "Have an element in scope", section 13.2.4.2, of which there are several kinds.
        stops = stops or STOPS.get(name, SCOPES if name in SPECIAL - FOREIGN else SPECIAL)
        for at in range(len(self._names) - 1, -1, -1):
            one = self._names[at]
            if one == name:
                return at
            if one in stops:
                return None
        return None

    def _adopt(self, name: str) -> bool:
        """The end of a formatting element, which goes on in nothing behind it; blocks that began in it stay open."""
        # The adoption agency algorithm, section 13.2.6.4.7, as far as depth goes.
        one = next((one for one in reversed(self._recent()) if one.name == name), None)
        if one is None:
            return False
        if one.is_open:
            at = next(i for i, entry in enumerate(self._entries) if entry is one)
            if any(inner in SPECIAL for inner in self._names[at + 1 :]):
                self._take(at)
            else:
                self._pop(at)
        if one in self._formats and not one.is_open:
            self._formats.remove(one)
        return True

    def _end_paragraph(self) -> None:
        at = self._reach("p")
        if at is not None:
            self._pop(at)

    def _end_items(self, name: str) -> None:
        """Items that end where the next one begins."""
        kinds = ENDED_BY_ITS_KIND.get(name, ())
        if not any(self._open[kind] for kind in kinds):
            return
        for at in range(len(self._names) - 1, -1, -1):
            one = self._names[at]
            if one in kinds:
                self._pop(at)
                return
            if one in SPECIAL and one not in ("address", "div", "p"):
                return

    def _push(self, name: str, entry: Format | None = None) -> None:
        self._names.append(name)
        self._entries.append(entry)
        self._open[name] += 1

    def _pop_until(self, names: set[str]) -> None:
        while self._names[-1] not in names:
            self._pop(len(self._names) - 1)

    def _pop(self, at: int) -> None:
        """Closes the element there with all within it. Those before a table are given their end, which would come too
        late; so are all of a text that is capped, and its formatting goes on in no other block."""
        while len(self._names) > at:
            name, entry = self._names[-1], self._entries[-1]
            if self._capped:
                self._write(f"</{name}>")
            elif self._is_outside_cells() and name not in PARTS and name != "table":
                self._tables[-1].before.append(f"</{name}>")
            del self._names[-1], self._entries[-1]
            self._release(name, entry)
            if name == "table":
                self._tables.pop()
            elif name in CELLS and self._tables:
                self._tables[-1].in_cell = False
            if name in MARKERS:
                self._end_formats()
            if self._capped and entry in self._formats:
                self._formats.remove(entry)

    def _take(self, at: int) -> None:
        """Removes one element from among the open ones; those within it stay. A capped text has elements within one
        another only: there it stays open to the end of what it is in."""
        if self._capped:
            return
        self._release(self._names.pop(at), self._entries.pop(at))

    def _release(self, name: str, entry: Format | None) -> None:
        self._open[name] -= 1
        if entry is not None:
            entry.is_open = False

    def _end_formats(self) -> None:
        while self._formats:
            if self._formats.pop() is None:
                return
