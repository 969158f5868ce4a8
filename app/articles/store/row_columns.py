"""The columns of an article's row: made from a manuscript and what was there before, and compared with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from app.articles.manuscript import Manuscript
from app.db.sql import AnyOf
from app.models import Article, Source, table
from app.text import keys

A, SOURCE = table(Article), table(Source)
_SOURCES = select(SOURCE.c.slug, SOURCE.c.id).where(AnyOf(SOURCE.c.slug, "slugs"))

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class ExistingRow:
    """What saving has to know of an article that is there already."""

    id: int
    version: int
    status: str
    slug: str
    content_hash: str
    published_at: int | None
    published_precision: str
    first_published_at: int | None
    public_once: bool
    withdrawn_at: int | None
    withdrawn_reason: str | None
    corrections: str
    saved_by: str | None
    trashed_at: int | None


EXISTING = [A.c[name] for name in ExistingRow.__slots__]

_SAME = (
    "title", "title_derived", "standfirst", "body", "source_url", "signature", "translation_of", "seo", "images",
    "extra", "word_count", "language", "origin", "identity", "external_id", "content_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SaveContext:
    """When, by whom and for which site a set of articles is saved. `imported`: an import saves them, which publishes
    without a date what has none; whoever publishes by hand does it now."""

    now: int
    by: str | None
    site_url: str
    imported: bool = False


def row(manuscript: Manuscript, old: ExistingRow | None, sources: Mapping[str, int], saving: SaveContext) -> Row:
    """Every column but those that only an INSERT sets."""
    status, published_at, precision = _state(manuscript, old, saving)
    first = old.first_published_at if old else None
    withdrawal = manuscript.withdrawal if status != "published" else None
    kept: Row = {name: getattr(manuscript, name) for name in _SAME}
    return (
        kept
        | _dateline(manuscript)
        | {
            "version": old.version + 1 if old else 1,
            "status": status,
            "title_key": keys.title_key(manuscript.title) or "",
            "sort_title": keys.sort_key(manuscript.title),
            "source_id": sources[manuscript.source] if manuscript.source else None,
            "published_at": published_at,
            "published_precision": precision,
            "first_published_at": first if first is not None or status != "published" else published_at,
            "corrections": manuscript.corrections or (old.corrections if old else "[]"),
            "public_once": status == "published" or (old is not None and old.public_once) or withdrawal is not None,
            "updated_at": _updated_at(manuscript, old, published_at, saving.now),
            "saved_at": saving.now,
            "saved_by": saving.by,
            "trashed_at": ((old.trashed_at if old else None) or saving.now) if status == "trashed" else None,
        }
        | _withdrawal(manuscript, old, status, saving.now)
    )


def _withdrawal(manuscript: Manuscript, old: ExistingRow | None, status: str, now: int) -> Row:
    """Since when and why readers are told that it is gone, and what replaces it; nothing where they are not told."""
    withdrawal, at = manuscript.withdrawal, old.withdrawn_at if old else None
    says_gone = at is not None if manuscript.gone is None else manuscript.gone
    if status == "published" or not (status == "withdrawn" or withdrawal is not None or says_gone):
        return {"withdrawn_at": None, "withdrawn_reason": None, "replaced_by": None}
    reason = withdrawal.reason if withdrawal else old.withdrawn_reason if old else None
    return {
        "withdrawn_at": (withdrawal.at if withdrawal else at) or now,
        "withdrawn_reason": reason,
        "replaced_by": manuscript.replaced_by,
    }


def _state(manuscript: Manuscript, old: ExistingRow | None, saving: SaveContext) -> tuple[str, int | None, str]:
    """Status, date of publication and its precision."""
    status = manuscript.status or (old.status if old else "published")
    published_at, precision = manuscript.published_at, manuscript.published_precision
    if published_at is None and old is not None:
        published_at, precision = old.published_at, old.published_precision
    stays = old is not None and old.status == status
    if published_at is None and status == "published" and not stays and not saving.imported:
        published_at, precision = saving.now, "instant"
    if status == "published" and not stays and published_at is not None and published_at > saving.now:
        status = "scheduled"  # an embargo is kept, whoever said "published"
    if status == "scheduled" and published_at is None:
        status = "draft"
    return status, published_at, precision


def _updated_at(manuscript: Manuscript, old: ExistingRow | None, published_at: int | None, now: int) -> int:
    if manuscript.updated_at is not None:
        return manuscript.updated_at
    return published_at if old is None and published_at is not None else now


def _dateline(manuscript: Manuscript) -> Row:
    dateline = manuscript.dateline
    return {
        "dateline_text": dateline.text if dateline else None,
        "dateline_place": dateline.place if dateline else None,
        "dateline_region_id": dateline.region if dateline else None,
        "dateline_date": dateline.date if dateline else None,
        "dateline_precision": dateline.precision if dateline else None,
        "dateline_from": dateline.start if dateline else None,
        "dateline_to": dateline.end if dateline else None,
    }


FIELD_OF = {
    "source_id": "source",
    "source_url": "source",
    "withdrawn_at": "status",
    "withdrawn_reason": "status",
    **{f"dateline_{part}": "dateline" for part in ("text", "place", "region_id", "date", "precision")},
}
"""Which property of an article a column belongs to, where the names differ."""
COMPARED = (
    "slug", "title", "standfirst", "body", "language", "signature", "translation_of", "seo", "images", "corrections",
    "external_id", "status", "replaced_by", "published_at", "published_precision", *FIELD_OF,
)  # fmt: skip
"""The columns that hold an article's own properties."""


def changed_fields(old: Mapping[str, object], new: Row, also: Sequence[str]) -> list[str]:
    """Properties that the new row of a known article changes, and behind them what changes `also`; links are compared
    by their facts."""
    differing = (name for name in COMPARED if name in new and new[name] != old[name])
    return [*dict.fromkeys(FIELD_OF.get(name, name) for name in differing), *also]


def sources(connection: Connection, names: set[str]) -> dict[str, int]:
    """Ids of sources by name; unknown ones are made."""
    by_slug = {keys.slug(name, "source"): name for name in sorted(names)}
    if not by_slug:
        return {}
    known = {row.slug: row.id for row in connection.execute(_SOURCES, {"slugs": list(by_slug)})}
    for slug in by_slug.keys() - known.keys():
        made = insert(SOURCE).returning(SOURCE.c.id)
        known[slug] = connection.execute(made, {"slug": slug, "name": by_slug[slug]}).scalar_one()
    return {name: known[keys.slug(name, "source")] for name in names}
