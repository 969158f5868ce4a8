"""One filter for three readers: SQL (here), the change feed (`matches`, here) and the search index (in its engine).

Everything in it is resolved: ids, epoch seconds and bits; no names, no request. It decides alone which articles a list,
a search, a count or a consumer of changes means.
"""

from dataclasses import dataclass, fields
from functools import cached_property

from sqlalchemy import ColumnElement, and_, bindparam, false, literal_column, not_, or_, select

from app.db.sql import AnyOf, Value
from app.enrich.suggestion import ABOUT, DATELINE
from app.models import Article, ArticleRegion, ArticleTag, RelatedPost, table

A, TAGGED, PLACED, RELATED = table(Article), table(ArticleTag), table(ArticleRegion), table(RelatedPost)

_target = A.alias("target")
UNRESOLVED = (
    select(RELATED.c.article_id)
    .outerjoin(_target, _target.c.id == RELATED.c.target_id)
    .where(
        or_(RELATED.c.title.is_not(None), RELATED.c.url.is_not(None)),
        or_(_target.c.id.is_(None), and_(_target.c.status != literal_column("'published'"), _target.c.public_once)),
    )
)
"""Articles with a related entry that everybody sees as `unresolved`: by the editors' words, for an article that is not
there or that has been withdrawn. One that never was public shows nothing."""

PUBLISHED = ("published",)

_original = A.alias("original")
ORIGINAL = (
    select(_original.c.id)
    .where(_original.c.id == A.c.translation_of, _original.c.status == literal_column("'published'"))
    .correlate(A)
    .scalar_subquery()
)
"""What an article is a translation of, as all filters see it: null while that is not public."""

Span = tuple[int | None, int | None]
"""From (inclusive) and to (exclusive) in epoch seconds; None is open."""


@dataclass(frozen=True)
class ArticleFilter:
    """Which articles. An empty tuple asks nothing; `nothing` is true where a value that does not exist was asked for.

    `tags`, `regions` and the like are any-of. `regions` take in everything below them, in one of `roles`, unless
    `exact`. `years` are spans of `published_at`, any of them. `dateline` overlaps with the dateline's period.

    `coarse` and `coarse_years` are `published` and `years` for articles whose date is known to the day, month or year
    only: periods of the calendar, alike in every time zone. None and empty where they are the same.
    """

    statuses: tuple[str, ...] = PUBLISHED
    ids: tuple[int, ...] | None = None
    external_ids: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    authors: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    tags_all: tuple[int, ...] = ()
    tags_not: tuple[int, ...] = ()
    regions: tuple[int, ...] = ()
    regions_all: tuple[int, ...] = ()
    regions_not: tuple[int, ...] = ()
    roles: int = ABOUT | DATELINE
    exact: bool = False
    years: tuple[Span, ...] = ()
    coarse_years: tuple[Span, ...] = ()
    published: Span = (None, None)
    coarse: Span | None = None
    updated: Span = (None, None)
    dateline: Span = (None, None)
    translation_of: int | None = None
    has_image: bool = False
    has_correction: bool = False
    has_unresolved: bool = False
    nothing: bool = False

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Every list looks up three things by its filter: working out the hash of 27 values takes longer than that.
        return hash(tuple(getattr(self, one.name) for one in fields(self)))

    @property
    def public_only(self) -> bool:
        """Whether the search index, which holds published articles only, can be used."""
        return self.statuses == PUBLISHED

    @property
    def takes_undated(self) -> bool:
        """Whether articles without a date of publication can be among them."""
        return not self.years and self.published == (None, None)


Shape = tuple[object, ...]


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
            for start, end in (article_filter.published, article_filter.updated, article_filter.dateline)
        ),
        article_filter.translation_of is not None,
        article_filter.has_image,
        article_filter.has_correction,
        article_filter.has_unresolved,
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
        "dateline": article_filter.dateline,
    }
    if article_filter.coarse is not None:
        spans |= {"coarse": article_filter.coarse, "around": merge_periods(article_filter)}
    for name, (start, end) in spans.items():
        bound |= {f"{name}_from": start} if start is not None else {}
        bound |= {f"{name}_to": end} if end is not None else {}
    if article_filter.translation_of is not None:
        bound["translation_of"] = article_filter.translation_of
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
    conditions += [*_published_conditions(article_filter), *span("updated", A.c.updated_at, article_filter.updated)]
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
    if article_filter.has_image:
        conditions.append(A.c.images != literal_column("'[]'"))
    if article_filter.has_correction:
        conditions.append(A.c.corrections != literal_column("'[]'"))
    if article_filter.has_unresolved:
        conditions.append(UNRESOLVED.where(RELATED.c.article_id == A.c.id).correlate(A).exists())
    return conditions


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


@dataclass(frozen=True, slots=True)
class ArticleFacts:
    """What a filter can ask of one article, as the log and the index keep it. Regions: id → (roles, roles within)."""

    id: int
    status: str
    language: str
    origin: str
    external_id: str | None
    slug: str
    source: int | None
    tags: tuple[int, ...]
    regions: dict[int, tuple[int, int]]
    published_at: int | None
    updated_at: int
    dateline: Span
    translation_of: int | None
    has_image: bool
    has_correction: bool
    has_unresolved: bool
    is_coarse: bool = False
    """Whether the date of publication is known to the day, month or year only."""
    is_gone: bool = False
    replaced_by: int | None = None
    """What readers get instead of an article that was public once: 410, or a redirect. No filter asks for it."""


def matches(article_filter: ArticleFilter, facts: ArticleFacts) -> bool:
    """The filter over one article's facts: what SQL and the index select, one article at a time."""
    tags = set(facts.tags)
    return (
        not article_filter.nothing
        and facts.status in article_filter.statuses
        and (article_filter.ids is None or facts.id in article_filter.ids)
        and _one_of(facts.external_id, article_filter.external_ids)
        and _one_of(facts.origin, article_filter.origins)
        and _one_of(facts.language, article_filter.languages)
        and _one_of(facts.source, article_filter.sources)
        and all(
            not asked or tags & set(asked)
            for asked in (article_filter.tags, article_filter.authors, article_filter.sections)
        )
        and tags >= set(article_filter.tags_all)
        and not tags & set(article_filter.tags_not)
        and _regions_match(article_filter, facts)
        and _within(
            facts.published_at, (article_filter.coarse if facts.is_coarse else None) or article_filter.published
        )
        and (
            not article_filter.years or any(_within(facts.published_at, year) for year in _years(article_filter, facts))
        )
        and _within(facts.updated_at, article_filter.updated)
        and _overlaps(facts.dateline, article_filter.dateline)
        and article_filter.translation_of in (None, facts.translation_of)
        and (facts.has_image or not article_filter.has_image)
        and (facts.has_correction or not article_filter.has_correction)
        and (facts.has_unresolved or not article_filter.has_unresolved)
    )


def _years(article_filter: ArticleFilter, facts: ArticleFacts) -> tuple[Span, ...]:
    return article_filter.coarse_years if facts.is_coarse and article_filter.coarse_years else article_filter.years


def _one_of(value: object, asked: tuple[object, ...]) -> bool:
    return not asked or value in asked


def _regions_match(article_filter: ArticleFilter, facts: ArticleFacts) -> bool:
    side = 0 if article_filter.exact else 1
    regions = {region for region, roles in facts.regions.items() if roles[side] & article_filter.roles}
    below = {region for region, roles in facts.regions.items() if roles[1] & article_filter.roles}
    return (
        (not article_filter.regions or not regions.isdisjoint(article_filter.regions))
        and regions >= set(article_filter.regions_all)
        and below.isdisjoint(article_filter.regions_not)
    )


def _within(value: int | None, span: Span) -> bool:
    start, end = span
    if start is None and end is None:
        return True
    return value is not None and (start is None or value >= start) and (end is None or value < end)


def _overlaps(period: Span, asked: Span) -> bool:
    if asked == (None, None):
        return True
    start, end = period
    if start is None or end is None:
        return False
    return (asked[0] is None or end > asked[0]) and (asked[1] is None or start < asked[1])
