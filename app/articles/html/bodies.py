"""Bodies of articles: from what people send to safe HTML, and from that HTML to its other views. Pure."""

import html
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import nh3
from markdown_it import MarkdownIt

from app.articles.html import anchors, footnotes, formulas, nesting_depth, table_rows, word_breaks
from app.articles.html.blocks import BodyBlock as BodyBlock
from app.articles.html.blocks import blocks as blocks
from app.articles.html.blocks import to_text as to_text
from app.articles.html.parser_model import MAX_DEPTH
from app.articles.html.tokenizer import Token, TokenKind, attributes, tokens
from app.text.keys import clean, pieces, runs

TAGS = {
    "a", "abbr", "aside", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul",
    "var", "wbr",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "col": {"span"},
    "del": {"datetime"},
    "img": {"src", "alt", "title", "width", "height"},
    "ins": {"datetime"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "*": {"lang", "dir"},
}
"""What is kept. Beside these an `id` that a link of the same body leads to, as `content-…`."""
Kind = Literal["html", "markdown", "text"]

COUNTED = 100_000
"""Characters of a text of which the words are listed at once."""
WORDS_A_MINUTE = 230
"""Median silent reading speed of adults in English non-fiction: 238 in Brysbaert 2019, rounded down."""

_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes={**ATTRIBUTES, "*": ATTRIBUTES["*"] | {"id"}, "a": ATTRIBUTES["a"] | {"name"}},
    url_schemes={"http", "https", "mailto", "tel"},
    # With what is in them: of other elements that are removed the words stay.
    clean_content_tags={"script", "style", "template", "noscript"},
    # Whoever opens a link in another window gives that page no hold on the one with the body.
    link_rel="noopener noreferrer",
)
_word = re.compile(r"\w+(?:['’\-]\w+)*")
_joints = [re.compile(rf"{sign}(?<=\w.)(?=\w)") for sign in ("'", "-")]  # a sign alone is looked for ten times faster
_cjk = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
_bare = re.compile(rf"</?(?:h1|{'|'.join(sorted(TAGS))})>")
"""Tags of which nothing is removed, as most of most bodies are."""
_first_heading = re.compile(r"<(/?)[hH]1(?=[\s>])")
_cited = re.compile(r'<(?:q|blockquote)(?: [a-z]+="[^"]*")*>')
_cite = re.compile(r' cite="([^"]*)"')


class TooDeep(ValueError):
    """The elements of a body nest more than MAX_DEPTH levels deep."""

    def __init__(self) -> None:
        super().__init__(nesting_depth.DEEP)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # HTML is let through here: what is unsafe in it the sanitiser removes, as in any other body.
    options = {"html": True, "maxNesting": MAX_DEPTH}
    return table_rows.keep_cells(MarkdownIt("commonmark", options).enable("table").enable("strikethrough"))


@dataclass(frozen=True, slots=True)
class Converted:
    """A body as safe HTML. `removed`: what was taken away, in words (`script`, `onclick of p`), each once, in the order
    met. `is_flattened`: it was too deep, and its inner tags were removed, not its words."""

    html: str
    removed: tuple[str, ...]
    is_flattened: bool


def to_html(kind: Kind, content: str) -> str:
    """Sanitised HTML of a body, safe to insert as it stands. Only markup is lost, never words outside scripts."""
    return convert(kind, content, flatten=True).html


def list_removed(kind: Kind, content: str) -> list[str]:
    """What `to_html` takes away, in words: `script`, `onclick of p`, `href of a`; each once, in the order met."""
    return [] if kind == "text" else list(_find_removed(render(content) if kind == "markdown" else content))


def convert(kind: Kind, content: str, *, flatten: bool) -> Converted:
    """The body as it is kept, in time that is linear in its length. TooDeep unless it may be flattened."""
    if kind == "text":
        return Converted(from_text(content), (), False)
    if kind == "markdown":
        content = render(content, flatten=flatten)
    source, content = content, word_breaks.add_breaks(formulas.write_formulas(content))
    measured = nesting_depth.measure(content, flat=flatten)
    if measured.is_deep and not flatten:
        raise TooDeep
    cleaned = _clean(measured)
    is_deep = measured.is_deep
    if nesting_depth.is_deep_body(cleaned):
        # What was put elsewhere by the parser is read otherwise the next time: here, as a client sends it back.
        if not flatten:
            raise TooDeep
        is_deep, cleaned = True, _clean(nesting_depth.MeasuredBody(nesting_depth.flatten(cleaned), is_deep=True))
    if content.strip() and "<" not in cleaned:
        cleaned = from_text(html.unescape(cleaned))
    if not cleaned.isascii() or "&#" in content:
        cleaned = clean(cleaned)  # a character reference brings back what was cleaned out of the text it stands in
    return Converted(cleaned.strip(), tuple(_find_removed(source)), is_deep)


def render(content: str, *, flatten: bool = True) -> str:
    """Markdown as HTML that is not sanitised yet. TooDeep, unless it may be flattened, for lists and quotations within
    one another beyond measure: what stands deeper would be left out without a word."""
    content = footnotes.expand(content)
    rendered = _render_markdown(content)
    if rendered is None and not flatten:
        raise TooDeep
    return footnotes.draw_boxes(rendered or _render_markdown(_without_depth(content)) or from_text(content))


def _render_markdown(content: str) -> str | None:
    parser = _markdown()
    try:
        parsed = parser.parse(content)
        if any(token.level >= MAX_DEPTH - 1 for token in parsed):
            return None
        rendered: str = parser.renderer.render(parsed, parser.options, {})
    except RecursionError:
        return None
    return rendered


_quotes = re.compile(r"^((?:[ \t]*>){30})[ \t>]*", re.MULTILINE)
_bullets = re.compile(r"^((?:[ \t>]*[-*+] |[ \t>]*[0-9]{1,9}[.)] ){10})(?:[-*+ \t>]|[0-9]{1,9}[.)] )*", re.MULTILINE)
_indented = re.compile(r"^([ \t]{60})[ \t]+", re.MULTILINE)


def _without_depth(content: str) -> str:
    """Markdown whose lines begin with fewer signs for quotations and lists."""
    return _indented.sub(r"\1", _bullets.sub(r"\1", _quotes.sub(r"\1 ", content)))


def _clean(measured: nesting_depth.MeasuredBody) -> str:
    # A heading of the first level belongs to the page, not to a body: h1 becomes h2.
    content = _first_heading.sub(r"<\1h2", measured.html)
    cleaned: str = _cleaner.clean(content)
    if ' id="' in cleaned or ' name="' in cleaned:
        cleaned = anchors.rename_anchors(cleaned)
    if ' cite="' in cleaned:  # the sanitiser looks at addresses in `href` and `src` only
        cleaned = _cited.sub(lambda tag: _cite.sub(_without_unsafe, tag[0]), cleaned)
    return cleaned


def _without_unsafe(cite: re.Match[str]) -> str:
    return cite[0] if _leads_to_a_page(html.unescape(cite[1])) else ""


def _find_removed(content: str) -> dict[str, None]:
    """The same tag is looked at once, however often it stands there."""
    source, content = content, formulas.write_formulas(content)
    removals: dict[str, None] = {} if source == content else {formulas.WRITTEN: None}
    known: set[str] = set()
    targets = anchors.targets(content)
    content = _bare.sub(lambda _: " ", content)  # a call for each, see `text.keys.remove_match`
    for token in tokens(content):
        if token.kind is TokenKind.RAW:
            removals.setdefault(token.name)
        elif token.kind is TokenKind.OPEN:
            written = content[token.start : token.end]
            if written not in known:
                known.add(written)
                removals |= _removed_from(content, token, targets)
    return removals


def _removed_from(content: str, token: Token, targets: Collection[str]) -> dict[str, None]:
    name = token.name
    if name not in TAGS and name != "h1":
        return {} if name in _PAGE else {name: None}
    if token.inner == token.end - 1:
        return {}
    wrong = []
    for attribute, value in attributes(content, token):
        known = attribute in ATTRIBUTES.get(name, ()) or attribute in ATTRIBUTES["*"] or attribute == "rel"
        if attribute in ("id", "name") and anchors.name_of(value) in targets:
            continue
        if not known or (attribute in _ADDRESSES and not _leads_to_a_page(html.unescape(value))):
            wrong.append(f"{attribute} of {name}")
    return dict.fromkeys(wrong)


def is_content(removed: str) -> bool:
    """Whether what was removed may have held something for readers; tags around words, and their looks, do not."""
    what, _, name = removed.partition(" of ")
    if name:
        return what in _ADDRESSES or what.startswith("on")
    return what in _CONTENT


def _leads_to_a_page(address: str) -> bool:
    return not _scheme.match(address) or _allowed.match(address.strip()) is not None


_PAGE = {"html", "head", "body"}
_CONTENT = frozenset(
    (
        *("script", "style", "template", "noscript", "svg", "math", "canvas", "iframe", "frame", "object", "embed"),
        *("video", "audio", "applet", "form", "input", "select", "textarea", "button", "map", "base", "meta", "link"),
        formulas.WRITTEN,
    )
)
_ADDRESSES = {"href", "src", "cite"}
_scheme = re.compile(r"[\s\x00-\x1f]*[A-Za-z][A-Za-z0-9+.\-\s]*:")
_allowed = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)


def from_text(text: str) -> str:
    """Paragraphs of plain text, separated by blank lines, as HTML."""
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in paragraphs if part)


def count_words(content: str) -> int:
    """Words as a reader counts them; a character each in scripts that put no spaces between words."""
    return sum(_count_words(piece) for piece in pieces(content, COUNTED))


def _count_words(content: str) -> int:
    if content.isascii():  # the same in half the time: runs, less those that are joined to the one before
        return len(runs(content)) - sum(len(joint.findall(content)) for joint in _joints)
    characters = len(_cjk.findall(content))
    return characters + len(_word.findall(_cjk.sub(" ", content) if characters else content))


def reading_minutes(words: int) -> int:
    """Minutes at WORDS_A_MINUTE, at least 1 where there is anything to read."""
    return 0 if words == 0 else max(1, round(words / WORDS_A_MINUTE))
