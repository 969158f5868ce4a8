"""One filter for three readers: SQL (here), the change feed (`matches`, here) and the search index (in its engine).

Everything in it is resolved: ids, epoch seconds and bits; no names, no request. It decides alone which articles a list,
a search, a count or a consumer of changes means.
"""

from dataclasses import dataclass, fields
from functools import cached_property

from sqlalchemy import ColumnElement, and_, bindparam, false, literal_column, not_, or_, select

from app.enrich.suggestion import ABOUT, DATELINE
from app.models import Article, ArticleRegion, ArticleTag, RelatedPost, table
from app.sql import AnyOf, Value

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
        """Whether the search index, which holds published articles only, can answer it."""
        return self.statuses == PUBLISHED

    @property
    def takes_undated(self) -> bool:
        """Whether articles without a date of publication can be among them."""
        return not self.years and self.published == (None, None)


Shape = tuple[object, ...]


def shape(wanted: ArticleFilter) -> Shape:
    """What the statement's text depends on; the values are bound. Bounded in number: lists differ by emptiness only."""
    return (
        wanted.statuses,
        wanted.ids is not None,
        *(bool(getattr(wanted, name)) for name in _LISTS),
        len(wanted.tags_all),
        len(wanted.regions_all),
        wanted.exact,
        len(wanted.years),
        bool(wanted.coarse_years),
        wanted.coarse is not None,
        *((start is None, end is None) for start, end in (wanted.published, wanted.updated, wanted.dateline)),
        wanted.translation_of is not None,
        wanted.has_image,
        wanted.has_correction,
        wanted.has_unresolved,
        wanted.nothing,
    )


_LISTS = (
    "external_ids", "origins", "languages", "sources", "authors", "sections", "tags", "tags_not", "regions",
    "regions_not",
)  # fmt: skip

LIST_NAMES = ("ids", *_LISTS)
"""Bound names that hold lists."""


def values(wanted: ArticleFilter) -> dict[str, Value]:
    """What the conditions bind, by name."""
    bound: dict[str, Value] = {name: list(getattr(wanted, name)) for name in _LISTS if getattr(wanted, name)}
    if wanted.ids is not None:
        bound["ids"] = list(wanted.ids)
    bound |= {f"tags_all_{i}": tag for i, tag in enumerate(wanted.tags_all)}
    bound |= {f"regions_all_{i}": region for i, region in enumerate(wanted.regions_all)}
    if wanted.regions or wanted.regions_all or wanted.regions_not:
        bound["roles"] = wanted.roles
    spans = {f"years_{i}": span for i, span in enumerate(wanted.years)}
    spans |= {f"coarse_years_{i}": span for i, span in enumerate(wanted.coarse_years)}
    spans |= {"published": wanted.published, "updated": wanted.updated, "dateline": wanted.dateline}
    if wanted.coarse is not None:
        spans |= {"coarse": wanted.coarse, "around": around(wanted)}
    for name, (start, end) in spans.items():
        bound |= {f"{name}_from": start} if start is not None else {}
        bound |= {f"{name}_to": end} if end is not None else {}
    if wanted.translation_of is not None:
        bound["translation_of"] = wanted.translation_of
    return bound


def lists(wanted: ArticleFilter) -> list[str]:
    """The bound names that hold lists in this filter's statement."""
    return [name for name in LIST_NAMES if getattr(wanted, name)] + (["ids"] if wanted.ids == () else [])


def conditions(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL over `article`; ANDed. Only `wanted`'s shape shows in the text."""
    return _conditions(wanted, [*_tagged(wanted), *_placed(wanted)])


def looked_up(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    """The same for rows that come one by one from elsewhere: links are looked up for each, not gathered before."""
    return _conditions(wanted, [*_has_tags(wanted), *_lies_in(wanted)])


def _conditions(wanted: ArticleFilter, linked: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    if wanted.nothing:
        return [false()]
    found: list[ColumnElement[bool]] = [_status(wanted.statuses), *_plain(wanted), *linked, *_ruled_out(wanted)]
    found += [*_published(wanted), *span("updated", A.c.updated_at, wanted.updated)]
    start, end = wanted.dateline
    if start is not None:
        found.append(A.c.dateline_to > bindparam("dateline_from", type_=A.c.dateline_to.type))
    if end is not None:
        found.append(A.c.dateline_from < bindparam("dateline_to", type_=A.c.dateline_from.type))
    return found


_EXACT = A.c.published_precision == literal_column("'instant'")


def _published(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    at = A.c.published_at
    if wanted.coarse is None:
        found = span("published", at, wanted.published)
    else:
        exact, coarse = and_(_EXACT, *span("published", at, wanted.published)), span("coarse", at, wanted.coarse)
        # The span around both first: an index can begin there.
        found = [*span("around", at, around(wanted)), or_(exact, and_(not_(_EXACT), *coarse))]
    if wanted.years:
        either = or_(*(and_(*span(f"years_{i}", at, year)) for i, year in enumerate(wanted.years)))
        if wanted.coarse_years:
            coarse_years = enumerate(wanted.coarse_years)
            period = or_(*(and_(*span(f"coarse_years_{i}", at, year)) for i, year in coarse_years))
            either = or_(and_(_EXACT, either), and_(not_(_EXACT), period))
        found.append(either)
    return found


def around(wanted: ArticleFilter) -> Span:
    """The span that holds `published` and `coarse`; both are open at the same ends."""
    both = (wanted.published, wanted.coarse or wanted.published)
    starts, ends = ([end for span in both if (end := span[i]) is not None] for i in (0, 1))
    return min(starts, default=None), max(ends, default=None)


def _status(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    # Literals, because partial indexes serve no bound values; they come from the closed list of states.
    if len(statuses) == 1:
        return A.c.status == literal_column(f"'{statuses[0]}'")
    return A.c.status.in_([literal_column(f"'{status}'") for status in statuses])


def _plain(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.ids is not None:
        found.append(AnyOf(A.c.id, "ids"))
    for name, column in (
        ("external_ids", A.c.external_id),
        ("origins", A.c.origin),
        ("languages", A.c.language),
        ("sources", A.c.source_id),
    ):
        if getattr(wanted, name):
            found.append(AnyOf(column, name))
    if wanted.translation_of is not None:
        found.append(A.c.translation_of == bindparam("translation_of", type_=A.c.id.type))
        found.append(ORIGINAL.is_not(None))
    if wanted.has_image:
        found.append(A.c.images != literal_column("'[]'"))
    if wanted.has_correction:
        found.append(A.c.corrections != literal_column("'[]'"))
    if wanted.has_unresolved:
        found.append(UNRESOLVED.where(RELATED.c.article_id == A.c.id).correlate(A).exists())
    return found


def _tagged(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    by_tag = select(TAGGED.c.article_id)
    found: list[ColumnElement[bool]] = [
        A.c.id.in_(by_tag.where(AnyOf(TAGGED.c.tag_id, name)))
        for name in ("tags", "authors", "sections")
        if getattr(wanted, name)
    ]
    for i in range(len(wanted.tags_all)):
        tag = bindparam(f"tags_all_{i}", type_=TAGGED.c.tag_id.type)
        found.append(A.c.id.in_(by_tag.where(TAGGED.c.tag_id == tag)))
    return found


def _placed(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    by_region = select(PLACED.c.article_id).where(in_role(wanted))
    found: list[ColumnElement[bool]] = []
    if wanted.regions:
        found.append(A.c.id.in_(by_region.where(AnyOf(PLACED.c.region_id, "regions"))))
    for i in range(len(wanted.regions_all)):
        region = bindparam(f"regions_all_{i}", type_=PLACED.c.region_id.type)
        found.append(A.c.id.in_(by_region.where(PLACED.c.region_id == region)))
    return found


def in_role(wanted: ArticleFilter) -> ColumnElement[bool]:
    """Of a row that links an article to a region: that it does so in one of the roles asked for."""
    return _has_role(PLACED.c.roles if wanted.exact else PLACED.c.roles_within)


def _has_role(roles: ColumnElement[int]) -> ColumnElement[bool]:
    return roles.bitwise_and(bindparam("roles", type_=PLACED.c.roles.type)) != literal_column("0")


# Aliases: a statement that is driven from a link has that table in it already.
_tag, _place = TAGGED.alias("other_tag"), PLACED.alias("other_region")


def _has_tag(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_tag.c.article_id).where(_tag.c.article_id == A.c.id, wanted).correlate(A).exists()


def _lies(*wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_place.c.article_id).where(_place.c.article_id == A.c.id, *wanted).correlate(A).exists()


def _has_tags(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    names = [name for name in ("tags", "authors", "sections") if getattr(wanted, name)]
    all_of = [bindparam(f"tags_all_{i}", type_=_tag.c.tag_id.type) for i in range(len(wanted.tags_all))]
    return [_has_tag(AnyOf(_tag.c.tag_id, name)) for name in names] + [_has_tag(_tag.c.tag_id == one) for one in all_of]


def _lies_in(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    role = _has_role(_place.c.roles if wanted.exact else _place.c.roles_within)
    found = [_lies(AnyOf(_place.c.region_id, "regions"), role)] if wanted.regions else []
    for i in range(len(wanted.regions_all)):
        found.append(_lies(_place.c.region_id == bindparam(f"regions_all_{i}", type_=_place.c.region_id.type), role))
    return found


def _ruled_out(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    """Looked up for each article: gathering all that have a common tag would cost more than any page."""
    found: list[ColumnElement[bool]] = []
    if wanted.tags_not:
        found.append(not_(_has_tag(AnyOf(_tag.c.tag_id, "tags_not"))))
    if wanted.regions_not:
        # With all that lies below it, whatever the scope.
        below = _has_role(_place.c.roles_within)
        found.append(not_(_lies(AnyOf(_place.c.region_id, "regions_not"), below)))
    return found


def span(name: str, column: ColumnElement[int], asked: Span) -> list[ColumnElement[bool]]:
    """From and to, bound as `values` names them."""
    start, end = asked
    found: list[ColumnElement[bool]] = []
    if start is not None:
        found.append(column >= bindparam(f"{name}_from", type_=column.type))
    if end is not None:
        found.append(column < bindparam(f"{name}_to", type_=column.type))
    return found


@dataclass(frozen=True, slots=True)
class Facts:
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


def matches(wanted: ArticleFilter, facts: Facts) -> bool:
    """The filter over one article's facts: what SQL and the index answer, one article at a time."""
    tags = set(facts.tags)
    return (
        not wanted.nothing
        and facts.status in wanted.statuses
        and (wanted.ids is None or facts.id in wanted.ids)
        and _one_of(facts.external_id, wanted.external_ids)
        and _one_of(facts.origin, wanted.origins)
        and _one_of(facts.language, wanted.languages)
        and _one_of(facts.source, wanted.sources)
        and all(not asked or tags & set(asked) for asked in (wanted.tags, wanted.authors, wanted.sections))
        and tags >= set(wanted.tags_all)
        and not tags & set(wanted.tags_not)
        and _regions_match(wanted, facts)
        and _within(facts.published_at, (wanted.coarse if facts.is_coarse else None) or wanted.published)
        and (not wanted.years or any(_within(facts.published_at, year) for year in _years(wanted, facts)))
        and _within(facts.updated_at, wanted.updated)
        and _overlaps(facts.dateline, wanted.dateline)
        and wanted.translation_of in (None, facts.translation_of)
        and (facts.has_image or not wanted.has_image)
        and (facts.has_correction or not wanted.has_correction)
        and (facts.has_unresolved or not wanted.has_unresolved)
    )


def _years(wanted: ArticleFilter, facts: Facts) -> tuple[Span, ...]:
    return wanted.coarse_years if facts.is_coarse and wanted.coarse_years else wanted.years


def _one_of(value: object, asked: tuple[object, ...]) -> bool:
    return not asked or value in asked


def _regions_match(wanted: ArticleFilter, facts: Facts) -> bool:
    side = 0 if wanted.exact else 1
    found = {region for region, roles in facts.regions.items() if roles[side] & wanted.roles}
    below = {region for region, roles in facts.regions.items() if roles[1] & wanted.roles}
    return (
        (not wanted.regions or not found.isdisjoint(wanted.regions))
        and found >= set(wanted.regions_all)
        and below.isdisjoint(wanted.regions_not)
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
