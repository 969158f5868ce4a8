"""Facets as clients see them: values by slug with names, counts of the engine, the selected ones always there."""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter

from app.articles.filters import ArticleFilter
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.typed import Params
from app.regions.atlas import LEVELS, Atlas
from app.search.engine import FacetName
from app.search.vocabulary.names import Vocabulary


class FacetParams(Params):
    """Counts by value beside the hits."""

    facets: Parameter[tuple[FacetName, ...]] = parser.choices(
        "facets",
        "Counts by value, of the same articles as the hits.",
        ("tag", "region", "author", "section", "language", "source", "year"),
        signs=False,
    )
    facet_limit = parser.integer(
        "facet_limit",
        "How many values of each facet.",
        default=20,
        minimum=1,
        maximum=200,
        excess="limit_too_large",
        signs=False,
    )
    region_level = parser.choices("region_level", "Regions of these levels only, in the facet.", LEVELS, signs=False)


TAGS: frozenset[FacetName] = frozenset(("tag", "author", "section"))
"""Facets whose values are tags, of one kind or another."""
Counts = Mapping[int | str, int]
Value = dict[str, object]
Sources = Mapping[int, tuple[str, str]]
"""Slug and name of each source, by id."""


def render_facet(
    name: FacetName,
    counts: Counts,
    selected: Set[int | str],
    params: FacetParams,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
) -> list[Value]:
    """The commonest values, at most `facet_limit`, and those that are `selected`, whatever their count."""
    levels, limit = params.region_level, params.facet_limit
    rows: dict[int | str, Value] = {}
    for value in _sort_by_count(_select_kind(name, counts, vocabulary)):
        if len(rows) == limit:
            break
        row = _render_value(name, value, atlas, vocabulary, sources, levels)
        if row is not None:
            rows[value] = row
    for value in _sort_by_count({value: counts.get(value, 0) for value in selected - rows.keys()}):
        row = _render_value(name, value, atlas, vocabulary, sources, levels)
        if row is not None:
            rows[value] = row
    return [{**row, "count": counts.get(value, 0), "selected": value in selected} for value, row in rows.items()]


def _select_kind(name: FacetName, counts: Counts, vocabulary: Vocabulary) -> Counts:
    """Tags of every kind are counted together: those of the facet."""
    if name not in ("tag", "author", "section"):
        return counts
    tag_ids = vocabulary.tags[name]
    return {value: count for value, count in counts.items() if value in tag_ids}


def _sort_by_count(counts: Counts) -> Iterator[int | str]:
    """Values with as many by their text. Lazily: of thousands a client sees twenty."""
    ordered = sorted(counts.items(), key=itemgetter(1), reverse=True)
    for _, tied in groupby(ordered, key=itemgetter(1)):
        yield from sorted((value for value, _ in tied), key=str)


def find_selected(name: FacetName, article_filter: ArticleFilter, years: Sequence[int]) -> frozenset[int | str]:
    """The values that a filter asks for."""
    chosen: dict[FacetName, Sequence[int | str]] = {
        "tag": article_filter.tags,
        "author": article_filter.authors,
        "section": article_filter.sections,
        "region": article_filter.regions,
        "language": article_filter.languages,
        "source": article_filter.sources,
        "year": years,
    }
    return frozenset(chosen[name])


def _render_value(
    name: FacetName,
    value: int | str,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
    levels: Sequence[str],
) -> Value | None:
    """None for what is not of the facet: tags of another kind, regions of another level."""
    if name == "region":
        region = atlas.by_id.get(int(value))
        if region is None or (levels and region.level not in levels):
            return None
        return {"value": region.slug, "name": region.name}
    if name in ("tag", "author", "section"):
        is_known = int(value) in vocabulary.tags[name]
        entry = vocabulary.entries["tag", int(value)] if is_known else None
        return {"value": entry.slug, "name": entry.name} if entry else None
    if name == "source":
        slug, title = sources.get(int(value), ("", ""))
        return {"value": slug, "name": title} if slug else None
    return {"value": str(value), "name": str(value)}


def rank_values(
    name: FacetName,
    counts: Counts,
    atlas: Atlas,
    vocabulary: Vocabulary,
    sources: Sources,
    among: Set[int] | None = None,
) -> list[tuple[int | str, Value]]:
    """Values that are of the facet, the commonest first, as the engine and as clients know them."""
    values = []
    for value in _sort_by_count(_select_kind(name, counts, vocabulary)):
        row = _render_value(name, value, atlas, vocabulary, sources, ()) if among is None or value in among else None
        if row is not None:
            values.append((value, row))
    return values


def rename_values(
    rendered: Mapping[FacetName, list[Value]], atlas: Atlas, tag_names: Mapping[str, str], language: str
) -> None:
    """Tags, authors, sections and regions by their names in a language; `tag_names` has those of tags by slug."""
    for row in (row for name in TAGS & rendered.keys() for row in rendered[name]):
        row["name"] = tag_names.get(str(row["value"]), row["name"])
    for row in rendered.get("region", ()):
        row["name"] = atlas.name_in(atlas.by_slug[str(row["value"])].id, language)
