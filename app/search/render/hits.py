"""Hits as clients see them: the card, the score, where it matches, and, if asked, why it stands where it stands."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import get_args

import orjson

from app.articles.html import bodies
from app.articles.reading import queries
from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.context import AppContext, RequestContext
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.search import highlight
from app.search.engine import QueryInterpretation, ResultPage, ScoreComponent, SearchHit
from app.search.highlight import Marks, PartName
from app.search.params import ResolvedSearch
from app.search.query.tree import render


class HitParams(ArticleParts):
    """How hits are shown."""

    highlight: Parameter[tuple[PartName, ...]] = parser.choices(
        "highlight", "Fragments of these parts, with `<mark>` around what matched.", get_args(PartName), signs=False
    )
    explain = parser.flag("explain", "How the query was read, and each hit's score in parts.", signs=False)


async def render_rows(
    context: AppContext,
    view: RequestContext,
    params: HitParams,
    search: ResolvedSearch,
    results: ResultPage,
    hits: Sequence[SearchHit],
) -> list[bytes]:
    """Each hit's JSON, in order; an article that vanished meanwhile is left out."""
    entries = [ListRow(hit.id, hit.version, None) for hit in hits]
    cards = await article_json.render_articles(context, view, entries, params=params)
    highlights = await _load_highlights(context, view, params, results, entries)
    explained: Mapping[int, bytes] = {}
    if params.explain:
        explained = await asyncio.to_thread(_explain_hits, search, hits)
    return [
        b'{"article":%b,"score":%b,"highlights":%b%b}'
        % (
            cards[hit.id],
            orjson.dumps(None if hit.score is None else round(hit.score, 4)),
            orjson.dumps(highlights.get(hit.id, {})),
            explained.get(hit.id, b""),
        )
        for hit in hits
        if hit.id in cards
    ]


def _explain_hits(search: ResolvedSearch, hits: Sequence[SearchHit]) -> dict[int, bytes]:
    """What is added to each hit. Off the event loop: there are up to 100 hits times 64 parts."""
    parts = search.index.engine.explain(search.question, tuple(hit.id for hit in hits))
    return {id: _render_explanation(components) for id, components in parts.items()}


def _render_explanation(parts: tuple[ScoreComponent, ...]) -> bytes:
    rendered = [{"part": part.name, "field": part.field, "score": part.score} for part in parts]
    return b',"explanation":' + orjson.dumps(rendered)


async def _load_highlights(
    context: AppContext, view: RequestContext, params: HitParams, results: ResultPage, entries: Sequence[ListRow]
) -> dict[int, dict[str, list[str]]]:
    parts = params.highlight
    if not parts or not entries:
        return {}
    found_cards = await context.cards.get([(entry.id, entry.version) for entry in entries], view.atlas)
    cards = {entry.id: found_cards[entry.id] for entry in entries if entry.id in found_cards}  # the best hits first
    marks = {part: highlight.find_marks(results.interpretation, part) for part in parts}
    texts = await queries.load_body_beginnings(context.db, list(cards), highlight.MOST_HTML) if "body" in parts else {}
    return await asyncio.to_thread(_mark_hits, cards, texts, marks)


def _mark_hits(
    cards: Mapping[int, bytes], texts: Mapping[int, str], marks: Mapping[PartName, Marks]
) -> dict[int, dict[str, list[str]]]:
    """Off the event loop: a long body takes a millisecond."""
    highlights: dict[int, dict[str, list[str]]] = {}
    room = highlight.ReadingBudget()
    for id, raw in cards.items():
        card = orjson.loads(raw)
        by_part: dict[str, list[str]] = {}
        for part, part_marks in marks.items():
            if part == "body":
                by_part[part] = highlight.find_fragments(
                    bodies.to_text(room.truncate(texts.get(id, ""))), card["language"], part_marks, room
                )
            else:
                whole = highlight.mark_text(card[part] or "", card["language"], part_marks, room)
                by_part[part] = [whole] if whole is not None else []
        highlights[id] = by_part
    return highlights


def _render_interpretation(interpretation: QueryInterpretation) -> str | None:
    """With the words that were put right, where they were looked for instead."""
    if interpretation.tree is None:
        return None
    return (
        interpretation.did_you_mean
        if interpretation.corrections and interpretation.did_you_mean
        else render(interpretation.tree)
    )


def describe_query(q: str | None, search: ResolvedSearch, results: ResultPage) -> dict[str, object]:
    """How the query was read, for people and for search boxes."""
    reading = results.interpretation
    return {
        "q": q,
        "read_as": _render_interpretation(reading),
        "languages": list(reading.languages),
        "sort": search.question.order,
        "match": "any" if reading.any_word else "all",
        "relaxed": reading.relaxed,
        "corrections": [{"word": one.word, "read_as": list(one.read_as)} for one in reading.corrections],
        "did_you_mean": reading.did_you_mean,
        "notes": [
            {"code": note.code, "detail": note.detail, "filter": note.filter}
            for note in (*search.query.notes, *reading.notes)
        ],
    }
