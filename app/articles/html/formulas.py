"""Formulas in MathML as text: `10^6`, `1/2`, `√(x+1)`. What says that a number is a power or a part of a fraction is
markup alone, and without it 10⁶ is 106. Pure; one pass, no recursion, no tree.

Never adds words: only `^`, `_`, `/`, brackets and spaces. An author's own text of a formula (`alttext`, TeX) stands for
what has no such signs, such as tables.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from app.articles.html.elements import BLOCKS
from app.articles.html.tokenizer import Token, TokenKind, attributes, tokens

WRITTEN = "math (written as text)"
"""What is said to have been done with formulas."""
MAX_DEPTH = 50
"""Levels of a formula; the tags of deeper ones are passed over, for each level copies what stands in it."""

_NAMES = ("math", "MATH", "Math")
_START = re.compile(r"<(?:\w{1,10}:)?math[\s/>]", re.IGNORECASE)
_ENDING = BLOCKS | {"table", "td", "th", "tr", "math"}
_SILENT = frozenset(("annotation", "annotation-xml", "mphantom", "script", "style"))
_WORDS = frozenset(("mi", "mn", "mo", "ms", "mtext"))
_ROWS = frozenset(("math", "mrow", "mstyle", "mpadded", "semantics", "a"))
_INVISIBLE = {"\u2061": "", "\u2062": "", "\u2063": ",", "\u2064": "+"}
_PRIMES = frozenset("'′″‴°∘")
_SIGNED = re.compile(r"[+−-]?\d[\d.,]*|[+−-]?\w")
_ENCLOSED = re.compile(r"\([^()]*\)")
_KATEX, _DRAWN = "katex", "katex-html"
_CLOSING_SIGNS = frozenset(".,;:!?)]}…”’»")
# Noncharacters, which no text has: where a link begins, with its number; the end of that number; where it ends.
_LINK, _NUMBERED, _LINK_END = "\ufdd0", "\ufdd1", "\ufdd2"
_MARKS = re.compile(f"{_LINK}(\\d*){_NUMBERED}|[{_LINK}-{_LINK_END}]")


@dataclass(frozen=True, slots=True)
class _Part:
    """What is written of an element. `kind`: a `word`, a `script`, a `fraction`, or a `row` of several. `begins` and
    `ends`: whether a letter or number there is to be kept apart from what stands beside the formula's part."""

    text: str
    kind: str = "row"
    begins: bool = False
    ends: bool = False


@dataclass(slots=True)
class _Open:
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)


def write_formulas(content: str) -> str:
    """HTML with its formulas as text; the same string where it has none."""
    # The word alone is looked for first: that takes a tenth of the time.
    if not any(name in content for name in _NAMES) or _START.search(content) is None:
        return content
    return "".join(_write_pieces(content))


def _write_pieces(content: str) -> Iterator[str]:
    last, formula, drawn = "", None, _Drawn()
    is_apart = is_spaced = False  # whether a formula ended right before in what must not run on, or in a space
    for token in tokens(content):
        written = content[token.start : token.end]
        name = token.name.rpartition(":")[2]
        if formula is not None:
            if not formula.read(token, name, written):
                continue
            text = formula.write()
            is_begun = formula.is_apart or formula.is_spaced[0] or (formula.part.begins and last[-1:].isalnum())
            is_begun = is_begun or (is_apart and text[:1].isalnum())
            yield f" {text}" if is_begun and last[-1:].strip() else text
            last, is_apart = text or last, formula.is_apart or formula.is_spaced[1] or formula.part.ends
            is_spaced = formula.is_spaced[1]
            drawn.has_formula, formula = True, None
            if token.kind is TokenKind.CLOSE and name == "math":
                continue
        if released := drawn.release(token, name):
            yield from released
            last = released[-1]
        if drawn.hide(content, token, name, written):
            continue
        if token.kind is TokenKind.OPEN and name == "math":
            # One that ends at once is no formula.
            formula = None if written.endswith("/>") else _Formula(content, token)
        else:
            if token.kind is TokenKind.TEXT:
                first = written[:1]
                if is_apart and (first.isalnum() or (is_spaced and first.strip() and first not in _CLOSING_SIGNS)):
                    yield " "
                last, is_apart = written, False
            yield written
    if formula is not None:
        yield formula.write()
    yield from drawn.held


class _Drawn:
    """What KaTeX draws of a formula that it wrote in MathML too: left out, where it ends within its own element and
    before the next block. What never ends there is kept, for it may hold words of the text."""

    def __init__(self) -> None:
        self.has_formula = False
        """Whether the element of KaTeX that is open had its formula."""
        self.held: list[str] = []
        self._depth = 0  # spans that are open in that element, with its own
        self._hidden = 0  # the same of the drawn formula

    def release(self, token: Token, name: str) -> list[str]:
        """What was held back and is no drawn formula, where the token ends everything that was open."""
        if name not in _ENDING or token.kind not in (TokenKind.OPEN, TokenKind.CLOSE):
            return []
        released, self.held, self._hidden = self.held, [], 0
        if name != "math":
            self._depth = 0
        return released

    def hide(self, content: str, token: Token, name: str, written: str) -> bool:
        """Whether the token is held back."""
        if name == "span" and token.kind in (TokenKind.OPEN, TokenKind.CLOSE):
            self._count(content, token, written)
            if self._hidden:
                self._hidden += 1 if token.kind is TokenKind.OPEN else -1
                self.held.append(written)
                if not self._hidden:
                    self.held.clear()
                return True
            if token.kind is TokenKind.OPEN and self._depth and self.has_formula and _DRAWN in written:
                self._hidden = int(_DRAWN in _list_classes(content, token))
        if self._hidden:
            self.held.append(written)
        return self._hidden > 0

    def _count(self, content: str, token: Token, written: str) -> None:
        if token.kind is TokenKind.CLOSE:
            self._depth = max(0, self._depth - 1)
        elif self._depth:
            self._depth += 1
        elif _KATEX in written and _KATEX in _list_classes(content, token):
            self._depth, self.has_formula = 1, False


def _list_classes(content: str, token: Token) -> list[str]:
    return next((value.split() for name, value in attributes(content, token) if name == "class"), [])


class _Formula:
    """One formula as it is read: what is open, and the texts of what was closed."""

    def __init__(self, content: str, start: Token) -> None:
        self._content = content
        self._stack = [_Open("math", dict(attributes(content, start)))]
        self._silent: list[str] = []
        # How often each stands there: to look for a name among thousands at every end takes quadratic time.
        self._silenced: Counter[str] = Counter()
        self._is_tex = False
        self._tex: list[str] = []
        self._is_known = True
        self._links: list[str] = []
        self.is_spaced = (False, False)
        """Whether its text begins and ends with a space."""
        self.is_apart = self._stack[0].attributes.get("display") == "block"
        self.part = _Part("")

    def read(self, token: Token, name: str, written: str) -> bool:
        """Whether the formula ends with it, or before it where it is none of MathML."""
        if token.kind is TokenKind.TEXT:
            self._text(written)
        elif token.kind is TokenKind.OPEN:
            if name in _ENDING and not self._silenced["annotation-xml"]:
                return True
            self._open(token, name, is_empty=written.endswith("/>"))
        elif token.kind is TokenKind.CLOSE:
            if name in _ENDING or (name == "a" and not any(one.name == "a" for one in self._stack)):
                return name == "math" or not self._silenced["annotation-xml"]
            self._close(name)
        return False

    def write(self) -> str:
        """The formula's text, as HTML."""
        while len(self._stack) > 1:
            self._end()
        top = self._stack[0]
        self.part = self._link(top, _join(top.parts))
        own = top.attributes.get("alttext", "") or "".join(self._tex)
        if own.strip() and not (self._is_known and self.part.text):
            text = _strip_marks(" ".join(html.unescape(own).split()))
            self.part = _Part(self._mark(0, text) if self._links else text, begins=True, ends=True)
        bare = _strip_marks(self.part.text)
        self.is_spaced = (bare[:1].isspace(), bare[-1:].isspace()) if bare.strip() else (False, False)
        escaped = html.escape(self.part.text.strip(), quote=False)
        return _MARKS.sub(self._write_link, escaped) if self._links else escaped

    def _write_link(self, mark: re.Match[str]) -> str:
        if mark[1]:
            return f'<a href="{html.escape(self._links[int(mark[1])])}">'
        return "</a>" if mark[0] == _LINK_END else ""

    def _link(self, one: _Open, part: _Part) -> _Part:
        """The part with the marks of its link, where its element has one."""
        address = html.unescape(one.attributes.get("href") or one.attributes.get("xlink:href") or "")
        if not address or not part.text.strip():
            return part
        self._links.append(address)
        return replace(part, text=self._mark(len(self._links) - 1, part.text))

    @staticmethod
    def _mark(number: int, text: str) -> str:
        inner = text.strip()
        start = text.index(inner)
        return f"{text[:start]}{_LINK}{number}{_NUMBERED}{inner}{_LINK_END}{text[start + len(inner) :]}"

    def _text(self, written: str) -> None:
        if self._is_tex:
            self._tex.append(_strip_marks(written))
        elif not self._silent and (text := _strip_marks(html.unescape(written))).strip():
            self._stack[-1].parts.append(_Part(text, "word"))

    def _open(self, token: Token, name: str, *, is_empty: bool) -> None:
        if name in _SILENT or self._silent:
            if not is_empty:
                self._silent.append(name)
                self._silenced[name] += 1
                self._is_tex = name == "annotation" and "tex" in self._content[token.inner : token.end].lower()
        elif len(self._stack) < MAX_DEPTH and (name in _WORDS or name in _ROWS or name in _WRITERS):
            self._stack.append(_Open(name, dict(attributes(self._content, token))))
            if is_empty or name in _EMPTY:
                self._end()
        else:
            self._is_known = False

    def _close(self, name: str) -> None:
        if self._silent:
            while self._silenced[name]:
                ended = self._silent.pop()
                self._silenced[ended] -= 1
                if ended == name:
                    break
            self._is_tex = False
        elif any(one.name == name for one in self._stack[1:]):
            while self._stack[-1].name != name:
                self._end()
            self._end()

    def _end(self) -> None:
        ended = self._stack.pop()
        self._is_known = self._is_known and ended.name not in ("mtable", "menclose", "mmultiscripts")
        self._stack[-1].parts.append(self._link(ended, _render(ended)))


def _strip_marks(text: str) -> str:
    return _MARKS.sub("", text) if _LINK in text or _NUMBERED in text or _LINK_END in text else text


def _render(one: _Open) -> _Part:
    if one.name in _WORDS:
        text = "".join(part.text for part in one.parts)
        text = "".join(_INVISIBLE.get(sign, sign) for sign in text)
        spaced = " ".join(f"|{text}|".split())[1:-1]  # a text keeps the space at its ends
        return _Part(spaced if one.name == "mtext" else spaced.strip(), "word")
    return _WRITERS[one.name](one) if one.name in _WRITERS else _join(one.parts)


def _join(parts: list[_Part]) -> _Part:
    """Parts beside one another; a fraction is no part of the number before it."""
    filled = [part for part in parts if part.text]
    if len(filled) == 1:
        return filled[0]
    texts: list[str] = []
    for before, part in zip([None, *filled], filled, strict=False):
        left, right = _strip_marks(before.text) if before else "", _strip_marks(part.text)
        if before is not None and (left[-1:].isalnum() or left[-1:] == ")") and right[:1].isalnum():
            is_name = before.kind == part.kind == "word" and (_is_name(left) or _is_name(right))
            if before.ends or part.begins or is_name:
                texts.append(" ")
        texts.append(part.text)
    return _Part("".join(texts), "row", bool(filled) and filled[0].begins, bool(filled) and filled[-1].ends)


def _is_name(text: str) -> bool:
    """`sin`, `km`: more than one letter."""
    return len(text) > 1 and text.isalpha()


def _enclose(part: _Part, *kinds: str) -> str:
    """In brackets, unless it is one thing by itself."""
    text = part.text.strip()
    bare = _strip_marks(text)
    is_one = not text or part.kind in kinds or _SIGNED.fullmatch(bare) or _ENCLOSED.fullmatch(bare)
    return text if is_one else f"({text})"


def _get(one: _Open, at: int) -> _Part:
    return one.parts[at] if at < len(one.parts) else _Part("")


def _render_fraction(one: _Open) -> _Part:
    above, below = _get(one, 0), _get(one, 1)
    if one.attributes.get("linethickness", "").strip().startswith("0"):
        return _Part(f"({above.text}; {below.text})")  # one above the other: a binomial, and no fraction
    return _Part(f"{_enclose(above, 'word', 'script')}/{_enclose(below, 'word', 'script')}", "fraction", True, True)


def _render_root(one: _Open) -> _Part:
    degree = _enclose(_get(one, 1), "word") if one.name == "mroot" else ""
    under = _get(one, 0) if one.name == "mroot" else _join(one.parts)
    # Without its bar nobody sees where a root ends.
    return _Part(f"{degree}√({under.text.strip()})", "script", bool(degree))


def _render_scripts(one: _Open) -> _Part:
    names = {"msub": "_", "munder": "_", "msup": "^", "mover": "^"}
    signs = names.get(one.name, "_^")
    text = _enclose(_get(one, 0), "word", "script") if _get(one, 0).text else ""
    is_plain = True
    for at, sign in enumerate(signs, 1):
        script = _get(one, at)
        if script.text and set(script.text) <= _PRIMES:
            text += script.text.replace("∘", "°")
        elif script.text:
            text, is_plain = text + sign + _enclose(script, "word"), False
    return _Part(text, "script", ends=not is_plain)


def _render_multiscripts(one: _Open) -> _Part:
    """Those behind the base in pairs, below and above, and behind `mprescripts` those before it."""
    before: list[str] = []
    behind: list[str] = []
    into, at = behind, 0
    for part in one.parts[1:]:
        if part.kind == "prescripts":
            into, at = before, 0
            continue
        if part.text:
            into.append("_^"[at % 2] + _enclose(part, "word"))
        at += 1
    return _Part(f"{''.join(before)} {_get(one, 0).text}{''.join(behind)}".strip(), "row", False, True)


def _render_fence(one: _Open) -> _Part:
    begin, end = (html.unescape(one.attributes.get(name, sign)) for name, sign in (("open", "("), ("close", ")")))
    signs = "".join(html.unescape(one.attributes.get("separators", ",")).split())
    texts = [part.text for part in one.parts]
    inside = texts[:1]
    for at, text in enumerate(texts[1:]):
        inside += [f"{signs[min(at, len(signs) - 1)]} " if signs else "", text]
    return _Part(f"{begin}{''.join(inside)}{end}", "word" if begin and end else "row")


def _render_table(one: _Open) -> _Part:
    return _Part(f"[{'; '.join(part.text for part in one.parts)}]", "word")


def _render_row(one: _Open) -> _Part:
    return _Part(", ".join(part.text for part in one.parts))


def _render_cell(one: _Open) -> _Part:
    return _Part(_join(one.parts).text)


_WRITERS: Mapping[str, Callable[[_Open], _Part]] = {
    "mfrac": _render_fraction,
    "msqrt": _render_root,
    "mroot": _render_root,
    **dict.fromkeys(("msub", "msup", "msubsup", "munder", "mover", "munderover"), _render_scripts),
    "mmultiscripts": _render_multiscripts,
    "mprescripts": lambda _: _Part("", "prescripts"),
    "none": lambda _: _Part(""),
    "mfenced": _render_fence,
    "mtable": _render_table,
    "mtr": _render_row,
    "mlabeledtr": _render_row,
    "mtd": _render_cell,
    "mspace": lambda _: _Part(" "),
    "menclose": lambda one: _join(one.parts),
}
_EMPTY = frozenset(("mspace", "mprescripts", "none"))
