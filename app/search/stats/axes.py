"""Dimensions of a cross-tabulation: from a parameter's word to an axis of the engine, and its lines as clients see
them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import Literal, TypedDict, get_args

from app.http.params.times import format_time
from app.regions.atlas import Atlas
from app.search import timeline
from app.search.engine import Axis, GroupName, Line, Question
from app.search.render import facets
from app.search.timeline import Edges, Interval
from app.search.vocabulary.names import Vocabulary

Dimension = Literal["tag", "region", "author", "section", "source", "language", "year", "month", "week", "day"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
INTERVALS: Mapping[str, Interval] = {name: name for name in get_args(Interval)}
GROUPS: Mapping[str, GroupName] = {name: name for name in get_args(GroupName)}
_LETTERS = {"year": 4, "month": 7, "week": 10, "day": 10}
"""Of the local date that a period begins with, as parameters take it."""
MOST_CELLS = 10_000


class MatrixLine(TypedDict):
    """A row or a column: its value as filters take it, its name, and its articles."""

    value: str
    name: str
    total: int


def make_axis(
    dimension: Dimension,
    most: int | None,
    levels: Sequence[str],
    atlas: Atlas,
    vocabulary: Vocabulary,
    zone: tzinfo,
    question: Question,
    now: int,
) -> Axis:
    """Of tags those of the kind, of regions those of the levels; periods from the dates asked for, else from the first
    article's to now."""
    if dimension in INTERVALS:
        return Axis(make_edges=partial(_make_edges, INTERVALS[dimension], zone, question, now))
    ids: set[int] | frozenset[int] | None = None
    if dimension in ("tag", "author", "section"):
        ids = vocabulary.tags[dimension]
    elif dimension == "region":
        ids = frozenset(id for id, place in atlas.by_id.items() if place.level in levels)
    return Axis(GROUPS[dimension], ids, most)


def _make_edges(interval: Interval, zone: tzinfo, question: Question, now: int, first: int | None) -> Edges:
    spans = timeline.list_spans(question.filter)
    start = spans[0][0]
    if first is None and start is None:
        return Edges()
    begin = first or 0
    last = max(now, start if start is not None else begin) + 1
    exact, calendar = ((begin if s is None else s, last if e is None else e) for s, e in spans)
    return timeline.compute_edges(interval, zone, exact, calendar)


def limit_precision(question: Question, interval: Interval | None) -> Question:
    """Only articles whose date is as exact as the periods, where there are any."""
    if interval in (None, "year"):
        return question
    return replace(question, dated="month" if interval == "month" else "day")


def name_lines(
    dimension: Dimension,
    lines: Sequence[Line],
    edges: Edges,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: facets.Sources,
) -> list[MatrixLine]:
    """Each line with its value and name, in their order."""
    if dimension in INTERVALS:
        # Of dates that are a day, month or year themselves: the same in every zone.
        letters = _LETTERS[dimension]
        named = [(format_time(edges.calendar[int(period)])[:letters], count) for period, count in lines]
        return [{"value": start, "name": start, "total": count} for start, count in named]
    rows = dict(facets.rank_values(GROUPS[dimension], dict(lines), atlas, vocabulary, sources))
    unknown = {"value": "", "name": ""}
    return [
        {"value": str(row["value"]), "name": str(row["name"]), "total": count}
        for value, count in lines
        for row in (rows.get(value, unknown),)
    ]
