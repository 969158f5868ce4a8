"""Formulas in MathML as text: `10^6`, `1/2`, `√(x+1)`. What says that a number is a power or a part of a fraction is
markup alone, and without it 10⁶ is 106. Pure; one pass, no recursion, no tree.

Never adds words: only `^`, `_`, `/`, brackets and spaces. An author's own text of a formula (`alttext`, TeX) stands for
what has no such signs, such as tables.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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
_ROWS = frozenset(("math", "mrow", "mstyle", "mpadded", "semantics"))
_INVISIBLE = {"\u2061": "", "\u2062": "", "\u2063": ",", "\u2064": "+"}
_PRIMES = frozenset("'′″‴°∘")
_SIGNED = re.compile(r"[+−-]?\d[\d.,]*|[+−-]?\w")
_ENCLOSED = re.compile(r"\([^()]*\)")
_KATEX = re.compile(r"""<span\s[^<>]{0,200}\bkatex-html\b""")


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
    last, formula, hidden = "", None, 0
    is_apart = False  # whether a formula ended right before in what must not run on
    has_formula = False
    for token in tokens(content):
        written = content[token.start : token.end]
        name = token.name.rpartition(":")[2]
        if formula is not None:
            if not formula.read(token, name, written):
                continue
            text = formula.write()
            is_begun = formula.is_apart or (formula.part.begins and last[-1:].isalnum())
            yield f" {text}" if is_begun and last[-1:].strip() else text
            last, is_apart, has_formula = text or last, formula.is_apart or formula.part.ends, True
            formula = None
            if token.kind is TokenKind.CLOSE and name == "math":
                continue
        if hidden:
            hidden += (name == "span") * ((token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE))
            continue
        if token.kind is TokenKind.OPEN and name == "math":
            formula = _Formula(content, token)
        elif has_formula and name == "span" and _KATEX.match(written):
            hidden = 1  # the same formula once more, as it is drawn
        else:
            if token.kind is TokenKind.TEXT:
                if is_apart and written[:1].isalnum():
                    yield " "
                last, is_apart = written, False
            yield written
    if formula is not None:
        yield formula.write()


class _Formula:
    """One formula as it is read: what is open, and the texts of what was closed."""

    def __init__(self, content: str, start: Token) -> None:
        self._content = content
        self._stack = [_Open("math", dict(attributes(content, start)))]
        self._silent: list[str] = []
        self._is_tex = False
        self._tex: list[str] = []
        self._is_known = True
        self.is_apart = self._stack[0].attributes.get("display") == "block"
        self.part = _Part("")

    def read(self, token: Token, name: str, written: str) -> bool:
        """Whether the formula ends with it, or before it where it is none of MathML."""
        if token.kind is TokenKind.TEXT:
            self._text(written)
        elif token.kind is TokenKind.OPEN:
            if name in _ENDING and not self._silent:
                return True
            self._open(token, name, is_empty=written.endswith("/>"))
        elif token.kind is TokenKind.CLOSE:
            if name == "math":
                return True
            self._close(name)
        return False

    def write(self) -> str:
        """The formula's text, as HTML."""
        while len(self._stack) > 1:
            self._end()
        top = self._stack[0]
        self.part = _join(top.parts)
        own = top.attributes.get("alttext", "") or "".join(self._tex)
        if own.strip() and not (self._is_known and self.part.text):
            self.part = _Part(" ".join(html.unescape(own).split()), begins=True, ends=True)
        return html.escape(self.part.text.strip(), quote=False)

    def _text(self, written: str) -> None:
        if self._is_tex:
            self._tex.append(written)
        elif not self._silent and (text := html.unescape(written)).strip():
            self._stack[-1].parts.append(_Part(text, "word"))

    def _open(self, token: Token, name: str, *, is_empty: bool) -> None:
        if name in _SILENT or self._silent:
            if not is_empty:
                self._silent.append(name)
                self._is_tex = name == "annotation" and "tex" in self._content[token.inner : token.end].lower()
        elif len(self._stack) < MAX_DEPTH and (name in _WORDS or name in _ROWS or name in _WRITERS):
            self._stack.append(_Open(name, dict(attributes(self._content, token))))
            if is_empty or name in _EMPTY:
                self._end()
        else:
            self._is_known = False

    def _close(self, name: str) -> None:
        if self._silent:
            if name in self._silent:
                while self._silent.pop() != name:
                    pass
            self._is_tex = False
        elif any(one.name == name for one in self._stack[1:]):
            while self._stack[-1].name != name:
                self._end()
            self._end()

    def _end(self) -> None:
        ended = self._stack.pop()
        self._is_known = self._is_known and ended.name not in ("mtable", "menclose", "mmultiscripts")
        self._stack[-1].parts.append(_render(ended))


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
        if before is not None and (before.text[-1].isalnum() or before.text[-1] == ")") and part.text[0].isalnum():
            is_name = before.kind == part.kind == "word" and (_is_name(before.text) or _is_name(part.text))
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
    is_one = not text or part.kind in kinds or _SIGNED.fullmatch(text) or _ENCLOSED.fullmatch(text)
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
