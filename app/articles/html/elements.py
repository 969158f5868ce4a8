"""What kinds of elements HTML has, as far as a parser tells them apart. Only names; `parser_model` has the rules.

The lists are those of the HTML standard, sections 13.2.4 and 13.2.6.
"""

from app.articles.html.tokenizer import RAW, VOID

FORMATTING = frozenset((
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
))  # fmt: skip
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hgroup", "hr", "li", "listing", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary",
    "table", "ul",
))  # fmt: skip
"""Elements before which an open paragraph ends."""
HEADINGS = frozenset((
    "h1", "h2", "h3", "h4", "h5", "h6",
))  # fmt: skip
PARTS = frozenset((
    "caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr",
))  # fmt: skip
"""Parts of a table."""
CELLS = frozenset((
    "td", "th", "caption",
))  # fmt: skip
GROUPS = frozenset((
    "tbody", "thead", "tfoot",
))  # fmt: skip
MARKERS = frozenset((
    "td", "th", "caption", "applet", "marquee", "object",
))  # fmt: skip
"""Formatting that began outside does not go on in these."""
FOREIGN = frozenset((
    "foreignobject", "desc", "mi", "mo", "mn", "ms", "mtext", "annotation-xml",
))  # fmt: skip
"""Elements of SVG and MathML in which HTML may stand."""
_BREAKS_OUT_TOO = frozenset(("br", "embed", "img", "meta", "span", "sub", "sup", "table", "var", "ruby"))
_MAY_STAY = frozenset((
    "a", "address", "article", "aside", "details", "dialog", "fieldset", "figcaption", "figure", "font",
    "footer", "form", "header", "hgroup", "main", "search", "section", "summary",
))  # fmt: skip
BREAKING_OUT = (FORMATTING | BLOCKS | _BREAKS_OUT_TOO) - _MAY_STAY
"""Elements before which SVG and MathML end."""
SCOPES = MARKERS | FOREIGN | {"table", "select", "template"}
"""Elements through which no end of an element outside reaches."""
SPECIAL = BLOCKS | PARTS | SCOPES | {"button"}
STOPS = {
    "li": SCOPES | {"ul", "ol"},
    "svg": FOREIGN,
    "math": FOREIGN,
    "p": SCOPES | {"button"},
    **dict.fromkeys((*PARTS, "table"), frozenset({"table"})),
}
"""What the end of an element does not reach through, where that is its own."""
ENDED_BY_ITS_KIND = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
_IMPLIED = frozenset(("dd", "dt", "li", "optgroup", "option", "p", "rp", "rt"))
ENDED_AT_ONCE = {"option": {"option"}, "optgroup": {"option", "optgroup"}, "rt": _IMPLIED, "rp": _IMPLIED}
"""Elements that end where the next one begins, if nothing has begun in them that is open still."""
REMOVED = frozenset(("script", "style", "template", "noscript"))
"""With their content, as the sanitiser removes them."""
UNWRAPPED = frozenset((
    "svg", "math", "select", "optgroup", "option", "frameset", "frame", "html", "head", "body",
))  # fmt: skip
"""Elements that no body keeps, within which other rules hold: without their tags there is one set of rules."""
_INLINE = frozenset((
    "abbr", "acronym", "applet", "audio", "bdi", "bdo", "button", "canvas", "cite", "data", "datalist", "del",
    "dfn", "ins", "kbd", "label", "legend", "map", "mark", "marquee", "meter", "object", "output", "picture",
    "progress", "q", "rb", "rp", "rt", "rtc", "ruby", "samp", "slot", "span", "sub", "summary", "sup", "time",
    "title", "tt", "var", "video",
))  # fmt: skip
KNOWN = FORMATTING | BLOCKS | PARTS | REMOVED | UNWRAPPED | _INLINE | VOID | RAW
"""Elements of HTML. The tags of any other are left out: the sanitiser takes some of them for SVG, and their words with
them."""
