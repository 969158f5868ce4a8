"""Words in a text that its site shows to nobody: in elements that are `hidden`, or whose own style says `display: none`
or `visibility: hidden`. Never takes anything out of a text.

An article keeps neither attribute, so that such words would stand in it for everybody to read.
"""

import re

from app.articles.html import bodies
from app.importers.document import DocumentBody
from app.importers.text_parts import clean, html_trees

_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden)(?![\w-])", re.IGNORECASE)
_MAY_HIDE = re.compile(r"\shidden[\s=/>]|display\s*+:\s*+none|visibility\s*+:\s*+hidden", re.IGNORECASE)
_NO_WORDS = [
    *("script", "style", "template", "noscript", "iframe", "object", "video", "audio"),
    *("svg", "math", "canvas", "button", "select", "textarea"),
]
"""What is removed from bodies, or shown in its own way: a formula is hidden beside its picture, icons before their
use. What controls say is of the page."""
_WORD = re.compile(r"\w")


def find_hidden_words(body: DocumentBody) -> str | None:
    """The words of the first such element; None where a text has none. What readers find by searching for it
    (`until-found`), and what a tab or a button opens for them (`aria-controls`, `data-target`), is for them."""
    if body.kind == "text" or not _MAY_HIDE.search(body.content):
        return None
    # In Markdown only its HTML tells what is code, which shows an element and is none.
    root = html_trees.parse_fragment(bodies.render(body.content) if body.kind == "markdown" else body.content)
    if root is None:
        return None
    opened = {
        id.removeprefix("#")
        for node in root.css("[aria-controls], [data-target], [data-bs-target]")
        for name in ("aria-controls", "data-target", "data-bs-target")
        for id in (node.attributes.get(name) or "").split()
    }
    root.strip_tags(_NO_WORDS)
    for node in root.css("[hidden], [style]"):
        attributes = node.attributes
        if attributes.get("role") == "tabpanel" or attributes.get("id") in opened:
            continue
        is_hidden = "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found"
        if (is_hidden or _STYLE.search(attributes.get("style") or "")) and _WORD.search(node.text()):
            return clean.join_lines(node.text(separator=" "))
    return None
