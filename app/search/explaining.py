"""Why a hit stands where it stands: its score taken apart by the words of the query. Changes no score."""

from collections.abc import Iterator

import orjson
from tantivy import DocAddress, Query

from app.search import filtering, matching, tree
from app.search.engine import Part, Question
from app.search.reader import View
from app.search.reading import read


def explain(view: View, question: Question, ids: tuple[int, ...]) -> dict[int, tuple[Part, ...]]:
    """Parts of the scores of those articles; what adds nothing is left out. Empty where nothing is scored."""
    named = list(_parts(view, question)) if question.order == "relevance" else []
    found = view.searcher.search(filtering.any_of("id", ids), max(len(ids), 1)).hits
    addresses = [address for _, address in found]
    numbers = view.searcher.fast_field_values("id", addresses)
    return {
        int(number or 0): tuple(_scored(view, named, address))
        for number, address in zip(numbers, addresses, strict=True)
    }


def _parts(view: View, question: Question) -> Iterator[tuple[str, Query]]:
    reading = read(view, question)
    if reading.tree is None:
        return
    composer = matching.composer(view, question, reading)
    top = reading.tree.nodes if isinstance(reading.tree, tree.And) else (reading.tree,)
    for node in top:
        if not isinstance(node, tree.Not):
            yield tree.render(node), composer.query(node)
    bands = list(matching.recency(view, question, reading))
    if bands:
        yield "recency", filtering.union(bands)


def _scored(view: View, named: list[tuple[str, Query]], address: DocAddress) -> Iterator[Part]:
    for name, query in named:
        try:
            score = orjson.loads(query.explain(view.searcher, address).to_json())["value"]
        except ValueError:  # the article does not match this part
            continue
        if score > 0:
            yield Part(name, round(score, 4))
