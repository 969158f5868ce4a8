"""From what a client sends to a manuscript: bodies made safe, datelines read, tags and regions named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app import text
from app.articles import bodies, queries, schemas
from app.articles.archive import View
from app.articles.filters import ROLES
from app.articles.manuscript import Dateline, Manuscript, RelatedEntry
from app.db import Database
from app.errors import FieldError, InvalidInput
from app.http.times import Instant, Period, read_time, read_zone
from app.regions.atlas import Atlas
from app.tags import queries as tags
from app.tags.service import Wanted

ORIGIN = "api"


@dataclass(frozen=True, slots=True)
class Known:
    """What the references of a body lead to: articles by id or slug as given, tags by id."""

    articles: Mapping[str, int]
    tags: Mapping[int, tags.Entry]


async def known(db: Database, given: schemas.ArticleCreate) -> Known:
    """Looks up the articles and numbered tags that a body names."""
    named = [str(one.article["id"]) if isinstance(one.article, dict) else str(one.article)
             for one in given.related if one.article is not None and one.kind != "similar"]  # fmt: skip
    named += [str(given.translation_of)] if given.translation_of is not None else []
    found = {ref: await queries.find(db, ref) for ref in dict.fromkeys(named)}
    numbers = [one if isinstance(one, int) else one.id for one in (*given.authors, *given.tags)
               if isinstance(one, int) or (isinstance(one, schemas.RefIn) and one.id is not None and not one.slug)]  # fmt: skip
    return Known(
        {ref: article.id for ref, article in found.items() if article is not None},
        await tags.by_ids(db, [number for number in numbers if number is not None]) if numbers else {},
    )


def manuscript(given: schemas.ArticleCreate, view: View, known: Known) -> Manuscript:
    """InvalidInput with pointers for what cannot be understood: regions that do not exist, impossible dates."""
    title, derived, body = _title_and_body(given)
    published_at, precision = _published(given, view)
    dateline = _dateline(given.dateline, view.atlas)
    source = given.source if not isinstance(given.source, str) else schemas.SourceIn(name=given.source)
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
        translation_of=_article(given.translation_of, known, "/translation_of"),
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
    return (text.clean(value).strip() or None) if value else None


def _json(value: object, empty: str) -> str:
    return text.clean(orjson.dumps(value).decode()) if value else empty


def _title_and_body(given: schemas.ArticleCreate) -> tuple[str, bool, str]:
    body = ""
    if isinstance(given.body, str):
        body = bodies.to_html("html", text.clean(given.body))
    elif given.body is not None:
        kinds: tuple[bodies.Kind, ...] = ("html", "markdown", "text")
        one = [(kind, value) for kind in kinds if (value := getattr(given.body, kind)) is not None]
        if len(one) != 1:
            raise _wrong("A body is given as one of html, markdown and text.", "/body")
        kind, content = one[0]
        body = bodies.to_html(kind, text.clean(content))
    title = _clean(given.title)
    if title:
        return " ".join(title.split()), False, body
    words = bodies.to_text(body).split()
    if not words:
        raise _wrong("An article needs a title or a body.", "/title")
    return _first_words(" ".join(words)), True, body


def _published(given: schemas.ArticleCreate, view: View) -> tuple[int | None, str]:
    if given.published_at is None:
        if given.status == "scheduled":
            raise _wrong("A scheduled article needs published_at.", "/published_at")
        return None, "instant"
    try:
        found = read_time(given.published_at, read_zone("UTC"), view.now)
    except InvalidInput as error:
        raise _wrong(error.errors[0].detail, "/published_at", error.errors[0].code) from None
    at, precision = _start(found)
    if given.status == "published" and at > view.now:
        raise _wrong("A published article cannot have a date in the future; schedule it.", "/published_at")
    if given.status == "scheduled" and at <= view.now:
        raise _wrong("A scheduled article needs a date in the future.", "/published_at")
    return at, precision


def _start(found: Instant | Period) -> tuple[int, str]:
    return (found.start, found.precision) if isinstance(found, Period) else (found.at, "instant")


def _dateline(given: schemas.DatelineIn | str | None, atlas: Atlas) -> Dateline | None:
    if given is None:
        return None
    if isinstance(given, str):
        given = schemas.DatelineIn(text=given)
    region = atlas.find_name(given.region or given.place or "")
    if given.region and region is None:
        raise _wrong(f"There is no region {given.region!r}.", "/dateline/region", "unknown_region")
    span = dateline_span(given.date)
    if given.date and span is None:
        raise _wrong(f"{given.date!r} is no date.", "/dateline/date")
    precision = {4: "year", 7: "month", 10: "day"}[len(given.date)] if given.date else None
    start, end = span or (None, None)
    return Dateline(
        text.clean(given.text), given.place, region.id if region else None, given.date, precision, start, end
    )


def dateline_span(date: str | None) -> tuple[int, int] | None:
    """The period of `2025`, `2025-12` or `2025-12-03` in UTC; None where it is no date."""
    if date is None:
        return None
    try:
        found = read_time(date, read_zone("UTC"), 0)
    except InvalidInput:
        return None
    return (found.start, found.end) if isinstance(found, Period) else None


def _tags(given: Sequence[schemas.Ref], kind: str, known: Known, pointer: str) -> list[Wanted]:
    return [_tag(one, kind, known, f"{pointer}/{i}") for i, one in enumerate(given)]


def _tag(given: schemas.Ref, kind: str, known: Known, pointer: str) -> Wanted:
    """A slug or id that exists, else the name of a tag that is made; an id that does not exist is a mistake."""
    if isinstance(given, str):
        given = schemas.RefIn(name=given)
    number = given if isinstance(given, int) else given.id if not given.slug else None
    if number is not None:
        entry = known.tags.get(number)
        if entry is None:
            raise _wrong(f"There is no tag {number}.", pointer)
        return Wanted(entry.name, entry.kind, entry.slug)
    assert isinstance(given, schemas.RefIn)
    name = _clean(given.name) or given.slug
    if not name:
        raise _wrong("A tag needs a slug, an id or a name.", pointer)
    return Wanted(name, given.kind or kind, given.slug)


def _regions(given: Sequence[schemas.Ref], atlas: Atlas) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for i, one in enumerate(given):
        roles, ref = ROLES["about"], one
        if isinstance(one, schemas.RefIn):
            ref = one.slug or one.id or one.name or ""
            roles = sum(ROLES[role] for role in dict.fromkeys(one.roles)) if one.roles else roles
        place = atlas.by_id.get(ref) if isinstance(ref, int) else atlas.find_name(str(ref))
        if place is None:
            raise _wrong(
                f"There is no region {str(ref)[:80]!r}; /v1/regions?q= finds them.", f"/regions/{i}", "unknown_region"
            )
        found.append((place.id, roles))
    return found


def _related(given: Sequence[schemas.RelatedIn], known: Known) -> list[RelatedEntry]:
    entries: list[RelatedEntry] = []
    for i, one in enumerate(given):
        if one.kind == "similar":
            continue
        ref = one.article.get("id") if isinstance(one.article, dict) else one.article
        target = _article(ref, known, f"/related/{i}/article")
        if target is None and not one.title and not one.url:
            raise _wrong("A related post needs an article, a title or a url.", f"/related/{i}")
        entries.append(RelatedEntry(_clean(one.title), _clean(one.url), target))
    return entries


def _article(ref: object, known: Known, pointer: str) -> int | None:
    if ref is None:
        return None
    found = known.articles.get(str(ref))
    if found is None:
        raise _wrong(f"There is no article {str(ref)[:80]!r}.", pointer)
    return found


def _first_words(words: str) -> str:
    """At most 80 characters, cut between words."""
    return words if len(words) <= 80 else words[:80].rpartition(" ")[0] + "…"
