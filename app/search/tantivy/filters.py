"""The article filter, and conditions that hold for good, as queries of an index; beside the filter's forms in SQL and
for the change feed. Never scores. Which engine's queries they are is up to what makes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tantivy import FieldType, Occur, Query, Schema

from app.articles.filters import BITS, HIDDEN, ArticleFilter, Span
from app.models.column_types import EARLIEST, LATEST
from app.search.query.analysis import Reading
from app.search.query.conditions import (
    AllOf,
    Condition,
    HasBeginning,
    HasRow,
    HasTag,
    HasTerm,
    IsPlaced,
    OneOf,
)
from app.search.tantivy import index_schema

IndexOption = Literal["position", "freq", "basic"]
_INDEX_OPTIONS: dict[str, IndexOption] = {index_schema.TEXT: "freq", index_schema.WORDS: "freq"}
_FEW = 16
_EVER = (EARLIEST, LATEST + 1)
_PLACED = 5
"""The roles about and dateline: where an article is placed."""
_CODE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")


def clamp(seconds: int) -> int:
    """As far as an index has keys for."""
    return max(EARLIEST, min(LATEST + 1, seconds))


def render_chosen(article_filter: ArticleFilter) -> str | None:
    """The any-of filters as text for tantivy's own parser, which its aggregations take. Numbers and language codes
    alone ever reach it: None where a language is anything else, for regions in no role, and for years that are other
    ones for dates than for instants."""
    if (
        article_filter.roles & 7 == 0
        or article_filter.coarse_years
        or not all(_CODE.fullmatch(language) for language in article_filter.languages)
    ):
        return None
    region = "within_own" if article_filter.exact else f"within_{article_filter.roles & 7}"
    keys = tuple(
        index_schema.make_own_key(id, article_filter.roles & 7) if article_filter.exact else id
        for id in article_filter.regions
    )
    lists: list[tuple[str, tuple[int, ...] | tuple[str, ...]]] = [
        ("tags", article_filter.tags), ("tags", article_filter.authors), ("tags", article_filter.sections),
        (region, keys),
        ("language", article_filter.languages), ("source", article_filter.sources),
    ]  # fmt: skip
    # The syntax of tantivy's parser for a set of terms.
    parts = [f"{name}: IN [{' '.join(map(str, values))}]" for name, values in lists if values]
    if article_filter.years:
        parts.append(f"({' OR '.join(_render_newest(span) for span in article_filter.years)})")
    return " AND ".join(parts) or "*"


def _render_newest(span: Span) -> str:
    start, end = (limit if bound is None else clamp(bound) for bound, limit in zip(span, _EVER, strict=True))
    return f"newest:[{start << index_schema.ID_BITS} TO {(end << index_schema.ID_BITS) - 1}]"


class QueryFactory(Protocol):
    """What queries are made by: tantivy's own `Query`, or whatever spells the same for another engine. A query is known
    to who has made it alone; everybody else passes it on."""

    @staticmethod
    def term_query(
        schema: Schema, field_name: str, field_value: object, index_option: IndexOption = "position"
    ) -> Query: ...
    @staticmethod
    def term_set_query(schema: Schema, field_name: str, field_values: Sequence[object]) -> Query: ...
    @staticmethod
    def fuzzy_term_query(
        schema: Schema,
        field_name: str,
        text: str,
        distance: int = 1,
        transposition_cost_one: bool = True,
        prefix: bool = False,
    ) -> Query: ...
    @staticmethod
    def phrase_query(schema: Schema, field_name: str, words: list[str | tuple[int, str]], slop: int = 0) -> Query: ...
    @staticmethod
    def range_query(
        schema: Schema,
        field_name: str,
        field_type: FieldType,
        lower_bound: int,
        upper_bound: int,
        *,
        use_inverted_index: bool = False,
    ) -> Query: ...
    @staticmethod
    def boolean_query(subqueries: Sequence[tuple[Occur, Query]], minimum: int | None = None) -> Query: ...
    @staticmethod
    def disjunction_max_query(subqueries: Sequence[Query]) -> Query: ...
    @staticmethod
    def boost_query(query: Query, boost: float) -> Query: ...
    @staticmethod
    def const_score_query(query: Query, score: float) -> Query: ...
    @staticmethod
    def empty_query() -> Query: ...


@dataclass(frozen=True, slots=True)
class FilterQueries:
    """Composes with `query`."""

    query: QueryFactory

    def match_all(self) -> Query:
        """All articles. Not tantivy's own query for that, which would find the document of the place as well."""
        return self.match_term("flags", index_schema.LIVE)

    def match_term(self, field: str, value: int | str) -> Query:
        """Articles with that value; none for a number that no field can hold."""
        if isinstance(value, int) and not index_schema.LOWEST <= value <= index_schema.HIGHEST:
            return self.query.empty_query()
        return self.query.term_query(index_schema.build_schema(), field, value, "basic")

    def match_any(self, field: str, values: tuple[int, ...] | tuple[str, ...]) -> Query:
        """Articles with any of the values; scores are nobody's business.

        A set of terms is read whole before the first article, a few single ones only as far as the rest of the query
        asks.
        """
        indexable = [v for v in values if not isinstance(v, int) or index_schema.LOWEST <= v <= index_schema.HIGHEST]
        if 0 < len(indexable) <= _FEW:
            return self.join_any([self.match_term(field, value) for value in indexable])
        return self.query.term_set_query(index_schema.build_schema(), field, indexable)

    def match_between(self, field: str, lowest: int | None, highest: int | None) -> Query:
        """Numbers from `lowest` to `highest`, both inclusive; articles without a number are left out."""
        low = index_schema.LOWEST if lowest is None else lowest
        high = index_schema.HIGHEST if highest is None else highest
        if low > high or low > index_schema.HIGHEST or high < index_schema.LOWEST:
            return self.query.empty_query()
        return self.query.range_query(
            index_schema.build_schema(),
            field,
            FieldType.Integer,
            max(low, index_schema.LOWEST),
            min(high, index_schema.HIGHEST),
        )

    def match_since_day(self, day: int) -> Query:
        """From that day on, in days since 1970, by postings: for few days, since all postings of each are read."""
        return self.query.range_query(
            index_schema.build_schema(),
            index_schema.DAY,
            FieldType.Integer,
            max(day, EARLIEST // index_schema.SECONDS_A_DAY),
            LATEST // index_schema.SECONDS_A_DAY,
            use_inverted_index=True,
        )

    def match_published(self, span: Span) -> Query:
        """From (inclusive) to (exclusive) in epoch seconds; never articles without a date."""
        start, end = span
        lowest = index_schema.FIRST_DATED if start is None else clamp(start) << index_schema.ID_BITS
        highest = None if end is None else (clamp(end) << index_schema.ID_BITS) - 1
        return self.match_between("newest", lowest, highest)

    def build_clauses(
        self, article_filter: ArticleFilter, excluded: tuple[int, ...] = (), *, hidden: bool = False
    ) -> list[tuple[Occur, Query]]:
        """What must and must not match, none of it scoring. Without `excluded`, which the index holds wrongly.

        `hidden`: for the index of what is not published. ValueError where the filter asks for what the index does not
        hold: it could not tell that from its own.
        """
        if hidden == ("published" in article_filter.statuses) or (not hidden and not article_filter.public_only):
            held = "hidden" if hidden else "published"
            raise ValueError(f"the index holds {held} articles only, not {article_filter.statuses}")
        must = (
            [self.query.empty_query()]
            if article_filter.nothing
            else [
                *self._match_plain(article_filter),
                *self._match_links(article_filter),
                *self._match_dates(article_filter),
            ]
        )
        must_not = [self.match_any("tags", article_filter.tags_not)] if article_filter.tags_not else []
        if article_filter.regions_not:
            must_not.append(self._match_regions(article_filter.regions_not, article_filter.roles, exact=False))
        must_not += self._match_flags(article_filter.has_not)
        if article_filter.within is not None:
            must.append(self.build_query(article_filter.within))
        if excluded:
            must_not.append(self.match_any("id", excluded))
        # Every clause that must match would add to the score, and a filter changes no order.
        quiet = [(Occur.Must, self.query.const_score_query(query, 0)) for query in must]
        return quiet + [(Occur.MustNot, query) for query in must_not]

    def _match_plain(self, article_filter: ArticleFilter) -> list[Query]:
        queries = [
            self.match_any(field, values)
            for field, values in (
                ("external_id", article_filter.external_ids),
                ("origin", article_filter.origins),
                ("language", article_filter.languages),
                ("source", article_filter.sources),
            )
            if values
        ]
        if article_filter.ids is not None:
            queries.append(self.match_any("id", article_filter.ids))
        if article_filter.translation_of is not None:
            queries.append(self.match_term("translation_of", article_filter.translation_of))
        if article_filter.copy_of is not None:
            queries.append(self.match_term("copy_of", article_filter.copy_of))
        return queries + self._match_flags(article_filter.has) + self._match_states(article_filter)

    def _match_states(self, article_filter: ArticleFilter) -> list[Query]:
        """Which of the states that are not public, and since when they have been withdrawn."""
        if article_filter.public_only:
            # What is published is not withdrawn.
            return [] if article_filter.withdrawn == (None, None) else [self.query.empty_query()]
        queries = []
        if set(article_filter.statuses) != set(HIDDEN):
            queries.append(
                self.match_any("flags", tuple(index_schema.STATE_FLAGS[one] for one in article_filter.statuses))
            )
        start, end = article_filter.withdrawn
        if (start, end) != (None, None):
            first, last = EARLIEST if start is None else clamp(start), LATEST if end is None else clamp(end) - 1
            since = index_schema.WITHDRAWN_SINCE
            queries.append(self.match_between("flags", since + first, since + last))
        return queries

    def _match_flags(self, bits: int) -> list[Query]:
        """One for each of HAS that the bits name."""
        return [self.match_term("flags", flag) for word, flag in index_schema.HAS_FLAGS.items() if bits & BITS[word]]

    def _match_links(self, article_filter: ArticleFilter) -> list[Query]:
        queries = [
            self.match_any("tags", ids)
            for ids in (article_filter.tags, article_filter.authors, article_filter.sections)
            if ids
        ]
        queries += [self.match_term("tags", tag) for tag in article_filter.tags_all]
        if article_filter.regions:
            queries.append(self._match_regions(article_filter.regions, article_filter.roles, article_filter.exact))
        queries += [
            self._match_regions((region,), article_filter.roles, article_filter.exact)
            for region in article_filter.regions_all
        ]
        return queries

    def _match_regions(self, regions: tuple[int, ...], roles: int, exact: bool) -> Query:
        mask = roles & 7
        if mask == 0:
            return self.query.empty_query()
        if exact:
            return self.match_any("within_own", tuple(index_schema.make_own_key(region, mask) for region in regions))
        return self.match_any(f"within_{mask}", regions)

    def _match_dates(self, article_filter: ArticleFilter) -> list[Query]:
        queries = []
        if article_filter.published != (None, None):
            exact = self.match_published(article_filter.published)
            queries.append(
                exact
                if article_filter.coarse is None
                else self.match_by_precision(exact, self.match_published(article_filter.coarse))
            )
        if article_filter.years:
            exact = self.join_any([self.match_published(year) for year in article_filter.years])
            coarse = [self.match_published(year) for year in article_filter.coarse_years]
            queries.append(self.match_by_precision(exact, self.join_any(coarse)) if coarse else exact)
        for field, (start, end) in (("updated", article_filter.updated), ("created", article_filter.created)):
            if (start, end) != (None, None):
                queries.append(self.match_between(field, start, None if end is None else end - 1))
        start, end = article_filter.dateline
        if start is not None:
            queries.append(self.match_between("dateline_to", start + 1, None))
        if end is not None:
            queries.append(self.match_between("dateline_from", None, end - 1))
        return queries

    def match_by_precision(self, exact: Query, coarse: Query) -> Query:
        """The one for articles with an instant, the other for those whose date is a day, month or year."""
        vague = self.match_any("flags", index_schema.COARSE)
        return self.join_any(
            [
                self.query.boolean_query([(Occur.Must, exact), (Occur.MustNot, vague)]),
                self.query.boolean_query([(Occur.Must, coarse), (Occur.Must, vague)]),
            ]
        )

    def join_any(self, queries: list[Query]) -> Query:
        """Any of them; nothing for none."""
        return (
            queries[0] if len(queries) == 1 else self.query.boolean_query([(Occur.Should, query) for query in queries])
        )

    def build_query(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Query:
        """The whole filter as one query that scores nothing."""
        filter_clauses = self.build_clauses(article_filter, excluded)
        if not any(occur == Occur.Must for occur, _ in filter_clauses):
            filter_clauses.append((Occur.Must, self.match_all()))
        return filter_clauses[0][1] if len(filter_clauses) == 1 else self.query.boolean_query(filter_clauses)

    def match_condition(self, condition: Condition) -> Query:
        """Who meets a condition; scores are nobody's business."""
        schema = index_schema.build_schema()
        match condition:
            case HasTerm(field, term):
                return self.query.term_query(schema, field, term, "basic")
            case HasRow(field, terms):
                return self.query.phrase_query(schema, field, list(terms))
            case HasBeginning(field, beginning):
                return self.query.fuzzy_term_query(schema, field, beginning, 0, prefix=True)
            case HasTag(ids):
                return self.match_any("tags", ids)
            case IsPlaced(within, own):
                queries = [self.match_any(f"within_{_PLACED}", within)] if within else []
                keys = tuple(index_schema.make_own_key(region, _PLACED) for region in own)
                return self.join_any([*queries, *([self.match_any("within_own", keys)] if keys else [])])
            case OneOf(parts):
                return (
                    self.join_any([self.match_condition(one) for one in parts]) if parts else self.query.empty_query()
                )
            case AllOf(parts, without):
                clauses = [(Occur.Must, self.match_condition(one)) for one in parts] or [(Occur.Must, self.match_all())]
                return self.query.boolean_query(
                    [*clauses, *((Occur.MustNot, self.match_condition(one)) for one in without)]
                )

    def match_beginning(self, field: str, beginning: str) -> Query:
        """Terms that begin so, all of the same score."""
        # A prefix query, spelt as tantivy has it: no edits. The same as a pattern takes 0.2 ms to make.
        return self.query.const_score_query(
            self.query.fuzzy_term_query(index_schema.build_schema(), field, beginning, 0, prefix=True), 1
        )

    def match_reading(self, field: str, reading: Reading) -> Query:
        """Terms of a query that stand in a row in a field, scored."""
        schema = index_schema.build_schema()
        if len(reading) == 1:  # a phrase of one word is a panic
            return self.query.term_query(schema, field, reading[0][1], _INDEX_OPTIONS.get(field, "position"))
        return self.query.phrase_query(schema, field, list(reading))

    def match_all_of(self, clauses: list[tuple[Occur, Query]]) -> Query:
        """The clauses, of all articles where none of them has to match."""
        if not any(occur == Occur.Must for occur, _ in clauses):
            clauses = [*clauses, (Occur.Must, self.query.const_score_query(self.match_all(), 0))]
        return self.query.boolean_query(clauses)


local_filters = FilterQueries(Query)
"""Those of the index on this machine."""
