"""Articles as rows of a sheet: a column for each property, and one for each part of those that have parts. Pure."""

from collections.abc import Collection, Iterable, Sequence

import orjson

from app.articles.reading.card_parts import FIELDS
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts

FULL = tuple(name for name in FIELDS if name != "related")
_CARD = tuple(name for name in FIELDS if name not in ("body", "related"))


MORE = (
    "origin",
    "previous_slugs",
    "previous_urls",
    "withdrawn.at",
    "withdrawn.reason",
    "original.origin",
    "original.slug",
)
"""What the export has beside the properties of an article, for an import elsewhere."""


def columns(params: ArticleParts, left_out: Collection[str], whole: Sequence[str] = _CARD) -> list[str]:
    """The names of the columns, as `fields` has them: those asked for, else the `whole`, and what `include` adds; none
    of what a key is not given."""
    asked = ("id", *params.fields) if params.fields else [name for name in whole if name not in left_out]
    names = dict.fromkeys((*asked, *params.include))
    return [column for name in names for column in _parts(name)]


def _parts(name: str) -> list[str]:
    # Ids of tags and regions are for programs that keep copies; a sheet has them where `fields` names them.
    return [f"{name}.{part}" for part in article_json.PARTS.get(name, ()) if part != "id"] or [name]


def rows(articles: Iterable[bytes], params: ArticleParts, left_out: Collection[str]) -> list[list[object]]:
    """The names, then the cells of each article's JSON. An article within one, a related one, stands as its id."""
    names = columns(params, left_out)
    return [list(names), *cells(articles, names)]


def cells(articles: Iterable[bytes], names: Sequence[str]) -> list[list[object]]:
    paths = [name.split(".") for name in names]
    return [[_cell(article, path) for path in paths] for article in map(orjson.loads, articles)]


def _cell(value: object, path: Sequence[str]) -> object:
    if isinstance(value, list):
        return [_cell(one, path) for one in value]
    if isinstance(value, dict):
        return _cell(value.get(path[0]), path[1:]) if path else value.get("id", value.get("text"))
    return value
