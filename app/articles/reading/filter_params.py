"""From a request's parameters to a filter: names become ids, old slugs and merged tags are followed, with a warning.

What does not exist is no error in an open vocabulary (tags, authors, sections, sources): it matches nothing, and the
response warns of it. Regions are a closed one for references, so an unknown region is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypedDict

from sqlalchemy import exists, literal_column, or_, select

from app.articles import filters
from app.articles.filters import ArticleFilter, Span
from app.context import AppContext, RequestContext
from app.db.sql import AnyOf, Prepared, prepare
from app.enrich import suggestion
from app.errors import FieldError, InvalidInput
from app.http.params import parser
from app.http.params.parser import Parameter, Read
from app.http.params.times import LAST_YEAR, Period, Range, read_time
from app.models import Article, ArticleSlug, Source, table
from app.regions import refs
from app.tags import queries as tags
from app.tags.queries import KnownTag
from app.tags.service import KINDS

A, SOURCE, SLUG = table(Article), table(Source), table(ArticleSlug)

STATES = ("draft", "scheduled", "published", "withdrawn", "trashed")
Warning = dict[str, str | None]

FILTERS: tuple[Parameter[object], ...] = (
    parser.ids("id", "Only these articles, at most 100, in the order given.", 7),
    parser.refs("slug", "Only articles with one of these slugs, old ones too."),
    parser.strings("external_id", "The id that the source gave; repeat for several."),
    parser.refs("origin", "The archive or feed that articles were imported from."),
    parser.refs("language", "Languages as ISO 639 codes.", "en"),
    parser.strings("source", "The outlet, by slug or name; repeat for several.", "example-herald"),
    parser.refs("author", "Any of these contributors, by slug or id."),
    parser.refs("section", "Any of these sections, by slug or id."),
    parser.refs("tag", "Any of these tags, by slug or id.", "nato"),
    parser.refs("tag_all", "All of these tags."),
    parser.refs("tag_not", "None of these tags."),
    parser.refs("region", "Any of these regions or groupings, with everything below them.", "europe"),
    parser.refs("region_all", "All of these regions."),
    parser.refs("region_not", "No link at or below any of these regions."),
    parser.choices("region_role", "How the region is linked; `about,dateline` unless given.", tuple(suggestion.ROLES)),
    parser.choice("region_scope", "`exact` leaves out what lies below a region.", ("within", "exact"), "within"),
    Parameter("year", "ids", "Any of these years of publication, in `tz`.", 2025, minimum=1000, maximum=LAST_YEAR),
    parser.time("published_from", "Published at or after this time or period."),
    parser.time("published_to", "Published before this time, or until the end of this period."),
    parser.time("updated_from", "Changed at or after this time or period."),
    parser.time("updated_to", "Changed before this time, or until the end of this period."),
    parser.time("dateline_from", "The dateline's period ends after this time."),
    parser.time("dateline_to", "The dateline's period begins before this time."),
    parser.integer("translation_of", "Translations of this article, by id, while it is published."),
    parser.choices("has", "Only articles with all of these: an image, a correction, an unresolved related post.",
                   ("image", "correction", "unresolved")),
    parser.TZ,
)  # fmt: skip
"""What lists, search, counts and the change feed filter by."""
_NAMES = frozenset(parameter.name for parameter in FILTERS)


@dataclass(slots=True)
class ResolvedFilter:
    """A request's filter, and what to say about it."""

    filter: ArticleFilter
    warnings: list[Warning] = field(default_factory=list)


async def resolve(
    archive: AppContext, view: RequestContext, read: Read, statuses: tuple[str, ...] = filters.PUBLISHED
) -> ResolvedFilter:
    """The filter that the parameters mean; three small statements at most, none where only dates are asked for or the
    same was asked since the last commit.

    InvalidInput for regions and years that do not exist; for other names a warning, and no hits."""
    if read.given_names.isdisjoint(_NAMES):
        return ResolvedFilter(_all(statuses))
    told = tuple((name, value) for name, value in read.values.items() if name in _NAMES)
    key = ("asked", told, statuses, view.caller.has_scope("read_drafts"))
    known = archive.memo.get(view.head, key)
    if not isinstance(known, ResolvedFilter):
        known = await _resolve(archive, view, read, statuses)
        archive.memo.put(view.head, key, known)
    return ResolvedFilter(known.filter, list(known.warnings))


@lru_cache(maxsize=64)
def _all(statuses: tuple[str, ...]) -> ArticleFilter:
    return ArticleFilter(statuses=statuses)


async def _resolve(archive: AppContext, view: RequestContext, read: Read, statuses: tuple[str, ...]) -> ResolvedFilter:
    warnings: list[Warning] = []
    tagged = await _tags(archive, view, read, warnings)
    sources, unknown_source = await _sources(archive, view, read, warnings)
    ids = await _ids(archive, read, statuses, warnings)
    regions = _regions(view, read)
    roles = 0
    for role in read.choices("region_role"):
        roles |= suggestion.ROLES[role]
    has = read.choices("has")
    article_filter = ArticleFilter(
        statuses=statuses,
        ids=ids,
        external_ids=read.strings("external_id"),
        origins=read.refs("origin"),
        languages=tuple(dict.fromkeys(language.lower().replace("_", "-") for language in read.refs("language"))),
        sources=sources,
        authors=tagged["author"].ids,
        sections=tagged["section"].ids,
        tags=tagged["tag"].ids,
        tags_all=tagged["tag_all"].ids,
        tags_not=tagged["tag_not"].ids,
        regions=regions["region"],
        regions_all=regions["region_all"],
        regions_not=regions["region_not"],
        roles=roles or suggestion.ABOUT | suggestion.DATELINE,
        exact=read.choice("region_scope") == "exact",
        **dates(read, view.now),
        translation_of=read.integer_or_none("translation_of"),
        has_image="image" in has,
        has_correction="correction" in has,
        has_unresolved="unresolved" in has,
        nothing=unknown_source or any(one.impossible for one in tagged.values()),
    )
    return ResolvedFilter(article_filter, warnings)


class DateFilters(TypedDict):
    """The attributes of a filter that ask for dates."""

    years: tuple[Span, ...]
    coarse_years: tuple[Span, ...]
    published: Span
    coarse: Span | None
    updated: Span
    dateline: Span


def dates(read: Read, now: int) -> DateFilters:
    """What the parameters ask of dates, in `tz`. A date that is a day, month or year itself, as all those of datelines
    are, is compared with the calendar's, which is the same in every zone. InvalidInput for a year that is none."""
    years, published, calendar = _years(read, now), _span(read.range("published")), read.range("published").calendar
    spans, utc = tuple((year.start, year.end) for year in years), tuple(year.utc for year in years)
    return {
        "years": spans,
        "coarse_years": () if utc == spans else utc,
        "published": published,
        "coarse": None if calendar == published else calendar,
        "updated": _span(read.range("updated")),
        "dateline": read.range("dateline").calendar,
    }


def _span(range: Range) -> Span:
    return range.from_, range.to


def _years(read: Read, now: int) -> list[Period]:
    """Each year in `tz`."""
    years: list[Period] = []
    for year in read.ids("year"):
        if not 1000 <= year <= LAST_YEAR:
            raise InvalidInput(FieldError("invalid_value", f"Years go from 1000 to {LAST_YEAR} here.", "year"))
        period = read_time(str(year), read.zone(), now)
        assert isinstance(period, Period)
        years.append(period)
    return years


def _regions(view: RequestContext, read: Read) -> dict[str, tuple[int, ...]]:
    ids: dict[str, tuple[int, ...]] = {}
    errors: list[FieldError] = []
    for name in ("region", "region_all", "region_not"):
        ids[name], wrong = refs.resolve_refs(view.atlas, name, read.refs(name))
        errors += wrong
    if errors:
        raise InvalidInput(*errors)
    return ids


@dataclass(frozen=True, slots=True)
class _Tags:
    ids: tuple[int, ...]
    impossible: bool


async def _tags(archive: AppContext, view: RequestContext, read: Read, warnings: list[Warning]) -> dict[str, _Tags]:
    names = ("author", "section", "tag", "tag_all", "tag_not")
    asked_for = sorted({ref for name in names for ref in read.refs(name)})
    if not asked_for:
        return dict.fromkeys(names, _Tags((), impossible=False))
    hidden = view.caller.has_scope("read_drafts")
    known = await tags.by_refs(archive.db, asked_for, hidden=hidden)
    missing = [(name, ref) for name in names for ref in read.refs(name) if ref not in known][: refs.GUESSES]
    guesses = {
        (name, ref): known_tag
        for name, ref in missing
        if (known_tag := await tags.find_similar(archive.db, ref, _kinds(name), hidden=hidden))
    }
    return {name: _resolve_tags(name, read.refs(name), known, guesses, warnings) for name in names}


def _resolve_tags(
    name: str,
    tag_refs: Sequence[str],
    known: Mapping[str, KnownTag],
    guesses: Mapping[tuple[str, str], str],
    warnings: list[Warning],
) -> _Tags:
    ids: dict[int, None] = {}
    missing = False
    for ref in tag_refs:
        tag = known.get(ref)
        if tag is None or not _fits(name, tag.kind):
            missing = True
            warnings.append(_unknown(name, ref, tag, guesses.get((name, ref))))
            continue
        if ref not in (tag.slug, str(tag.id)):
            warnings.append(_warn_replaced(name, ref, tag.slug))
        ids[tag.id] = None
    impossible = missing and (name == "tag_all" or (not ids and name != "tag_not"))
    return _Tags(tuple(ids), impossible)


def _fits(name: str, kind: str) -> bool:
    """Contributors are `authors`, everything else is `tags`, sections among them."""
    return kind in _kinds(name)


def _kinds(name: str) -> tuple[str, ...]:
    if name in ("author", "section"):
        return ("contributor",) if name == "author" else ("section",)
    return tuple(kind for kind in KINDS if kind != "contributor")


def _unknown(name: str, ref: str, tag: KnownTag | None, guess: str | None) -> Warning:
    noun = name.partition("_")[0]
    detail = f"There is no {noun} {ref!r}."
    if tag is not None:
        detail += f" It is a {tag.kind}: ask for {'author' if tag.kind == 'contributor' else 'tag'}={tag.slug}."
    said: Warning = {"code": f"unknown_{noun}", "parameter": name, "detail": detail}
    return said | ({"did_you_mean": guess} if guess else {})


def _warn_replaced(name: str, ref: str, slug: str) -> Warning:
    return {"code": "replaced_by", "parameter": name, "detail": f"{ref!r} is {slug!r} now.", "replaced_by": slug}


async def _sources(
    archive: AppContext, view: RequestContext, read: Read, warnings: list[Warning]
) -> tuple[tuple[int, ...], bool]:
    """A source of which nothing is published is unknown to the public."""
    names = read.strings("source")
    if not names:
        return (), False
    statement = _source_statement(archive.db.dialect, view.caller.has_scope("read_drafts"))
    rows = await archive.db.reader.rows(statement, {"refs": list(names)}, bounded=False)
    known = {str(word) for _, slug, name in rows for word in (slug, name)}
    for ref in names:
        if ref not in known:
            warnings.append({"code": "unknown_source", "parameter": "source", "detail": f"There is no source {ref!r}."})
    return tuple(int(str(id)) for id, _, _ in rows), not rows


@lru_cache(maxsize=4)
def _source_statement(dialect: str, hidden: bool) -> Prepared:
    named = or_(AnyOf(SOURCE.c.slug, "refs"), AnyOf(SOURCE.c.name, "refs"))
    statement = select(SOURCE.c.id, SOURCE.c.slug, SOURCE.c.name).where(named)
    if not hidden:
        shown = A.c.status == literal_column("'published'")
        statement = statement.where(exists(select(A.c.id).where(A.c.source_id == SOURCE.c.id, shown).correlate(SOURCE)))
    return prepare(statement, dialect, ["refs"])


async def _ids(
    archive: AppContext, read: Read, statuses: tuple[str, ...], warnings: list[Warning]
) -> tuple[int, ...] | None:
    """What `id` and `slug` leave together; None where neither was given. An old slug of an article that the list
    cannot show is not told apart from one that nothing ever had."""
    ids = read.ids("id") if "id" in read.given_names else None
    slugs = read.refs("slug")
    if not slugs:
        return ids
    rows = await archive.db.reader.rows(_slug_statement(archive.db.dialect), {"refs": list(slugs)})
    for slug, _, current, status in rows:
        if slug != current and status in statuses:
            warnings.append(_warn_replaced("slug", str(slug), str(current)))
    by_slug = tuple(dict.fromkeys(int(str(id)) for _, id, _, _ in rows))
    return by_slug if ids is None else tuple(id for id in ids if id in by_slug)


@lru_cache(maxsize=4)
def _slug_statement(dialect: str) -> Prepared:
    statement = select(SLUG.c.slug, A.c.id, A.c.slug, A.c.status).join(A, A.c.id == SLUG.c.article_id)
    return prepare(statement.where(AnyOf(SLUG.c.slug, "refs")).order_by(SLUG.c.slug), dialect, ["refs"])
