"""From what a client sends to a question that means the same for good, and from what was kept back to what is shown."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

import orjson

from app.articles.input import filter_payload
from app.articles.reading import filter_params, filter_warnings, language_lookup
from app.articles.reading.filter_params import FilterParams, list_tag_refs
from app.articles.reading.filter_warnings import Warning
from app.context import AppContext, RequestContext
from app.errors import FieldError, InvalidInput
from app.http import auth
from app.http.params.times import Instant
from app.regions import refs
from app.search.engine import Question
from app.search.index import EngineIndex
from app.search.indexing.fixed import candidates
from app.search.indexing.fixed.fixing import fix
from app.search.narrowed_engine import NarrowedEngine
from app.search.query.parser import ParsedQuery, parse
from app.search.query.tree import render
from app.search.saved_searches.question import SearchQuestion
from app.search.tantivy.reader import View
from app.tags import queries as tags

_NAMES_OF_ARTICLES = ("slug", "external_id")
"""A purge would leave them here: an article is named by its id."""
_TAGS = ("author", "section", "tag", "tag_all", "tag_not")
_REGIONS = ("region", "region_all", "region_not")
_UNKNOWN = "unknown_"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Definition:
    """What was sent, understood. `stored` is JSON for the database."""

    question: SearchQuestion
    keys: tuple[str, ...]
    stored: str


async def resolve(
    context: AppContext, view: RequestContext, q: str, filters: Mapping[str, object], *, public: bool
) -> Definition:
    """InvalidInput for what cannot be followed, names that do not exist among them: a saved search on what is not
    there would match nothing, also when it comes. Of a public one all names are such as everybody may know."""
    view = view._replace(caller=auth.PUBLIC) if public else view
    params = _read_filters(filters, view.now)
    with filter_payload.point_into_body("filters"):
        resolved = await filter_params.resolve(context, view, params)
    parsed = _parse_query(q)
    unknown = [_refuse_unknown(one) for one in resolved.warnings if _is_of_unknown_name(one)]
    if unknown:
        raise InvalidInput(*unknown)
    index = get_index(context)
    index.check_built()
    if parsed.tree is None and not params.given_names - {"tz"}:
        detail = "A saved search has words, filters, or both: without any it would be the article list."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/q"))
    question = Question(
        tree=parsed.tree,
        text=q,
        fallback=parsed.fallback,
        filter=resolved.filter,
        excluded=await index.find_excluded(view.head),
        languages=resolved.filter.languages,
        names=await index.vocabulary.get(view.head),
    )
    engine = get_engine(index)
    fixed = await asyncio.to_thread(lambda: fix(engine.view(), question))
    asked = SearchQuestion(resolved.filter, fixed.condition)
    keys = await asyncio.to_thread(candidates.choose_keys, engine.view(), asked.filter, asked.words)
    notes = (*parsed.notes, *fixed.interpretation.notes)
    stored = {
        "q": q,
        "filters": await _store_filters(context, view, params),
        "read_as": None if fixed.interpretation.tree is None else render(fixed.interpretation.tree),
        "notes": [{"code": note.code, "detail": note.detail, "filter": note.filter} for note in notes],
    }
    return Definition(asked, keys, orjson.dumps(stored).decode())


def get_index(context: AppContext) -> EngineIndex:
    index = context.index
    assert isinstance(index, EngineIndex)
    return index


class ReadableEngine(Protocol):
    """Reading words for good needs the terms of the archive, which each engine has on this machine."""

    def view(self) -> View:
        """IndexBehind where there is no index."""


def get_engine(index: EngineIndex) -> ReadableEngine:
    engine = index.engine
    assert not isinstance(engine, NarrowedEngine), "it does not tell of words that a key does not see"
    return cast("ReadableEngine", engine)


def _read_filters(filters: Mapping[str, object], now: int) -> FilterParams:
    """As the query string that they would be."""
    wrong = [
        FieldError("invalid_value", f"Articles are named by id here, not by {name}.", pointer=f"/filters/{name}")
        for name in _NAMES_OF_ARTICLES
        if name in filters
    ]
    if wrong:
        raise InvalidInput(*wrong)
    with filter_payload.point_into_body("filters"):
        params = FilterParams.parse(filter_payload.encode_query(filters), now)
    moving = [name for name, value in params.values.items() if isinstance(value, Instant) and value.uses_now]
    if moving:
        detail = "Times relative to now cannot be saved: articles would leave without any change. Give a date."
        raise InvalidInput(*(FieldError("invalid_value", detail, pointer=f"/filters/{name}") for name in moving))
    return params


def _parse_query(q: str) -> ParsedQuery:
    try:
        return parse(q)
    except InvalidInput as error:
        raise InvalidInput(*(replace(one, parameter=None, pointer="/q") for one in error.errors)) from None


def _is_of_unknown_name(warning: Warning) -> bool:
    """A language is kept by its tag: articles in it are found when they come."""
    return str(warning["code"]).startswith(_UNKNOWN) and warning["parameter"] != "language"


def _refuse_unknown(warning: Warning) -> FieldError:
    guess = warning.get("did_you_mean")
    pointer = f"/filters/{warning['parameter']}"
    return FieldError("invalid_value", str(warning["detail"]), pointer=pointer, did_you_mean=guess)


async def _store_filters(context: AppContext, view: RequestContext, params: FilterParams) -> Json:
    """What was asked for by name; names with the ids that they mean."""
    asked = list_tag_refs(params)
    named = sorted({ref for some in asked.values() for ref in some})
    known = await tags.by_refs(context.db, named, hidden=view.caller.has_scope("read_drafts")) if named else {}
    stored: Json = {}
    for name, value in params.values.items():
        if name in _TAGS:
            stored[name] = [[known[ref].slug, known[ref].id] for ref in asked[name]]
        elif name in _REGIONS:
            places = (refs.find(view.atlas, ref) for ref in cast("tuple[str, ...]", value))
            stored[name] = [[place.slug, place.id] for place in places if place is not None]
        elif isinstance(value, tuple):
            stored[name] = list(value)
        else:
            stored[name] = value if isinstance(value, int) else params.texts[name][0]
    return stored


async def show(context: AppContext, view: RequestContext, rows: Sequence[str]) -> list[tuple[Json, list[Warning]]]:
    """Each stored definition as it is shown, with the names that tags and regions have now, and warnings of those that
    were called otherwise, and of languages that no article has. In one statement, and one where no published article
    has them."""
    definitions = [cast("Json", orjson.loads(row)) for row in rows]
    ids = {str(id) for one in definitions for _, id in _list_named(one, _TAGS)}
    known = await tags.by_refs(context.db, sorted(ids), hidden=view.caller.has_scope("read_drafts")) if ids else {}
    slugs = {("tag", int(id)): known[id].slug for id in ids if id in known}
    slugs |= {
        ("region", id): view.atlas.by_id[id].slug
        for one in definitions
        for _, id in _list_named(one, _REGIONS)
        if id in view.atlas.by_id
    }
    drafts, shown = view.caller.has_scope("read_drafts"), [_show(one, slugs) for one in definitions]
    for definition, (_, warnings) in zip(definitions, shown, strict=True):
        codes = cast("dict[str, list[str]]", definition["filters"]).get("language", [])
        unknown, _ = await language_lookup.find_unknown(context, view, codes, drafts=drafts)
        warnings += map(filter_warnings.warn_unknown_language, unknown)
    return shown


def _list_named(definition: Json, names: Sequence[str]) -> list[tuple[str, int]]:
    filters = cast("dict[str, list[tuple[str, int]]]", definition["filters"])
    return [pair for name in names for pair in filters.get(name, ())]


def _show(definition: Json, slugs: Mapping[tuple[str, int], str]) -> tuple[Json, list[Warning]]:
    warnings: list[Warning] = []
    shown: Json = {}
    for name, value in cast("Json", definition["filters"]).items():
        if name not in (*_TAGS, *_REGIONS):
            shown[name] = value
            continue
        kind, names = "tag" if name in _TAGS else "region", dict[str, None]()
        for slug, id in cast("list[tuple[str, int]]", value):
            current = slugs.get((kind, id), slug)
            names[current] = None
            if current != slug:
                detail = f"{slug!r} is {current!r} now."
                warnings.append({"code": "replaced_by", "parameter": name, "detail": detail, "replaced_by": current})
        shown[name] = list(names)
    return {**definition, "filters": shown}, warnings
