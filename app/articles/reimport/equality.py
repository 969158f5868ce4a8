"""Whether a source and an article say the same of a property, in whatever words. Reads only."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlmodel import Session

from app.articles.manuscript import ArticleDateline, Manuscript
from app.articles.store.stored_article import StoredArticle
from app.enrich.suggestion import DATELINE
from app.tags import service as tags
from app.tags.service import TagSpec
from app.text import keys

TagIds = Mapping[TagSpec, int]
_WORDS = ("standfirst", "signature", "title", "body", "language")
PARTS = {"tags": "term", "sections": "section", "authors": "contributor"}
"""Fields that are kept as tags, with the family of kinds of each."""
_JSON = ("images", "seo", "extra", "corrections")


def tag_ids(session: Session, manuscripts: Iterable[Manuscript]) -> TagIds:
    """The tags that are there, by how they are named; makes none."""
    asked = list(dict.fromkeys(one for manuscript in manuscripts for one in manuscript.tags))
    return tags.find(session, asked) if asked else {}


def is_same(name: str, new: Manuscript, before: Manuscript, current: StoredArticle, known: TagIds) -> bool:
    """Of a field of `field_hashes.FIELDS`; `before` is the article as it is here."""
    if name in _WORDS:
        return (getattr(new, name) or None) == (getattr(before, name) or None)
    if name in _JSON:
        # What readers were told stays where a manuscript says nothing of it.
        context = current.columns[name] if name == "corrections" else getattr(before, name)
        return _json(getattr(new, name)) == _json(context)
    if name in PARTS:
        return _tags(new, known, name) == _tags(before, known, name)
    if name == "slug":
        return _is_slug(keys.slug(new.slug or "", "article"), before.slug or "")
    if name == "status":
        return new.status == before.status and _is_withdrawal(new, current)
    read = _COMPARED[name]
    return bool(read(new) == read(before))


def _json(value: str | None) -> object:
    return _without_nulls(orjson.loads(value or "null"))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None} or None
    if isinstance(value, list):
        return [_without_nulls(one) for one in value] or None
    return value


def merged_json(old: str, new: str) -> str:
    """One object with what the other says on top."""
    return orjson.dumps({**orjson.loads(old or "{}"), **orjson.loads(new or "{}")}).decode()


def part(manuscript: Manuscript, name: str) -> list[TagSpec]:
    """Of an article's tags those that a field of PARTS holds."""
    return [one for one in manuscript.tags if PARTS[name] == tags.family(one.kind)]


def _tags(manuscript: Manuscript, known: TagIds, name: str) -> list[object]:
    return list(dict.fromkeys(known.get(one, one.key) for one in part(manuscript, name)))


def _is_slug(expected: str, slug: str) -> bool:
    """A slug that was taken got a number behind it."""
    number = slug.removeprefix(f"{expected}-")
    return expected == slug or (number != slug and number.isdigit())


def _is_withdrawal(new: Manuscript, current: StoredArticle) -> bool:
    if new.withdrawal is None or new.status == "published":
        return True
    return (new.withdrawal.at, new.withdrawal.reason) == (
        current.columns["withdrawn_at"], current.columns["withdrawn_reason"],
    )  # fmt: skip


def _dateline(value: ArticleDateline | None) -> object:
    return (value.text, value.place, value.date, value.precision) if value else None


def _regions(manuscript: Manuscript) -> object:
    """In whatever order. The role of the dateline's region follows from the dateline."""
    merged: dict[int, int] = {}
    for region, roles in manuscript.regions:
        merged[region] = merged.get(region, 0) | (roles & ~DATELINE)
    return {region: roles for region, roles in merged.items() if roles}


_COMPARED: Mapping[str, Any] = {
    "dateline": lambda one: _dateline(one.dateline),
    "regions": _regions,
    "related": lambda one: [(one.title or None, one.url or None) for one in one.related or ()],
    "source": lambda one: (keys.slug(one.source, "source") if one.source else None, one.source_url or None),
    "published_at": lambda one: (one.published_at, one.published_precision),
    "addresses": lambda one: (one.previous_slugs, one.previous_urls),
    "original": lambda one: one.translation_of,
}
