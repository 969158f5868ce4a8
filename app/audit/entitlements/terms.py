"""What a key may see, as it is kept with the key, and how it is read from what an operator asks for.

Tags and regions are kept by their numbers, so that the key follows when they are renamed, and a tag into the one that
takes it in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode

import orjson

from app.articles import filters
from app.articles.filters import ArticleFilter
from app.articles.reading import filter_params
from app.articles.reading.card_parts import FIELDS
from app.articles.reading.filter_params import FilterParams
from app.context import AppContext, RequestContext
from app.errors import FieldError, InvalidInput

FILTERS = (
    "section", "tag", "tag_all", "tag_not", "author", "region", "region_all", "region_not", "region_role",
    "region_scope", "language", "source", "origin", "year", "published_from", "published_to", "tz",
)  # fmt: skip
"""Filters of the lists that a key may have. The others ask for single articles, for what one has by others, or for
what editors do."""
LEAVABLE = (
    "standfirst", "body", "related", "images", "corrections", "signature", "external_id", "seo", "word_count",
    "reading_minutes",
)  # fmt: skip
"""Properties that may be left out: by the others articles are found, ordered, and told from each other."""
MOST_HOURS = 24 * 366
MOST_RATE = 1_000_000
TAGS: Mapping[str, Callable[[ArticleFilter], tuple[int, ...]]] = {
    "author": lambda one: one.authors,
    "section": lambda one: one.sections,
    "tag": lambda one: one.tags,
    "tag_all": lambda one: one.tags_all,
    "tag_not": lambda one: one.tags_not,
}
REGIONS: Mapping[str, Callable[[ArticleFilter], tuple[int, ...]]] = {
    "region": lambda one: one.regions,
    "region_all": lambda one: one.regions_all,
    "region_not": lambda one: one.regions_not,
}
"""Filters whose values are kept as numbers, and where these are in what was asked for."""
_NUMBERED = {**TAGS, **REGIONS}


@dataclass(frozen=True, slots=True)
class Terms:
    """`only` is a query string of FILTERS, empty for all articles; `embargo_hours` None for none; `without` names
    properties of LEAVABLE."""

    only: str = ""
    embargo_hours: int | None = None
    without: tuple[str, ...] = ()

    def encode(self) -> str:
        """As it is stored."""
        kept = {"only": self.only, "embargo_hours": self.embargo_hours, "without": self.without}
        return orjson.dumps({name: value for name, value in kept.items() if value}).decode()


@lru_cache(maxsize=256)
def decode(stored: str) -> Terms:
    """What `Terms.encode` has written."""
    kept = orjson.loads(stored)
    return Terms(kept.get("only", ""), kept.get("embargo_hours"), tuple(kept.get("without", ())))


async def read_terms(
    context: AppContext, view: RequestContext, only: str | None, embargo_hours: int | None, without: str | None
) -> Terms | None:
    """What an operator asks for; None where that is nothing. InvalidInput names the option and what is possible."""
    kept = "" if only is None else await _read_only(context, view, only)
    if embargo_hours is not None and not 1 <= embargo_hours <= MOST_HOURS:
        raise InvalidInput(FieldError("invalid_value", f"An embargo has 1 to {MOST_HOURS} hours.", "embargo"))
    terms = Terms(kept, embargo_hours, _read_without(without or ""))
    return None if terms == Terms() else terms


def _read_without(names: str) -> tuple[str, ...]:
    asked_names = dict.fromkeys(name.strip() for name in names.split(",") if name.strip())
    wrong = [name for name in asked_names if name not in LEAVABLE]
    if wrong:
        known = wrong[0].partition(".")[0] in FIELDS
        detail = f"{wrong[0]!r} cannot be left out." if known else f"An article has no {wrong[0]!r}."
        raise InvalidInput(FieldError("unknown_field", detail, "without", allowed=LEAVABLE))
    return tuple(asked_names)


async def _read_only(context: AppContext, view: RequestContext, only: str) -> str:
    params = FilterParams.parse(only.encode(), view.now)
    wrong = [
        FieldError("invalid_value", f"A key cannot be narrowed by {name}.", name, allowed=FILTERS)
        for name in params.given_names
        if name not in FILTERS
    ]
    if params.uses_now:
        detail = "Times relative to now would let articles leave without any change; give a date, or an embargo."
        wrong.append(FieldError("invalid_value", detail, "only"))
    if not params.given_names:
        wrong.append(FieldError("invalid_value", "It names no filter, such as section=sport.", "only"))
    if wrong:
        raise InvalidInput(*wrong)
    resolved = await filter_params.resolve(context, view, params)
    missing = [one for one in resolved.warnings if str(one["code"]).startswith("unknown_")]
    if missing:
        raise InvalidInput(
            *(
                FieldError("invalid_value", str(one["detail"]), str(one["parameter"]), did_you_mean=_find_guess(one))
                for one in missing
            )
        )
    return urlencode(list(_number(params, resolved.filter)), safe=",")


def _find_guess(warning: Mapping[str, object]) -> str | None:
    guess = warning.get("did_you_mean")
    return guess if isinstance(guess, str) else None


def _number(params: FilterParams, article_filter: ArticleFilter) -> Iterator[tuple[str, str]]:
    """What was given, by name: tags and regions by number, the rest as it was written."""
    for name in FILTERS:
        if name not in params.given_names:
            continue
        numbers = _NUMBERED.get(name)
        if numbers is not None:
            yield name, ",".join(map(str, numbers(article_filter)))
        else:
            yield from ((name, text) for text in params.texts[name] if text is not None)


@dataclass(frozen=True, slots=True)
class ReadTerms:
    """What the filter means now, and the references to tags in it. It means nothing where something that it names is
    gone."""

    filter: ArticleFilter
    tags: tuple[str, ...]
    missing: tuple[str, ...] = ()


async def resolve(context: AppContext, view: RequestContext, terms: Terms) -> ReadTerms:
    """By the archive as it is, whatever the caller may see of it."""
    if not terms.only:
        return ReadTerms(ArticleFilter(), ())
    params = FilterParams.parse(terms.only.encode(), view.now)
    everything = view._replace(caller=replace(view.caller, scopes=frozenset({"read_drafts"})))
    refs = tuple(sorted({ref for some in filter_params.list_tag_refs(params).values() for ref in some}))
    try:
        resolved = await filter_params.resolve(context, everything, params, filters.PUBLISHED)
    except InvalidInput as error:  # of a region that was removed
        return ReadTerms(ArticleFilter(nothing=True), refs, tuple(one.detail for one in error.errors))
    missing = tuple(str(one["detail"]) for one in resolved.warnings if str(one["code"]).startswith("unknown_"))
    # Of several tags those that are left count on; what was to be left out and is gone would show more than before.
    gone = any(one["parameter"] == "tag_not" and str(one["code"]).startswith("unknown_") for one in resolved.warnings)
    article_filter = replace(resolved.filter, nothing=True) if gone else resolved.filter
    return ReadTerms(article_filter, refs, missing)
