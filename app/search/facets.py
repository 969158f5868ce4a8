"""Facets as clients see them: values by slug with names, counts of the engine, the selected ones always there."""

from collections.abc import Mapping, Sequence, Set
from typing import cast

from app.articles.filters import ArticleFilter
from app.http import params
from app.http.params import Read
from app.regions.atlas import LEVELS, Atlas
from app.search.engine import FacetName
from app.search.names import Named, Vocabulary

NAMES = ("tag", "region", "author", "section", "language", "source", "year")
PARAMETERS = (
    params.choices("facets", "Counts by value, of the same articles as the hits.", NAMES, signs=False),
    params.integer(
        "facet_limit",
        "How many values of each facet.",
        default=20,
        minimum=1,
        maximum=200,
        excess="limit_too_large",
        signs=False,
    ),
    params.choices("region_level", "Regions of these levels only, in the facet.", LEVELS, signs=False),
)  # fmt: skip

Counts = Mapping[int | str, int]
Value = dict[str, object]
Sources = Mapping[int, tuple[str, str]]
"""Slug and name of each source, by id."""

_KINDS = {"author": ("contributor",), "section": ("section",)}


def shown(
    name: FacetName,
    counts: Counts,
    wanted: ArticleFilter,
    read: Read,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
) -> list[Value]:
    """The commonest values, at most `facet_limit`, and those that the filter has selected, whatever their count."""
    selected = _selected(name, wanted, read)
    levels = read.choices("region_level") if read.knows("region_level") else ()
    ranked = sorted({*counts, *selected}, key=lambda value: (-counts.get(value, 0), str(value)))
    rows: list[Value] = []
    limit = read.integer("facet_limit")
    for value in ranked:
        if len(rows) >= limit and value not in selected:
            continue
        row = _row(name, value, atlas, vocabulary, sources, levels)
        if row is not None:
            rows.append({**row, "count": counts.get(value, 0), "selected": value in selected})
    return rows


def _selected(name: FacetName, wanted: ArticleFilter, read: Read) -> frozenset[int | str]:
    chosen: dict[FacetName, Sequence[int | str]] = {
        "tag": wanted.tags,
        "author": wanted.authors,
        "section": wanted.sections,
        "region": wanted.regions,
        "language": wanted.languages,
        "source": wanted.sources,
        "year": tuple(int(year) for year in read.strings("year")),
    }
    return frozenset(chosen[name])


def _row(
    name: FacetName,
    value: int | str,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
    levels: Sequence[str],
) -> Value | None:
    """None for what is not of the facet: tags of another kind, regions of another level."""
    if name == "region":
        place = atlas.by_id.get(int(value))
        if place is None or (levels and place.level not in levels):
            return None
        return {"value": place.slug, "name": place.name}
    if name in ("tag", "author", "section"):
        entry = vocabulary.entries.get(("tag", int(value)))
        return {"value": entry.slug, "name": entry.name} if entry and _is_of(name, entry) else None
    if name == "source":
        slug, title = sources.get(int(value), ("", ""))
        return {"value": slug, "name": title} if slug else None
    return {"value": str(value), "name": str(value)}


def _is_of(name: str, entry: Named) -> bool:
    """Sections and contributors have facets of their own; the rest are the tags."""
    if name in _KINDS:
        return entry.kind in _KINDS[name]
    return entry.kind not in ("contributor", "section")


def ranked(
    name: FacetName,
    counts: Counts,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
    among: Set[int] | None = None,
) -> list[tuple[int | str, Value]]:
    """Values that are of the facet, the commonest first, as the engine and as clients know them."""
    found = []
    for value in sorted(counts, key=lambda value: (-counts[value], str(value))):
        row = _row(name, value, atlas, vocabulary, sources, ()) if among is None or value in among else None
        if row is not None:
            found.append((value, row))
    return found


def asked_for(read: Read) -> tuple[FacetName, ...]:
    return cast("tuple[FacetName, ...]", read.choices("facets"))
