"""One filter for three readers: SQL (`reading.filter_sql`), the change feed (`matches`) and the search index.

Everything in it is resolved: ids, epoch seconds and bits; no names, no request. It decides alone which articles a list,
a search, a count or a consumer of changes means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, reduce
from typing import Literal, get_args

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select

from app.enrich.suggestion import ABOUT, DATELINE
from app.models import Article, ArticleRegion, ArticleTag, RelatedPost, Suggestion, Tag, table

A, TAGGED, PLACED, RELATED = table(Article), table(ArticleTag), table(ArticleRegion), table(RelatedPost)
TAG, SUGGESTED = table(Tag), table(Suggestion)

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
HIDDEN = ("draft", "scheduled", "trashed", "withdrawn")
"""The other states, in the order of a filter's."""

_original = A.alias("original")
ORIGINAL = (
    select(_original.c.id)
    .where(_original.c.id == A.c.translation_of, _original.c.status == literal_column("'published'"))
    .correlate(A)
    .scalar_subquery()
)
"""What an article is a translation of, as all filters see it: null while that is not public."""

_earlier, _later = A.alias("earlier"), A.alias("later")
_copy = SUGGESTED.alias("copy")
_is_copy = _copy.c.kind == literal_column("'duplicate'")
COPY_OF = (
    select(func.min(_copy.c.target_id))  # there is one at most
    .join(_earlier, _earlier.c.id == _copy.c.target_id)
    .where(_copy.c.article_id == A.c.id, _is_copy, _earlier.c.status == literal_column("'published'"))
    .correlate(A)
    .scalar_subquery()
)
"""The earlier article that one has nearly the text of, as its import found: null while that is not public."""

Has = Literal[
    "image", "correction", "unresolved", "region", "author", "tag", "section", "standfirst", "dateline", "source",
    "date", "translation", "copy",
]  # fmt: skip
HAS: tuple[Has, ...] = get_args(Has)
BITS: Mapping[str, int] = {word: 1 << i for i, word in enumerate(HAS)}
"""What an article has, as bits: of a filter, of the facts, and in the log. So a word keeps its place in the list."""
OLD_BITS = BITS["image"] | BITS["correction"] | BITS["unresolved"] | BITS["region"] | BITS["source"] | BITS["date"]
"""What rows of the log tell that were written before there were bits."""

_has_tag, _kind, _has_region = TAGGED.alias("has_tag"), TAG.alias("has_kind"), PLACED.alias("has_region")
_translation = A.alias("translation")
_is_public = A.c.status == literal_column("'published'")


def _is_tagged(of_kind: ColumnElement[bool]) -> ColumnElement[bool]:
    tagged = select(_has_tag.c.article_id).join(_kind, _kind.c.id == _has_tag.c.tag_id)
    return tagged.where(_has_tag.c.article_id == A.c.id, of_kind).correlate(A).exists()


_CONTRIBUTOR: ColumnElement[str] = literal_column("'contributor'")
_translated = select(_translation.c.id).where(
    _translation.c.translation_of == A.c.id, _translation.c.status == literal_column("'published'")
)
_copied = (
    select(_copy.c.id)
    .join(_later, _later.c.id == _copy.c.article_id)
    .where(_copy.c.target_id == A.c.id, _is_copy, _later.c.status == literal_column("'published'"))
)
HAS_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "image": A.c.images != literal_column("'[]'"),
    "correction": A.c.corrections != literal_column("'[]'"),
    "unresolved": UNRESOLVED.where(RELATED.c.article_id == A.c.id).correlate(A).exists(),
    "region": select(_has_region.c.article_id).where(_has_region.c.article_id == A.c.id).correlate(A).exists(),
    "author": _is_tagged(_kind.c.kind == _CONTRIBUTOR),
    "tag": _is_tagged(_kind.c.kind != _CONTRIBUTOR),
    "section": _is_tagged(_kind.c.kind == literal_column("'section'")),
    "standfirst": func.coalesce(A.c.standfirst, literal_column("''")) != literal_column("''"),
    "dateline": A.c.dateline_text.is_not(None),
    "source": A.c.source_id.is_not(None),
    "date": A.c.published_at.is_not(None),
    # Of what is public, by what is public: then every change of it is a change of one of the two.
    "translation": and_(_is_public, _translated.correlate(A).exists()),
    "copy": and_(_is_public, _copied.correlate(A).exists()),
}
"""Over `article`, by word; never null, so that the opposite is what the others have."""


def _bit(word: str) -> ColumnElement[int]:
    return case((HAS_CONDITIONS[word], literal_column(str(BITS[word]))), else_=literal_column("0"))


HAS_BITS: ColumnElement[int] = reduce(lambda sum, word: sum + _bit(word), HAS[1:], _bit(HAS[0]))
"""All of it at once, of one article."""


def make_bits(words: Iterable[str]) -> int:
    """What the words ask, or what an article with them has."""
    return sum(BITS[word] for word in set(words))


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
    created: Span = (None, None)
    withdrawn: Span = (None, None)
    dateline: Span = (None, None)
    translation_of: int | None = None
    copy_of: int | None = None
    has: int = 0
    """Bits of HAS: all of these, and in `has_not` none of these."""
    has_not: int = 0
    nothing: bool = False
    within: "ArticleFilter | None" = None
    """What a key may see: these articles alone, and of them those that match. Index and change feed take it from here;
    SQL has it from the tables that the key's reader shows (`reading.entitlement`)."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Every list looks up three things by its filter: working out the hash of 31 values takes longer than that.
        return hash(tuple(getattr(self, one.name) for one in fields(self)))

    @property
    def public_only(self) -> bool:
        """Whether the search index, which holds published articles only, can be used."""
        return self.statuses == PUBLISHED

    @property
    def takes_undated(self) -> bool:
        """Whether articles without a date of publication can be among them."""
        return not self.years and self.published == (None, None) and not self.has & BITS["date"]

    @property
    def asks_new_facts(self) -> bool:
        """Whether rows of the log that were written before there were bits cannot tell which articles it means."""
        is_open = self.created == self.withdrawn == (None, None) and self.copy_of is None
        return not is_open or bool((self.has | self.has_not) & ~OLD_BITS)


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
    has: int
    """Bits of HAS."""
    created_at: int | None = None
    """None in rows of the log that were written before it was among the facts."""
    withdrawn_at: int | None = None
    copy_of: int | None = None
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
        and (article_filter.within is None or matches(article_filter.within, facts))
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
        and _within(facts.created_at, article_filter.created)
        and _within(facts.withdrawn_at, article_filter.withdrawn)
        and article_filter.translation_of in (None, facts.translation_of)
        and article_filter.copy_of in (None, facts.copy_of)
        and facts.has & article_filter.has == article_filter.has
        and not facts.has & article_filter.has_not
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
