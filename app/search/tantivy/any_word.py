"""Queries for any of several words of which one is far commoner than the others, scored as `match_any_word` has it.

Articles that have nothing but the common word are counted, not read, where what it can score reaches no page.
"""

from dataclasses import dataclass

from tantivy import Occur, Query

from app.search.query.tree import Node, Word
from app.search.tantivy import all_words, date_order
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.query_builder import QueryBuilder, SelectedWords
from app.search.tantivy.reader import View

_COMMONER = 2
"""Than all other words together: from so many times on, reading those alone costs less."""


@dataclass(frozen=True, slots=True)
class RareWords:
    """`query` finds articles with another word than the common one; what it does not find scores at most `bound`."""

    query: Query
    bound: float
    common_text: Query
    rare_texts: Query


def build_rare_words(view: View, builder: QueryBuilder, node: Node) -> RareWords | None:
    """None where another query is as good: no such word, other nodes than words, words outside of the text."""
    selected = builder.select_words(node)
    words = sorted(
        (word for word in selected.telling if isinstance(word, Word)),
        key=lambda word: builder.terms.find_frequency(word.text),
    )
    if (
        selected.common
        or len(words) < max(len(selected.telling), 2)
        or any(selected.counts[word] > 1 for word in words)
    ):
        return None
    if not _is_commoner(builder, words) or (bound := builder.bound_score(words[-1])) is None:
        return None
    splits = [split for word in words if (split := all_words.split_word(view, builder, word)) is not None]
    if len(splits) < len(words):
        return None
    *rare, common = splits
    texts = filters.join_any([one.in_text for one in rare])
    # In each article what a word scores is summed up in one order, and words in the order of the plain query.
    queries = [query for word in words[:-1] for _, query in builder.list_parts(word)]
    query = all_words.score_hits(filters.join_any(queries), [query for _, query in builder.list_parts(words[-1])])
    every_text = [one.in_text for one in splits]
    query = all_words.score_hits(query, _score_bonuses(builder, selected, every_text))
    return RareWords(query, bound, common.in_text, texts)


def count_articles(view: View, words: RareWords, rare_count: int) -> int:
    """With any of the words, of which so many have another one than the common."""
    key = ("count", str(words.common_text))
    count = view.memo.get(key)
    if not isinstance(count, int):
        count = date_order.count_matches(view, words.common_text)
        view.remember(key, count)
    both = Query.boolean_query([(Occur.Must, words.rare_texts), (Occur.Must, words.common_text)])
    return count + rare_count - date_order.count_matches(view, both)


def _is_commoner(builder: QueryBuilder, words: list[Word]) -> bool:
    *others, most = [builder.terms.find_frequency(word.text) for word in words]
    return sum(others) > 0 and most > _COMMONER * sum(others)


def _score_bonuses(builder: QueryBuilder, selected: SelectedWords, texts: list[Query]) -> list[Query]:
    """Those of `QueryBuilder.score_bonuses`, by texts alone."""
    everyone = Query.boolean_query([(Occur.Must, text) for text in texts])
    weight = 2 * sum(builder.estimate_weight(word) for word in selected.telling)
    return [Query.const_score_query(everyone, weight), *builder.score_most_words(texts)]
