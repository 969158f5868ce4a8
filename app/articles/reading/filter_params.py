"""From a request's parameters to a filter: names become ids, old slugs and merged tags are followed, with a warning.

What does not exist is no error in an open vocabulary (tags, authors, sections, sources, languages): it matches nothing,
and the response warns of it. Regions are a closed one for references, so an unknown region is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypedDict

from sqlalchemy import exists, literal_column, or_, select

from app.articles import filters
from app.articles.filters import HAS, Has
from app.articles.reading import filter_warnings, language_lookup
from app.articles.reading.filter_warnings import Warning
from app.context import AppContext, RequestContext
from app.db.database import Row
from app.db.sql import AnyOf, Prepared, prepare
from app.enrich import suggestion
from app.errors import FieldError, InvalidInput
from app.http.auth import Caller
from app.http.params import parser
from app.http.params.times import LAST_YEAR, Period, Range, read_time
from app.http.params.typed import Params, TimeRange
from app.models import Article, ArticleSlug, Source, table
from app.regions import refs
from app.tags import queries as tags
from app.tags.queries import KnownTag
from app.tags.service import KINDS

A, SOURCE, SLUG = table(Article), table(Source), table(ArticleSlug)

STATES = ("draft", "scheduled", "published", "withdrawn", "trashed")


class FilterParams(Params):
    """What lists, search, counts and the change feed filter by."""

    id = parser.ids("id", "Only these articles, at most 100, in the order given.", 7)
    slug = parser.refs("slug", "Only articles with one of these slugs, old ones too.")
    external_id = parser.strings("external_id", "The id that the source gave; repeat for several.")
    origin = parser.refs("origin", "The archive or feed that articles were imported from.")
    language = parser.languages("language", "Languages by their tags (BCP 47).", "en")
    source = parser.strings("source", "The outlet, by slug or name; repeat for several.", "example-herald")
    author = parser.refs("author", "Any of these contributors, by slug or id.")
    section = parser.refs("section", "Any of these sections, by slug or id.")
    tag = parser.refs("tag", "Any of these tags, by slug or id.", "nato")
    tag_all = parser.refs("tag_all", "All of these tags.")
    tag_not = parser.refs("tag_not", "None of these tags.")
    region = parser.refs("region", "Any of these regions or groupings, with everything below them.", "europe")
    region_all = parser.refs("region_all", "All of these regions.")
    region_not = parser.refs("region_not", "No link at or below any of these regions.")
    region_role = parser.choices(
        "region_role", "How the region is linked; `about,dateline` unless given.", tuple(suggestion.ROLES)
    )
    region_scope = parser.choice(
        "region_scope", "`exact` leaves out what lies below a region.", ("within", "exact"), "within"
    )
    year: parser.Parameter[tuple[int, ...]] = parser.Parameter(
        "year", "ids", "Any of these years of publication, in `tz`.", 2025, minimum=1000, maximum=LAST_YEAR
    )
    published_from = parser.time("published_from", "Published at or after this time or period.")
    published_to = parser.time("published_to", "Published before this time, or until the end of this period.")
    published = TimeRange("published")
    updated_from = parser.time("updated_from", "Changed at or after this time or period.")
    updated_to = parser.time("updated_to", "Changed before this time, or until the end of this period.")
    updated = TimeRange("updated")
    created_from = parser.time("created_from", "Came into the archive at or after this time or period.")
    created_to = parser.time("created_to", "Came into it before this time, or until the end of this period.")
    created = TimeRange("created")
    dateline_from = parser.time("dateline_from", "The dateline's period ends after this time.")
    dateline_to = parser.time("dateline_to", "The dateline's period begins before this time.")
    dateline = TimeRange("dateline")
    translation_of = parser.integer("translation_of", "Translations of this article, by id, while it is published.")
    copy_of = parser.integer("copy_of", "Near-duplicates of this earlier article, by id, while it is published.")
    has: parser.Parameter[tuple[Has, ...]] = parser.choices(
        "has",
        "Only articles with all of these. `unresolved`: a related post that is not found; `date`: one of publication; "
        "`translation`, `copy`: a published article is a translation or a near-duplicate of it.",
        HAS,
    )
    has_not: parser.Parameter[tuple[Has, ...]] = parser.choices("has_not", "Only articles with none of these.", HAS)
    tz = parser.TZ


class StatusParams(Params):
    """Of reads that show every state to those who may see it."""

    status = parser.choices("status", "States; others than `published` need the scope `read_drafts`.", STATES)
    withdrawn_from = parser.time(
        "withdrawn_from", "Gone since this time or period, or later; without `status` withdrawn ones. As `status`."
    )
    withdrawn_to = parser.time("withdrawn_to", "Gone before this time, or until the end of this period. As `status`.")
    withdrawn = TimeRange("withdrawn")

    def check_statuses(self, caller: Caller) -> tuple[str, ...]:
        """The states asked for; Unauthorized or MissingScope for those that the caller may not see."""
        usual = ("withdrawn",) if "withdrawn" in self.ranges else filters.PUBLISHED
        statuses = tuple(sorted(self.status)) or usual
        if statuses != filters.PUBLISHED:
            asked_for = self.given_names & {"status", "withdrawn_from", "withdrawn_to"}
            caller.require_scope("read_drafts", f"The parameter {min(asked_for)}")
        return statuses


_NAMES = {*FilterParams.declared.specs, "withdrawn_from", "withdrawn_to"}
_TAG_PARAMETERS = ("author", "section", "tag", "tag_all", "tag_not")


@dataclass(slots=True)
class ResolvedFilter:
    """A request's filter, and what to say about it."""

    filter: filters.ArticleFilter
    warnings: list[Warning] = field(default_factory=list)


async def resolve(
    archive: AppContext, view: RequestContext, params: FilterParams, statuses: tuple[str, ...] = filters.PUBLISHED
) -> ResolvedFilter:
    """The filter that the parameters mean; three small statements at most, none where only dates are asked for or the
    same was asked since the last commit.

    InvalidInput for regions and years that do not exist; for other names a warning, and no hits."""
    if params.given_names.isdisjoint(_NAMES):
        return ResolvedFilter(_all(statuses))
    if archive.entitlement is not None:
        _refuse_links(params)
    drafts = view.caller.has_scope("read_drafts")
    key_values = tuple((name, value) for name, value in params.values.items() if name in _NAMES)
    key = ("asked", key_values, statuses, drafts)
    known = archive.memo.get(view.head, key)
    if isinstance(known, ResolvedFilter):
        return ResolvedFilter(known.filter, list(known.warnings))
    db, tag_refs = archive.db, list_tag_refs(params)
    named = sorted({ref for some in tag_refs.values() for ref in some})
    known_tags = await tags.by_refs(db, named, hidden=drafts) if named else {}
    missing = [(name, ref) for name, some in tag_refs.items() for ref in some if ref not in known_tags]
    guesses = {
        (name, ref): guess
        for name, ref in missing[: refs.GUESSES]
        if (guess := await tags.find_similar(db, ref, _kinds(name), hidden=drafts))
    }
    sources: Sequence[Row] = ()
    if params.source:
        statement = _source_statement(db.dialect, drafts)
        sources = await db.reader.rows(statement, {"refs": list(params.source)}, bounded=False)
    slugs: Sequence[Row] = ()
    if params.slug:
        slugs = await db.reader.rows(_slug_statement(db.dialect), {"refs": list(params.slug)})
    articles: Sequence[Row] = ()
    originals: Sequence[int] = ()
    if originals := [id for id in (params.translation_of, params.copy_of) if id is not None]:
        articles = await db.reader.rows(_article_statement(db.dialect, drafts), {"ids": originals})
    resolved = _make_filter(view, params, statuses, _Lookups(known_tags, guesses, sources, slugs, articles))
    unknown, is_sure = await language_lookup.find_unknown(archive, view, params.language, drafts=drafts)
    resolved.warnings += map(filter_warnings.warn_unknown_language, unknown)
    if archive.entitlement is not None and len(articles) < len(set(originals)):
        # The index knows the article all the same, and which others are translations or copies of it.
        resolved.filter = replace(resolved.filter, nothing=True)
    if is_sure:
        archive.memo.put(view.head, key, resolved)
    return ResolvedFilter(resolved.filter, list(resolved.warnings))


@lru_cache(maxsize=64)
def _all(statuses: tuple[str, ...]) -> filters.ArticleFilter:
    return filters.ArticleFilter(statuses=statuses)


@dataclass(frozen=True, slots=True)
class _Lookups:
    """What the database says of the names in a filter. `guesses`: slugs that are likely meant, by parameter and
    reference; `sources`: rows of id, slug and name; `slugs`: rows of slug, article, its slug now, and its state;
    `articles`: the ids of those that others may be translations or copies of."""

    tags: Mapping[str, KnownTag]
    guesses: Mapping[tuple[str, str], str]
    sources: Sequence[Row]
    slugs: Sequence[Row]
    articles: Sequence[Row]


def list_tag_refs(params: FilterParams) -> dict[str, tuple[str, ...]]:
    """The references to tags by the name of their parameter."""
    return {
        "author": params.author,
        "section": params.section,
        "tag": params.tag,
        "tag_all": params.tag_all,
        "tag_not": params.tag_not,
    }


def _make_filter(
    view: RequestContext, params: FilterParams, statuses: tuple[str, ...], lookups: _Lookups
) -> ResolvedFilter:
    warnings: list[Warning] = []
    tagged = {name: _choose_tags(name, some, lookups, warnings) for name, some in list_tag_refs(params).items()}
    warnings += filter_warnings.warn_of_sources(params.source, lookups.sources)
    warnings += filter_warnings.warn_of_originals(
        {"translation_of": params.translation_of, "copy_of": params.copy_of}, lookups.articles
    )
    _check_has(params)
    ids = _choose_ids(params, lookups.slugs, statuses, warnings)
    regions = _resolve_regions(view, params)
    for name in regions:
        warnings += (dict(one) for one in refs.describe_names(view.atlas, name, getattr(params, name)))
    roles = 0
    for role in params.region_role:
        roles |= suggestion.ROLES[role]
    article_filter = filters.ArticleFilter(
        statuses=statuses,
        ids=ids,
        external_ids=params.external_id,
        origins=params.origin,
        languages=params.language,
        # A source of which nothing is published is unknown to the public.
        sources=tuple(int(str(id)) for id, _, _ in lookups.sources),
        authors=tagged["author"].ids,
        sections=tagged["section"].ids,
        tags=tagged["tag"].ids,
        tags_all=tagged["tag_all"].ids,
        tags_not=tagged["tag_not"].ids,
        regions=regions["region"],
        regions_all=regions["region_all"],
        regions_not=regions["region_not"],
        roles=roles or suggestion.ABOUT | suggestion.DATELINE,
        exact=params.region_scope == "exact",
        **dates(params, view.now),
        translation_of=params.translation_of,
        copy_of=params.copy_of,
        has=filters.make_bits(params.has),
        has_not=filters.make_bits(params.has_not),
        nothing=bool(params.source and not lookups.sources) or any(one.impossible for one in tagged.values()),
    )
    return ResolvedFilter(article_filter, warnings)


OF_OTHERS = ("unresolved", "translation", "copy")


def _refuse_links(params: FilterParams) -> None:
    """InvalidInput for what an article has by others, which may be such as the key does not see."""
    errors = [
        FieldError("invalid_value", f"{name}={word} depends on articles that this key may not see.", name)
        for name, words in (("has", params.has), ("has_not", params.has_not))
        for word in words
        if word in OF_OTHERS
    ]
    if errors:
        raise InvalidInput(*errors)


def _check_has(params: FilterParams) -> None:
    """InvalidInput for both parameters where they ask for the same."""
    both = ", ".join(word for word in params.has if word in params.has_not)
    if both:
        detail = f"has and has_not both name {both}: nothing can match."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in ("has", "has_not")))


class DateFilters(TypedDict):
    """The attributes of a filter that ask for dates."""

    years: tuple[filters.Span, ...]
    coarse_years: tuple[filters.Span, ...]
    published: filters.Span
    coarse: filters.Span | None
    updated: filters.Span
    created: filters.Span
    withdrawn: filters.Span
    dateline: filters.Span


def dates(params: FilterParams, now: int) -> DateFilters:
    """What the parameters ask of dates, in `tz`. A date that is a day, month or year itself, as all those of datelines
    are, is compared with the calendar's, which is the same in every zone. InvalidInput for a year that is none."""
    years, published, calendar = _read_years(params, now), _span(params.published), params.published.calendar
    spans, utc = tuple((year.start, year.end) for year in years), tuple(year.utc for year in years)
    return {
        "years": spans,
        "coarse_years": () if utc == spans else utc,
        "published": published,
        "coarse": None if calendar == published else calendar,
        "updated": _span(params.updated),
        "created": _span(params.created),
        "withdrawn": _span(params.withdrawn) if isinstance(params, StatusParams) else (None, None),
        "dateline": params.dateline.calendar,
    }


def _span(range: Range) -> filters.Span:
    return range.from_, range.to


def _read_years(params: FilterParams, now: int) -> list[Period]:
    """Each year in `tz`."""
    years: list[Period] = []
    for year in params.year:
        if not 1000 <= year <= LAST_YEAR:
            raise InvalidInput(FieldError("invalid_value", f"Years go from 1000 to {LAST_YEAR} here.", "year"))
        period = read_time(str(year), params.tz, now)
        assert isinstance(period, Period)
        years.append(period)
    return years


def _resolve_regions(view: RequestContext, params: FilterParams) -> dict[str, tuple[int, ...]]:
    ids: dict[str, tuple[int, ...]] = {}
    errors: list[FieldError] = []
    by_name = {"region": params.region, "region_all": params.region_all, "region_not": params.region_not}
    for name, some in by_name.items():
        ids[name], wrong = refs.resolve_refs(view.atlas, name, some)
        errors += wrong
    if errors:
        raise InvalidInput(*errors)
    return ids


@dataclass(frozen=True, slots=True)
class _Tags:
    ids: tuple[int, ...]
    impossible: bool


def _choose_tags(name: str, tag_refs: Sequence[str], lookups: _Lookups, warnings: list[Warning]) -> _Tags:
    ids: dict[int, None] = {}
    missing = False
    for ref in tag_refs:
        tag = lookups.tags.get(ref)
        if tag is None or tag.kind not in _kinds(name):
            missing = True
            warnings.append(filter_warnings.warn_unknown_tag(name, ref, tag, lookups.guesses.get((name, ref))))
            continue
        if ref not in (tag.slug, str(tag.id)):
            warnings.append(filter_warnings.warn_replaced(name, ref, tag.slug))
        ids[tag.id] = None
    impossible = missing and (name == "tag_all" or (not ids and name != "tag_not"))
    return _Tags(tuple(ids), impossible)


def _kinds(name: str) -> tuple[str, ...]:
    """Contributors are `authors`, everything else is `tags`, sections among them."""
    if name in ("author", "section"):
        return ("contributor",) if name == "author" else ("section",)
    return tuple(kind for kind in KINDS if kind != "contributor")


@lru_cache(maxsize=4)
def _article_statement(dialect: str, hidden: bool) -> Prepared:
    statement = select(A.c.id).where(AnyOf(A.c.id, "ids"))
    if not hidden:
        statement = statement.where(A.c.status == literal_column("'published'"))
    return prepare(statement, dialect, ["ids"])


@lru_cache(maxsize=4)
def _source_statement(dialect: str, hidden: bool) -> Prepared:
    named = or_(AnyOf(SOURCE.c.slug, "refs"), AnyOf(SOURCE.c.name, "refs"))
    statement = select(SOURCE.c.id, SOURCE.c.slug, SOURCE.c.name).where(named)
    if not hidden:
        shown = A.c.status == literal_column("'published'")
        statement = statement.where(exists(select(A.c.id).where(A.c.source_id == SOURCE.c.id, shown).correlate(SOURCE)))
    return prepare(statement, dialect, ["refs"])


def _choose_ids(
    params: FilterParams, slugs: Sequence[Row], statuses: tuple[str, ...], warnings: list[Warning]
) -> tuple[int, ...] | None:
    """What `id` and `slug` leave together; None where neither was given. An old slug of an article that the list
    cannot show is not told apart from one that nothing ever had."""
    ids = params.id or None
    if not params.slug:
        return ids
    for slug, _, current, status in slugs:
        if slug != current and status in statuses:
            warnings.append(filter_warnings.warn_replaced("slug", str(slug), str(current)))
    by_slug = tuple(dict.fromkeys(int(str(id)) for _, id, _, _ in slugs))
    return by_slug if ids is None else tuple(id for id in ids if id in by_slug)


@lru_cache(maxsize=4)
def _slug_statement(dialect: str) -> Prepared:
    statement = select(SLUG.c.slug, A.c.id, A.c.slug, A.c.status).join(A, A.c.id == SLUG.c.article_id)
    return prepare(statement.where(AnyOf(SLUG.c.slug, "refs")).order_by(SLUG.c.slug), dialect, ["refs"])
