"""Adds to what an import has prepared what enrichment finds in it: a language where the source names none, regions, and
what copies of its text are found by. What becomes of the suggestions is decided where articles are saved."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec

from app.articles.manuscript import Manuscript
from app.enrich import language, near_duplicates, regions, tags
from app.enrich.regions import Texts
from app.enrich.tags import TagLexicon
from app.importers import boundary
from app.importers.document import Document, Failure
from app.importers.prepare import Prepared
from app.regions.atlas import Atlas

P = ParamSpec("P")

COPY = "nearly the same text as an earlier article; its suggestions say which"


def enrich(ready: Prepared, document: Document, atlas: Atlas, lexicon: TagLexicon) -> Prepared:
    """With everything that enrichment finds."""
    return add(add(ready, told, document), enriched, atlas, lexicon)


def add(
    ready: Prepared, work: Callable[Concatenate[Prepared, P], Prepared], *args: P.args, **kwargs: P.kwargs
) -> Prepared:
    """With what `work` adds. Where it fails, the item is saved without that, and a note says so."""
    found = boundary.attempt("enrich", ready.where, work, ready, *args, **kwargs)
    if isinstance(found, Failure):
        return replace(ready, notes=(*ready.notes, f"saved without suggestions: {found.reason}"))
    return found


def told(ready: Prepared, document: Document) -> Prepared:
    """With the language that it is in, where its source names none."""
    spoken = None if document.language else language.suggest(ready.manuscript.title, ready.text)
    return replace(ready, spoken=spoken) if spoken else ready


def enriched(ready: Prepared, atlas: Atlas, lexicon: TagLexicon) -> Prepared:
    """With its suggestions on the manuscript: of its language, its regions, and tags of the lexicon."""
    manuscript, spoken = ready.manuscript, ready.spoken
    code = spoken.value if spoken else manuscript.language
    found = regions.suggest(_texts(manuscript, ready.text, code), atlas.gazetteer)
    known = [replace(one, target=place.id) for one in found if (place := atlas.by_slug.get(one.value))]
    words = near_duplicates.words(ready.text)
    named = tags.find_named(manuscript.title, ready.text, lexicon, words)
    suggestions = (*([spoken] if spoken else ()), *known, *named)
    return replace(
        ready, manuscript=replace(manuscript, suggestions=suggestions, text_keys=near_duplicates.keys(words))
    )


def _texts(manuscript: Manuscript, body: str, code: str) -> Texts:
    dateline = manuscript.dateline
    at = manuscript.published_at
    year = datetime.fromtimestamp(at, UTC).year if at is not None else None
    where = (dateline.text or dateline.place or "") if dateline else ""
    return Texts(manuscript.title, manuscript.standfirst or "", body, where, code, year)
