"""Words for readers in the attributes of shortcodes and blocks that nothing here knows: titles, captions, who said it.
Pure. What is a setting (`center`, `true`, a colour, a number of a form) is left out.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

_HEADS = ("title", "heading", "headline", "header", "question", "label", "tab_title", "subtitle", "subheading")
_TEXTS = (
    "text", "content", "quote", "message", "description", "desc", "caption", "summary", "answer", "answers", "options",
    "button_text", "btn_text", "buttontext", "link_text",
)  # fmt: skip
_ENDS = ("cite", "citation", "author", "attribution", "byline", "credit", "source", "speaker", "job_title", "company")
_LINKS = ("link", "url", "href", "button_url", "button_link", "btn_url", "btn_link", "link_url")
_SETTING = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|auto|default|left|right|cent(?:er|re)|justify|top|bottom|middle|full|wide"
    r"|small|medium|large|thin|bold|light|dark|block|inline|hide|show|open|closed?|inherit|custom|h[1-6]|_self|_blank"
    r"|white|black|red|green|blue|yellow|gr[ae]y|orange|https?://\S*|#[0-9a-f]{3,8}|[\W\d_]*|[\d.]+(?:px|em|rem|%|vh|vw))",
    re.IGNORECASE,
)
_NAMED_FOR_EDITORS = re.compile(r"form|slider|sidebar|widget|menu|mc4wp|newsletter", re.IGNORECASE)
"""Shortcodes whose `title` is a name in the site's own lists."""
_LISTS = re.compile(
    r"(?:^|[_-])(?:ads?|advert\w*|adsense|posts?|related\w*|search\w*|menus?|galler(?:y|ies)|feeds?|archives?|categor\w+"
    r"|recent|latest|popular|login|share|social|sitemap|query|loop|carousel)(?:[_-]|$)",
    re.IGNORECASE,
)
"""Shortcodes that show what is no part of the text: advertisements, other articles, ways to find them."""
_SAYS_WORDS = re.compile(
    r"(?:^|[_-])(?:[^\W_]*quotes?|buttons?|btn|cta|call[_-]?to[_-]?action|tabs?|accordions?|toggles?|spoilers?|expand|collapse"
    r"|polls?|quiz|questions?|faqs?|testimonials?|captions?|headings?|headlines?|blurbs?|call[_-]?outs?|notices?|alerts?"
    r"|message|section[_-]?title|tta[_-]section|(?:info|fact|text)?[_-]?box|tool[_-]?tips?|tips?)(?:[_-]|$)",
    re.IGNORECASE,
)
"""Shortcodes that show the words of their attributes, where they hold no text of their own."""
_QUOTES = re.compile(r"quote|testimonial", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|/(?!/))[^\s\"'<>\]]+")
_NO_WORDS = re.compile(r"(?:^|_)(?:class\w*|css|style|color|icon|anchor|font|align\w*|size|layout|link_target)(?:_|$)")
_CODED = re.compile(r"[\[{]|a:\d|field_|https?://\S*$|[\w.-]+$")
"""Values that are written for programs: lists, addresses, names of settings."""
_TAG = re.compile(r"<[^<>]*>")
_WIDE = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff]{4}")
_BLOCK_TAG = re.compile(r"<(?:a|p|div|h[1-6]|ul|ol|table|figure|blockquote)[\s>]", re.IGNORECASE)
MOST_OF_LABEL = 300
MOST_VALUES = 500
"""Values of a block that are looked at."""


def _list_words(attributes: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    said = (html.unescape(attributes.get(name, "")).strip() for name in names)
    return [html.escape(words, quote=False) for words in said if words and not _SETTING.fullmatch(words)]


def render_attributes(
    name: str, attributes: Mapping[str, str], inside: str, *, is_within_line: bool, is_ended: bool
) -> str:
    """What stands between the brackets of a shortcode, with the words of its attributes before and behind it. Within a
    line these follow in brackets, so that the sentence goes on. `is_ended`: it holds text. Of one that does not, most
    attributes say what it looks up, and only those of some are words."""
    if _NAMED_FOR_EDITORS.search(name) or _LISTS.search(name) or not (is_ended or _SAYS_WORDS.search(name)):
        return inside
    is_quote = _QUOTES.search(name) is not None
    heads, texts = _list_words(attributes, _HEADS), _list_words(attributes, _TEXTS)
    ends = _list_words(attributes, (*_ENDS, "name", "role") if is_quote else _ENDS)
    if "heading" in name and not heads:
        heads, texts = texts, []
    address = _find_address(attributes)
    if address:
        inside, heads, texts = _link_label(address, inside, heads, texts)
    if is_within_line:
        words = ", ".join((*heads, *texts, *ends))
        return f"{inside} ({words})" if inside.strip() and words else inside or words
    if not (heads or texts or ends):
        return inside
    quoted = [*(f"<p>{words}</p>" for words in texts), inside.strip()]
    parts = [f"<p><strong>{words}</strong></p>" for words in heads] + quoted
    parts += [f"<p><cite>{words}</cite></p>" for words in ends]
    return "".join(f"\n\n{part}\n\n" for part in parts if part)


def _find_address(attributes: Mapping[str, str]) -> str | None:
    for name in _LINKS:
        if address := _ADDRESS.search(unquote(html.unescape(attributes.get(name, "")))):
            return address[0].rstrip("|")
    return None


def _link_label(address: str, inside: str, heads: list[str], texts: list[str]) -> tuple[str, list[str], list[str]]:
    """The words that lead to the address: those between the brackets, else the first of the attributes'."""
    link = f'<a href="{html.escape(address)}">{{}}</a>'
    if inside.strip():
        is_label = len(inside) <= MOST_OF_LABEL and not _BLOCK_TAG.search(inside)
        return (link.format(inside.strip()) if is_label else inside), heads, texts
    if texts or heads:
        last = texts or heads
        last[-1] = link.format(last[-1])
        return inside, heads, texts
    return link.format(html.escape(address, quote=False)), heads, texts


def render_block(block: str, written: str) -> str:
    """The prose in the attributes of a block of ACF, as HTML; it is in `data`, under names of the site's own. Of other
    blocks that a site computes, attributes are labels and settings."""
    if not block.startswith("acf/"):
        return ""
    try:
        attributes = json.loads(written.strip().rstrip("/"))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(attributes, dict):
        return ""
    data = attributes.get("data")
    own = dict(_list_values(data)) if isinstance(data, dict) else {}
    known = {name: value for name, value in _list_values(attributes) if name in (*_HEADS, *_TEXTS, *_ENDS)}
    return "".join(_render_value(name, value) for name, value in {**known, **own}.items())


def _list_values(fields: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Texts by their names, those within others too; ACF's own keys begin with `_`."""
    pending: list[tuple[str, object]] = [(str(name), value) for name, value in reversed([*fields.items()])]
    count = 0
    while pending and count < MOST_VALUES:
        count += 1
        name, value = pending.pop()
        if name.startswith("_"):
            continue
        if isinstance(value, dict) and name != "data":
            pending += [(f"{name}_{key}", inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            pending += [(f"{name}_{at}", inner) for at, inner in reversed(list(enumerate(value)))]
        elif isinstance(value, str) and value.strip():
            yield name, value.strip()


def _render_value(name: str, value: str) -> str:
    if not _is_prose(value) or _NO_WORDS.search(name.lower()):
        return ""
    if "<" in value:
        return value if _BLOCK_TAG.search(value) else f"<p>{value}</p>"
    words = html.escape(html.unescape(value), quote=False)
    return f"<p><strong>{words}</strong></p>" if name in _HEADS else f"<p>{words}</p>"


def _is_prose(value: str) -> bool:
    """Whether a value is words that somebody wrote, more than one, or in a script without spaces between them."""
    text = _TAG.sub("", value).strip()
    if _WIDE.search(text):
        return True
    is_text = " " in text and any(map(str.isalpha, text))
    return is_text and not _SETTING.fullmatch(text) and not _CODED.match(text)
