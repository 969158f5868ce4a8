"""Queries by the names of tags, authors and regions. No name is in the index: it has their ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tantivy import Query

from app.search.engine import NameKind, NameLookup
from app.search.query import analysis
from app.search.query.tree import NamedPlace, Prefix, list_leaves
from app.search.tantivy import index_schema
from app.search.tantivy.filters import FilterQueries, QueryFactory
from app.search.tantivy.term_stats import TermStats
from app.search.vocabulary import region_names

NAME_WEIGHT = 0.1
"""Of a word's rarity, for a tag, a region or a dateline of that name: less than the share of the title."""
_PLACED = 5
"""The roles about and dateline: where an article is placed."""
_FIELDS: dict[NameKind, str] = {"region": f"within_{_PLACED}", "tag": "tags", "author": "tags"}


@dataclass(frozen=True, slots=True)
class NameQueries:
    """`names`: None where a query is read without any."""

    terms: TermStats
    names: NameLookup | None
    filters: FilterQueries = field(init=False)
    query: QueryFactory = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", self.terms.filters)
        object.__setattr__(self, "query", self.terms.filters.query)

    def match_named(self, kind: NameKind, text: str) -> Query:
        """Articles with a tag, author or region that is called so."""
        ids = self._find_ids(kind, text)
        if not ids:
            return self.query.empty_query()
        # Scored as a rare word is: a number alone would be by one engine, and count as 1 in another.
        rarity = self.terms.compute_rarity(self.count_named(kind, text))
        return self.query.const_score_query(self.filters.match_any(_FIELDS[kind], ids), rarity)

    def match_begun(self, kind: NameKind, text: str) -> Query:
        """Articles with a tag, author or region of which a name begins so."""
        ids = self.names.find_begun(kind, text) if self.names else ()
        return self.query.const_score_query(self.filters.match_any(_FIELDS[kind], ids), 1)

    def match_tag(self, text: str, rarity: float) -> Query | None:
        """Articles with a tag that is called as a word of the text is; None where none is called so."""
        ids = self._find_ids("tag", text)
        if not ids:
            return None
        articles = sum(self.terms.searcher.doc_freq("tags", tag) for tag in ids)
        weight = NAME_WEIGHT * min(rarity, self.terms.compute_rarity(articles))
        return self.query.const_score_query(self.filters.match_any("tags", ids), weight)

    def match_any_begun(self, text: str) -> Iterator[Query]:
        """Articles with a dateline, tag or region of which a name begins so, as weak as those of that name."""
        *before, last = analysis.analyse_words(text)
        if not before:
            dateline = self.filters.match_beginning(index_schema.DATELINE, last)
            yield self.query.const_score_query(dateline, NAME_WEIGHT)
        if self.names is None:
            return
        if tags := self.names.find_begun("tag", text):
            yield self.query.const_score_query(self.filters.match_any("tags", tags), NAME_WEIGHT)
        if regions := self.names.find_begun_regions(text):
            place = region_names.make_place(Prefix(text), regions)
            yield self.query.const_score_query(self._match_placed(place), NAME_WEIGHT)

    def match_region(self, name: NamedPlace) -> Query:
        """Articles that are placed in the region of that name, as weak as a dateline."""
        return self.query.const_score_query(self._match_placed(name), NAME_WEIGHT * self._estimate_rarity(name))

    def count_named(self, kind: NameKind, text: str) -> int:
        """In how many articles names with these words are, about: each counts by itself."""
        return sum(self.terms.searcher.doc_freq(_FIELDS[kind], id) for id in self._find_ids(kind, text))

    def _find_ids(self, kind: NameKind, text: str) -> tuple[int, ...]:
        return self.names.find_named(kind, text) if self.names else ()

    def _match_placed(self, name: NamedPlace) -> Query:
        own = tuple(index_schema.make_own_key(region, _PLACED) for region in name.own)
        queries = [self.filters.match_any(f"within_{_PLACED}", name.within)] if name.within else []
        queries += [self.filters.match_any("within_own", own)] if own else []
        return self.filters.join_any(queries)

    def _estimate_rarity(self, name: NamedPlace) -> float:
        """Of a region: of the articles that are placed there, or of its words, whichever are more."""
        doc_freq = self.terms.searcher.doc_freq
        articles = sum(doc_freq(f"within_{_PLACED}", region) for region in (*name.within, *name.own))
        words = [self.terms.find_frequency(leaf.text) for leaf in list_leaves(name.node)]
        return self.terms.compute_rarity(max(articles, min(words, default=0)))
