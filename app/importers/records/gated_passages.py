"""Passages in a text that its site shows to some of its readers alone: to members, subscribers, those who pay. Knows
the marks that Ghost, WordPress's blocks and its plugins write into texts. Never takes anything out of a text.

What is in such a passage cannot be told from what is around it with the same surety, so an article with one is a draft.
"""

import re
from collections.abc import Mapping

from app.importers.document import Document
from app.importers.records import visibility

_GHOST = re.compile(r"<!--\s*kg-gated-block:begin\b(?P<readers>[^<>]*+)>")
_BLOCK = re.compile(
    r"<!--\s*wp:(?P<name>premium-content/(?:container|subscriber-view|paid-content)|jetpack/paywall"
    r"|(?:pmpro|paid-memberships-pro|memberpress|mepr|memberful|restrict-content(?:-pro)?|rcp|content-control"
    r"|woocommerce-memberships|members|wishlist-member|leaky-paywall|ultimate-member|user-registration)/[\w-]*"
    r"(?:member|protect|restrict|content|gate|private)[\w-]*)"
)
_HIDDEN_BLOCK = '"blockVisibility"'
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
    r")\s*\]",
    re.IGNORECASE,
)
"""Ends of shortcodes: one that nobody ends is a form or a link, and holds back nothing."""
_REFERENCE = re.compile(r"<!--\s*wp:(?:core/)?block\s+\{\s*\"ref\"\s*:\s*(\d{1,20})")
_CARD = re.compile(r"\"(?:nonMember|showOnWeb)\"\s*:\s*false")
WHY = "a passage is not for every reader ({})"


def find_gate(content: str, reusable: Mapping[str, str] | None = None) -> str | None:
    """The mark of the first such passage, as it stands there; None where a text has none. `reusable` are the blocks
    that posts of WordPress share, by their numbers."""
    gate = _find_mark(content)
    if gate is None and reusable and "wp:" in content:
        shared = (reusable.get(number, "") for number in dict.fromkeys(_REFERENCE.findall(content)))
        gate = next((mark for one in shared if (mark := _find_mark(one))), None)
    return gate


def _find_mark(content: str) -> str | None:
    if "kg-gated-block" in content:
        for match in _GHOST.finditer(content):
            if "nonmember:true" not in "".join(match["readers"].lower().split()):
                return "kg-gated-block"
    if "wp:" in content and (block := _BLOCK.search(content)):
        return block["name"]
    if _HIDDEN_BLOCK in content and "wp:" in content:
        return "blockVisibility"
    if "[/" in content and (shortcode := _SHORTCODE.search(content)):
        return f"[{shortcode['name']}]"
    return None


def find_gated_card(lexical: object) -> str | None:
    """The same of a text as Ghost's editor keeps it, as JSON."""
    card = _CARD.search(lexical) if isinstance(lexical, str) else None
    return " ".join(card[0].replace('"', "").split()) if card else None


def hold(document: Document, gate: str | None) -> Document:
    """The document as a draft with a note, where something in it is not for everybody."""
    return visibility.apply(document, visibility.make_draft(WHY.format(gate))) if gate else document


def hold_gated(document: Document) -> Document:
    """The same by what its text says. What this archive exports says its state itself."""
    if document.body is None or document.is_own:
        return document
    return hold(document, find_gate(document.body.content))
