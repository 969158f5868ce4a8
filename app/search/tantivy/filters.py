"""The article filter as a query of the index, beside its forms in SQL and for the change feed. Never scores."""

import re

import tantivy
from tantivy import FieldType, Occur, Query

from app.articles.filters import ArticleFilter, Span
from app.models.column_types import EARLIEST, LATEST
from app.search.tantivy import index_schema

_FEW = 16
_EVER = (EARLIEST, LATEST + 1)


def everything() -> Query:
    """All articles. Not tantivy's own query for that, which would find the document of the place as well."""
    return term("flags", index_schema.LIVE)


def term(field: str, value: int | str) -> Query:
    """Articles with that value; none for a number that no field can hold."""
    if isinstance(value, int) and not index_schema.LOWEST <= value <= index_schema.HIGHEST:
        return Query.empty_query()
    return Query.term_query(index_schema.schema(), field, value, "basic")


def any_of(field: str, values: tuple[int, ...] | tuple[str, ...]) -> Query:
    """Articles with any of the values; scores are nobody's business.

    A set of terms is read whole before the first article, a few single ones only as far as the rest of the query asks.
    """
    held = [v for v in values if not isinstance(v, int) or index_schema.LOWEST <= v <= index_schema.HIGHEST]
    if 0 < len(held) <= _FEW:
        return union([term(field, value) for value in held])
    return Query.term_set_query(index_schema.schema(), field, held)


def between(field: str, lowest: int | None, highest: int | None) -> Query:
    """Numbers from `lowest` to `highest`, both inclusive; articles without a number are left out."""
    low = index_schema.LOWEST if lowest is None else lowest
    high = index_schema.HIGHEST if highest is None else highest
    if low > high or low > index_schema.HIGHEST or high < index_schema.LOWEST:
        return Query.empty_query()
    return Query.range_query(
        index_schema.schema(), field, FieldType.Integer, max(low, index_schema.LOWEST), min(high, index_schema.HIGHEST)
    )


def published_between(span: Span) -> Query:
    """From (inclusive) to (exclusive) in epoch seconds; never articles without a date."""
    start, end = span
    lowest = index_schema.FIRST_DATED if start is None else _clamped(start) << index_schema.ID_BITS
    highest = None if end is None else (_clamped(end) << index_schema.ID_BITS) - 1
    return between("newest", lowest, highest)


def _clamped(seconds: int) -> int:
    return max(EARLIEST, min(LATEST + 1, seconds))


def clauses(wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> list[tuple[Occur, Query]]:
    """What must and must not match, none of it scoring. Without `excluded`, which the index holds wrongly.

    ValueError where the filter asks for more than published articles.
    """
    if not wanted.public_only:
        raise ValueError(f"the index holds published articles only, not {wanted.statuses}")
    must = [Query.empty_query()] if wanted.nothing else [*_plain(wanted), *_linked(wanted), *_dated(wanted)]
    must_not = [any_of("tags", wanted.tags_not)] if wanted.tags_not else []
    if wanted.regions_not:
        must_not.append(_placed(wanted.regions_not, wanted.roles, exact=False))
    if excluded:
        must_not.append(any_of("id", excluded))
    quiet = [(Occur.Must, Query.const_score_query(query, 0)) for query in must]
    return quiet + [(Occur.MustNot, query) for query in must_not]


def _plain(wanted: ArticleFilter) -> list[Query]:
    found = [
        any_of(field, values)
        for field, values in (
            ("external_id", wanted.external_ids),
            ("origin", wanted.origins),
            ("language", wanted.languages),
            ("source", wanted.sources),
        )
        if values
    ]
    if wanted.ids is not None:
        found.append(any_of("id", wanted.ids))
    if wanted.translation_of is not None:
        found.append(term("translation_of", wanted.translation_of))
    for flag, asked in (
        (index_schema.IMAGE, wanted.has_image),
        (index_schema.CORRECTION, wanted.has_correction),
        (index_schema.UNRESOLVED, wanted.has_unresolved),
    ):
        if asked:
            found.append(term("flags", flag))
    return found


def _linked(wanted: ArticleFilter) -> list[Query]:
    found = [any_of("tags", ids) for ids in (wanted.tags, wanted.authors, wanted.sections) if ids]
    found += [term("tags", tag) for tag in wanted.tags_all]
    if wanted.regions:
        found.append(_placed(wanted.regions, wanted.roles, wanted.exact))
    found += [_placed((region,), wanted.roles, wanted.exact) for region in wanted.regions_all]
    return found


def _placed(regions: tuple[int, ...], roles: int, exact: bool) -> Query:
    mask = roles & 7
    if mask == 0:
        return Query.empty_query()
    if exact:
        return any_of("within_own", tuple(index_schema.own_key(region, mask) for region in regions))
    return any_of(f"within_{mask}", regions)


def _dated(wanted: ArticleFilter) -> list[Query]:
    found = []
    if wanted.published != (None, None):
        exact = published_between(wanted.published)
        found.append(exact if wanted.coarse is None else by_precision(exact, published_between(wanted.coarse)))
    if wanted.years:
        exact = union([published_between(year) for year in wanted.years])
        coarse = [published_between(year) for year in wanted.coarse_years]
        found.append(by_precision(exact, union(coarse)) if coarse else exact)
    if wanted.updated != (None, None):
        start, end = wanted.updated
        found.append(between("updated", start, None if end is None else end - 1))
    start, end = wanted.dateline
    if start is not None:
        found.append(between("dateline_to", start + 1, None))
    if end is not None:
        found.append(between("dateline_from", None, end - 1))
    return found


_CODE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")


def chosen_text(wanted: ArticleFilter) -> str | None:
    """The any-of filters as text for tantivy's own parser, which its aggregations take. Numbers and language codes
    alone ever reach it: None where a language is anything else, for regions in no role, and for years that are other
    ones for dates than for instants."""
    if (
        wanted.roles & 7 == 0
        or wanted.coarse_years
        or not all(_CODE.fullmatch(language) for language in wanted.languages)
    ):
        return None
    region = "within_own" if wanted.exact else f"within_{wanted.roles & 7}"
    keys = tuple(index_schema.own_key(id, wanted.roles & 7) if wanted.exact else id for id in wanted.regions)
    lists: list[tuple[str, tuple[int, ...] | tuple[str, ...]]] = [
        ("tags", wanted.tags), ("tags", wanted.authors), ("tags", wanted.sections), (region, keys),
        ("language", wanted.languages), ("source", wanted.sources),
    ]  # fmt: skip
    parts = [f"{name}: IN [{' '.join(map(str, values))}]" for name, values in lists if values]
    if wanted.years:
        parts.append(f"({' OR '.join(_newest_text(span) for span in wanted.years)})")
    return " AND ".join(parts) or "*"


def _newest_text(span: Span) -> str:
    start, end = (limit if given is None else _clamped(given) for given, limit in zip(span, _EVER, strict=True))
    return f"newest:[{start << index_schema.ID_BITS} TO {(end << index_schema.ID_BITS) - 1}]"


def by_precision(exact: Query, coarse: Query) -> Query:
    """The one for articles with an instant, the other for those whose date is a day, month or year."""
    vague = any_of("flags", index_schema.COARSE)
    return union(
        [
            Query.boolean_query([(Occur.Must, exact), (Occur.MustNot, vague)]),
            Query.boolean_query([(Occur.Must, coarse), (Occur.Must, vague)]),
        ]
    )


def union(queries: list[Query]) -> Query:
    """Any of them; nothing for none."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def query(wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> tantivy.Query:
    """The whole filter as one query that scores nothing."""
    found = clauses(wanted, excluded)
    if not any(occur == Occur.Must for occur, _ in found):
        found.append((Occur.Must, everything()))
    return found[0][1] if len(found) == 1 else Query.boolean_query(found)
