"""Why a hit stands where it stands: its score taken apart by the words of the query. Changes no score.

Each part of the query is one search among the hits alone. Explaining every hit by itself would expand each `word*` once
for every hit: 17 of them and 100 hits took 5.6 s of CPU.
"""

from collections.abc import Iterator

from tantivy import Occur, Query

from app.search.engine import Question, ScoreComponent
from app.search.query import tree
from app.search.tantivy import filters, match_cache, matches
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.reader import View

MOST_BEGINNINGS = 8
"""Beginnings of words (`b*`) that are explained one by one: they are what costs. What more of them add is told as one.
"""


def explain_scores(view: View, question: Question, ids: tuple[int, ...]) -> dict[int, tuple[ScoreComponent, ...]]:
    """Parts of the scores of those articles; what adds nothing is left out. Empty where nothing is scored."""
    # Scoring nothing, so that what the parts score is theirs alone.
    among = Query.const_score_query(filters.match_any("id", ids), 0)
    components: dict[int, list[ScoreComponent]] = {id: [] for id in _load_scores(view, among, len(ids))}
    for name, query in _list_components(view, question) if components and question.order == "relevance" else ():
        part = Query.boolean_query([(Occur.Must, among), (Occur.Must, query)])
        for id, score in _load_scores(view, part, len(components)).items():
            if score > 0:
                components[id].append(ScoreComponent(name, round(score, 4)))
    return {id: tuple(parts) for id, parts in components.items()}


def _load_scores(view: View, query: Query, most: int) -> dict[int, float]:
    results = view.searcher.search(query, max(most, 1), count=False).hits
    numbers = view.searcher.fast_field_values("id", [address for _, address in results])
    return {int(number or 0): score for number, (score, _) in zip(numbers, results, strict=True)}


def _list_components(view: View, question: Question) -> Iterator[tuple[str, Query]]:
    reading = interpret(view, question)
    if reading.tree is None:
        return
    composer = matches.create_builder(view, question, reading)
    top = reading.tree.nodes if isinstance(reading.tree, tree.And) else (reading.tree,)
    beginnings_left = MOST_BEGINNINGS
    for node in top:
        beginnings_left -= match_cache.count_beginnings(node)
        if not isinstance(node, tree.Not) and beginnings_left >= 0:
            yield tree.render(node), composer.build(node)
    bands = list(matches.score_recency(view, question, reading))
    if bands:
        yield "recency", filters.join_any(bands)
