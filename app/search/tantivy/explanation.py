"""Why a hit stands where it stands: its score taken apart by the words of the query and the fields they are found in.
Changes no score.

Each part of the query is one search among the hits alone. Explaining every hit by itself would expand each `word*` once
for every hit: 17 of them and 100 hits took 5.6 s of CPU.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tantivy import Query

from app.search.engine import PartField, Question, ScoreComponent
from app.search.query import tree
from app.search.query.tree import And, Field, FieldName, NamedPlace, Near, Node, Not, Or, Phrase, Prefix, Word
from app.search.tantivy import match_cache, matches
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import View

MOST_BEGINNINGS = 8
"""Beginnings of words (`b*`) that are explained one by one: they are what costs. What more of them add is one part."""
MOST_PARTS = 400
"""Parts that are looked for: what more there are add up to one."""
TOGETHER = "words together"


@dataclass(frozen=True, slots=True)
class _Part:
    """One query, and what it is called; `within` has to match as well for it to count."""

    name: str
    field: PartField
    query: Query
    within: tuple[Query, ...] = ()


def explain_scores(
    view: View, question: Question, query: Query, ids: tuple[int, ...]
) -> dict[int, tuple[ScoreComponent, ...]]:
    """Parts of the scores of those articles, which add up to what `query` gives them, the question as a whole; what
    adds nothing is left out. Empty where nothing is scored."""
    if question.order != "relevance" or not ids:
        return {}
    # Scoring nothing, so that what the parts score is theirs alone.
    # Terms one by one: a set of a hundred takes 0.8 ms to be made ready, five times as long, and for each part again.
    filters = view.filters
    among = filters.query.const_score_query(filters.join_any([filters.match_term("id", article) for article in ids]), 0)
    parts = list(_list_parts(view, question))
    # Conditions are shared by many parts, and are looked up once: 30 phrases took 1.7 s of CPU otherwise.
    conditions = {id(condition): condition for part in parts for condition in part.within}
    totals, *matching = view.load_all_scores([[among, one] for one in (query, *conditions.values())], len(ids))
    matched = dict(zip(conditions, map(set, matching), strict=True))
    counted = [
        (part, allowed)
        for part in parts
        if (allowed := set(totals).intersection(*(matched[id(condition)] for condition in part.within)))
    ]
    scored = view.load_all_scores([[among, part.query] for part, _ in counted], len(ids))
    added: dict[int, dict[tuple[str, PartField], float]] = {article: {} for article in totals}
    for (part, allowed), scores in zip(counted, scored, strict=True):
        for article, score in scores.items():
            if score > 0 and article in allowed:
                key = (part.name, part.field)
                added[article][key] = added[article].get(key, 0.0) + score
    return {article: _round_parts(added[article], total) for article, total in totals.items()}


def _round_parts(added: dict[tuple[str, PartField], float], total: float) -> tuple[ScoreComponent, ...]:
    """With what is explained by no part as one of its own, so that they add up to the score."""
    parts = [ScoreComponent(name, field, round(score, 4)) for (name, field), score in added.items()]
    left = round(total - sum(part.score for part in parts), 4)
    if abs(left) > max(0.001, total * 1e-6):
        parts.append(ScoreComponent(TOGETHER, "text", left))
    return tuple(parts)


def _list_parts(view: View, question: Question) -> Iterator[_Part]:
    reading = interpret(view, question)
    if reading.tree is None:
        return
    builder = matches.create_builder(view, question, reading)
    explainer = _Explainer(builder)
    parts = explainer.list_any(reading.tree) if reading.any_word else explainer.list_node(reading.tree)
    # Words count where the query as a whole is matched; an article with the whole query as its title may not match it.
    whole = view.filters.query.const_score_query(
        builder.match_any_word(reading.tree) if reading.any_word else builder.build(reading.tree), 0
    )
    for number, part in enumerate(parts):
        if number >= MOST_PARTS:
            break
        yield _Part(part.name, part.field, part.query, (whole, *part.within))
    titled = matches.match_title(view, question)
    if titled is not None:
        yield _Part("the whole query", "title", titled)
    for near in matches.score_nearness(view, question, reading):
        yield _Part(TOGETHER, "text", near)
    for band in matches.score_recency(view, question, reading, (*matches.OLD, *matches.YOUNG)):
        yield _Part("recency", "date", band)


@dataclass(slots=True)
class _Explainer:
    builder: QueryBuilder
    beginnings_left: int = MOST_BEGINNINGS

    def list_any(self, node: Node) -> Iterator[_Part]:
        """Of a query of which any word is enough."""
        words = self.builder.select_words(node)
        for word in (*words.telling, *words.common):
            for part in self._list_common(word) if word in words.common else self.list_node(word):
                for _ in range(words.counts[word]):
                    yield part
        for bonus in self.builder.score_bonuses(words):
            yield _Part(TOGETHER, "text", bonus)

    def _list_common(self, word: Node) -> Iterator[_Part]:
        if not isinstance(word, Word):
            yield from self.list_node(word)
            return
        for part_field, query in self.builder.list_common_parts(word):
            yield _Part(word.text, part_field, query)

    def list_node(self, node: Node, field: FieldName | None = None, within: tuple[Query, ...] = ()) -> Iterator[_Part]:
        """What the leaves of a node add, where what they belong to matches."""
        match node:
            case Word(text) | Phrase(text):
                for part_field, query in self.builder.list_parts(node, field):
                    yield _Part(text, part_field, query, within)
            case NamedPlace(inner):
                # The words may be found without the place, and the place without the words.
                condition = self.builder.query.const_score_query(self.builder.build(inner), 0)
                yield from self.list_node(inner, field, (*within, condition))
                yield _Part(tree.render(inner), "region", self.builder.by_name.match_region(node), within)
            case Near() | Prefix():
                self.beginnings_left -= match_cache.count_beginnings(node)
                if self.beginnings_left >= 0:
                    yield _Part(tree.render(node), field or "text", self.builder.build(node, field), within)
            case Field(name, inner):
                yield from self.list_node(inner, name, within)
            case And(nodes):
                condition = self.builder.query.const_score_query(self.builder.build(node, field), 0)
                for inner in nodes:
                    yield from self.list_node(inner, field, (*within, condition))
            case Or(nodes):
                for inner in nodes:
                    yield from self.list_node(inner, field, within)
            case Not():
                return
