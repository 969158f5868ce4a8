"""The views of a body that `include` adds, for any number of articles; each article's by itself, so that one that
cannot be shown leaves the others as they are. Long ones are made in a thread."""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from app.articles.html import bodies, nesting_depth, offload, to_markdown

BODIES = ("body", "body_text", "body_markdown", "body_blocks")
_COPIED = ["body"]

log = logging.getLogger(__name__)

_tag = re.compile(r"<[^>]*>?")
View = Callable[[str], object]


def render_body(body: str) -> str:
    """The body itself. One that was saved when nothing bounded its depth is shown without its inner tags."""
    if nesting_depth.is_written_deep(body):
        return bodies.to_html("html", body)
    return body


VIEWS: Mapping[str, View] = {
    "body": render_body,
    "body_text": bodies.to_text,
    "body_markdown": to_markdown.from_html,
    "body_blocks": lambda body: [
        {"id": b.id, "type": b.type, "text": b.text, "html": b.html} for b in bodies.blocks(body)
    ],
}


async def render(names: Collection[str], id: int, body: str, views: Mapping[str, View] = VIEWS) -> dict[str, object]:
    """The views with these names of the body of the article `id`."""
    body_names = [name for name in BODIES if name in names]
    # The body itself is copied, a hundred times faster than a view of it is made; its tags are counted, 8 for a µs.
    size = max(len(body) // 100, body.count("<") // 4) if body_names == _COPIED else len(body)
    return await offload.run(size, _render, body_names, id, body, views)


def render_all(
    names: Collection[str], texts: Mapping[int, str], views: Mapping[str, View] = VIEWS
) -> dict[int, dict[str, object]]:
    """The same of many, by the article's id; at once, for whoever is in a thread of its own or knows that it takes no
    time."""
    body_names = [name for name in BODIES if name in names]
    return {id: _render(body_names, id, body, views) for id, body in texts.items()}


def _render(body_names: Sequence[str], id: int, body: str, views: Mapping[str, View]) -> dict[str, object]:
    return {name: _view(id, name, body, views[name]) for name in body_names}


def _view(id: int, name: str, body: str, view: View) -> object:
    try:
        return view(body)
    except Exception:
        # Whatever is wrong with one body, the list that it is in has others.
        log.exception("%s of article %s cannot be made: its words are shown without their markup", name, id)
        return _plain(name, " ".join(_tag.sub(" ", body).split()))


def _plain(name: str, words: str) -> object:
    if name == "body_blocks":
        return [{"id": "0", "type": "paragraph", "text": words, "html": f"<p>{words}</p>"}] if words else []
    return f"<p>{words}</p>" if name == "body" else words
