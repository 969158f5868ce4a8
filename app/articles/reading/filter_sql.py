"""A filter as SQL over the table of articles: its conditions, and the values that they bind.

The text of a statement depends on the filter's shape alone, so that few are prepared.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, false, literal_column, not_, or_, select

from app.articles.filters import BITS, HAS_CONDITIONS, ORIGINAL, PLACED, SUGGESTED, TAGGED, A, ArticleFilter, Span
from app.db.sql import AnyOf, Value

Shape = tuple[object, ...]
Example = TypeVar("Example")


@dataclass(frozen=True, slots=True, eq=False)
class StatementKey(Generic[Example]):
    """What a cache of prepared statements is asked for: a filter, or what is made of one, equal to all of its shape."""

    shape: Shape
    example: Example

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StatementKey) and self.shape == other.shape

    def __hash__(self) -> int:
        return hash(self.shape)


def make_key(article_filter: ArticleFilter) -> StatementKey[ArticleFilter]:
    """Of statements that a filter alone decides."""
    return StatementKey(shape(article_filter), article_filter)


def shape(article_filter: ArticleFilter) -> Shape:
    """What the statement's text depends on; the values are bound. Bounded in number: lists differ by emptiness only."""
    return (
        article_filter.statuses,
        article_filter.ids is not None,
        *(bool(getattr(article_filter, name)) for name in _LISTS),
        len(article_filter.tags_all),
        len(article_filter.regions_all),
        article_filter.exact,
        len(article_filter.years),
        bool(article_filter.coarse_years),
        article_filter.coarse is not None,
        *(
            (start is None, end is None)
            for start, end in (
                article_filter.published,
                article_filter.updated,
                article_filter.created,
                article_filter.withdrawn,
                article_filter.dateline,
            )
        ),
        article_filter.translation_of is not None,
        article_filter.copy_of is not None,
        article_filter.has,
        article_filter.has_not,
        article_filter.nothing,
    )


_LISTS = (
    "external_ids", "origins", "languages", "sources", "authors", "sections", "tags", "tags_not", "regions",
    "regions_not",
)  # fmt: skip

LIST_NAMES = ("ids", *_LISTS)
"""Bound names that hold lists."""


def values(article_filter: ArticleFilter) -> dict[str, Value]:
    """What the conditions bind, by name."""
    bound: dict[str, Value] = {
        name: list(getattr(article_filter, name)) for name in _LISTS if getattr(article_filter, name)
    }
    if article_filter.ids is not None:
        bound["ids"] = list(article_filter.ids)
    bound |= {f"tags_all_{i}": tag for i, tag in enumerate(article_filter.tags_all)}
    bound |= {f"regions_all_{i}": region for i, region in enumerate(article_filter.regions_all)}
    if article_filter.regions or article_filter.regions_all or article_filter.regions_not:
        bound["roles"] = article_filter.roles
    spans = {f"years_{i}": span for i, span in enumerate(article_filter.years)}
    spans |= {f"coarse_years_{i}": span for i, span in enumerate(article_filter.coarse_years)}
    spans |= {
        "published": article_filter.published,
        "updated": article_filter.updated,
        "created": article_filter.created,
        "withdrawn": article_filter.withdrawn,
        "dateline": article_filter.dateline,
    }
    if article_filter.coarse is not None:
        spans |= {"coarse": article_filter.coarse, "around": merge_periods(article_filter)}
    for name, (start, end) in spans.items():
        bound |= {f"{name}_from": start} if start is not None else {}
        bound |= {f"{name}_to": end} if end is not None else {}
    if article_filter.translation_of is not None:
        bound["translation_of"] = article_filter.translation_of
    if article_filter.copy_of is not None:
        bound["copy_of"] = article_filter.copy_of
    return bound


def lists(article_filter: ArticleFilter) -> list[str]:
    """The bound names that hold lists in this filter's statement."""
    return [name for name in LIST_NAMES if getattr(article_filter, name)] + (
        ["ids"] if article_filter.ids == () else []
    )


def conditions(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL over `article`; ANDed. Only the filter's shape shows in the text."""
    return _conditions(article_filter, [*_tag_conditions(article_filter), *_region_conditions(article_filter)])


def looked_up(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    """The same for rows that come one by one from elsewhere: links are looked up for each, not gathered before."""
    return _conditions(article_filter, [*_has_tags(article_filter), *_lies_in(article_filter)])


def _conditions(article_filter: ArticleFilter, linked: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    if article_filter.nothing:
        return [false()]
    conditions: list[ColumnElement[bool]] = [
        _status(article_filter.statuses),
        *_plain_conditions(article_filter),
        *linked,
        *_ruled_out(article_filter),
    ]
    conditions += _published_conditions(article_filter)
    for name in ("updated", "created", "withdrawn"):
        conditions += span(name, A.c[f"{name}_at"], getattr(article_filter, name))
    start, end = article_filter.dateline
    if start is not None:
        conditions.append(A.c.dateline_to > bindparam("dateline_from", type_=A.c.dateline_to.type))
    if end is not None:
        conditions.append(A.c.dateline_from < bindparam("dateline_to", type_=A.c.dateline_from.type))
    return conditions


_EXACT = A.c.published_precision == literal_column("'instant'")


def _published_conditions(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    at = A.c.published_at
    if article_filter.coarse is None:
        conditions = span("published", at, article_filter.published)
    else:
        exact, coarse = (
            and_(_EXACT, *span("published", at, article_filter.published)),
            span("coarse", at, article_filter.coarse),
        )
        # The span around both first: an index can begin there.
        conditions = [*span("around", at, merge_periods(article_filter)), or_(exact, and_(not_(_EXACT), *coarse))]
    if article_filter.years:
        either = or_(*(and_(*span(f"years_{i}", at, year)) for i, year in enumerate(article_filter.years)))
        if article_filter.coarse_years:
            coarse_years = enumerate(article_filter.coarse_years)
            period = or_(*(and_(*span(f"coarse_years_{i}", at, year)) for i, year in coarse_years))
            either = or_(and_(_EXACT, either), and_(not_(_EXACT), period))
        conditions.append(either)
    return conditions


def merge_periods(article_filter: ArticleFilter) -> Span:
    """The span that holds `published` and `coarse`; both are open at the same ends."""
    both = (article_filter.published, article_filter.coarse or article_filter.published)
    starts, ends = ([end for span in both if (end := span[i]) is not None] for i in (0, 1))
    return min(starts, default=None), max(ends, default=None)


def _status(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    # Literals, because partial indexes serve no bound values; they come from the closed list of states.
    if len(statuses) == 1:
        return A.c.status == literal_column(f"'{statuses[0]}'")
    return A.c.status.in_([literal_column(f"'{status}'") for status in statuses])


def _plain_conditions(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if article_filter.ids is not None:
        conditions.append(AnyOf(A.c.id, "ids"))
    for name, column in (
        ("external_ids", A.c.external_id),
        ("origins", A.c.origin),
        ("languages", A.c.language),
        ("sources", A.c.source_id),
    ):
        if getattr(article_filter, name):
            conditions.append(AnyOf(column, name))
    if article_filter.translation_of is not None:
        conditions.append(A.c.translation_of == bindparam("translation_of", type_=A.c.id.type))
        conditions.append(ORIGINAL.is_not(None))
    if article_filter.copy_of is not None:
        conditions.append(A.c.id.in_(_COPIES))
    conditions += [HAS_CONDITIONS[word] for word, bit in BITS.items() if article_filter.has & bit]
    conditions += [not_(HAS_CONDITIONS[word]) for word, bit in BITS.items() if article_filter.has_not & bit]
    return conditions


_original = A.alias("copied")
_COPIES = (
    select(SUGGESTED.c.article_id)
    .join(_original, _original.c.id == SUGGESTED.c.target_id)
    .where(
        SUGGESTED.c.kind == literal_column("'duplicate'"),
        SUGGESTED.c.target_id == bindparam("copy_of", type_=A.c.id.type),
        _original.c.status == literal_column("'published'"),
    )
)


def _tag_conditions(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    by_tag = select(TAGGED.c.article_id)
    conditions: list[ColumnElement[bool]] = [
        A.c.id.in_(by_tag.where(AnyOf(TAGGED.c.tag_id, name)))
        for name in ("tags", "authors", "sections")
        if getattr(article_filter, name)
    ]
    for i in range(len(article_filter.tags_all)):
        tag = bindparam(f"tags_all_{i}", type_=TAGGED.c.tag_id.type)
        conditions.append(A.c.id.in_(by_tag.where(TAGGED.c.tag_id == tag)))
    return conditions


def _region_conditions(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    by_region = select(PLACED.c.article_id).where(in_role(article_filter))
    conditions: list[ColumnElement[bool]] = []
    if article_filter.regions:
        conditions.append(A.c.id.in_(by_region.where(AnyOf(PLACED.c.region_id, "regions"))))
    for i in range(len(article_filter.regions_all)):
        region = bindparam(f"regions_all_{i}", type_=PLACED.c.region_id.type)
        conditions.append(A.c.id.in_(by_region.where(PLACED.c.region_id == region)))
    return conditions


def in_role(article_filter: ArticleFilter) -> ColumnElement[bool]:
    """Of a row that links an article to a region: that it does so in one of the roles asked for."""
    return _has_role(PLACED.c.roles if article_filter.exact else PLACED.c.roles_within)


def _has_role(roles: ColumnElement[int]) -> ColumnElement[bool]:
    return roles.bitwise_and(bindparam("roles", type_=PLACED.c.roles.type)) != literal_column("0")


# Aliases: a statement that is driven from a link has that table in it already.
_tag, _place = TAGGED.alias("other_tag"), PLACED.alias("other_region")


def _has_tag(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_tag.c.article_id).where(_tag.c.article_id == A.c.id, condition).correlate(A).exists()


def _lies(*condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_place.c.article_id).where(_place.c.article_id == A.c.id, *condition).correlate(A).exists()


def _has_tags(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    names = [name for name in ("tags", "authors", "sections") if getattr(article_filter, name)]
    all_of = [bindparam(f"tags_all_{i}", type_=_tag.c.tag_id.type) for i in range(len(article_filter.tags_all))]
    return [_has_tag(AnyOf(_tag.c.tag_id, name)) for name in names] + [_has_tag(_tag.c.tag_id == one) for one in all_of]


def _lies_in(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    role = _has_role(_place.c.roles if article_filter.exact else _place.c.roles_within)
    conditions = [_lies(AnyOf(_place.c.region_id, "regions"), role)] if article_filter.regions else []
    for i in range(len(article_filter.regions_all)):
        conditions.append(
            _lies(_place.c.region_id == bindparam(f"regions_all_{i}", type_=_place.c.region_id.type), role)
        )
    return conditions


def _ruled_out(article_filter: ArticleFilter) -> list[ColumnElement[bool]]:
    """Looked up for each article: gathering all that have a common tag would cost more than any page."""
    conditions: list[ColumnElement[bool]] = []
    if article_filter.tags_not:
        conditions.append(not_(_has_tag(AnyOf(_tag.c.tag_id, "tags_not"))))
    if article_filter.regions_not:
        # With all that lies below it, whatever the scope.
        below = _has_role(_place.c.roles_within)
        conditions.append(not_(_lies(AnyOf(_place.c.region_id, "regions_not"), below)))
    return conditions


def span(name: str, column: ColumnElement[int], asked: Span) -> list[ColumnElement[bool]]:
    """From and to, bound as `values` names them."""
    start, end = asked
    conditions: list[ColumnElement[bool]] = []
    if start is not None:
        conditions.append(column >= bindparam(f"{name}_from", type_=column.type))
    if end is not None:
        conditions.append(column < bindparam(f"{name}_to", type_=column.type))
    return conditions
