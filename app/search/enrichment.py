"""What is suggested for one article: what its import has kept, and for the rest what its text, the index and the
archive's tags say now. Changes nothing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import bindparam, case, func, select

from app.articles.store import suggestions as store_suggestions
from app.context import RequestContext
from app.db.database import Database, Row
from app.db.sql import AnyOf, Prepared, prepare
from app.enrich import language, near_duplicates, regions, tags
from app.enrich.regions import Texts
from app.enrich.suggestion import ROLES, SuggestedValue
from app.enrich.tags import TagLexicon
from app.models import Article, ArticleRegion, ArticleTag, Tag, table
from app.models import Suggestion as Kept
from app.regions.atlas import Atlas
from app.search.index import EngineIndex, Known
from app.search.vocabulary.names import Vocabulary
from app.tags import lexicon

A, PLACED, TAGGED, TAG, KEPT = table(Article), table(ArticleRegion), table(ArticleTag), table(Tag), table(Kept)
NEIGHBOURS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Everything suggested, by kind and then the best first; what the article has is `taken`."""

    suggestions: tuple[SuggestedValue, ...]
    language: str
    regions: tuple[tuple[int, int], ...]
    tags: frozenset[int]
    words: Vocabulary

    def taken(self, one: SuggestedValue) -> bool:
        return one.kind != "duplicate" and store_suggestions.is_taken(one, self.language, self.regions, self.tags)


@dataclass(frozen=True, slots=True)
class _Names:
    """Of tags: as they are found in texts, and by id."""

    lexicon: TagLexicon
    entries: Mapping[int, str]


async def found(db: Database, index: EngineIndex, id: int, view: RequestContext) -> Found:
    """Language and regions as kept, else from the text; tags as kept and from the archive of now; kept near-duplicates
    and those that the index has. Seven to nine statements."""
    dialect = db.dialect
    kept = [_read(row) for row in await db.reader.rows(_kept(dialect), {"id": id})]
    placed = await db.reader.rows(_placed(dialect), {"id": id})
    [(spoken, place, at)] = await db.reader.rows(_article(dialect), {"id": id})
    own, others = await index.alike(id, view, NEIGHBOURS)
    words = await index.vocabulary(view.head)
    texts = Texts(own.profile.title, "", own.profile.text, str(place or ""), str(spoken), _year(at))
    known = await asyncio.to_thread(_lexicon, db)
    entries = {id: entry.name for (realm, id), entry in words.entries.items() if realm == "tag"}
    tagged = _Names(known, entries)
    made = await asyncio.to_thread(_made, texts, own, list(others.values()), tagged, view, kept)
    links = tuple((int(str(region)), int(str(roles))) for region, roles in placed)
    return Found(tuple(made), str(spoken), links, frozenset(own.tags), words)


def _made(
    texts: Texts,
    own: Known,
    others: Sequence[Known],
    names: _Names,
    view: RequestContext,
    kept: Sequence[SuggestedValue],
) -> list[SuggestedValue]:
    kinds = {one.kind for one in kept}
    made = [one for one in kept if one.kind in ("language", "region")]
    if "language" not in kinds and (spoken := language.suggest(texts.title, texts.body)):
        made.append(spoken)
    if "region" not in kinds:
        places = view.atlas.by_slug
        found = regions.suggest(texts, view.atlas.gazetteer)
        made += [replace(one, target=places[one.value].id) for one in found if one.value in places]
    named = _named(tags.find_named(texts.title, texts.body, names.lexicon), kept, names.entries)
    voters = [(one.profile.score, one.tags) for one in others]
    made += tags.merge(named, tags.vote(voters, names.entries))
    return sorted((*made, *_copies(own, others, kept)), key=lambda one: (_KINDS.index(one.kind), -one.score, one.value))


def _named(
    now: Iterable[SuggestedValue], kept: Iterable[SuggestedValue], entries: Mapping[int, str]
) -> list[SuggestedValue]:
    """What names say now, and what they said when the article came: each tag once, by its name of now."""
    found = {one.target: one for one in now}
    for one in kept:
        if one.kind == "tag" and one.target is not None and one.target in entries:
            found.setdefault(one.target, replace(one, value=entries[one.target]))
    return list(found.values())


_KINDS = ("language", "region", "tag", "duplicate")


def _copies(own: Known, others: Iterable[Known], kept: Iterable[SuggestedValue]) -> list[SuggestedValue]:
    """Near-duplicates, those in the index measured exactly."""
    made = {one.target: one for one in kept if one.kind == "duplicate"}
    mine = near_duplicates.runs(own.profile.text)
    for other in others:
        share = near_duplicates.containment(mine, near_duplicates.runs(other.profile.text))
        if share >= near_duplicates.COPY and len(mine) >= near_duplicates.FEWEST:
            reason = f"{share:.0%} of the shorter one's runs of three words"
            made[other.profile.id] = SuggestedValue(
                "duplicate", other.profile.title, round(share, 3), "index", other.profile.id, evidence=reason
            )
    return list(made.values())


def _lexicon(db: Database) -> TagLexicon:
    with db.snapshot() as snapshot:
        return lexicon.current(snapshot)


def _year(at: object) -> int | None:
    return datetime.fromtimestamp(at, UTC).year if isinstance(at, int) else None


def _read(row: Row) -> SuggestedValue:
    kind, target, roles, value, score, origin = row
    spoken = kind == "language"
    return SuggestedValue(
        str(kind),  # type: ignore[arg-type] # the table allows these alone
        str(value) if spoken else "",
        float(str(score)),
        str(origin),
        int(str(target)) if target is not None else None,
        int(str(roles)),
        "" if spoken else str(value),
    )


async def shown(db: Database, found: Found, atlas: Atlas) -> list[dict[str, object]]:
    """The suggestions as answers have them; what has gone meanwhile is left out. One statement."""
    copies = [one.target for one in found.suggestions if one.kind == "duplicate" and one.target is not None]
    rows = await db.reader.rows(_titles(db.dialect), {"ids": copies}) if copies else []
    articles = {int(str(id)): {"id": id, "slug": slug, "title": title} for id, slug, title in rows}
    every = [(one, _target(one, found.words, atlas, articles)) for one in found.suggestions]
    return [
        _PLAIN
        | {"kind": one.kind, "score": one.score, "origin": one.origin, "evidence": one.evidence}
        | {"roles": [name for name, bit in ROLES.items() if one.roles & bit], "taken": found.taken(one)}
        | {"article" if one.kind == "duplicate" else one.kind: target}
        for one, target in every
        if target is not None
    ]


_PLAIN: dict[str, object] = dict.fromkeys(("language", "region", "tag", "article"))


def _target(one: SuggestedValue, words: Vocabulary, atlas: Atlas, articles: Mapping[int, object]) -> object:
    if one.kind == "language":
        return one.value
    if one.target is None:
        return None
    if one.kind == "region":
        place = atlas.by_id.get(one.target)
        return {"slug": place.slug, "name": place.name, "level": place.level} if place else None
    if one.kind == "tag":
        tag = words.entries.get(("tag", one.target))
        return {"slug": tag.slug, "name": tag.name, "kind": tag.kind} if tag else None
    return articles.get(one.target)


@lru_cache(maxsize=4)
def _kept(dialect: str) -> Prepared:
    """Of a tag that was merged meanwhile the one that it has become."""
    target = case((KEPT.c.kind == "tag", func.coalesce(TAG.c.merged_into, KEPT.c.target_id)), else_=KEPT.c.target_id)
    of = KEPT.outerjoin(TAG, (KEPT.c.kind == "tag") & (TAG.c.id == KEPT.c.target_id))
    columns = (KEPT.c[name] for name in ("roles", "value", "score", "origin"))
    found = select(KEPT.c.kind, target, *columns).select_from(of)
    return prepare(found.where(KEPT.c.article_id == bindparam("id")).order_by(KEPT.c.id), dialect)


@lru_cache(maxsize=4)
def _placed(dialect: str) -> Prepared:
    own = (PLACED.c.article_id == bindparam("id")) & (PLACED.c.roles != 0)
    return prepare(select(PLACED.c.region_id, PLACED.c.roles).where(own), dialect)


@lru_cache(maxsize=4)
def _article(dialect: str) -> Prepared:
    found = select(A.c.language, A.c.dateline_text, A.c.published_at).where(A.c.id == bindparam("id"))
    return prepare(found, dialect)


@lru_cache(maxsize=4)
def _titles(dialect: str) -> Prepared:
    return prepare(select(A.c.id, A.c.slug, A.c.title).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])
