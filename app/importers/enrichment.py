"""Adds to what an import has prepared what enrichment finds in it: a language where the source names none, regions, and
what copies of its text are found by. What becomes of the suggestions is decided where articles are saved.

Processes that only prepare import this: without a database and HTTP they start in a quarter of the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec

import orjson

from app.articles.manuscript import Manuscript
from app.enrich import language, near_duplicates, regions, tags
from app.enrich.suggestion import DATELINE, UNKNOWN_LANGUAGE, SuggestedValue
from app.importers import boundary
from app.importers.document import Document, Failure
from app.importers.prepare import PreparedItem, prepare
from app.regions.atlas import Atlas

P = ParamSpec("P")

COPY = "nearly the same text as an earlier article; its suggestions say which"


def prepare_documents(
    documents: Sequence[tuple[str, Document]], origin: str | None, atlas: Atlas, lexicon: tags.TagLexicon | None
) -> list[PreparedItem | Failure]:
    """Each document, with its path, as a manuscript; without a lexicon it is not enriched."""
    items: list[PreparedItem | Failure] = [
        boundary.attempt("prepare", document.where, prepare, document, path, origin, atlas)
        for path, document in documents
    ]
    if lexicon is None:
        return items
    # One thing for all and then the next: what each looks things up in fits a processor's cache, together they do
    # not, and telling languages takes half as long again in turns with the rest.
    items = [
        one if isinstance(one, Failure) else add_finding(one, add_language, document)
        for one, (_, document) in zip(items, documents, strict=True)
    ]
    return [one if isinstance(one, Failure) else add_finding(one, add_suggestions, atlas, lexicon) for one in items]


def enrich(ready: PreparedItem, document: Document, atlas: Atlas, lexicon: tags.TagLexicon) -> PreparedItem:
    """With everything that enrichment finds."""
    return add_finding(add_finding(ready, add_language, document), add_suggestions, atlas, lexicon)


def add_finding(
    ready: PreparedItem, work: Callable[Concatenate[PreparedItem, P], PreparedItem], *args: P.args, **kwargs: P.kwargs
) -> PreparedItem:
    """With what `work` adds. Where it fails, the item is saved without that, and a note says so."""
    enriched_item = boundary.attempt("enrich", ready.where, work, ready, *args, **kwargs)
    if isinstance(enriched_item, Failure):
        return replace(ready, notes=(*ready.notes, f"saved without suggestions: {enriched_item.reason}"))
    return enriched_item


def add_language(ready: PreparedItem, document: Document) -> PreparedItem:
    """With the language that it is in, where its source names none."""
    # Our own export says `und` where nothing is known: an archive that is brought elsewhere is the same there.
    is_named = ready.manuscript.language != UNKNOWN_LANGUAGE or (document.is_own and document.language)
    spoken = None if is_named else language.suggest(ready.manuscript.title, ready.text)
    return replace(ready, spoken=spoken) if spoken else ready


def add_suggestions(ready: PreparedItem, atlas: Atlas, lexicon: tags.TagLexicon) -> PreparedItem:
    """With its suggestions on the manuscript: of its language, its regions, and tags of the lexicon."""
    manuscript, spoken = ready.manuscript, ready.spoken
    code = spoken.value if spoken else manuscript.language
    region_suggestions = regions.suggest(_make_texts(manuscript, ready.text, code, atlas), atlas.gazetteer)
    resolved = [
        replace(one, target=region.id) for one in region_suggestions if (region := atlas.by_slug.get(one.value))
    ]
    manuscript = _relocate_dateline(manuscript, resolved, atlas)
    words = near_duplicates.words(ready.text)
    tag_suggestions = tags.find_named(manuscript.title, ready.text, lexicon, words)
    suggestions = (*([spoken] if spoken else ()), *resolved, *tag_suggestions)
    return replace(
        ready, manuscript=replace(manuscript, suggestions=suggestions, text_keys=near_duplicates.keys(words))
    )


def _relocate_dateline(manuscript: Manuscript, suggestions: Sequence[SuggestedValue], atlas: Atlas) -> Manuscript:
    """Without the city that the dateline was taken for by its name alone, where the article means a namesake of it:
    what was found instead is linked with the other suggestions."""
    dateline = manuscript.dateline
    located = next((one.target for one in suggestions if one.roles & DATELINE and one.target is not None), None)
    if dateline is None or dateline.region is None or located is None or atlas.by_id[dateline.region].level != "city":
        return manuscript
    if manuscript.keeps_regions:
        return manuscript
    if atlas.country(located) == atlas.country(dateline.region):
        return manuscript
    regions = tuple(one for one in manuscript.regions if one != (dateline.region, DATELINE))
    return replace(manuscript, regions=regions, dateline=replace(dateline, region=None))


def _make_texts(manuscript: Manuscript, body: str, code: str, atlas: Atlas) -> regions.Texts:
    dateline = manuscript.dateline
    at = manuscript.published_at
    year = datetime.fromtimestamp(at, UTC).year if at is not None else None
    where = (dateline.text or dateline.place or "") if dateline else ""
    home = atlas.find_home(manuscript.origin, manuscript.source_url, orjson.loads(manuscript.seo).get("canonical_url"))
    return regions.Texts(manuscript.title, manuscript.standfirst or "", body, where, code, year, home)
