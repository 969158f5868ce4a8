"""The article filter, and conditions that hold for good, as queries of the index; beside the filter's forms in SQL and
for the change feed. Never scores."""

import re

import tantivy
from tantivy import FieldType, Occur, Query

from app.articles.filters import BITS, HIDDEN, ArticleFilter, Span
from app.models.column_types import EARLIEST, LATEST
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

_FEW = 16
_EVER = (EARLIEST, LATEST + 1)


def match_all() -> Query:
    """All articles. Not tantivy's own query for that, which would find the document of the place as well."""
    return match_term("flags", index_schema.LIVE)


def match_term(field: str, value: int | str) -> Query:
    """Articles with that value; none for a number that no field can hold."""
    if isinstance(value, int) and not index_schema.LOWEST <= value <= index_schema.HIGHEST:
        return Query.empty_query()
    return Query.term_query(index_schema.build_schema(), field, value, "basic")


def match_any(field: str, values: tuple[int, ...] | tuple[str, ...]) -> Query:
    """Articles with any of the values; scores are nobody's business.

    A set of terms is read whole before the first article, a few single ones only as far as the rest of the query asks.
    """
    indexable = [v for v in values if not isinstance(v, int) or index_schema.LOWEST <= v <= index_schema.HIGHEST]
    if 0 < len(indexable) <= _FEW:
        return join_any([match_term(field, value) for value in indexable])
    return Query.term_set_query(index_schema.build_schema(), field, indexable)


def match_between(field: str, lowest: int | None, highest: int | None) -> Query:
    """Numbers from `lowest` to `highest`, both inclusive; articles without a number are left out."""
    low = index_schema.LOWEST if lowest is None else lowest
    high = index_schema.HIGHEST if highest is None else highest
    if low > high or low > index_schema.HIGHEST or high < index_schema.LOWEST:
        return Query.empty_query()
    return Query.range_query(
        index_schema.build_schema(),
        field,
        FieldType.Integer,
        max(low, index_schema.LOWEST),
        min(high, index_schema.HIGHEST),
    )


def match_since_day(day: int) -> Query:
    """From that day on, in days since 1970, by postings: for few days, since all postings of each are read."""
    return Query.range_query(
        index_schema.build_schema(),
        index_schema.DAY,
        FieldType.Integer,
        max(day, EARLIEST // index_schema.SECONDS_A_DAY),
        LATEST // index_schema.SECONDS_A_DAY,
        use_inverted_index=True,
    )


def match_published(span: Span) -> Query:
    """From (inclusive) to (exclusive) in epoch seconds; never articles without a date."""
    start, end = span
    lowest = index_schema.FIRST_DATED if start is None else clamp(start) << index_schema.ID_BITS
    highest = None if end is None else (clamp(end) << index_schema.ID_BITS) - 1
    return match_between("newest", lowest, highest)


def clamp(seconds: int) -> int:
    """As far as an index has keys for."""
    return max(EARLIEST, min(LATEST + 1, seconds))


def build_clauses(
    article_filter: ArticleFilter, excluded: tuple[int, ...] = (), *, hidden: bool = False
) -> list[tuple[Occur, Query]]:
    """What must and must not match, none of it scoring. Without `excluded`, which the index holds wrongly.

    `hidden`: for the index of what is not published. ValueError where the filter asks for what the index does not hold:
    it could not tell that from its own.
    """
    if hidden == ("published" in article_filter.statuses) or (not hidden and not article_filter.public_only):
        held = "hidden" if hidden else "published"
        raise ValueError(f"the index holds {held} articles only, not {article_filter.statuses}")
    must = (
        [Query.empty_query()]
        if article_filter.nothing
        else [*_match_plain(article_filter), *_match_links(article_filter), *_match_dates(article_filter)]
    )
    must_not = [match_any("tags", article_filter.tags_not)] if article_filter.tags_not else []
    if article_filter.regions_not:
        must_not.append(_match_regions(article_filter.regions_not, article_filter.roles, exact=False))
    must_not += _match_flags(article_filter.has_not)
    if article_filter.within is not None:
        must.append(build_query(article_filter.within))
    if excluded:
        must_not.append(match_any("id", excluded))
    # Every clause that must match would add to the score, and a filter changes no order.
    quiet = [(Occur.Must, Query.const_score_query(query, 0)) for query in must]
    return quiet + [(Occur.MustNot, query) for query in must_not]


def _match_plain(article_filter: ArticleFilter) -> list[Query]:
    queries = [
        match_any(field, values)
        for field, values in (
            ("external_id", article_filter.external_ids),
            ("origin", article_filter.origins),
            ("language", article_filter.languages),
            ("source", article_filter.sources),
        )
        if values
    ]
    if article_filter.ids is not None:
        queries.append(match_any("id", article_filter.ids))
    if article_filter.translation_of is not None:
        queries.append(match_term("translation_of", article_filter.translation_of))
    if article_filter.copy_of is not None:
        queries.append(match_term("copy_of", article_filter.copy_of))
    return queries + _match_flags(article_filter.has) + _match_states(article_filter)


def _match_states(article_filter: ArticleFilter) -> list[Query]:
    """Which of the states that are not public, and since when they have been withdrawn."""
    if article_filter.public_only:
        # What is published is not withdrawn.
        return [] if article_filter.withdrawn == (None, None) else [Query.empty_query()]
    queries = []
    if set(article_filter.statuses) != set(HIDDEN):
        queries.append(match_any("flags", tuple(index_schema.STATE_FLAGS[one] for one in article_filter.statuses)))
    start, end = article_filter.withdrawn
    if (start, end) != (None, None):
        first, last = EARLIEST if start is None else clamp(start), LATEST if end is None else clamp(end) - 1
        since = index_schema.WITHDRAWN_SINCE
        queries.append(match_between("flags", since + first, since + last))
    return queries


def _match_flags(bits: int) -> list[Query]:
    """One for each of HAS that the bits name."""
    return [match_term("flags", flag) for word, flag in index_schema.HAS_FLAGS.items() if bits & BITS[word]]


def _match_links(article_filter: ArticleFilter) -> list[Query]:
    queries = [
        match_any("tags", ids) for ids in (article_filter.tags, article_filter.authors, article_filter.sections) if ids
    ]
    queries += [match_term("tags", tag) for tag in article_filter.tags_all]
    if article_filter.regions:
        queries.append(_match_regions(article_filter.regions, article_filter.roles, article_filter.exact))
    queries += [
        _match_regions((region,), article_filter.roles, article_filter.exact) for region in article_filter.regions_all
    ]
    return queries


def _match_regions(regions: tuple[int, ...], roles: int, exact: bool) -> Query:
    mask = roles & 7
    if mask == 0:
        return Query.empty_query()
    if exact:
        return match_any("within_own", tuple(index_schema.make_own_key(region, mask) for region in regions))
    return match_any(f"within_{mask}", regions)


def _match_dates(article_filter: ArticleFilter) -> list[Query]:
    queries = []
    if article_filter.published != (None, None):
        exact = match_published(article_filter.published)
        queries.append(
            exact
            if article_filter.coarse is None
            else match_by_precision(exact, match_published(article_filter.coarse))
        )
    if article_filter.years:
        exact = join_any([match_published(year) for year in article_filter.years])
        coarse = [match_published(year) for year in article_filter.coarse_years]
        queries.append(match_by_precision(exact, join_any(coarse)) if coarse else exact)
    for field, (start, end) in (("updated", article_filter.updated), ("created", article_filter.created)):
        if (start, end) != (None, None):
            queries.append(match_between(field, start, None if end is None else end - 1))
    start, end = article_filter.dateline
    if start is not None:
        queries.append(match_between("dateline_to", start + 1, None))
    if end is not None:
        queries.append(match_between("dateline_from", None, end - 1))
    return queries


_CODE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")


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


def match_by_precision(exact: Query, coarse: Query) -> Query:
    """The one for articles with an instant, the other for those whose date is a day, month or year."""
    vague = match_any("flags", index_schema.COARSE)
    return join_any(
        [
            Query.boolean_query([(Occur.Must, exact), (Occur.MustNot, vague)]),
            Query.boolean_query([(Occur.Must, coarse), (Occur.Must, vague)]),
        ]
    )


def join_any(queries: list[Query]) -> Query:
    """Any of them; nothing for none."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def build_query(article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> tantivy.Query:
    """The whole filter as one query that scores nothing."""
    filter_clauses = build_clauses(article_filter, excluded)
    if not any(occur == Occur.Must for occur, _ in filter_clauses):
        filter_clauses.append((Occur.Must, match_all()))
    return filter_clauses[0][1] if len(filter_clauses) == 1 else Query.boolean_query(filter_clauses)


_PLACED = 5
"""The roles about and dateline: where an article is placed."""


def match_condition(condition: Condition) -> Query:
    """Who meets a condition; scores are nobody's business."""
    schema = index_schema.build_schema()
    match condition:
        case HasTerm(field, term):
            return Query.term_query(schema, field, term, "basic")
        case HasRow(field, terms):
            return Query.phrase_query(schema, field, list(terms))
        case HasBeginning(field, beginning):
            return Query.fuzzy_term_query(schema, field, beginning, 0, prefix=True)
        case HasTag(ids):
            return match_any("tags", ids)
        case IsPlaced(within, own):
            queries = [match_any(f"within_{_PLACED}", within)] if within else []
            keys = tuple(index_schema.make_own_key(region, _PLACED) for region in own)
            return join_any([*queries, *([match_any("within_own", keys)] if keys else [])])
        case OneOf(parts):
            return join_any([match_condition(one) for one in parts]) if parts else Query.empty_query()
        case AllOf(parts, without):
            clauses = [(Occur.Must, match_condition(one)) for one in parts] or [(Occur.Must, match_all())]
            return Query.boolean_query([*clauses, *((Occur.MustNot, match_condition(one)) for one in without)])
