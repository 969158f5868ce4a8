"""Hits as clients see them: the card, the score, where it matches, and, if asked, why it stands where it stands."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import get_args

import orjson

from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.context import AppContext, RequestContext
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.search.engine import QueryInterpretation, ResultPage, ScoreComponent, SearchHit
from app.search.highlighting.highlight import PartName
from app.search.params import ResolvedSearch
from app.search.query.tree import render
from app.search.render import highlights


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
    marked = await highlights.load_highlights(context, view, params.highlight, results.interpretation, entries)
    explained: Mapping[int, bytes] = {}
    if params.explain:
        explained = await asyncio.to_thread(_explain_hits, search, hits)
    if not marked and not explained:
        return [
            b'{"article":%b,"score":%b,"highlights":{}}' % (cards[hit.id], _render_score(hit.score))
            for hit in hits
            if hit.id in cards
        ]
    return [
        b'{"article":%b,"score":%b,"highlights":%b%b}'
        % (
            cards[hit.id],
            _render_score(hit.score),
            orjson.dumps(marked.get(hit.id, {})),
            explained.get(hit.id, b""),
        )
        for hit in hits
        if hit.id in cards
    ]


def _render_score(score: float | None) -> bytes:
    return b"null" if score is None else orjson.dumps(round(score, 4))


def _explain_hits(search: ResolvedSearch, hits: Sequence[SearchHit]) -> dict[int, bytes]:
    """What is added to each hit. Off the event loop: there are up to 100 hits times 64 parts."""
    parts = search.index.engine.explain(search.question, tuple(hit.id for hit in hits))
    return {id: _render_explanation(components) for id, components in parts.items()}


def _render_explanation(parts: tuple[ScoreComponent, ...]) -> bytes:
    rendered = [{"part": part.name, "field": part.field, "score": part.score} for part in parts]
    return b',"explanation":' + orjson.dumps(rendered)


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
        # As it was read before the archive was asked, for who may not know what the archive has.
        "read_as": _render_interpretation(reading) if search.index.narrowed_from is None else render(search.query.tree),
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
