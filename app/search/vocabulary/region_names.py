"""Names of regions within a query: places are words, and articles placed there are regions_named by them. Pure.

A name is a run of words, the longest first: "New York" is no York, and "new" is no New Zealand. So that a rename stays
one row, no name enters the index: the query gets the regions' ids.
"""

from app.search.engine import NamedRegion, NameLookup
from app.search.query import analysis
from app.search.query.lexer import ParseNote
from app.search.query.tree import And, NamedPlace, Near, Node, Or, Phrase, Word, join_all, join_any

LONGEST = 6
"""Words of a name."""


def mark(node: Node, names: NameLookup | None) -> tuple[Node, tuple[NamedRegion, ...]]:
    """The tree with names of regions marked, also where words of theirs were corrected, and the regions that were not
    marked before; nothing within a field, or that is ruled out."""
    if names is None:
        return node, ()
    regions_named: dict[NamedRegion, None] = {}
    return _mark(node, names, regions_named), tuple(regions_named)


def _mark(node: Node, names: NameLookup, regions_named: dict[NamedRegion, None]) -> Node:
    match node:
        case Word() | Phrase() | Near():
            return _build_name((node,), names, regions_named) or node
        case Or(nodes):
            return join_any([_mark(inner, names, regions_named) for inner in nodes])
        case And(nodes):
            return join_all(_mark_runs(nodes, names, regions_named))
        case _:
            return node


def _mark_runs(nodes: tuple[Node, ...], names: NameLookup, regions_named: dict[NamedRegion, None]) -> list[Node]:
    marked: list[Node] = []
    at = 0
    while at < len(nodes):
        run = 0
        while run < LONGEST and at + run < len(nodes) and isinstance(nodes[at + run], Word | Near):
            run += 1
        for size in range(run, 0, -1):
            words = tuple(node for node in nodes[at : at + size] if isinstance(node, Word | Near))
            name = _build_name(words, names, regions_named)
            if name is not None:
                marked.append(name)
                at += size
                break
        else:
            marked.append(_mark(nodes[at], names, regions_named) if run == 0 else nodes[at])
            at += 1
    return marked


def _build_name(
    words: tuple[Word | Phrase | Near, ...], names: NameLookup, regions_named: dict[NamedRegion, None]
) -> NamedPlace | None:
    regions = _find_regions(words, names)
    if not regions:
        return None
    regions_named.update(dict.fromkeys(regions))
    return make_place(join_all(list(words)), regions)


def make_place(node: Node, regions: tuple[NamedRegion, ...]) -> NamedPlace:
    """Words, or their beginning, that mean one region or more."""
    within = tuple(region.id for region in regions if region.holds_others)
    own = tuple(region.id for region in regions if not region.holds_others)
    return NamedPlace(node, regions[0].slug, within, own)


def _find_regions(words: tuple[Word | Phrase | Near, ...], names: NameLookup) -> tuple[NamedRegion, ...]:
    """Of a misspelt word alone whatever it may stand for, among other words the likeliest."""
    match words:
        case (Near(_, instead),):
            regions = (region for text in instead for region in names.find_regions(analysis.analyse_words(text)))
            return tuple(dict.fromkeys(regions))
        case _:
            texts = (word.instead[0] if isinstance(word, Near) else word.text for word in words)
            return names.find_regions(tuple(term for text in texts for term in analysis.analyse_words(text)))


def describe(region: NamedRegion) -> ParseNote:
    """What tells a client how to ask for the place alone."""
    detail = f"{region.name} is a region: region={region.slug} finds what is placed there, and nothing else."
    return ParseNote("region_named", detail, f"region={region.slug}")
