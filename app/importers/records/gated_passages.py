"""Passages in a text that its site shows to some of its readers alone: to members, subscribers, those who pay. Knows
the marks that Ghost, WordPress's blocks and its plugins write into texts. Never takes anything out of a text.

What is in such a passage cannot be told from what is around it with the same surety, so an article with one is a draft.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser

from app.importers.document import BodyKind, Document
from app.importers.records import hidden_text, values, visibility

_GHOST = re.compile(r"<!--\s*kg-gated-block:begin\b(?P<readers>[^<>]*+)>")
_BLOCK = re.compile(
    r"<!--\s*wp:(?P<name>premium-content/(?:container|subscriber-view|paid-content)|jetpack/paywall"
    r"|(?:pmpro|paid-memberships-pro|memberpress|mepr|memberful|restrict-content(?:-pro)?|rcp|content-control"
    r"|woocommerce-memberships|members|wishlist-member|leaky-paywall|ultimate-member|user-registration)/[\w-]*"
    r"(?:member|protect|restrict|content|gate|private)[\w-]*)"
)
_HIDDEN_BLOCK = '"blockVisibility"'
_VISIBILITY = re.compile(r'"blockVisibility"\s*+:\s*+')
_BY_SCREEN = frozenset(("viewport", "screenSize", "hideOnScreenSize", "browserDevice", "deviceType"))
"""What hides a block on some screens, and from no reader."""
_decoder = json.JSONDecoder()
_SHORTCODE = re.compile(
    r"\[/(?P<name>"
    r"(?:is[_-]?|if[_-]?|for[_-]?|only[_-]?)?members?(?:[_-]?(?:only|content|area|access|section|view))?"
    r"|membership(?:[_-][\w-]+)?|private(?:[_-]\w+)?|hidden(?:[_-]\w+)?|hide(?:[_-]\w+)?"
    r"|(?:content[_-]?)?(?:restrict|protect|lock)(?:ed|er)?(?:[_-]\w+)?"
    r"|(?:not[_-]?|is[_-]?|user[_-]?is[_-]?|if[_-]?)?logged[_-]?(?:in|out)|login(?:[_-]\w+)?"
    r"|(?:pmpro|mepr|memberful|memberpress|s2if|s2member|rcp|swpm|wlm|wishlist|wcm|wpmem|ihc|armif|arm|um|pms"
    r"|leaky|mm|groups|accessally|accesspress|patreon|ppw|passster|ihc)(?:[_-][\w-]+)?"
    r"|paywall(?:[_-]\w+)?|paid(?:[_-]?\w+)?|premium(?:[_-]?content)?|subscribers?(?:[_-]?(?:only|content))?"
    r"|registered(?:[_-]?\w+)?|exclusive(?:[_-]?content)?|vip|access"
    r")\s*\](?!\])",
    re.IGNORECASE,
)
"""Ends of shortcodes: one that nobody ends is a form or a link, and holds back nothing."""
_OPENING = re.compile(r"(?<!\[)\[([A-Za-z][\w-]*+)(?=[\s=\]])")
_FOR_EVERYBODY = re.compile(
    r"^hid(?:e|den)\w*?_(?:mobiles?|desktops?|tablets?|phones?|screens?|print|devices?|small|medium|large|xs|sm|md|lg|xl)"
    r"(?:_|$)|^not|(?:^|[_-])(?:not|non)(?:[_-]|$)|logged[_-]?out|guest|visitor",
    re.IGNORECASE,
)
"""Names of shortcodes that hide on some screens, or from those who are members."""
_CODE = re.compile(
    r"<(?P<tag>pre|code|kbd|samp|script|style|textarea)\b|\[(?P<shortcode>code|sourcecode|pre|php|html|plain)\b"
    r"|(?P<comment><!--)(?!\s*+/?(?:wp:|kg-))|(?P<ticks>```|``|`|~~~)|\{%-?\s*+(?P<liquid>raw|highlight)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"(?P<liquid>\{%-?\s*+comment\b[^%\n]*+%\})|\{::comment\b[^}\n]*+\}|\{\{-?\s?/\*|\{\{[<%]\s*+comment\b[^>%\n]*+[>%]\}\}"
    r"|\{#[^#{}]++#\}|(?<![\w%])%%(?=[^%\s])[^%]++%%(?![\w%])"
)
"""Comments of Liquid, kramdown, Hugo, Nunjucks and Obsidian, which their sites show to nobody. `{#name}` is an
address within a page."""
_LIQUID_END = re.compile(r"\{%-?\s*+endcomment\b")
_DOCUMENTS = re.compile(r"\bshort-?codes?\b", re.IGNORECASE)
_REFERENCE = re.compile(r"<!--\s*wp:(?:core/)?block\s+\{\s*\"ref\"\s*:\s*(\d{1,20})")
_READERS = r"\"nonMember\"\s*+:\s*+false"
_CARD = re.compile(rf"\{{[^{{}}]{{0,300}}?(?P<mark>{_READERS})[^{{}}]{{0,300}}")
_NO_SEGMENT = re.compile(r"\"?memberSegment\"?\s*+:\s*+\"\"")
"""For nobody on the web: such a card is for e-mails alone, and holds nothing back."""
_WORD = re.compile(r"\w")
WHY = "a passage is not for every reader ({})"


def find_gate(content: str, reusable: Mapping[str, str] | None = None, kind: BodyKind = "html") -> str | None:
    """The mark of the first such passage, as it stands there; None where a text has none. `reusable` are the blocks
    that posts of WordPress share, by their numbers. Code and comments show what marks look like, and have none."""
    gate = _find_mark(content) and _find_mark(_remove_code(content, kind))
    if gate is None and reusable and "wp:" in content:
        shared = (reusable.get(number, "") for number in dict.fromkeys(_REFERENCE.findall(content)))
        gate = next((mark for one in shared if _find_mark(one) and (mark := _find_mark(_remove_code(one)))), None)
    if gate is None and kind == "markdown" and ("{" in content or "%%" in content):
        gate = _find_comment(_remove_code(content, kind))
    # Plain text about shortcodes has no other way to name one.
    is_about = gate is not None and gate[0] == "[" and kind == "text" and _DOCUMENTS.search(content)
    return None if is_about else gate


def _find_comment(content: str) -> str | None:
    """The mark of the first comment. One of Liquid that nobody ends builds no page, so that it is only spoken of."""
    ends = [match.start() for match in _LIQUID_END.finditer(content)]
    for match in _COMMENT.finditer(content):
        if not match["liquid"] or (ends and match.start() < ends[-1]):
            return match[0][:20]
    return None


def _remove_code(content: str, kind: BodyKind = "html") -> str:
    """The text without code and comments; what nobody ends stays, and is looked for once."""
    parts: list[str] = []
    position, endless = 0, set[str]()
    start = 0
    while match := _CODE.search(content, start):
        start = match.end()
        closing = _name_closing(match)
        if closing in endless or (match["ticks"] and kind == "html"):
            continue
        end = re.compile(closing, re.IGNORECASE).search(content, start)
        if end is None:
            endless.add(closing)
            continue
        parts.append(content[position : match.start()])
        position = start = end.end()
    return " ".join((*parts, content[position:]))


def _name_closing(match: re.Match[str]) -> str:
    if match["tag"]:
        return f"</{match['tag'].lower()}"
    if match["liquid"]:
        return rf"\{{%-?\s*+end{match['liquid'].lower()}\b"
    if match["shortcode"]:
        return rf"\[/{match['shortcode'].lower()}\]"
    return "-->" if match["comment"] else match["ticks"]


def _find_mark(content: str) -> str | None:
    if "kg-gated-block" in content:
        for match in _GHOST.finditer(content):
            readers = match["readers"]
            if "nonmember:true" not in "".join(readers.lower().split()) and not _NO_SEGMENT.search(readers):
                return "kg-gated-block"
    if "wp:" in content and (block := _BLOCK.search(content)):
        return block["name"]
    if _HIDDEN_BLOCK in content and "wp:" in content and _has_hidden_block(content):
        return "blockVisibility"
    return _find_shortcode(content) if "[/" in content else None


def _find_shortcode(content: str) -> str | None:
    begun: Mapping[str, int] | None = None
    for match in _SHORTCODE.finditer(content):
        name = match["name"]
        if _FOR_EVERYBODY.search(name):
            continue
        if begun is None:  # where each began first, for several thousand ends may have no beginning
            begun = {one[1].lower(): one.start() for one in reversed([*_OPENING.finditer(content)])}
        if begun.get(name.lower(), len(content)) < match.start():
            return f"[{name}]"
    return None


def _has_hidden_block(content: str) -> bool:
    """Whether a block is hidden from some readers, or from all; what cannot be read is."""
    position = 0
    while match := _VISIBILITY.search(content, position):
        try:
            value, position = _decoder.raw_decode(content, match.end())
        except (ValueError, RecursionError):
            return True
        if _is_hidden(value):
            return True
    return False


def _is_hidden(value: object) -> bool:
    if not isinstance(value, dict):
        return value is False
    sets = value.get("controlSets")
    rules = {name: rule for name, rule in value.items() if name not in ("controlSets", "hideBlock")}
    for one in sets if isinstance(sets, list) else ():
        controls = one.get("controls") if isinstance(one, dict) and one.get("enable") is not False else None
        rules |= controls if isinstance(controls, dict) else {}
    screens = value.get("viewport")
    is_nowhere = isinstance(screens, dict) and len(screens) > 2 and not any(screens.values())
    is_limited = any(name not in _BY_SCREEN and _is_limit(rule) for name, rule in rules.items())
    return bool(value.get("hideBlock")) or is_nowhere or is_limited


def _is_limit(rule: object) -> bool:
    if isinstance(rule, dict):
        return bool(rule) and rule.get("enable") is not False and rule.get("visibilityByRole") not in ("all", "public")
    return bool(rule) and rule not in ("all", "public")


def find_gated_card(lexical: object) -> str | None:
    """The same of a text as Ghost's editor keeps it, as JSON."""
    cards = _CARD.finditer(lexical) if isinstance(lexical, str) and "nonMember" in lexical else iter(())
    gate = next((card["mark"] for card in cards if not _NO_SEGMENT.search(card[0])), None)
    return " ".join(gate.replace('"', "").split()) if gate else None


def find_gated_section(page: LexborHTMLParser) -> str | None:
    """The same of a page whose scripts show a part of it to subscribers alone: that of AMP, and of Subscribe with
    Google. What AMP shows to those who are none begins with NOT."""
    for node in page.css('[amp-access][amp-access-hide], [subscriptions-section="content"]'):
        access = node.attributes.get("amp-access")
        if _WORD.search(node.text()) and not (access or "").strip().upper().startswith("NOT "):
            return "amp-access" if access is not None else "subscriptions-section"
    return None


def hold(document: Document, gate: str | None) -> Document:
    """The document as a draft with a note, where something in it is not for everybody."""
    return visibility.apply(document, visibility.make_draft(WHY.format(gate))) if gate else document


def hold_gated(document: Document) -> Document:
    """The same by what its text says. What this archive exports says its state itself, and so do rows of its tables."""
    if document.body is None or document.is_own or document.known_article is not None:
        return document
    content, kind = document.body.content, document.body.kind
    if hidden_words := hidden_text.find_hidden_words(document.body):
        # No markup is left of which an editor could see what was hidden.
        note = f"hidden at its source: {values.quote(hidden_words)}"
        document = hold(replace(document, notes=(*document.notes, note)), "hidden")
    return hold(document, find_gate(content, kind=kind))
