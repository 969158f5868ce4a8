"""A model of an HTML parser for `nesting_depth` alone: what each tag opens and closes, and what would be put elsewhere.
Builds no tree; simpler than the standard only where that makes its depth higher than a parser's.

Each step looks at no more than the open elements, of which there are MAX_DEPTH at most: the time is linear.
"""

from collections import Counter

from app.articles.html.elements import (
    BLOCKS,
    CELLS,
    ENDED_AT_ONCE,
    FORMATTING,
    GROUPS,
    HEADINGS,
    KNOWN,
    MARKERS,
    PARTS,
    REMOVED,
    SCOPES,
    UNWRAPPED,
)
from app.articles.html.open_elements import MAX_DEPTH as MAX_DEPTH, OpenElements, TableState
from app.articles.html.tokenizer import VOID, Token, TokenKind, attributes, raw_text, tokens

MOST_REFERENCES = 500
"""Ampersands in one text: the sanitiser writes a text in time by their number times its length."""
MOST_ATTRIBUTES = 100

_ROOM = {"table": 4, "ul": 2, "ol": 2, "dl": 2}
"""Levels that an element takes with what must stand in it; every other one takes one."""


class ParserModel(OpenElements):
    """Reads one text once. `whole`: a page, of which nothing is left out but what is too deep. `capped`: tags that lead
    deeper than MAX_DEPTH are left out; without it reading ends at the first."""

    def __init__(self, content: str, *, whole: bool, capped: bool = False) -> None:
        super().__init__(capped=capped)
        self._content, self._whole = content, whole
        self._left_out: Counter[str] = Counter()
        self._skipped = ""  # the element of REMOVED that is open
        self._within = 0  # how many of that name are open within it
        self._pictures = 0  # of SVG, in which this one is: it has titles that nobody sees
        self._pieces: list[str | list[str]] = []
        self._changed = False

    def read(self) -> bool:
        """False as soon as it is too deep; `html` is then of no use unless the model is capped."""
        for token in tokens(self._content):
            if self._skipped:
                self._skip(token)
            elif token.kind is TokenKind.TEXT:
                self._text(self._content[token.start : token.end])
            elif token.kind is TokenKind.OPEN:
                self._start(token)
            elif token.kind is TokenKind.CLOSE:
                self._end(token)
            else:
                self._raw_or_comment(token)
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
        if self._is_outside_cells() and not (self._names[-1] in PARTS or self._names[-1] == "table"):
            self._tables[-1].before.append(written)
        else:
            self._pieces.append(written)

    def _text(self, text: str) -> None:
        if text.count("&") > MOST_REFERENCES:
            text = _split_references(text)
            self._changed = True
        is_fostered = self._is_outside_cells() and bool(text.strip("\t\n\f\r "))
        if is_fostered or not self._is_outside_cells():
            self._reopen()
        if is_fostered:
            self._tables[-1].before.append(text)
            self._changed = True
        else:
            self._write(text)

    def _raw_or_comment(self, token: Token) -> None:
        written = self._content[token.start : token.end]
        if token.kind is TokenKind.COMMENT:
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
        if token.name not in REMOVED and not (token.name == "title" and self._pictures):
            inside = raw_text(self._content, token)
            plain = inside if token.name in ("textarea", "title") else inside.replace("&", "&amp;")
            self._text(plain.replace("<", "&lt;"))

    def _skip(self, token: Token) -> None:
        if token.name == self._skipped:
            self._within += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
            if self._within == 0 or (self._skipped == "noscript" and token.kind is TokenKind.CLOSE):
                self._skipped = ""

    # Tags that begin an element

    def _start(self, token: Token) -> None:
        name, written = token.name, self._content[token.start : token.end]
        if not self._whole and name in REMOVED:
            self._skipped, self._within, self._changed = name, 1, True
            return
        if (name in UNWRAPPED or name not in KNOWN) and (not self._whole or name in ("html", "head", "body")):
            self._changed = self._changed or not self._whole
            self._pictures += name == "svg"
            if self._whole:
                self._pieces.append(written)
            return
        if token.end - token.inner > 4 * MOST_ATTRIBUTES:
            written = self._limit_attributes(token, written)
        if name in PARTS:
            self._part(name, written)
        elif name in VOID:
            self._void(name, written)
        else:
            self._element(name, written)

    def _limit_attributes(self, token: Token, written: str) -> str:
        """With no more attributes than a parser compares with one another in no time."""
        all_attributes = attributes(self._content, token)
        if len(all_attributes) <= MOST_ATTRIBUTES:
            return written
        self._changed = True
        kept = "".join(
            f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in all_attributes[:MOST_ATTRIBUTES]
        )
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
        elif name in BLOCKS:
            self._end_items(name)
            self._end_paragraph()
            if name in HEADINGS and self._names and self._names[-1] in HEADINGS:
                self._pop(len(self._names) - 1)
        elif name in ENDED_AT_ONCE and (name[0] == "o" or self._reach("ruby", SCOPES) is not None):
            while self._names and self._names[-1] in ENDED_AT_ONCE[name]:
                self._pop(len(self._names) - 1)
        elif name in ("a", "nobr", "button"):
            self._end_of_its_like(name)
        if name not in BLOCKS and name not in ("rt", "rp"):
            self._reopen()
        if not self._has_room(name):
            self._leave_out(name)
            return
        if name == "table":
            before: list[str] = []
            self._pieces.append(before)
            self._pieces.append(written)
            self._push(name)
            self._tables.append(TableState(before))
            return
        self._foster()
        self._push(name, self._format(name, written))
        self._write_inside(written)
        if name in MARKERS:
            self._formats.append(None)

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
        if name not in FORMATTING:
            self._text(" ")

    def _part(self, name: str, written: str) -> None:
        """A part of a table, with the parts around it that nobody wrote; of no table it is nothing."""
        if not self._tables or self._left_out["table"]:
            self._changed = True
            if self._left_out["table"]:
                self._text(" ")
            return
        parents = {"td": {"tr"}, "th": {"tr"}, "tr": GROUPS, "col": {"colgroup"}}.get(name, frozenset())
        self._pop_until({"table", *parents, *(GROUPS if name in ("td", "th") else ())})
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
        if name in CELLS:
            self._tables[-1].in_cell = True
            self._formats.append(None)

    # Tags that end one

    def _end(self, token: Token) -> None:
        name, written = token.name, self._content[token.start : token.end]
        if self._left_out[name]:
            self._left_out[name] -= 1
            self._text(" " if name not in FORMATTING else "")
            return
        if name in ("html", "body", "head") or (not self._whole and (name in UNWRAPPED or name not in KNOWN)):
            self._pictures -= name == "svg" and self._pictures > 0
            if self._whole:
                self._pieces.append(written)
            return
        if self._left_out["table"] and name in PARTS:
            return
        is_written = self._capped or (self._is_outside_cells() and name not in PARTS and name != "table")
        if name in HEADINGS:
            name = next((one for one in reversed(self._names) if one in HEADINGS), name)
        if name in ("p", "br"):
            self._is_foreign(name)
        if name in ("p", "br") and not self._open[name]:
            self._write_inside(written)
        elif self._open[name] or name in FORMATTING:
            self._close(name)
            if not is_written:  # where it is closed, as the end of what else is closed with it
                self._pieces.append(written)

    def _end_of_its_like(self, name: str) -> None:
        """What cannot stand within its like ends it. A table in a cell can."""
        if name == "table" and (not self._tables or self._tables[-1].in_cell):
            return
        self._close(name)
        if name == "table" and not self._capped:
            self._pieces.append("</table>")
            self._changed = True


def _split_references(text: str) -> str:
    """With a comment behind every so many references, which parts it into texts that are written one by one."""
    pieces = text.split("&")
    size = MOST_REFERENCES
    parts = ["&".join(pieces[i : i + size]) for i in range(0, len(pieces), size)]
    return "<!---->&".join(parts)
