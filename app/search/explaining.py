"""Why a hit stands where it stands: its score taken apart by the words of the query. Changes no score.

Each part of the query is one search among the hits alone. Explaining every hit by itself would expand each `word*` once
for every hit: 17 of them and 100 hits took 5.6 s of CPU.
"""

from collections.abc import Iterator

from tantivy import Occur, Query

from app.search import filtering, listed, matching, tree
from app.search.engine import Part, Question
from app.search.reader import View
from app.search.reading import read

MOST_BEGINNINGS = 8
"""Beginnings of words (`b*`) that are explained one by one: they are what costs. What more of them add is told as one.
"""


def explain(view: View, question: Question, ids: tuple[int, ...]) -> dict[int, tuple[Part, ...]]:
    """Parts of the scores of those articles; what adds nothing is left out. Empty where nothing is scored."""
    among = Query.const_score_query(filtering.any_of("id", ids), 0)
    found: dict[int, list[Part]] = {id: [] for id in _scores(view, among, len(ids))}
    for name, query in _parts(view, question) if found and question.order == "relevance" else ():
        part = Query.boolean_query([(Occur.Must, among), (Occur.Must, query)])
        for id, score in _scores(view, part, len(found)).items():
            if score > 0:
                found[id].append(Part(name, round(score, 4)))
    return {id: tuple(parts) for id, parts in found.items()}


def _scores(view: View, query: Query, most: int) -> dict[int, float]:
    found = view.searcher.search(query, max(most, 1), count=False).hits
    numbers = view.searcher.fast_field_values("id", [address for _, address in found])
    return {int(number or 0): score for number, (score, _) in zip(numbers, found, strict=True)}


def _parts(view: View, question: Question) -> Iterator[tuple[str, Query]]:
    reading = read(view, question)
    if reading.tree is None:
        return
    composer = matching.composer(view, question, reading)
    top = reading.tree.nodes if isinstance(reading.tree, tree.And) else (reading.tree,)
    left = MOST_BEGINNINGS
    for node in top:
        left -= listed.count_beginnings(node)
        if not isinstance(node, tree.Not) and left >= 0:
            yield tree.render(node), composer.query(node)
    bands = list(matching.recency(view, question, reading))
    if bands:
        yield "recency", filtering.union(bands)
