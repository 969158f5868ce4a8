"""A model of the open elements of an HTML parser, for `nesting` alone: what each tag opens and closes, and what it would
put elsewhere. Builds no tree; simpler than the standard only where that makes its depth higher than a parser's.

Each step looks at no more than the open elements, of which there are MAX_DEPTH at most: the time is linear.
"""

from collections import Counter
from dataclasses import dataclass, field

from app.articles.tokens import RAW, VOID, Kind, Token, attributes, raw_text, tokens

MAX_DEPTH = 100
MOST_REFERENCES = 500
"""Ampersands in one text: the sanitiser writes a text in time by their number times its length."""
MOST_ATTRIBUTES = 100

_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
_BLOCKS = frozenset(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p pre search section summary table ul".split()
)
"""Elements before which an open paragraph ends."""
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_PARTS = frozenset("caption col colgroup tbody td tfoot th thead tr".split())
_CELLS = frozenset(("td", "th", "caption"))
_GROUPS = frozenset(("tbody", "thead", "tfoot"))
_MARKERS = _CELLS | {"applet", "marquee", "object"}
_FOREIGN = frozenset("foreignobject desc mi mo mn ms mtext annotation-xml".split())
_BREAKING_OUT = (_FORMATTING | _BLOCKS | frozenset("br embed img meta span sub sup table var ruby".split())) - frozenset(
    "a address article aside details dialog fieldset figcaption figure font footer form header hgroup main search section "
    "summary".split()
)
_SCOPES = _MARKERS | _FOREIGN | {"table", "select", "template"}
"""Elements through which no end of an element outside reaches."""
_SPECIAL = _BLOCKS | _PARTS | _SCOPES | {"button"}
_ENDED_BY_ITS_KIND = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
_IMPLIED = frozenset(("dd", "dt", "li", "optgroup", "option", "p", "rp", "rt"))
_ENDED_AT_ONCE = {"option": {"option"}, "optgroup": {"option", "optgroup"}, "rt": _IMPLIED, "rp": _IMPLIED}
"""Elements that end where the next one begins, if nothing has begun in them that is open still."""
_STOPS = {
    "li": _SCOPES | {"ul", "ol"}, "svg": _FOREIGN, "math": _FOREIGN, "p": _SCOPES | {"button"}, **dict.fromkeys((*_PARTS, "table"), frozenset({"table"})),
}  # fmt: skip
"""What the end of an element does not reach through, where that is its own."""
_ROOM = {"table": 4, "ul": 2, "ol": 2, "dl": 2}
"""Levels that an element takes with what must stand in it; every other one takes one."""
_REMOVED = frozenset(("script", "style", "template", "noscript"))
"""With their content, as the sanitiser removes them."""
_UNWRAPPED = frozenset("svg math select optgroup option frameset frame html head body".split())
"""Elements that no body keeps, within which other rules hold: without their tags there is one set of rules."""
_INLINE = frozenset(
    "abbr acronym applet audio bdi bdo button canvas cite data datalist del dfn ins kbd label legend map mark marquee meter "
    "object output picture progress q rb rp rt rtc ruby samp slot span sub summary sup time title tt var video".split()
)
KNOWN = _FORMATTING | _BLOCKS | _PARTS | _REMOVED | _UNWRAPPED | _INLINE | VOID | RAW
"""Elements of HTML. The tags of any other are left out: the sanitiser takes some of them for SVG, and their words with
them."""


@dataclass(slots=True, eq=False)
class _Format:
    """A formatting element that is open, or that the parser opens again in the next paragraph until its end is met."""

    name: str
    written: str
    is_open: bool = True


@dataclass(slots=True)
class _Table:
    """An open table: what stands in it outside any cell is put before it, into `before`."""

    before: list[str] = field(default_factory=list)
    in_cell: bool = False


class Model:
    """Reads one text once. `whole`: a page, of which nothing is left out but what is too deep. `capped`: tags that would
    lead deeper than MAX_DEPTH are left out; without it reading ends at the first."""

    def __init__(self, content: str, *, whole: bool, capped: bool = False) -> None:
        self._content, self._whole, self._capped = content, whole, capped
        self._names: list[str] = []
        self._entries: list[_Format | None] = []
        self._open: Counter[str] = Counter()
        self._formats: list[_Format | None] = []
        self._tables: list[_Table] = []
        self._left_out: Counter[str] = Counter()
        self._skipped = ""  # the element of _REMOVED that is open
        self._within = 0  # how many of that name are open within it
        self._pictures = 0  # of SVG, in which this one is: it has titles that nobody sees
        self._pieces: list[str | list[str]] = []
        self._changed = False
        self._is_deep = False

    def read(self) -> bool:
        """False as soon as it is too deep; `html` is then of no use unless the model is capped."""
        for token in tokens(self._content):
            if self._skipped:
                self._skip(token)
            elif token.kind is Kind.TEXT:
                self._text(self._content[token.start : token.end])
            elif token.kind is Kind.OPEN:
                self._start(token)
            elif token.kind is Kind.CLOSE:
                self._end(token)
            else:
                self._other(token)
            if self._is_deep and not self._capped:
                return False
        return True

    def html(self) -> str:
        """What was read, as the parser shall have it."""
        if not self._changed:
            return self._content
        return "".join(piece if isinstance(piece, str) else "".join(piece) for piece in self._pieces)

    # What is written

    def _write(self, written: str) -> None:
        """Within a table but in none of its cells, before the table: a parser would look for its place among all."""
        if self._is_outside_cells() and not (self._names[-1] in _PARTS or self._names[-1] == "table"):
            self._tables[-1].before.append(written)
        else:
            self._pieces.append(written)

    def _is_outside_cells(self) -> bool:
        return bool(self._tables) and not self._tables[-1].in_cell

    def _text(self, text: str) -> None:
        if text.count("&") > MOST_REFERENCES:
            text = _parted(text)
            self._changed = True
        is_fostered = self._is_outside_cells() and bool(text.strip("\t\n\f\r "))
        if is_fostered or not self._is_outside_cells():
            self._reopen()
        if is_fostered:
            self._tables[-1].before.append(text)
            self._changed = True
        else:
            self._write(text)

    def _other(self, token: Token) -> None:
        written = self._content[token.start : token.end]
        if token.kind is Kind.COMMENT:
            # Within SVG a parser reads `<![CDATA[` otherwise: what hides tags for one of them is in nobody's way here.
            self._changed = self._changed or not self._whole or written.startswith("<![")
            return
        if self._whole:
            inside = raw_text(self._content, token) if token.name == "script" else ""
            if "<!--" in inside and "<script" in inside.lower():
                self._changed = True  # such a script ends elsewhere than other scripts do
            else:
                self._pieces.append(written)
            return
        self._changed = True
        if token.name not in _REMOVED and not (token.name == "title" and self._pictures):
            inside = raw_text(self._content, token)
            plain = inside if token.name in ("textarea", "title") else inside.replace("&", "&amp;")
            self._text(plain.replace("<", "&lt;"))

    def _skip(self, token: Token) -> None:
        if token.name == self._skipped:
            self._within += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
            if self._within == 0 or (self._skipped == "noscript" and token.kind is Kind.CLOSE):
                self._skipped = ""

    # Tags that begin an element

    def _start(self, token: Token) -> None:
        name, written = token.name, self._content[token.start : token.end]
        if not self._whole and name in _REMOVED:
            self._skipped, self._within, self._changed = name, 1, True
            return
        if (name in _UNWRAPPED or name not in KNOWN) and (not self._whole or name in ("html", "head", "body")):
            self._changed = self._changed or not self._whole
            self._pictures += name == "svg"
            if self._whole:
                self._pieces.append(written)
            return
        if token.end - token.inner > 4 * MOST_ATTRIBUTES:
            written = self._bounded(token, written)
        if name in _PARTS:
            self._part(name, written)
        elif name in VOID:
            self._void(name, written)
        else:
            self._element(name, written)

    def _bounded(self, token: Token, written: str) -> str:
        """With no more attributes than a parser compares with one another in no time."""
        found = attributes(self._content, token)
        if len(found) <= MOST_ATTRIBUTES:
            return written
        self._changed = True
        kept = "".join(f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in found[:MOST_ATTRIBUTES])
        return f"<{token.name}{kept}>"

    def _void(self, name: str, written: str) -> None:
        self._is_foreign(name)
        if name == "hr":
            self._end_paragraph()
        elif name not in ("param", "source", "track"):
            self._reopen()
        self._is_deep = self._is_deep or len(self._names) >= MAX_DEPTH
        self._foster()
        self._write_inside(written)

    def _element(self, name: str, written: str) -> None:
        if name == "table" and self._open[name]:
            self._end_of_its_like(name)
        if self._is_foreign(name):
            pass
        elif name in _BLOCKS:
            self._end_items(name)
            self._end_paragraph()
            if name in _HEADINGS and self._names and self._names[-1] in _HEADINGS:
                self._pop(len(self._names) - 1)
        elif name in _ENDED_AT_ONCE and (name[0] == "o" or self._reach("ruby", _SCOPES) is not None):
            while self._names and self._names[-1] in _ENDED_AT_ONCE[name]:
                self._pop(len(self._names) - 1)
        elif name in ("a", "nobr", "button"):
            self._end_of_its_like(name)
        if name not in _BLOCKS and name not in ("rt", "rp"):
            self._reopen()
        if not self._has_room(name):
            self._leave_out(name)
            return
        if name == "table":
            before: list[str] = []
            self._pieces.append(before)
            self._pieces.append(written)
            self._push(name)
            self._tables.append(_Table(before))
            return
        self._foster()
        self._push(name, self._format(name, written))
        self._write_inside(written)
        if name in _MARKERS:
            self._formats.append(None)

    def _is_foreign(self, name: str) -> bool:
        """Whether it begins within SVG or MathML, as an element of these. Most elements of HTML end them."""
        if not (self._open["svg"] or self._open["math"]):
            return False
        for at in range(len(self._names) - 1, -1, -1):
            if self._names[at] in _FOREIGN:
                return False
            if self._names[at] in ("svg", "math"):
                if name not in _BREAKING_OUT:
                    return True
                self._pop(at)
        return False

    def _reopen(self) -> None:
        """Formatting goes on in the next block: what is not closed yet is opened again where words come."""
        recent: list[_Format] = []
        for one in reversed(self._formats):
            if one is None or one.is_open:
                break
            recent.append(one)
        for one in reversed(recent):
            one.is_open = True
            self._push(one.name, one)
        self._is_deep = self._is_deep or len(self._names) > MAX_DEPTH

    def _write_inside(self, written: str) -> None:
        if self._is_outside_cells():
            self._tables[-1].before.append(written)
        else:
            self._pieces.append(written)

    def _foster(self) -> None:
        self._changed = self._changed or self._is_outside_cells()

    def _has_room(self, name: str) -> bool:
        needed = len(self._names) + _ROOM.get(name, 1)
        self._is_deep = self._is_deep or len(self._names) >= MAX_DEPTH
        return not self._capped or needed < MAX_DEPTH

    def _leave_out(self, name: str) -> None:
        self._left_out[name] += 1
        self._changed = True
        if name not in _FORMATTING:
            self._text(" ")

    def _part(self, name: str, written: str) -> None:
        """A part of a table, with the parts around it that nobody wrote; of no table it is nothing."""
        if not self._tables or self._left_out["table"]:
            self._changed = True
            if self._left_out["table"]:
                self._text(" ")
            return
        wanted = {"td": {"tr"}, "th": {"tr"}, "tr": _GROUPS, "col": {"colgroup"}}.get(name, frozenset())
        self._pop_until({"table", *wanted, *(_GROUPS if name in ("td", "th") else ())})
        if name in ("td", "th", "tr") and self._names[-1] == "table":
            self._push("tbody")
        if name in ("td", "th") and self._names[-1] != "tr":
            self._push("tr")
        if name == "col":
            if self._names[-1] == "table":
                self._push("colgroup")
        else:
            self._push(name)
        self._is_deep = self._is_deep or len(self._names) > MAX_DEPTH
        self._pieces.append(written)
        if name in _CELLS:
            self._tables[-1].in_cell = True
            self._formats.append(None)

    def _format(self, name: str, written: str) -> _Format | None:
        """Of three that are written alike a fourth replaces the first: a parser opens no more of them again."""
        if name not in _FORMATTING or self._is_foreign(name):
            return None
        alike = [one for one in self._recent() if one.written == written]
        if len(alike) >= 3:
            self._formats.remove(alike[0])
        made = _Format(name, written)
        self._formats.append(made)
        return made

    def _recent(self) -> list[_Format]:
        """The formats since the cell began, or whatever else keeps those outside from going on in it."""
        found: list[_Format] = []
        for one in reversed(self._formats):
            if one is None:
                break
            found.append(one)
        return found[::-1]

    # Tags that end one

    def _end(self, token: Token) -> None:
        name, written = token.name, self._content[token.start : token.end]
        if self._left_out[name]:
            self._left_out[name] -= 1
            self._text(" " if name not in _FORMATTING else "")
            return
        if name in ("html", "body", "head") or (not self._whole and (name in _UNWRAPPED or name not in KNOWN)):
            self._pictures -= name == "svg" and self._pictures > 0
            if self._whole:
                self._pieces.append(written)
            return
        if self._left_out["table"] and name in _PARTS:
            return
        is_written = self._capped or (self._is_outside_cells() and name not in _PARTS and name != "table")
        if name in _HEADINGS:
            name = next((one for one in reversed(self._names) if one in _HEADINGS), name)
        if name in ("p", "br"):
            self._is_foreign(name)
        if name in ("p", "br") and not self._open[name]:
            self._write_inside(written)
        elif self._open[name] or name in _FORMATTING:
            self._close(name)
            if not is_written:  # where it is closed, as the end of what else is closed with it
                self._pieces.append(written)

    def _close(self, name: str) -> None:
        if name in _FORMATTING and self._adopt(name):
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
        stops = stops or _STOPS.get(name, _SCOPES if name in _SPECIAL - _FOREIGN else _SPECIAL)
        for at in range(len(self._names) - 1, -1, -1):
            one = self._names[at]
            if one == name:
                return at
            if one in stops:
                return None
        return None

    def _adopt(self, name: str) -> bool:
        """The end of a formatting element, which goes on in nothing behind it; blocks that began in it stay open."""
        one = next((one for one in reversed(self._recent()) if one.name == name), None)
        if one is None:
            return False
        if one.is_open:
            at = next(i for i, entry in enumerate(self._entries) if entry is one)
            if any(inner in _SPECIAL for inner in self._names[at + 1 :]):
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
        kinds = _ENDED_BY_ITS_KIND.get(name, ())
        if not any(self._open[kind] for kind in kinds):
            return
        for at in range(len(self._names) - 1, -1, -1):
            one = self._names[at]
            if one in kinds:
                self._pop(at)
                return
            if one in _SPECIAL and one not in ("address", "div", "p"):
                return

    def _end_of_its_like(self, name: str) -> None:
        """What cannot stand within its like ends it. A table in a cell can."""
        if name == "table" and (not self._tables or self._tables[-1].in_cell):
            return
        self._close(name)
        if name == "table" and not self._capped:
            self._pieces.append("</table>")
            self._changed = True

    # The open elements

    def _push(self, name: str, entry: _Format | None = None) -> None:
        self._names.append(name)
        self._entries.append(entry)
        self._open[name] += 1

    def _pop_until(self, wanted: set[str]) -> None:
        while self._names[-1] not in wanted:
            self._pop(len(self._names) - 1)

    def _pop(self, at: int) -> None:
        """Closes the element there with all within it. Those before a table are given their end, which would come too
        late; so are all of a text that is capped, and its formatting goes on in no other block."""
        while len(self._names) > at:
            name, entry = self._names[-1], self._entries[-1]
            if self._capped:
                self._write(f"</{name}>")
            elif self._is_outside_cells() and name not in _PARTS and name != "table":
                self._tables[-1].before.append(f"</{name}>")
            del self._names[-1], self._entries[-1]
            self._release(name, entry)
            if name == "table":
                self._tables.pop()
            elif name in _CELLS and self._tables:
                self._tables[-1].in_cell = False
            if name in _MARKERS:
                self._end_formats()
            if self._capped and entry in self._formats:
                self._formats.remove(entry)

    def _take(self, at: int) -> None:
        """Removes one element from among the open ones; those within it stay. A capped text has elements within one
        another only: there it stays open to the end of what it is in."""
        if self._capped:
            return
        self._release(self._names.pop(at), self._entries.pop(at))

    def _release(self, name: str, entry: _Format | None) -> None:
        self._open[name] -= 1
        if entry is not None:
            entry.is_open = False

    def _end_formats(self) -> None:
        while self._formats:
            if self._formats.pop() is None:
                return


def _parted(text: str) -> str:
    """With a comment behind every so many references, which parts it into texts that are written one by one."""
    pieces = text.split("&")
    size = MOST_REFERENCES
    parts = ["&".join(pieces[i : i + size]) for i in range(0, len(pieces), size)]
    return "<!---->&".join(parts)
