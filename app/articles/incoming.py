"""From what a client sends to a manuscript: bodies made safe, dates read, tags, regions and articles looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.articles import bodies, queries
from app.articles.archive import View
from app.articles.filters import ROLES
from app.articles.given import ArticleCreate, ArticleIn, BodyIn, DatelineIn, RegionIn, RelatedIn, SourceIn, TagIn
from app.articles.manuscript import Dateline, Manuscript, RelatedEntry
from app.db import Database
from app.errors import FieldError, InvalidInput
from app.http.times import Instant, Period, read_time, read_zone
from app.regions import refs
from app.regions.atlas import Atlas
from app.tags import queries as tags
from app.tags.service import Wanted

ORIGIN = "api"


@dataclass(frozen=True, slots=True)
class Known:
    """What the references of a body lead to, by reference: articles and tags that there are."""

    articles: Mapping[str, int]
    tags: Mapping[str, tags.Known]


async def known(db: Database, given: ArticleCreate) -> Known:
    """Looks up the articles and tags that a body names."""
    named = [ref for one in given.related if one.kind != "similar" and (ref := _article_ref(one))]
    named += [str(given.translation_of)] if given.translation_of is not None else []
    found = {ref: await queries.find(db, ref) for ref in dict.fromkeys(named)}
    wanted = sorted({ref for one in (*given.authors, *given.tags) if (ref := _tag_ref(one))})
    return Known(
        {ref: article.id for ref, article in found.items() if article is not None},
        await tags.by_refs(db, wanted, hidden=True) if wanted else {},
    )


def _article_ref(given: RelatedIn) -> str | None:
    one = given.article
    if isinstance(one, ArticleIn):
        one = one.id if one.id is not None else one.slug
    return None if one is None else str(one)


def _tag_ref(given: str | int | TagIn) -> str | None:
    """`slug` counts before `id`. What is digits only is no slug, so a text of digits is a name."""
    if isinstance(given, TagIn):
        given = given.slug or given.id or ""
    return None if isinstance(given, str) and (not given or given.isdigit()) else str(given)


def manuscript(given: ArticleCreate, view: View, known: Known) -> Manuscript:
    """InvalidInput with pointers for what cannot be understood: regions that do not exist, impossible dates."""
    title, derived, body = _title_and_body(given)
    published_at, precision = _published(given, view)
    dateline = _dateline(given.dateline, view.atlas)
    source = SourceIn(name=given.source) if isinstance(given.source, str) else given.source
    regions = _regions(given.regions, view.atlas)
    if dateline and dateline.region is not None:
        regions.append((dateline.region, ROLES["dateline"]))
    return Manuscript(
        origin=given.origin or ORIGIN,
        identity=f"id:{given.external_id}" if given.external_id else None,
        external_id=given.external_id,
        title=title,
        title_derived=derived,
        body=body,
        word_count=bodies.count_words(bodies.to_text(body)),
        language=given.language.lower().replace("_", "-"),
        standfirst=_clean(given.standfirst),
        dateline=dateline,
        tags=(
            *_tags(given.authors, "contributor", known, "/authors"),
            *_tags(given.tags, "topic", known, "/tags"),
        ),
        regions=tuple(regions),
        related=tuple(_related(given.related, known)),
        images=_json([image.model_dump() for image in given.images], "[]"),
        seo=_json(given.seo.model_dump() if given.seo else {}, "{}"),
        source=_clean(source.name or source.slug) if source else None,
        source_url=source.url if source else None,
        signature=_clean(given.signature),
        translation_of=_article(str(given.translation_of or "") or None, known, "/translation_of"),
        status=given.status,
        published_at=published_at,
        published_precision=precision,
        slug=given.slug,
        previous_slugs=tuple(given.previous_slugs),
        previous_urls=tuple(given.previous_urls),
    )


def _wrong(detail: str, pointer: str, code: str = "invalid_value", did_you_mean: str | None = None) -> InvalidInput:
    return InvalidInput(FieldError(code, detail, pointer=pointer, did_you_mean=did_you_mean))


def _clean(value: str | None) -> str | None:
    return (value.strip() or None) if value else None


def _json(value: object, empty: str) -> str:
    return orjson.dumps(value).decode() if value else empty


def _title_and_body(given: ArticleCreate) -> tuple[str, bool, str]:
    body = _body(given.body)
    title = _clean(given.title)
    if title:
        return " ".join(title.split()), False, body
    words = bodies.to_text(body).split()
    if not words:
        raise _wrong("An article needs a title or a body.", "/title")
    return _first_words(" ".join(words)), True, body


def _body(given: str | BodyIn | None) -> str:
    if given is None:
        return ""
    if isinstance(given, str):
        return bodies.to_html("html", given)
    kinds: tuple[bodies.Kind, ...] = ("html", "markdown", "text")
    one = [(kind, value) for kind in kinds if (value := getattr(given, kind)) is not None]
    if len(one) != 1:
        raise _wrong("A body is given as one of html, markdown and text.", "/body")
    return bodies.to_html(*one[0])


def _published(given: ArticleCreate, view: View) -> tuple[int | None, str]:
    if given.published_at is None:
        if given.status == "scheduled":
            raise _wrong("A scheduled article needs published_at.", "/published_at")
        return None, "instant"
    at, precision = _start(_time(given.published_at))
    if given.status == "published" and at > view.now:
        raise _wrong("A published article cannot have a date in the future; schedule it.", "/published_at")
    if given.status == "scheduled" and at <= view.now:
        raise _wrong("A scheduled article needs a date in the future.", "/published_at")
    return at, precision


def _time(given: str) -> Instant | Period:
    """What is stored does not move with the clock, so `now` is no time here."""
    try:
        found = read_time(given, read_zone("UTC"), 0)
    except InvalidInput as error:
        raise _wrong(error.errors[0].detail, "/published_at", error.errors[0].code) from None
    if isinstance(found, Instant) and found.uses_now:
        raise _wrong("Give the time itself, such as 2025-12-01T10:00:00Z.", "/published_at")
    return found


def _start(found: Instant | Period) -> tuple[int, str]:
    return (found.start, found.precision) if isinstance(found, Period) else (found.at, "instant")


def _dateline(given: DatelineIn | str | None, atlas: Atlas) -> Dateline | None:
    if given is None or given == "":
        return None
    if isinstance(given, str):
        given = DatelineIn(text=given)
    region = atlas.find_name(given.region or given.place or "")
    if given.region and region is None:
        raise _unknown_region(atlas, given.region, "/dateline/region")
    span = dateline_span(given.date)
    if given.date and span is None:
        raise _wrong(f"{given.date!r} is no date.", "/dateline/date")
    precision = {4: "year", 7: "month", 10: "day"}[len(given.date)] if given.date else None
    if given.precision not in (None, precision):
        raise _wrong("It must be that of date: day, month or year.", "/dateline/precision")
    start, end = span or (None, None)
    return Dateline(given.text, given.place, region.id if region else None, given.date, precision, start, end)


def _unknown_region(atlas: Atlas, ref: str, pointer: str) -> InvalidInput:
    return _wrong(refs.unknown(ref), pointer, "unknown_region", refs.similar(atlas, ref))


def dateline_span(date: str | None) -> tuple[int, int] | None:
    """The period of `2025`, `2025-12` or `2025-12-03` in UTC; None where it is no date."""
    if date is None:
        return None
    try:
        found = read_time(date, read_zone("UTC"), 0)
    except InvalidInput:
        return None
    return (found.start, found.end) if isinstance(found, Period) else None


def _tags(given: Sequence[str | int | TagIn], kind: str, known: Known, pointer: str) -> list[Wanted]:
    return [_tag(one, kind, known, f"{pointer}/{i}") for i, one in enumerate(given)]


def _tag(given: str | int | TagIn, kind: str, known: Known, pointer: str) -> Wanted:
    """A tag that exists by slug or id, else the name of one that is made; an id that does not exist is a mistake."""
    ref = _tag_ref(given)
    found = known.tags.get(ref) if ref else None
    if found is not None and (found.kind == "contributor") == (kind == "contributor"):
        return Wanted(found.name, found.kind, found.slug)
    if ref is not None and ref.isdigit():
        raise _wrong(f"There is no {'author' if kind == 'contributor' else 'tag'} {ref}.", pointer)
    if not isinstance(given, TagIn):
        given = TagIn(name=str(given))
    if kind == "contributor" and given.kind not in (None, "contributor"):
        raise _wrong("Authors are of the kind contributor.", f"{pointer}/kind")
    name = given.name or given.slug
    if not name:
        raise _wrong("It needs a slug, an id or a name.", pointer)
    return Wanted(name, given.kind or kind, given.slug or None)


def _regions(given: Sequence[str | int | RegionIn], atlas: Atlas) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for i, one in enumerate(given):
        roles, ref = ROLES["about"], one
        if isinstance(one, RegionIn):
            ref = one.slug or one.id or one.name or ""
            roles = sum(ROLES[role] for role in dict.fromkeys(one.roles)) if one.roles else roles
        place = atlas.by_id.get(ref) if isinstance(ref, int) else atlas.find_name(str(ref))
        if place is None:
            raise _unknown_region(atlas, str(ref), f"/regions/{i}")
        found.append((place.id, roles))
    return found


def _related(given: Sequence[RelatedIn], known: Known) -> list[RelatedEntry]:
    entries: list[RelatedEntry] = []
    for i, one in enumerate(given):
        if one.kind == "similar":
            continue
        target = _article(_article_ref(one), known, f"/related/{i}/article")
        if target is None and not one.title and not one.url:
            raise _wrong("A related post needs an article, a title or a url.", f"/related/{i}")
        entries.append(RelatedEntry(one.title or None, one.url or None, target))
    return entries


def _article(ref: str | None, known: Known, pointer: str) -> int | None:
    if ref is None:
        return None
    found = known.articles.get(ref)
    if found is None:
        raise _wrong(f"There is no article {ref[:80]!r}.", pointer)
    return found


def _first_words(words: str) -> str:
    """At most 80 characters, cut between words."""
    return words if len(words) <= 80 else words[:80].rpartition(" ")[0] + "…"
