"""Adds to what an import has prepared what enrichment suggests: a language where the source names none, and regions.
What becomes of the suggestions is decided where articles are saved.

Near-duplicates are looked for among the articles of one import, and noted; none is left out for being one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlmodel import Session

from app.articles import bodies, suggested
from app.articles.manuscript import Manuscript
from app.articles.saving import Saved
from app.db import Database
from app.enrich import language, regions
from app.enrich.duplicates import Sketches
from app.enrich.regions import Texts
from app.importers.document import Document
from app.importers.prepare import Prepared
from app.regions.atlas import Atlas


def enriched(ready: Prepared, document: Document, atlas: Atlas) -> Prepared:
    """With its suggestions on the manuscript."""
    return replace(ready, manuscript=with_suggestions(ready.manuscript, atlas, declared=bool(document.language)))


def with_suggestions(manuscript: Manuscript, atlas: Atlas, *, declared: bool) -> Manuscript:
    """`declared`: the source has named the language."""
    body = bodies.to_text(manuscript.body)
    spoken = None if declared else language.suggest(manuscript.title, body)
    code = spoken.value if spoken else manuscript.language
    found = regions.suggest(_texts(manuscript, body, code), atlas.gazetteer)
    known = [replace(one, target=place.id) for one in found if (place := atlas.by_slug.get(one.value))]
    return replace(manuscript, suggestions=(*([spoken] if spoken else ()), *known))


def _texts(manuscript: Manuscript, body: str, code: str) -> Texts:
    dateline = manuscript.dateline
    at = manuscript.published_at
    year = datetime.fromtimestamp(at, UTC).year if at is not None else None
    where = (dateline.text or dateline.place or "") if dateline else ""
    return Texts(manuscript.title, manuscript.standfirst or "", body, where, code, year)


COPY = "nearly the same text as an earlier article of this import; its suggestions say which"


class Copies:
    """The texts of one import so far."""

    def __init__(self) -> None:
        self._sketches = Sketches()

    def found(self, db: Database, ready: Sequence[Prepared], saved: Sequence[Saved]) -> Iterator[tuple[str, str]]:
        """Keeps which of the new and changed articles are nearly the same as an earlier one; (where, note) of each."""
        copies = []
        for one, article in zip(ready, saved, strict=True):
            same = self._sketches.add(article.id, bodies.to_text(one.manuscript.body))
            if same is not None and article.outcome != "unchanged":
                copies.append((article.id, *same))
                yield one.where, COPY
        if copies:
            db.write_now(_keep, copies)


def _keep(session: Session, copies: Sequence[tuple[int, int, float]]) -> None:
    suggested.copies(session.connection(), copies)
