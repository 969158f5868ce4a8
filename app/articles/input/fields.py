"""From the fields that a client sends to the attributes of a manuscript, one function each. Looks nothing up itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from app.articles.html import bodies
from app.articles.input import related_entries
from app.articles.input.payloads import ArticleFields, BodyIn, DatelineIn, RegionIn, SourceIn, TagIn
from app.articles.manuscript import ArticleDateline
from app.articles.manuscript import dateline_span as dateline_span
from app.enrich.suggestion import ROLES, UNKNOWN_LANGUAGE
from app.errors import FieldError, InvalidInput
from app.http.body import MOST_MISTAKES
from app.http.params.times import Instant, Period, read_fixed_time
from app.regions import refs
from app.regions.atlas import Atlas
from app.tags import queries as tags
from app.tags.service import TagSpec

Value = TypeVar("Value")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class References:
    """What the references of a body lead to, by reference: articles and tags that there are. `own` is the article that
    the body is of, where there is one."""

    articles: Mapping[str, int]
    tags: Mapping[str, tags.KnownTag]
    own: int | None = None


def read_changes(payload: ArticleFields, names: Iterable[str], atlas: Atlas, known: References) -> dict[str, Any]:
    """Attributes of a manuscript as these fields make them; `authors` and `tags` apart. InvalidInput with pointers for
    all that cannot be understood: regions that do not exist, impossible dates."""
    made: dict[str, Any] = {}
    for attributes in _read_each(lambda name: _MADE[name](payload, atlas, known), names):
        made |= attributes
    return made


def find_mistakes(payload: ArticleFields, atlas: Atlas) -> list[FieldError]:
    """What cannot be understood in fields of which nothing is looked up in the database: for a body whose shape is
    wrong elsewhere, so that the next try is not refused for these."""
    names = [name for name in _UNDERSTOOD_ALONE if name in payload.model_fields_set]
    try:
        read_changes(payload, names, atlas, References({}, {}))
    except InvalidInput as error:
        return list(error.errors)
    return []


def _read_each(read: Callable[[Value], Made], values: Iterable[Value]) -> list[Made]:
    """What is made of each. InvalidInput with the mistakes of all of them, up to a bound."""
    made: list[Made] = []
    wrong: list[FieldError] = []
    for value in values:
        try:
            made.append(read(value))
        except InvalidInput as error:
            wrong += error.errors
    if wrong:
        raise InvalidInput(*wrong[:MOST_MISTAKES])
    return made


_Made = Callable[[ArticleFields, Atlas, References], dict[str, Any]]


def _as_given(name: str) -> _Made:
    return lambda payload, atlas, known: {name: getattr(payload, name)}


def _words(name: str) -> _Made:
    return lambda payload, atlas, known: {name: _clean(getattr(payload, name))}


def _many(name: str) -> _Made:
    return lambda payload, atlas, known: {name: tuple(getattr(payload, name) or ())}


def _text(payload: ArticleFields, atlas: Atlas, known: References) -> dict[str, Any]:
    body, words = read_body(payload.body)
    return {"body": body, "word_count": words}


def _source(payload: ArticleFields, atlas: Atlas, known: References) -> dict[str, Any]:
    source = SourceIn(name=payload.source) if isinstance(payload.source, str) else payload.source
    return {
        "source": _clean(source.name or source.slug) if source else None,
        "source_url": source.url if source else None,
    }


def _published_at(payload: ArticleFields, atlas: Atlas, known: References) -> dict[str, Any]:
    # An embargo that ends within a second ends with it; what is published already was so before.
    awaited = payload.status in (None, "scheduled")
    given_at = payload.published_at
    at, precision = _start(_time(given_at, up=awaited)) if given_at is not None else (None, "instant")
    return {"published_at": at, "published_precision": precision}


_MADE: dict[str, _Made] = {
    "title": lambda payload, atlas, known: {
        "title": " ".join((payload.title or "").split()),
        "title_derived": False,
    },
    "standfirst": _words("standfirst"),
    "dateline": lambda payload, atlas, known: {"dateline": _dateline(payload.dateline, atlas)},
    "body": _text,
    "language": lambda payload, atlas, known: {
        "language": (payload.language or UNKNOWN_LANGUAGE).lower().replace("_", "-")
    },
    "authors": lambda payload, atlas, known: {
        "authors": _tags(payload.authors or (), "contributor", known, "/authors")
    },
    "tags": lambda payload, atlas, known: {"tags": _tags(payload.tags or (), "topic", known, "/tags")},
    "regions": lambda payload, atlas, known: {"regions": _regions(payload.regions or (), atlas)},
    "related": lambda payload, atlas, known: {
        "related": tuple(related_entries.read(payload.related or (), known.articles, "/related", known.own))
    },
    "images": lambda payload, atlas, known: {"images": _json([one.model_dump() for one in payload.images or ()], "[]")},
    "source": _source,
    "signature": _words("signature"),
    "external_id": lambda payload, atlas, known: {
        "external_id": payload.external_id,
        "identity": f"id:{payload.external_id}" if payload.external_id else None,
    },
    "origin": _words("origin"),
    "translation_of": lambda payload, atlas, known: {
        "translation_of": _article(str(payload.translation_of or "") or None, known, "/translation_of")
    },
    "seo": lambda payload, atlas, known: {
        "seo": _json(payload.seo.model_dump(exclude_none=True) if payload.seo else {}, "{}")
    },
    "slug": _as_given("slug"),
    "status": _as_given("status"),
    "gone": lambda payload, atlas, known: {"gone": bool(payload.gone)},
    "replaced_by": lambda payload, atlas, known: {"replaced_by": _replacement(payload, known)},
    "published_at": _published_at,
    "previous_slugs": _many("previous_slugs"),
    "previous_urls": _many("previous_urls"),
}
"""What each field makes of a manuscript."""
_UNDERSTOOD_ALONE = ("dateline", "regions", "published_at")


def make_invalid_input(
    detail: str, pointer: str, code: str = "invalid_value", did_you_mean: str | None = None
) -> InvalidInput:
    """One mistake, with its place in the body."""
    return InvalidInput(FieldError(code, detail, pointer=pointer, did_you_mean=did_you_mean))


def _clean(value: str | None) -> str | None:
    return (value.strip() or None) if value else None


def _json(value: object, empty: str) -> str:
    return orjson.dumps(value).decode() if value else empty


def read_body(body: str | BodyIn | None) -> tuple[str, int]:
    """A body as it is stored, and its words. InvalidInput for one that cannot be kept."""
    stored = _body(body)
    return stored, bodies.count_words(bodies.to_text(stored))


def _body(body: str | BodyIn | None) -> str:
    if body is None:
        return ""
    if isinstance(body, str):
        return _html("html", body, "/body")
    kinds: tuple[bodies.Kind, ...] = ("html", "markdown", "text")
    one = [(kind, value) for kind in kinds if (value := getattr(body, kind)) is not None]
    if len(one) != 1:
        raise make_invalid_input("A body is given as one of html, markdown and text.", "/body")
    return _html(*one[0], f"/body/{one[0][0]}")


def _html(kind: bodies.Kind, content: str, pointer: str) -> str:
    try:
        return bodies.convert(kind, content, flatten=False).html
    except bodies.TooDeep as error:
        raise make_invalid_input(f"This cannot be kept: {error}.", pointer) from None


def _time(value: str, *, up: bool) -> Instant | Period:
    try:
        return read_fixed_time(value, up=up)
    except InvalidInput as error:
        raise make_invalid_input(error.errors[0].detail, "/published_at", error.errors[0].code) from None


def _start(moment: Instant | Period) -> tuple[int, str]:
    return (moment.start, moment.precision) if isinstance(moment, Period) else (moment.at, "instant")


def _dateline(value: DatelineIn | str | None, atlas: Atlas) -> ArticleDateline | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = DatelineIn(text=value)
    region, place = atlas.find_name(value.region or ""), atlas.find_name(value.place or "")
    if value.region and region is None:
        raise InvalidInput(_unknown_region(atlas, value.region, "/dateline/region"))
    if place is not None and (region is None or region.id in atlas.within[place.id]):
        region = place  # an article shows the country of a city; given back, it still means the city
    span = dateline_span(value.date)
    if value.date and span is None:
        raise make_invalid_input(f"{value.date!r} is no date.", "/dateline/date")
    precision = {4: "year", 7: "month", 10: "day"}[len(value.date)] if value.date else None
    if value.precision not in (None, precision):
        raise make_invalid_input("It must be that of date: day, month or year.", "/dateline/precision")
    start, end = span or (None, None)
    return ArticleDateline(value.text, value.place, region.id if region else None, value.date, precision, start, end)


def _unknown_region(atlas: Atlas, ref: str, pointer: str, *, guess: bool = True) -> FieldError:
    similar = refs.find_similar(atlas, ref) if guess else None
    return FieldError("unknown_region", refs.describe_unknown(ref), pointer=pointer, did_you_mean=similar)


def _tags(values: Sequence[str | int | TagIn], kind: str, known: References, pointer: str) -> tuple[TagSpec, ...]:
    return tuple(_read_each(lambda one: _tag(one[1], kind, known, f"{pointer}/{one[0]}"), enumerate(values)))


def _tag(value: str | int | TagIn, kind: str, known: References, pointer: str) -> TagSpec:
    """A tag that exists by slug or id, else the name of one that is made; an id that does not exist is a mistake."""
    ref = tag_ref(value)
    tag = known.tags.get(ref) if ref else None
    if tag is not None and (tag.kind == "contributor") == (kind == "contributor"):
        return TagSpec(tag.name, tag.kind, tag.slug)
    if ref is not None and ref.isdigit():
        raise make_invalid_input(f"There is no {'author' if kind == 'contributor' else 'tag'} {ref}.", pointer)
    if not isinstance(value, TagIn):
        value = TagIn(name=str(value))
    if kind == "contributor" and value.kind not in (None, "contributor"):
        raise make_invalid_input("Authors are of the kind contributor.", f"{pointer}/kind")
    name = value.name or value.slug
    if not name:
        raise make_invalid_input("It needs a slug, an id or a name.", pointer)
    return TagSpec(name, value.kind or kind, value.slug or None)


def _regions(values: Sequence[str | int | RegionIn], atlas: Atlas) -> tuple[tuple[int, int], ...]:
    links: list[tuple[int, int]] = []
    wrong: list[FieldError] = []
    for i, one in enumerate(values):
        roles, ref = ROLES["about"], one
        if isinstance(one, RegionIn):
            ref = one.slug or one.id or one.name or ""
            roles = sum(ROLES[role] for role in dict.fromkeys(one.roles)) if one.roles else roles
        place = atlas.by_id.get(ref) if isinstance(ref, int) else atlas.find_name(str(ref))
        if place is None:
            wrong.append(_unknown_region(atlas, str(ref), f"/regions/{i}", guess=len(wrong) < refs.GUESSES))
        else:
            links.append((place.id, roles))
    if wrong:
        raise InvalidInput(*wrong)
    return tuple(links)


def _article(ref: str | None, known: References, pointer: str) -> int | None:
    if ref is None:
        return None
    id = known.articles.get(ref)
    if id is None:
        raise make_invalid_input(f"There is no article {ref[:80]!r}.", pointer)
    return id


def _replacement(payload: ArticleFields, known: References) -> int | None:
    ref = related_entries.find_ref(payload.replaced_by)
    if ref is None and payload.replaced_by is not None:
        raise make_invalid_input("An article is named by its id or slug.", "/replaced_by")
    return _article(ref, known, "/replaced_by")


def tag_ref(value: str | int | TagIn) -> str | None:
    """`slug` counts before `id`. What is digits only is no slug, so a text of digits is a name."""
    if isinstance(value, TagIn):
        value = value.slug or value.id or ""
    return None if isinstance(value, str) and (not value or value.isdigit()) else str(value)
