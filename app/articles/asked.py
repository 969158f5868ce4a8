"""From a request's parameters to a filter: names become ids, old slugs and merged tags are followed, with a warning.

What does not exist is no error in an open vocabulary (tags, authors, sections, sources): it matches nothing, and the
answer says so. Regions are a closed one for references, so an unknown region is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import func, or_, select

from app.articles import filters
from app.articles.archive import Archive, View
from app.articles.filters import ArticleFilter, Span
from app.errors import FieldError, InvalidInput
from app.http import params
from app.http.params import Read
from app.http.times import Period, Range, read_time
from app.models import ArticleSlug, Source, Tag, TagSlug, table
from app.regions.atlas import Place
from app.sql import AnyOf, Prepared, prepare

TAG, TAG_SLUG, SOURCE, SLUG = table(Tag), table(TagSlug), table(Source), table(ArticleSlug)

STATES = ("draft", "scheduled", "published", "withdrawn")
Warning = dict[str, str | None]

FILTERS = (
    params.ids("id", "Only these articles, at most 100, in the order given.", 7),
    params.refs("slug", "Only articles with one of these slugs, old ones too."),
    params.strings("external_id", "The id that the source gave; repeat for several."),
    params.refs("origin", "The archive or feed that articles were imported from."),
    params.refs("language", "Languages as ISO 639 codes.", "en"),
    params.refs("source", "The outlet, by slug."),
    params.refs("author", "Any of these contributors, by slug or id."),
    params.refs("section", "Any of these sections, by slug or id."),
    params.refs("tag", "Any of these tags, by slug or id.", "nato"),
    params.refs("tag_all", "All of these tags."),
    params.refs("tag_not", "None of these tags."),
    params.refs("region", "Any of these regions or groupings, with everything below them.", "europe"),
    params.refs("region_all", "All of these regions."),
    params.refs("region_not", "No link at or below any of these regions."),
    params.choices("region_role", "How the region must be linked; `about,dateline` unless given.", tuple(filters.ROLES)),
    params.choice("region_scope", "`exact` leaves out what lies below a region.", ("within", "exact"), "within"),
    params.strings("year", "Any of these years of publication, in `tz`.", "2025"),
    params.time("published_from", "Published at or after this time or period."),
    params.time("published_to", "Published before this time, or until the end of this period."),
    params.time("updated_from", "Changed at or after this time or period."),
    params.time("updated_to", "Changed before this time, or until the end of this period."),
    params.time("dateline_from", "The dateline's period ends after this time."),
    params.time("dateline_to", "The dateline's period begins before this time."),
    params.integer("translation_of", "Translations of this article, by id."),
    params.choices("has", "Only articles with an image, a correction, an unresolved related post.",
                   ("image", "correction", "unresolved")),
    params.TZ,
)  # fmt: skip
"""What lists, search, counts and the change feed filter by."""


@dataclass(slots=True)
class Asked:
    """A request's filter, and what to say about it."""

    filter: ArticleFilter
    warnings: list[Warning] = field(default_factory=list)


async def resolve(archive: Archive, view: View, read: Read, statuses: tuple[str, ...] = filters.PUBLISHED) -> Asked:
    """The filter that the parameters mean; three small statements at most, none where only dates are asked for."""
    warnings: list[Warning] = []
    tags = await _tags(archive, read, warnings)
    sources, unknown_source = await _sources(archive, read, warnings)
    ids = await _ids(archive, read)
    regions = _regions(view, read)
    roles = 0
    for role in read.choices("region_role"):
        roles |= filters.ROLES[role]
    has = read.choices("has")
    wanted = ArticleFilter(
        statuses=statuses,
        ids=ids,
        external_ids=read.strings("external_id"),
        origins=read.refs("origin"),
        languages=tuple(language.lower() for language in read.refs("language")),
        sources=sources,
        authors=tags["author"].ids,
        sections=tags["section"].ids,
        tags=tags["tag"].ids,
        tags_all=tags["tag_all"].ids,
        tags_not=tags["tag_not"].ids,
        regions=regions["region"],
        regions_all=regions["region_all"],
        regions_not=regions["region_not"],
        roles=roles or filters.ABOUT | filters.DATELINE,
        exact=read.choice("region_scope") == "exact",
        years=_years(read, view.now),
        published=_span(read.range("published")),
        updated=_span(read.range("updated")),
        dateline=_span(read.range("dateline")),
        translation_of=read.integer_or_none("translation_of"),
        has_image="image" in has,
        has_correction="correction" in has,
        has_unresolved="unresolved" in has,
        nothing=unknown_source or any(found.impossible for found in tags.values()),
    )
    return Asked(wanted, warnings)


def _span(range: Range) -> Span:
    return range.from_, range.to


def _years(read: Read, now: int) -> tuple[Span, ...]:
    """Each year as a span in `tz`; anything but four digits is an error."""
    spans: list[Span] = []
    for year in read.strings("year"):
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            raise InvalidInput(FieldError("invalid_value", f"{year[:20]!r} is no year of four digits.", "year"))
        period = read_time(year, read.zone(), now)
        assert isinstance(period, Period)
        spans.append((period.start, period.end))
    return tuple(spans)


def _regions(view: View, read: Read) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    errors: list[FieldError] = []
    for name in ("region", "region_all", "region_not"):
        ids: dict[int, None] = {}
        for ref in read.refs(name):
            place = view.atlas.find(ref) or _by_id(view, ref)
            if place is None:
                near = view.atlas.find_name(ref)
                detail = f"There is no region {ref[:80]!r}; /v1/regions?q= finds them."
                errors.append(FieldError("unknown_region", detail, name, did_you_mean=near.slug if near else None))
            else:
                ids[place.id] = None
        found[name] = tuple(ids)
    if errors:
        raise InvalidInput(*errors)
    return found


def _by_id(view: View, ref: str) -> Place | None:
    return view.atlas.by_id.get(int(ref)) if ref.isascii() and ref.isdigit() and len(ref) < 18 else None


@dataclass(frozen=True, slots=True)
class _Tags:
    ids: tuple[int, ...]
    impossible: bool


async def _tags(archive: Archive, read: Read, warnings: list[Warning]) -> dict[str, _Tags]:
    names = ("author", "section", "tag", "tag_all", "tag_not")
    refs = sorted({ref for name in names for ref in read.refs(name)})
    known = await _look_up(archive, refs) if refs else {}
    return {name: _chosen(name, read.refs(name), known, warnings) for name in names}


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    slug: str
    kind: str


def _chosen(name: str, refs: Sequence[str], known: dict[str, _Known], warnings: list[Warning]) -> _Tags:
    kind = {"author": "contributor", "section": "section"}.get(name)
    ids: dict[int, None] = {}
    missing = False
    for ref in refs:
        tag = known.get(ref)
        if tag is None or (kind is not None and tag.kind != kind):
            missing = True
            noun = name.partition("_")[0]
            warnings.append({"code": f"unknown_{noun}", "parameter": name, "detail": f"There is no {noun} {ref!r}."})
            continue
        if not ref.isdigit() and tag.slug != ref:
            detail = f"{ref!r} is {tag.slug!r} now."
            warnings.append({"code": "replaced_by", "parameter": name, "detail": detail, "replaced_by": tag.slug})
        ids[tag.id] = None
    impossible = missing and (name == "tag_all" or (not ids and name != "tag_not"))
    return _Tags(tuple(ids), impossible)


async def _look_up(archive: Archive, refs: Sequence[str]) -> dict[str, _Known]:
    """Tags by the reference asked for: slug, old slug, merged slug or id."""
    numbers = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 18]
    statement = _tag_statement(archive.db.dialect)
    rows = await archive.db.reader.rows(statement, {"refs": list(refs), "numbers": numbers})
    found: dict[str, _Known] = {}
    for old, asked_id, asked_slug, id, slug, kind in rows:
        known = _Known(int(str(id)), str(slug), str(kind))
        for ref in (old, str(asked_id), asked_slug):
            if ref is not None:
                found[str(ref)] = known
    return found


@lru_cache(maxsize=4)
def _tag_statement(dialect: str) -> Prepared:
    target = TAG.alias("target")
    found = (
        select(TAG_SLUG.c.slug, TAG.c.id, TAG.c.slug, target.c.id, target.c.slug, target.c.kind)
        .select_from(TAG)
        .join(target, target.c.id == func.coalesce(TAG.c.merged_into, TAG.c.id))
        .outerjoin(TAG_SLUG, (TAG_SLUG.c.tag_id == TAG.c.id) & AnyOf(TAG_SLUG.c.slug, "refs"))
        .where(
            or_(
                AnyOf(TAG.c.slug, "refs"),
                AnyOf(TAG.c.id, "numbers"),
                TAG.c.id.in_(select(TAG_SLUG.c.tag_id).where(AnyOf(TAG_SLUG.c.slug, "refs"))),
            )
        )
    )
    return prepare(found, dialect, ["refs", "numbers"])


async def _sources(archive: Archive, read: Read, warnings: list[Warning]) -> tuple[tuple[int, ...], bool]:
    refs = read.refs("source")
    if not refs:
        return (), False
    rows = await archive.db.reader.rows(_source_statement(archive.db.dialect), {"refs": list(refs)})
    known = {str(slug): int(str(id)) for id, slug in rows}
    for ref in refs:
        if ref not in known:
            warnings.append({"code": "unknown_source", "parameter": "source", "detail": f"There is no source {ref!r}."})
    return tuple(known.values()), not known


@lru_cache(maxsize=4)
def _source_statement(dialect: str) -> Prepared:
    return prepare(select(SOURCE.c.id, SOURCE.c.slug).where(AnyOf(SOURCE.c.slug, "refs")), dialect, ["refs"])


async def _ids(archive: Archive, read: Read) -> tuple[int, ...] | None:
    """What `id` and `slug` leave together; None where neither was given."""
    ids = read.ids("id") if "id" in read.given else None
    slugs = read.refs("slug")
    if not slugs:
        return ids
    rows = await archive.db.reader.rows(_slug_statement(archive.db.dialect), {"refs": list(slugs)})
    by_slug = tuple(int(str(row[0])) for row in rows)
    return by_slug if ids is None else tuple(id for id in ids if id in by_slug)


@lru_cache(maxsize=4)
def _slug_statement(dialect: str) -> Prepared:
    return prepare(select(SLUG.c.article_id).where(AnyOf(SLUG.c.slug, "refs")), dialect, ["refs"])
