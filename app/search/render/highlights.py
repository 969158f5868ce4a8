"""Where the hits of a page match: texts of their bodies from memory or SQL, marked in the order of the hits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.articles.html import bodies
from app.articles.reading import queries
from app.articles.reading.card_cache import Card
from app.articles.reading.queries import ListRow
from app.context import AppContext, RequestContext
from app.search.engine import QueryInterpretation
from app.search.highlighting import highlight
from app.search.highlighting.highlight import PartName
from app.search.highlighting.marked_spans import MOST_HTML, Marks, ReadingBudget, weigh_html
from app.search.highlighting.read_text import ReadText

Highlights = dict[int, dict[str, list[str]]]
_QUICK = 500_000
"""Characters times what is looked for in them that take a millisecond at most: no more in the event loop."""
_CARD_COST, _HTML_COST = 3, 15
"""Times as long takes a character of a card, of which titles are read anew, and of a body that was not in memory."""
_DATELINE = b',"dateline":'


@dataclass(slots=True)
class _PageBodies:
    """What is read of the hits' bodies: texts that are in memory, HTML with its version of the others."""

    texts: dict[int, ReadText]
    html: dict[int, tuple[str, int]]

    def list_unaffordable(self, ids: Sequence[int]) -> list[int]:
        """The hits from the first on for whose whole text, which is in memory, the budget has no room."""
        room = ReadingBudget()
        for i, id in enumerate(ids):
            text = self.texts.get(id)
            if text is None:
                html, _ = self.html.get(id, ("", 0))
                room.characters -= weigh_html(html[: room.most_html])
            elif text.html_size < room.most_html:
                room.characters -= text.weight
            else:
                return [id for id in ids[i:] if id in self.texts]
        return []

    def read(self, id: int, language: str, room: ReadingBudget) -> ReadText:
        """A hit's text, as much of it as there is room for."""
        text = self.texts.get(id)
        if text is not None:
            room.characters -= text.weight
            return text
        html, _ = self.html.get(id, ("", 0))
        is_whole, before = len(html) < room.most_html, room.characters
        truncated = room.truncate(html)
        read = ReadText(bodies.to_text(truncated), language, len(html), before - room.characters)
        if is_whole and id in self.html:
            self.texts[id] = read
        return read


async def load_highlights(
    context: AppContext,
    view: RequestContext,
    parts: Sequence[PartName],
    interpretation: QueryInterpretation,
    entries: Sequence[ListRow],
) -> Highlights:
    """By hit and part its fragments; the best hits come first, and have most of the budget."""
    if not parts or not entries:
        return {}
    found_cards = await context.cards.load([(entry.id, entry.version) for entry in entries], view.atlas)
    cards = {entry.id: found_cards[entry.id] for entry in entries if entry.id in found_cards}
    marks = {part: highlight.find_marks(interpretation, part) for part in parts}
    page = _PageBodies({}, {})
    if "body" in parts:
        page.texts = _find_texts(context, cards)
        missing = [id for id in cards if id not in page.texts]
        page.html = await queries.load_body_beginnings(context.db, missing, MOST_HTML) if missing else {}
        if unaffordable := page.list_unaffordable(list(cards)):
            page.html |= await queries.load_body_beginnings(context.db, unaffordable, MOST_HTML)
            page.texts = {id: text for id, text in page.texts.items() if id not in page.html}
    read_before = {id: text.pieces_read for id, text in page.texts.items()}
    if _is_quick(cards, page, marks):
        highlights = _mark_hits(cards, page, marks)
    else:
        highlights = await asyncio.to_thread(_mark_hits, cards, page, marks)
    for id, text in page.texts.items():
        version = page.html[id][1] if id in page.html else cards[id].version
        if version == cards[id].version and read_before.get(id) != text.pieces_read:
            context.cards.bodies.put_text(id, version, text, view.head)
    return highlights


def _find_texts(context: AppContext, cards: Mapping[int, Card]) -> dict[int, ReadText]:
    """The hits' texts that are in memory."""
    texts = {id: context.cards.bodies.find_text(id, card.version) for id, card in cards.items()}
    return {id: text for id, text in texts.items() if isinstance(text, ReadText)}


def _is_quick(cards: Mapping[int, Card], page: _PageBodies, marks: Mapping[PartName, Marks]) -> bool:
    """Whether marking takes so little that handing it to a thread would take as long."""
    if not all(text.is_quick for text in page.texts.values()):
        return False
    if not all(html.isascii() for html, _ in page.html.values()):
        return False  # other letters than Latin ones may take much longer
    read_anew = sum(len(card.parts.shown) for card in cards.values()) if len(marks) > ("body" in marks) else 0
    characters = sum(len(text.text) for text in page.texts.values()) + _CARD_COST * read_anew
    characters += _HTML_COST * sum(len(html) for html, _ in page.html.values())
    return characters * max(map(len, marks.values())) <= _QUICK


def _mark_hits(cards: Mapping[int, Card], page: _PageBodies, marks: Mapping[PartName, Marks]) -> Highlights:
    """Not in the event loop, unless it is little: a long body takes a millisecond."""
    highlights: Highlights = {}
    room = ReadingBudget()
    for id, card in cards.items():
        shown = card.parts.shown
        # What comes before the dateline: nothing behind it is needed, and reading all would take ten times as long.
        head = orjson.loads(shown[: shown.index(_DATELINE)] + b"}")
        by_part: dict[str, list[str]] = {}
        for part, part_marks in marks.items():
            if part == "body":
                by_part[part] = highlight.cut_fragments(page.read(id, head["language"], room), part_marks, room)
            else:
                whole = highlight.mark_text(head[part] or "", head["language"], part_marks, room)
                by_part[part] = [whole] if whole is not None else []
        highlights[id] = by_part
    return highlights
