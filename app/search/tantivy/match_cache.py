"""What a costly query finds, as a list of articles: facets and timelines ask for the same many times over.

Beginnings of words (`b*`) are what costs: each time the postings of all words that begin so are read, 1 to 5 ms in an
archive of 20,000 articles. Only counts go by such lists, never scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tantivy import Order, Query

from app.search.engine import QueryInterpretation, Question
from app.search.query.tree import And, Field, NamedPlace, Node, Not, Or, Prefix
from app.search.tantivy import index_schema
from app.search.tantivy.reader import View

COSTLY = 4
"""Beginnings of words from which on a list is quicker."""
MOST = 50_000
"""Articles in a list; more are looked for anew each time."""
_KEY = "listed"


@dataclass(frozen=True, slots=True)
class ListedMatches:
    """The last query that was listed, and its list; None where it found too many."""

    of: object
    query: Query | None


def is_costly(node: Node | None) -> bool:
    return node is not None and count_beginnings(node) >= COSTLY


def count_beginnings(node: Node) -> int:
    """How many beginnings of words a query holds."""
    match node:
        case Prefix():
            return 1
        case Not(inner) | Field(_, inner) | NamedPlace(inner):
            return count_beginnings(inner)
        case And(nodes) | Or(nodes):
            return sum(count_beginnings(inner) for inner in nodes)
        case _:
            return 0


def list_matches(view: View, question: Question, interpretation: QueryInterpretation, words: Query) -> Query | None:
    """The articles that `words`, which is what was read, finds; None where it is no costly query, or finds too many."""
    if not is_costly(interpretation.tree):
        return None
    # All that the words' meaning depends on, and nothing of filters: one list serves every facet and timeline.
    of = (interpretation.tree, interpretation.any_word, interpretation.languages, question.names, question.text)
    cached = view.memo.get(_KEY)
    if not isinstance(cached, ListedMatches) or cached.of != of:
        # One at a time: a list takes a megabyte.
        cached = ListedMatches(of, _run_list(view, words))
        view.remember(_KEY, cached)
    return cached.query


def _run_list(view: View, words: Query) -> Query | None:
    keys = find_newest_keys(view, words, MOST + 1)
    return match_keys(keys) if len(keys) <= MOST else None


def match_keys(keys: Sequence[int]) -> Query:
    """The articles that the sort keys are of."""
    ids = [key & ((1 << index_schema.ID_BITS) - 1) for key in keys]
    return Query.term_set_query(index_schema.build_schema(), "id", ids)


def find_newest_keys(view: View, query: Query, most: int) -> list[int]:
    """The sort keys of what matches, which name articles too; the newest first."""
    results = view.searcher.search(query, most, count=False, order_by_field="newest", order=Order.Desc)
    return [int(key) for key, _ in results.hits]
