"""Hits as clients see them: the card, the score, where it matches, and, if asked, why it stands where it stands."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from app.articles.html import bodies
from app.articles.reading import queries
from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.context import AppContext, RequestContext
from app.http.params import parser
from app.http.params.parser import Read
from app.search import highlight
from app.search.engine import Found, Hit, Part, Reading
from app.search.highlight import Marks, PartName
from app.search.params import Asking
from app.search.query.tree import render

PARTS = ("title", "standfirst", "body")
PARAMETERS = (
    parser.choices("highlight", "Fragments of these parts, with `<mark>` around what matched.", PARTS, signs=False),
    parser.flag("explain", "How the query was read, and each hit's score in parts.", signs=False),
)

Texts = Mapping[int, Mapping[PartName, tuple[str, str]]]
"""For each article and part its text and language."""


async def rows(
    here: AppContext, view: RequestContext, read: Read, asking: Asking, found: Found, hits: Sequence[Hit]
) -> list[bytes]:
    """Each hit's JSON, in order; an article that vanished meanwhile is left out."""
    entries = [ListRow(hit.id, hit.version, None) for hit in hits]
    cards = await article_json.render_by_id(here, view, entries, params=read)
    shown = await _highlights(here, view, read, found, entries)
    explained: Mapping[int, bytes] = {}
    if read.flag("explain"):
        explained = await asyncio.to_thread(_explain, asking, hits)
    return [
        b'{"article":%b,"score":%b,"highlights":%b%b}'
        % (
            cards[hit.id],
            orjson.dumps(None if hit.score is None else round(hit.score, 4)),
            orjson.dumps(shown.get(hit.id, {})),
            explained.get(hit.id, b""),
        )
        for hit in hits
        if hit.id in cards
    ]


def _explain(asking: Asking, hits: Sequence[Hit]) -> dict[int, bytes]:
    """What is added to each hit. Off the event loop: there are up to 100 hits times 64 parts."""
    parts = asking.index.engine.explain(asking.question, tuple(hit.id for hit in hits))
    return {hit.id: _explained(parts[hit.id], hit.score or 0.0) for hit in hits if hit.id in parts}


def _explained(parts: tuple[Part, ...], score: float) -> bytes:
    """What the words do not add one by one, they add together: by being near, or all there in a relaxed search."""
    together = round(score - sum(part.score for part in parts), 4)
    if together > 0.01 * score:
        parts = (*parts, Part("words together", together))
    return b',"explanation":' + orjson.dumps([{"part": part.name, "score": part.score} for part in parts])


async def _highlights(
    here: AppContext, view: RequestContext, read: Read, found: Found, entries: Sequence[ListRow]
) -> dict[int, dict[str, list[str]]]:
    wanted = cast("tuple[PartName, ...]", read.choices("highlight"))
    if not wanted or not entries:
        return {}
    found_cards = await here.cards.get([(entry.id, entry.version) for entry in entries], view.atlas)
    cards = {entry.id: found_cards[entry.id] for entry in entries if entry.id in found_cards}  # the best hits first
    marks = {part: highlight.marks(found.reading, part) for part in wanted}
    texts = await queries.load_body_beginnings(here.db, list(cards), highlight.MOST_HTML) if "body" in wanted else {}
    return await asyncio.to_thread(_marked, cards, texts, marks)


def _marked(
    cards: Mapping[int, bytes], texts: Mapping[int, str], marks: Mapping[PartName, Marks]
) -> dict[int, dict[str, list[str]]]:
    """Off the event loop: a long body takes a millisecond."""
    found: dict[int, dict[str, list[str]]] = {}
    room = highlight.Room()
    for id, raw in cards.items():
        card = orjson.loads(raw)
        shown: dict[str, list[str]] = {}
        for part, wanted in marks.items():
            if part == "body":
                shown[part] = highlight.fragments(
                    bodies.to_text(room.cut(texts.get(id, ""))), card["language"], wanted, room
                )
            else:
                whole = highlight.whole(card[part] or "", card["language"], wanted, room)
                shown[part] = [whole] if whole is not None else []
        found[id] = shown
    return found


def _read_as(read: Read, reading: Reading) -> str | None:
    """With the words that were put right, where they were looked for instead."""
    if reading.tree is None:
        return None
    return reading.did_you_mean if reading.corrections and reading.did_you_mean else render(reading.tree)


def query(read: Read, asking: Asking, found: Found) -> dict[str, object]:
    """How the query was read, for people and for search boxes."""
    reading = found.reading
    return {
        "q": read.text("q"),
        "read_as": _read_as(read, reading),
        "languages": list(reading.languages),
        "sort": asking.question.order,
        "match": "any" if reading.any_word else "all",
        "relaxed": reading.relaxed,
        "corrections": [{"word": one.word, "read_as": list(one.read_as)} for one in reading.corrections],
        "did_you_mean": reading.did_you_mean,
        "notes": [{"code": note.code, "detail": note.detail} for note in asking.query.notes],
    }
